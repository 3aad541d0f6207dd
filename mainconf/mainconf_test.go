package mainconf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-multierror"
)

type nameValue struct{ Name, Value string }

func TestParseMain(t *testing.T) {
	const leading = "f: logical line must not start with whitespace: "
	for _, test := range []struct {
		name     string
		in       string
		entries  []nameValue
		warnings []string
		errors   []string
	}{
		{name: "empty"},
		{name: "comments only", in: "# a\n\n  # b\n \t\n"},
		{name: "simple", in: "a = 1\nb=2\nc\t=\t3  \n", entries: []nameValue{{"a", "1"}, {"b", "2"}, {"c", "3"}}},
		{name: "no final newline", in: "a = 1", entries: []nameValue{{"a", "1"}}},
		{name: "empty value", in: "a =\nb = \n", entries: []nameValue{{"a", ""}, {"b", ""}}},
		{name: "continued", in: "a=1\n  b\n", entries: []nameValue{{"a", "1  b"}}},
		{name: "comment inside", in: "a = 1\n\n#x\n  more\nb = 2\n", entries: []nameValue{{"a", "1  more"}, {"b", "2"}}},
		{name: "hash is data", in: "a = 1 # x\n", entries: []nameValue{{"a", "1 # x"}}},
		{name: "carriage returns", in: "a = 1\r\n  b\r\n", entries: []nameValue{{"a", "1\r  b"}}},
		{name: "odd names", in: "a-b.c/d = 1\n-o = 2\n{x = 3\n", entries: []nameValue{{"a-b.c/d", "1"}, {"-o", "2"}, {"{x", "3"}}},
		{name: "eight bit", in: "\xa0 = \xa0\n", entries: []nameValue{{"\xa0", "\xa0"}}},
		{
			name: "errors", in: "foo\na = 1\nfoo bar\n b\n= bar\n",
			entries: []nameValue{{"a", "1"}},
			errors: []string{
				`f, line 1: missing '=' after attribute name: "foo"`,
				`f, line 3: missing '=' after attribute name: "foo bar b"`,
				`f, line 5: missing attribute name: "= bar"`,
			},
		},
		{
			name: "duplicates", in: "a = 1\na = 1\na = 2\n a\n",
			entries:  []nameValue{{"a", "1"}, {"a", "1"}, {"a", "2 a"}},
			warnings: []string{"f, line 3: overriding earlier entry: a=1"},
		},
		{
			name: "leading space", in: " x\n\n y\na = 1\n",
			entries:  []nameValue{{"a", "1"}},
			warnings: []string{leading + `" x y"`},
		},
		{
			name: "long leading space", in: " 2345678901234567890123456789012\n",
			warnings: []string{leading + `" 23456789012345678901234567890..."`},
		},
		{
			name: "null bytes", in: "a = 1\x002\nb = 1\n 2\x00\n# \x00\nc = 3\n",
			entries: []nameValue{{"a", "1"}, {"b", "1 2"}, {"c", "3"}},
			warnings: []string{
				"f, line 1: text after null byte may be ignored",
				"f, line 2-4: text after null byte may be ignored",
			},
		},
		{
			name: "null first", in: "\x00a = 1\n",
			warnings: []string{"f, line 1: text after null byte may be ignored"},
			errors:   []string{`f, line 1: missing attribute name: ""`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := ParseMain("f", []byte(test.in))
			var entries []nameValue
			for _, e := range m.Entries {
				entries = append(entries, nameValue{e.Name, e.Value})
			}
			var warnings []string
			for _, w := range m.Warnings {
				warnings = append(warnings, w.String())
			}
			check(t, "entries", entries, test.entries)
			check(t, "warnings", warnings, test.warnings)
			check(t, "errors", errorTexts(t, err), test.errors)
			check(t, "bytes", string(m.Bytes()), test.in)
		})
	}
}

func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func errorTexts(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	many, ok := err.(interface{ WrappedErrors() []error })
	if !ok {
		t.Fatalf("error of type %T", err)
	}
	var texts []string
	for _, e := range many.WrappedErrors() {
		texts = append(texts, e.Error())
	}
	return texts
}

// TestNothing: what is nil or has no fields is as good as an empty file or entry.
func TestNothing(t *testing.T) {
	var main *Main
	var master *Master
	if main.Bytes() != nil || master.Bytes() != nil || master.Lookup("", "") != nil {
		t.Error("a nil document holds something")
	}
	for range main.Effective {
		t.Error("a nil document has an entry")
	}
	for _, s := range []*Service{{}, {Words: []string{"smtp"}}} {
		for f := Field(-1); f <= NumFields; f++ {
			want := ""
			if f == FieldService && len(s.Words) > 0 {
				want = s.Words[0]
			}
			check(t, "field", s.Field(f), want)
		}
		check(t, "name space", s.NameSpace(), s.Name()+"/")
		check(t, "type, command and process name", s.Type()+s.Command()+s.ProcessName(), "")
	}
	full, _, err := ParseService("s inet n - y 1? 0 prog arg")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "a word that is no field", full.Field(NumFields), "")
}

// TestWhereLinesStand: an entry ends before the comments that are about the
// next one, and a preset stands nowhere.
func TestWhereLinesStand(t *testing.T) {
	const text = "# about a\na = 1\n# inside\n  more\n\n# about b\nb = 2\nc = 3"
	m, err := ParseMain("f", []byte(text), Setting{"p", "x"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		inFile      bool
		own, behind string
	}{
		{false, "", ""},
		{true, "a = 1\n# inside\n  more\n", "\n# about b\n"},
		{true, "b = 2\n", ""},
		{true, "c = 3", ""},
	} {
		l := m.Entries[i].Line
		check(t, "stands in the file", l.InFile(), want.inFile)
		check(t, "own lines", text[l.Offset:l.TextEnd], want.own)
		check(t, "lines behind", text[l.TextEnd:l.End], want.behind)
	}
	master, err := ParseMaster("f", []byte("a inet n - n - - x\n  -v\n\n#b\nb inet n - n - - y"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := master.Services[0].Line, master.Services[1].Line
	check(t, "own lines of a service", string(master.Bytes()[a.Offset:a.TextEnd]), "a inet n - n - - x\n  -v\n")
	check(t, "own lines of the last service", string(master.Bytes()[b.Offset:b.TextEnd]), "b inet n - n - - y")
	alone, _, err := ParseService("a inet n - n - - x")
	if err != nil || alone.Line.InFile() {
		t.Errorf("%+v, %v", alone, err)
	}
}

// Errors finds all there are, however they are held.
func TestErrors(t *testing.T) {
	one := &Error{Text: "one"}
	_, many := ParseMain("main.cf", []byte("a\nb = 1\nc\n"))
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("x"), ""},
		{one, "one"},
		{fmt.Errorf("wrapped: %w", one), "one"},
		{many, `main.cf, line 1: missing '=' after attribute name: "a"|main.cf, line 3: missing '=' after attribute name: "c"`},
		{multierror.Append(nil, many, errors.New("x"), fmt.Errorf("wrapped: %w", many), one),
			`main.cf, line 1: missing '=' after attribute name: "a"|main.cf, line 3: missing '=' after attribute name: "c"` + "|" +
				`main.cf, line 1: missing '=' after attribute name: "a"|main.cf, line 3: missing '=' after attribute name: "c"|one`},
	} {
		var texts []string
		for _, e := range Errors(tt.err) {
			texts = append(texts, e.Text)
		}
		if got := strings.Join(texts, "|"); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

// Goroutines that read a document may append to what it holds.
func TestClipped(t *testing.T) {
	for n := range 10 {
		text := strings.Repeat("a = 1\n lead\nb = \x00\n", n+1)
		file, _ := ParseMain("main.cf", []byte(text))
		text = strings.Repeat("smtp inet n - y - - smtpd"+strings.Repeat(" -o a=b -v {x", n)+"\n", n+1)
		master, _ := ParseMaster("master.cf", []byte(text))
		s, _, _ := ParseService(strings.TrimRight(text, "\n"))
		for what, spare := range map[string]int{
			"Entries":           cap(file.Entries) - len(file.Entries),
			"Warnings":          cap(file.Warnings) - len(file.Warnings),
			"Services":          cap(master.Services) - len(master.Services),
			"Warnings (master)": cap(master.Warnings) - len(master.Warnings),
			"Words":             cap(master.Services[0].Words) - len(master.Services[0].Words),
			"Args":              cap(master.Services[0].Args) - len(master.Services[0].Args),
			"Overrides":         cap(master.Services[0].Overrides) - len(master.Services[0].Overrides),
			"Words (alone)":     cap(s.Words) - len(s.Words),
		} {
			if spare > 0 {
				t.Errorf("%d: %s have %d to spare", n, what, spare)
			}
		}
	}
}
