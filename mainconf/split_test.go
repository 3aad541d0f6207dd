package mainconf

import (
	"math"
	"testing"
)

func TestSplitNameValue(t *testing.T) {
	for _, row := range []struct {
		in, name, value string
		err             error
	}{
		{in: "a=b", name: "a", value: "b"},
		{in: " \t a \v=\f b c \r\n", name: "a", value: "b c"},
		{in: "a =", name: "a"},
		{in: "a==b", name: "a", value: "=b"},
		{in: "-o=b", name: "-o", value: "b"},
		{in: "a=b\x00c", name: "a", value: "b"},
		{in: "", err: ErrMissingName},
		{in: "  ", err: ErrMissingName},
		{in: "= b", err: ErrMissingName},
		{in: "\x00a = b", err: ErrMissingName},
		{in: "a", err: ErrMissingEquals},
		{in: "a b = c", err: ErrMissingEquals},
		{in: "a\x00=b", err: ErrMissingEquals},
	} {
		name, value, err := SplitNameValue(row.in)
		if name != row.name || value != row.value || err != row.err {
			t.Errorf("%q: %q, %q, %v", row.in, name, value, err)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, row := range []struct {
		in           string
		list, braced []string
	}{
		{in: ""},
		{in: " ,\t\r\n"},
		{in: "a", list: []string{"a"}, braced: []string{"a"}},
		{in: ",a,, b\tc ", list: []string{"a", "b", "c"}, braced: []string{"a", "b", "c"}},
		{in: "a {b, c}d e", list: []string{"a", "{b", "c}d", "e"}, braced: []string{"a", "{b, c}d", "e"}},
		{in: "a{b {c} d} e", list: []string{"a{b", "{c}", "d}", "e"}, braced: []string{"a{b {c} d}", "e"}},
		{in: "} a {b c", list: []string{"}", "a", "{b", "c"}, braced: []string{"}", "a", "{b c"}},
		{in: "a\vb", list: []string{"a\vb"}, braced: []string{"a\vb"}},
	} {
		check(t, row.in, SplitList(row.in), row.list)
		check(t, row.in+" with braces", SplitBraced(row.in, ListSeparators), row.braced)
	}
	check(t, "words", Split("a,b c", WordSeparators), []string{"a,b", "c"})
}

func TestExtractBraces(t *testing.T) {
	for _, row := range []struct{ in, out, err string }{
		{"{a}", "a", ""},
		{"{ a {b} c\t}", "a {b} c", ""},
		{"{}", "", ""},
		{"{a}b", "a", `syntax error after '}' in "{a}b"`},
		{"{ a", "a", `missing '}' in "{ a"`},
		{"{", "", `missing '}' in "{"`},
		{"a}", "a}", `no '{' at start of text in "a}"`},
		{"", "", `no '{' at start of text in ""`},
	} {
		out, err := ExtractBraces(row.in)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if out != row.out || text != row.err {
			t.Errorf("%q: %q, %q", row.in, out, text)
		}
	}
}

func TestParseLong(t *testing.T) {
	for _, row := range []struct {
		in   string
		n    int64
		rest string
		err  error
	}{
		{in: "0", n: 0},
		{in: " \v+12x", n: 12, rest: "x"},
		{in: "-7 ", n: -7, rest: " "},
		{in: "9223372036854775807", n: math.MaxInt64},
		{in: "-9223372036854775808", n: math.MinInt64},
		{in: "9223372036854775808", n: math.MaxInt64, err: ErrRange},
		{in: "-9223372036854775809z", n: math.MinInt64, rest: "z", err: ErrRange},
		{in: "", err: ErrNoNumber},
		{in: " x", rest: " x", err: ErrNoNumber},
		{in: "-", rest: "-", err: ErrNoNumber},
		{in: "+-1", rest: "+-1", err: ErrNoNumber},
	} {
		n, rest, err := ParseLong(row.in)
		if n != row.n || rest != row.rest || err != row.err {
			t.Errorf("%q: %d, %q, %v", row.in, n, rest, err)
		}
	}
}

func TestParseLevel(t *testing.T) {
	for _, row := range []struct {
		in    string
		level Level
		bad   bool
	}{
		{in: "0", level: 0},
		{in: "2", level: 2 << 20},
		{in: "3.6", level: 3<<20 | 6<<10},
		{in: "3.6.1", level: 3<<20 | 6<<10 | 1},
		{in: " +3.1023.1023", level: 3<<20 | 1023<<10 | 1023},
		{in: "8796093022207", level: 8796093022207 << 20},
		{in: "8796093022208", bad: true},
		{in: "3.1024", bad: true},
		{in: "3.1.1024", bad: true},
		{in: "3.", bad: true},
		{in: "3.6.1.2", bad: true},
		{in: "3x", bad: true},
		{in: "-1", bad: true},
		{in: "", bad: true},
		{in: "x", bad: true},
	} {
		level, err := ParseLevel(row.in)
		if level != row.level || (err != nil) != row.bad {
			t.Errorf("%q: %d, %v", row.in, level, err)
		}
		if want := `malformed compatibility level syntax: "` + row.in + `"`; row.bad && err.Error() != want {
			t.Errorf("%q: %v", row.in, err)
		}
	}
}
