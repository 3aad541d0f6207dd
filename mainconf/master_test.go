package mainconf

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/go-multierror"
)

func TestParseMaster(t *testing.T) {
	const good = "s inet n - y 1? 0 prog"
	for _, test := range []struct {
		name      string
		in        string
		args      []string // of the last service
		overrides []nameValue
		warnings  []string
		errors    []string
	}{
		{name: "plain", in: good + "\n"},
		{name: "continued", in: good + "\n# c\n  -v\n\n  x\n", args: []string{"-v", "x"}},
		{name: "option value", in: good + " -o a=b -oabc=d", args: []string{"-o", "a=b", "-o", "abc=d"}, overrides: []nameValue{{"a", "b"}, {"abc", "d"}}},
		{name: "cluster", in: good + " -vo a=b", args: []string{"-v", "-o", "a=b"}, overrides: []nameValue{{"a", "b"}}},
		{name: "o inside a value", in: good + " -ofoo=bar", args: []string{"-o", "f", "-o", "-o=bar"}, overrides: []nameValue{{"-o", "bar"}}},
		{name: "o inside a cluster", in: good + " -vfoo x", args: []string{"-vf", "-o", "-o", "x"}},
		{name: "braces", in: good + " -o {a = b  c} {d e} { f }", args: []string{"-o", "a=b  c", "d e", "f"}, overrides: []nameValue{{"a", "b  c"}}},
		{name: "brace ends the options", in: good + " { -o a=b } -o c=d", args: []string{"-o a=b", "-o", "c=d"}},
		{name: "two dashes", in: good + " -- -o a=b", args: []string{"--", "-o", "a=b"}},
		{name: "missing value", in: good + " -o", args: []string{"-o"}},
		{name: "not name=value", in: good + " -o a", args: []string{"-o", "a"}},
		{name: "lone dash", in: good + " - x -o a=b", args: []string{"-", "x", "-o", "a=b"}, overrides: []nameValue{{"a", "b"}}},
		{name: "other option's argument", in: good + " -x {a b}", args: []string{"-x", "a b"}},
		{name: "duplicates", in: good + " -o a=b -o a=c", args: []string{"-o", "a=b", "-o", "a=c"}, overrides: []nameValue{{"a", "b"}, {"a", "c"}}},
		{
			name: "bad braces", in: good + " -o {foo} -o {a=b}x {c\n",
			args:      []string{"-o", "foo", "-o", "a=b", "c"},
			overrides: []nameValue{{"a", "b"}},
			warnings: []string{
				`master.cf: missing '=' after attribute name: "foo"`,
				`master.cf: syntax error after '}' in "{a=b}x"`,
				`master.cf: missing '}' in "{c"`,
			},
		},
		{
			name: "fields", in: "a b c d e f g\n" + good + "\na x n - y - - p\na inet q n- ? x y p\n",
			errors: []string{
				"file f: line 1: bad field count",
				`invalid type field "x" in "a x n - y - - p"`,
				`invalid private field "q" in "a inet q n- ? x y p"`,
				`invalid unprivileged field "n-" in "a inet q n- ? x y p"`,
				`invalid chroot field "?" in "a inet q n- ? x y p"`,
				`invalid wakeup field "x" in "a inet q n- ? x y p"`,
				`invalid process_limit field "y" in "a inet q n- ? x y p"`,
			},
		},
		{name: "lone question mark", in: "s inet n - y ? 0 prog"},
		{name: "limit with question mark", in: "s inet n - y - 0? prog", errors: []string{`invalid process_limit field "0?" in "s inet n - y - 0? prog"`}},
		{name: "wakeup with two question marks", in: "s inet n - y 1?? 0 prog", errors: []string{`invalid wakeup field "1??" in "s inet n - y 1?? 0 prog"`}},
		{name: "null byte", in: good + " a\x00b\n", args: []string{"a"}, warnings: []string{"f, line 1: text after null byte may be ignored"}},
		{name: "leading space", in: " x\n" + good, warnings: []string{`f: logical line must not start with whitespace: " x"`}},
		{name: "braces in a field", in: "{a b} inet n - y - - prog", args: nil},
		{name: "comma is no separator", in: good + " a,b", args: []string{"a,b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := ParseMaster("f", []byte(test.in))
			var args, warnings []string
			var overrides []nameValue
			for _, s := range m.Services {
				args, overrides = s.Args, nil
				for _, o := range s.Overrides {
					overrides = append(overrides, nameValue{o.Name, o.Value})
				}
			}
			if len(args) == 0 {
				args = nil
			}
			for _, w := range m.Warnings {
				warnings = append(warnings, w.String())
			}
			check(t, "args", args, test.args)
			check(t, "overrides", overrides, test.overrides)
			check(t, "warnings", warnings, test.warnings)
			check(t, "errors", errorTexts(t, err), test.errors)
			check(t, "bytes", string(m.Bytes()), test.in)
		})
	}
}

func TestOverrideLines(t *testing.T) {
	m, err := ParseMaster("f", []byte("# c\nx unix - - - - - p -o a=1\n628 inet n - y - -\n  qmqpd -o b=2 -o\n# -o z=9\n\n \tc=3 -vo\n d=4 -o { e = 5\n 6 } -of=6\n -o\n"))
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]int)
	for _, s := range m.Services {
		for _, o := range s.Overrides {
			lines[o.Name] = o.Line
		}
	}
	check(t, "lines", lines, map[string]int{"a": 2, "b": 4, "c": 7, "d": 8, "e": 8, "f": 9})
	s, _, err := ParseService("x unix - - - - - p -o a=1")
	if err != nil || s.Overrides[0].Line != 0 {
		t.Errorf("in no file: %+v, %v", s, err)
	}
}

func TestService(t *testing.T) {
	m, err := ParseMaster("f", []byte("628 inet n - y - - /usr/lib/qmqpd -o a=1 -o a=2\nx unix - - - - - pipe\n628 inet n - n - - qmqpd\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := m.Services[0]
	check(t, "name", s.Name(), "628")
	check(t, "name space", s.NameSpace(), "628/inet")
	check(t, "command", s.Command(), "/usr/lib/qmqpd")
	check(t, "process name", s.ProcessName(), "qmqpd")
	check(t, "chroot", s.Field(FieldChroot), "y")
	o, ok := s.Lookup("a")
	check(t, "override", o, Override{Name: "a", Value: "2", Arg: 3, Line: 1})
	check(t, "found", ok, true)
	_, ok = s.Lookup("b")
	check(t, "not found", ok, false)
	check(t, "services", len(m.Lookup("628", "inet")), 2)
	check(t, "line", s.Line.First, 1)
	for f := range Field(NumFields) {
		g, ok := ParseField(f.String())
		if g != f || !ok {
			t.Errorf("field %v: %v, %v", f, g, ok)
		}
	}
	if _, ok := ParseField("maxproc"); ok {
		t.Error("there is no field maxproc")
	}
}

// TestLongCluster: a cluster that is split at each second letter costs time and
// memory in proportion to its length.
func TestLongCluster(t *testing.T) {
	const n = 20000
	line := "s inet n - y 1? 0 prog -" + strings.Repeat("vo", n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := ParseMaster("f", []byte(line))
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "arguments", len(m.Services[0].Args), 2*n)
	check(t, "first arguments", strings.Join(m.Services[0].Args[:5], " "), "-v -o v -o v")
	if used := after.TotalAlloc - before.TotalAlloc; used > 500*n {
		t.Errorf("%d bytes for a line of %d", used, len(line))
	}
}

func TestOptions(t *testing.T) {
	for arg, want := range map[string][2]bool{
		"":    {false, false},
		"-":   {true, true},
		"-o":  {true, true},
		"-v":  {true, false},
		"--":  {false, false},
		"x":   {false, false},
		"foo": {false, false},
	} {
		check(t, "option "+arg, [2]bool{IsOption(arg), OptionTakesValue(arg)}, want)
	}
}

func TestLookup(t *testing.T) {
	m, err := ParseMain("f", []byte("a = 1\nb = 2\na = 3\n"), Setting{"config_directory", "/d"}, Setting{"b", "0"})
	if err != nil {
		t.Fatal(err)
	}
	e, ok := m.Lookup("a")
	check(t, "value", e.Value, "3")
	check(t, "line", e.Line.First, 3)
	check(t, "found", ok, true)
	e, ok = m.Lookup("config_directory")
	check(t, "preset", e, Entry{Name: "config_directory", Value: "/d"})
	check(t, "preset found", ok, true)
	_, ok = m.Lookup("c")
	check(t, "not found", ok, false)
	var names []string
	for e := range m.Effective {
		names = append(names, e.Name+"="+e.Value)
	}
	check(t, "effective", strings.Join(names, " "), "config_directory=/d b=2 a=3")
	check(t, "warnings", len(m.Warnings), 2)
	if _, ok := (*Main)(nil).Lookup("a"); ok {
		t.Error("a nil document has an entry")
	}
}

// fiveMegabytes is a main.cf file as long as any.
func fiveMegabytes() []byte {
	var b strings.Builder
	for i := 0; b.Len() < 5<<20; i++ {
		b.WriteString("# A comment before each setting, as people write them.\n")
		b.WriteString("parameter_" + itoa(i%100000) + " = $some_other_parameter, hash:/etc/postfix/table,\n")
		b.WriteString("    another_element, and_one_more\n\n")
	}
	return []byte(b.String())
}

func BenchmarkParseMain(b *testing.B) {
	data := fiveMegabytes()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ParseMain("f", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseShortLines(b *testing.B) {
	var text strings.Builder
	for i := 0; text.Len() < 5<<20; i++ {
		text.WriteString("p" + itoa(i) + "=1\n")
	}
	data := []byte(text.String())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		ParseMain("f", data)
	}
}

func BenchmarkParseSmallMain(b *testing.B) {
	data := fiveMegabytes()[:2000]
	for b.Loop() {
		ParseMain("f", data)
	}
}

// TestLocated: each error of a file says where it is, once.
func TestLocated(t *testing.T) {
	_, masterErr := ParseMaster("d/master.cf", []byte("# c\na x n - y - - p\na b\n"))
	_, mainErr := ParseMain("d/main.cf", []byte("a = b\nc\n"))
	_, _, serviceErr := ParseService("a x n - y - - p")
	var got []string
	for _, err := range []error{masterErr, mainErr, serviceErr} {
		var all *multierror.Error
		if !errors.As(err, &all) {
			t.Fatal(err)
		}
		for _, err := range all.Errors {
			e := FirstError(err)
			located := e.Located()
			if FirstError(located) != e {
				t.Errorf("%v does not hold %v", located, e)
			}
			got = append(got, e.Position()+" "+located.Error())
		}
	}
	check(t, "errors", got, []string{
		`d/master.cf:2 d/master.cf:2: invalid type field "x" in "a x n - y - - p"`,
		`d/master.cf:3 file d/master.cf: line 3: bad field count`,
		`d/main.cf:2 d/main.cf, line 2: missing '=' after attribute name: "c"`,
		` invalid type field "x" in "a x n - y - - p"`,
	})
}
