package ere

import (
	"slices"
	"strings"
	"testing"
)

// TestPerlSets has what one character of Perl's syntax can be, as pairs of first and
// last bytes, NUL left out. The answers are those of PCRE2 10.46.
func TestPerlSets(t *testing.T) {
	const usual = PerlCaseless | PerlDotAll
	tests := []struct {
		pattern string
		options PerlOptions
		want    string
	}{
		{"a", 0, "aa"},
		{"a", usual, "AAaa"},
		{"Z", usual, "ZZzz"},
		{"@", usual, "@@"},
		{"_", usual, "__"},
		{"\xe9", usual, "\xe9\xe9"},
		{"]", 0, "]]"},
		{"}", 0, "}}"},
		{".", PerlDotAll, "\x01\xff"},
		{".", 0, "\x01\t\v\xff"},
		{"(?s).", 0, "\x01\xff"},
		{"(?-s).", usual, "\x01\t\v\xff"},
		{"(?-s:.)", usual, "\x01\t\v\xff"},
		{"(?i)a", 0, "AAaa"},
		{"(?i:a)", 0, "AAaa"},
		{"(?-i)a", usual, "aa"},
		{"(?-i:a)", usual, "aa"},
		{"(?-i:b)|a", usual, "AAab"},
		{"((?-i)b|c)|a", usual, "AAac"},
		{"(?:(?-i))a", usual, "AAaa"},
		{"(?i-s:a|.)", PerlDotAll, "\x01\t\v\xff"},
		{"a|b", 0, "ab"},
		{"a|b|d", 0, "abdd"},
		{"(a|b)", 0, "ab"},
		{"(a)?b", 0, "bb"},
		{"a?", 0, "aa"},
		{`\d`, 0, "09"},
		{`\D`, 0, "\x01/:\xff"},
		{`\w`, 0, "09AZ__az"},
		{`\W`, 0, "\x01/:@[^``{\xff"},
		{`\s`, 0, "\t\r  "},
		{`\S`, 0, "\x01\b\x0e\x1f!\xff"},
		{`\t`, 0, "\t\t"},
		{`\n`, 0, "\n\n"},
		{`\r`, 0, "\r\r"},
		{`\.`, 0, ".."},
		{`\\`, 0, `\\`},
		{"[ab]", 0, "ab"},
		{"[Ab]", usual, "ABab"},
		{"[^b]", 0, "\x01ac\xff"},
		{"[^b]", usual, "\x01ACac\xff"},
		{"[]a]", 0, "]]aa"},
		{"[^]a]", 0, "\x01\\^`b\xff"},
		{"[a-c]", 0, "ac"},
		{"[Y-b]", usual, "ABYbyz"},
		{"[a-a]", 0, "aa"},
		{"[a-]", 0, "--aa"},
		{"[-a]", 0, "--aa"},
		{"[a^]", 0, "^^aa"},
		{`[\d.]`, 0, "..09"},
		{`[\]\n]`, 0, "\n\n]]"},
		{"[[a]", 0, "[[aa"},
		{"[x[]", 0, "[[xx"},
		{"a{1}", 0, "aa"},
		{"b{0}a", 0, "aa"},
		{"b{0,2}a{1,2}", 0, "aa"},
	}
	for _, tt := range tests {
		f := new(Set).PerlFilter("^(?:"+tt.pattern+")x$", tt.options)
		if f == nil {
			t.Errorf("%q: no filter", tt.pattern)
			continue
		}
		var w Work
		var pairs []byte
		for c := 1; c < 256; c++ {
			w.Begin(string([]byte{byte(c), 'x'}))
			matched, certain := f.Try(&w)
			switch n := len(pairs); {
			case !certain:
				t.Fatalf("%q: not certain", tt.pattern)
			case !matched:
			case n > 0 && int(pairs[n-1]) == c-1:
				pairs[n-1]++
			default:
				pairs = append(pairs, byte(c), byte(c))
			}
		}
		if string(pairs) != tt.want {
			t.Errorf("%q, options %#x: %q, want %q", tt.pattern, tt.options, pairs, tt.want)
		}
	}
}

// TestPerlKeys has patterns with a key that they match and one that they do not, as
// PCRE2 has it.
func TestPerlKeys(t *testing.T) {
	var set Set
	var w Work
	for _, tt := range []struct{ pattern, match, other string }{
		{"a*b", "b", "a"},
		{"^a*b", "aab", "cb"},
		{"a+b", "aab", "b"},
		{"^a+?b", "aab", "b"},
		{"^a?b", "ab", "aab"},
		{"^a??b", "b", "aab"},
		{"^a{2}b", "aab", "ab"},
		{"^a{2}b$", "aab", "aaab"},
		{"^a{2,}b", "aaab", "ab"},
		{"^a{2,3}b", "aaab", "aaaab"},
		{"^a{0,1}b", "ab", "aab"},
		{"^a{64}b", strings.Repeat("a", 64) + "b", strings.Repeat("a", 63) + "b"},
		{"^(ab)?c", "abc", "bc"},
		{"^(a|)b$", "b", "bb"},
		{"^(|a)b$", "ab", "aab"},
		{"^(a|b|)$", "b", "c"},
		{"^()a()$", "a", "b"},
		{"ab|cd", "xcd", "bx"},
		{"^a.c$", "abc", "ac"},
		{`\Aa`, "ab", "ba"},
		{`a\z`, "ba", "ab"},
		{`a\Z`, "ba", "ab"},
		{"a$", "ba", "ab"},
	} {
		f := set.PerlFilter(tt.pattern, PerlDotAll)
		if f == nil {
			t.Errorf("%q: no filter", tt.pattern)
			continue
		}
		for _, key := range []string{tt.match, tt.other} {
			w.Begin(key)
			if matched, certain := f.Try(&w); matched != (key == tt.match) || !certain {
				t.Errorf("%q, key %q: %v, certain: %v", tt.pattern, key, matched, certain)
			}
		}
	}
}

// TestPerlPerhaps has conditions that a filter does not know: its no is certain.
func TestPerlPerhaps(t *testing.T) {
	for _, pattern := range []string{`a\b`, `\Ba`, "(?=b)a", "(?!a)a", "(?<=b)a", "(?<!^)a", "(?=x|b)a"} {
		f := new(Set).PerlFilter(pattern, 0)
		if f == nil {
			t.Errorf("%q: no filter", pattern)
			continue
		}
		var w Work
		for _, key := range []string{"a", "x"} {
			w.Begin(key)
			if matched, certain := f.Try(&w); matched != (key == "a") || certain == matched {
				t.Errorf("%q, key %q: %v, certain: %v", pattern, key, matched, certain)
			}
		}
	}
}

// TestPerlPlain has patterns that are not plain: what they mean is the library's
// business.
func TestPerlPlain(t *testing.T) {
	patterns := []string{
		"a**", "a*+", "a+{2}", "a{2}{3}", "a??+", "a{2,1}", "a{65}", "a{65}|b", "a{1,65}", "a{300}", "a{,2}", "a{x}", "a{", "a{1", "a{1x}", "a{-1}", "*a", "+a", "?a", "{2}",
		"(a)*", "(a)+", "(a){2}", "(ab){0,2}", "^*", "$?", `\b?`, "(?=a)?", "a*b*c*", "a*b+c{1,2}", "a*|b*|c*",
		"(a", "a)", ")", "(?:a", "(?i", "(?ix)a", "(?x:a)", "(?^i:a)", "(?#c)", "(?>a)", "(?|a)", "(?<n>a)", "(?P<n>a)", "(?(?=a)b)", "(*UTF)a", "(?=a", "(?=a{65})",
		"[a", "[", "[]", "[^", "[^]", "[a-", `[a\`, `[\d-z]`, `[\.-z]`, `[a-\d]`, "[a-[]", "[A-[]", `[A-\]]`, "[b-a]", "[a-c-e]", "[[:alpha:]]", "[[.a.]]", "[[=a=]]", `[\x41]`,
		`a\`, `\1`, `\g1`, `\x41`, `\h`, `\K`, `\Qa\E`, `\p{L}`, "\\\xe9", `\8`,
		strings.Repeat("(", 51) + "a" + strings.Repeat(")", 51),
	}
	for _, pattern := range patterns {
		if new(Set).PerlFilter(pattern, 0) != nil {
			t.Errorf("%q has a filter", pattern)
		}
	}
	if new(Set).PerlFilter(strings.Repeat("(", 50)+"a"+strings.Repeat(")", 50), 0) == nil {
		t.Error("fifty groups have none")
	}
	for _, options := range []PerlOptions{PerlExtended, PerlMultiline, PerlAnchored, PerlAnchored | PerlCaseless, 1} {
		if new(Set).PerlFilter("a", options) != nil {
			t.Errorf("options %#x: has a filter", options)
		}
	}
	if new(Set).PerlFilter("a", PerlCaseless|PerlDotAll|PerlUngreedy|PerlDollarEndOnly) == nil {
		t.Error("a plain pattern with plain options has none")
	}
}

// TestPerlUncertain has keys of which a filter knows nothing.
func TestPerlUncertain(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, tt := range []struct {
		pattern, key string
		certain      bool
	}{
		{"a", "", false},
		{"a$", "b\n", false},
		{"a", "\nb", true},
		{"ab{2}", long(10_000), true},
		{"ab{2}", long(10_001), false},
		{"a+", long(1000), true},
		{"a+", long(1001), false},
		{"a{2,3}", long(1001), false},
		{"a?(b)?", long(10_000), true},
		{"a+b*", long(200), true},
		{"a+b*", long(201), false},
		{"a{2,}|b*", "x" + long(200), false},
	} {
		f := new(Set).PerlFilter(tt.pattern, 0)
		if f == nil {
			t.Errorf("%q: no filter", tt.pattern)
			continue
		}
		var w Work
		w.Begin(tt.key)
		if _, certain := f.Try(&w); certain != tt.certain {
			t.Errorf("%q, %d bytes: certain: %v", tt.pattern, len(tt.key), certain)
		}
		screen := NewScreen(append(slices.Repeat([]*Filter{f}, screenMin), nil))
		if screen.Misses(1, &w) && !tt.certain || screen.Misses(screenMin, &w) {
			t.Errorf("%q, %d bytes: is screened off", tt.pattern, len(tt.key))
		}
	}
}
