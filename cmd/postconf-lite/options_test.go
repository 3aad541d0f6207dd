package main

import (
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/cmd/internal/getopt"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/postconf"
)

func testProgram() postconf.Program {
	return postconf.Program{
		Name:    "postconf",
		Getenv:  func(string) (string, bool) { return "", false },
		Stdout:  io.Discard,
		Stderr:  io.Discard,
		Profile: params.DefaultProfile(),
	}
}

// TestOptionsOfKong holds that kong knows exactly the options that getopt lets
// through.
func TestOptionsOfKong(t *testing.T) {
	spec := testProgram().OptionString()
	shorts := map[string]string{}
	fields := reflect.TypeFor[commandLine]()
	for i := range fields.NumField() {
		tag := fields.Field(i).Tag
		if short := tag.Get("short"); short != "" {
			shorts[short] = tag.Get("type")
		}
	}
	for i := 0; i < len(spec); i++ {
		if spec[i] == ':' {
			continue
		}
		want := "letter"
		if strings.HasPrefix(spec[i+1:], ":") {
			want = "argument"
		}
		letter := spec[i : i+1]
		if shorts[letter] != want {
			t.Errorf("kong reads -%s as %q, getopt as %q", letter, shorts[letter], want)
		}
		delete(shorts, letter)
	}
	for letter := range shorts {
		t.Errorf("getopt does not let -%s through", letter)
	}
}

// TestHelp holds that each option that getopt lets through is in the help, which has
// no names that cannot be used, and that the manual page has them, too.
func TestHelp(t *testing.T) {
	var help strings.Builder
	if err := printHelp(&help); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/man/postconf-lite.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, letter := range strings.ReplaceAll(testProgram().OptionString(), ":", "") {
		option := "-" + string(letter)
		if n := strings.Count(help.String(), "\n  "+option+" "); n != 1 && letter != 'E' { // stock's -E is the usage
			t.Errorf("%s is %d times in the help", option, n)
		}
		if !strings.Contains(string(page), "\\fB"+option) && letter != 'E' {
			t.Errorf("%s is not in the manual page", option)
		}
	}
	if strings.Count(help.String(), "--") != strings.Count(help.String(), "--postfix ") {
		t.Errorf("long names in:\n%s", help.String())
	}
	for argv, want := range map[string]string{
		"/usr/bin/postconf-lite --help": "--help", "postconf --help": "", "postconf-lite": "", "postconf-lite -d --help": "",
		"postconf-lite --version -d": "--version", "/usr/sbin/postconf --version": "", "postconf-lite --versions": "",
	} {
		if got := asksAbout(strings.Fields(argv)); got != want {
			t.Errorf("%s: asks %q", argv, got)
		}
	}
}

// TestBytes holds that words reach the request as they are, whatever they
// look like and whatever their encoding.
func TestBytes(t *testing.T) {
	for _, args := range [][]string{
		{"--", "\xff\xfe", "-x", "", "--", "a,b", "${x}"},
		{"\xc3", "--postfix"},
		{"-o", "a=\xff,b", "-c", "", "name"},
		{"-o-o=x", "-c", "--", "-", "y"},
	} {
		words, err := getopt.Parse(testProgram().OptionString(), args)
		if err != nil {
			t.Fatal(err)
		}
		var (
			line    commandLine
			request postconf.Request
		)
		if err := line.parse(words, &request, testProgram()); err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		if strings.Join(line.Names, "\x00") != strings.Join(words.Operands, "\x00") {
			t.Errorf("%q: kong's operands are %q, getopt's %q", args, line.Names, words.Operands)
		}
		dir, _ := request.ConfigDir()
		for _, o := range words.Options {
			if o.Letter == 'c' && dir != o.Value {
				t.Errorf("%q: -c is %q", args, dir)
			}
		}
	}
}
