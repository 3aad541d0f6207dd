package getopt

import (
	"errors"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// spec is postconf's option string, where most of the awkward letters are.
const spec = "aAbc:C:deEfFhHlmMno:pPqtT:vxX#"

func TestParse(t *testing.T) {
	opt := func(letter byte) Option { return Option{Letter: letter} }
	val := func(letter byte, v string) Option { return Option{letter, v, true} }
	for _, tt := range []struct {
		name     string
		args     []string
		options  []Option
		operands []string
	}{
		{"nothing", nil, nil, nil},
		{"separate", []string{"-n", "-x"}, []Option{opt('n'), opt('x')}, nil},
		{"cluster", []string{"-nxf"}, []Option{opt('n'), opt('x'), opt('f')}, nil},
		{"repeated", []string{"-vv", "-v"}, []Option{opt('v'), opt('v'), opt('v')}, nil},
		{"attached value", []string{"-c/etc"}, []Option{val('c', "/etc")}, nil},
		{"separate value", []string{"-c", "/etc"}, []Option{val('c', "/etc")}, nil},
		{"value at the end of a cluster", []string{"-nc", "dir"}, []Option{opt('n'), val('c', "dir")}, nil},
		{"value attached in a cluster", []string{"-ncn"}, []Option{opt('n'), val('c', "n")}, nil},
		{"empty value", []string{"-c", "", "x"}, []Option{val('c', "")}, []string{"x"}},
		{"value is an option", []string{"-c", "-n"}, []Option{val('c', "-n")}, nil},
		{"value is the separator", []string{"-c", "--", "-n"}, []Option{val('c', "--"), opt('n')}, nil},
		{"value has an equals sign", []string{"-o=x"}, []Option{val('o', "=x")}, nil},
		{"options end at an operand", []string{"-n", "a", "-x"}, []Option{opt('n')}, []string{"a", "-x"}},
		{"separator", []string{"-n", "--", "-x", "--"}, []Option{opt('n')}, []string{"-x", "--"}},
		{"separator after an operand", []string{"a", "--", "b"}, nil, []string{"a", "--", "b"}},
		{"lone hyphen", []string{"-n", "-", "-x"}, []Option{opt('n')}, []string{"-", "-x"}},
		{"empty word", []string{"", "-x"}, nil, []string{"", "-x"}},
		{"number sign", []string{"-#", "x"}, []Option{opt('#')}, []string{"x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Parse(spec, tt.args)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(Result{tt.options, tt.operands}, r, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name    string
		args    []string
		options int // how many precede the error
		text    string
		missing bool
	}{
		{"unknown", []string{"-z"}, 0, "invalid option -- 'z'", false},
		{"unknown in a cluster", []string{"-nzx"}, 1, "invalid option -- 'z'", false},
		{"long option", []string{"-n", "--help"}, 1, "invalid option -- '-'", false},
		{"hyphen in a cluster", []string{"-n-"}, 1, "invalid option -- '-'", false},
		{"colon", []string{"-:"}, 0, "invalid option -- ':'", false},
		{"semicolon", []string{"-;"}, 0, "invalid option -- ';'", false},
		{"blank", []string{"- "}, 0, "invalid option -- ' '", false},
		{"not ASCII", []string{"-\xe9"}, 0, "invalid option -- '\xe9'", false},
		{"missing argument", []string{"-c"}, 0, "option requires an argument -- 'c'", true},
		{"missing argument in a cluster", []string{"-no"}, 1, "option requires an argument -- 'o'", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Parse(spec, tt.args)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v, want an *Error", err)
			}
			if e.Error() != tt.text || e.MissingArgument != tt.missing || len(r.Options) != tt.options {
				t.Errorf("got %q, missing %v, after %d options; want %q, %v, %d",
					e, e.MissingArgument, len(r.Options), tt.text, tt.missing, tt.options)
			}
		})
	}
}

// TestAttachedIsFixed holds that Attached means the same as what it was made from.
func TestAttachedIsFixed(t *testing.T) {
	for _, args := range hardVectors {
		first, err := Parse(spec, args)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Parse(spec, first.Attached())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(first, second, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%q: %s", args, d)
		}
	}
}

var hardVectors = [][]string{
	nil,
	{"-vv", "-o", "a=b,c", "-o", "-x=y", "-c", "-n", "--", "-x"},
	{"-o", "", "-c", "", "name"},
	{"-o=x", "-o", "--", "-o", "--x=y", "a", "-n", "--", "-"},
	{"-o", "=", "-o", "'", "-o", "\"", "-o", "a=b=c", ""},
	{"-c--", "-o-", "--", "--", "--help"},
}

// TestKongReadsAttached holds what Attached promises: kong takes from it exactly
// the options and operands that getopt(3) found.
func TestKongReadsAttached(t *testing.T) {
	type command struct {
		V    int      `short:"v" type:"counter"`
		N    bool     `short:"n"`
		O    []string `short:"o" sep:"none"`
		C    string   `short:"c"`
		Rest []string `arg:"" optional:"" sep:"none"`
	}
	for _, args := range hardVectors {
		r, err := Parse(spec, args)
		if err != nil {
			t.Fatal(err)
		}
		want := command{Rest: r.Operands}
		for _, o := range r.Options {
			switch o.Letter {
			case 'v':
				want.V++
			case 'n':
				want.N = true
			case 'o':
				want.O = append(want.O, o.Value)
			case 'c':
				want.C = o.Value
			}
		}
		var got command
		k, err := kong.New(&got, kong.NoDefaultHelp(), kong.WithHyphenPrefixedParameters(true))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Parse(r.Attached()); err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%q: %s", args, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-n", "-ca", "x")
	f.Add("--", "-", "")
	f.Add("-o", "-#", "-z")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		args := []string{a, b, c}
		r, err := Parse(spec, args)
		if err != nil {
			return
		}
		again, err := Parse(spec, r.Attached())
		if err != nil {
			t.Fatalf("%q: attached form %q: %v", args, r.Attached(), err)
		}
		if d := cmp.Diff(r, again, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%q: %s", args, d)
		}
	})
}
