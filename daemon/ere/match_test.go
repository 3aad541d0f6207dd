package ere

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// spansOf matches once; nil is no match.
func spansOf(t *testing.T, p *Program, key string) []int {
	t.Helper()
	var w Work
	w.Begin(key)
	defer w.End()
	spans := make([]int, 2*p.Groups()+2)
	matched, problem := p.Match(t.Context(), &w, spans)
	if problem != "" {
		t.Errorf("%q: %s", key, problem)
	}
	if without, _ := p.Match(t.Context(), &w, nil); without != matched {
		t.Errorf("%q: %v with groups, %v without", key, matched, without)
	}
	if !matched {
		return nil
	}
	return spans
}

// The answers are those of glibc 2.41.
func TestMatch(t *testing.T) {
	tests := []struct {
		pattern string
		options Options
		key     string
		want    []int // nil: no match
	}{
		{"b", Extended, "abc", []int{1, 2}},
		{"B", Extended, "abc", nil},
		{"B", Extended | IgnoreCase, "abc", []int{1, 2}},
		{"", Extended, "", []int{0, 0}},
		{"a|ab", Extended, "ab", []int{0, 2}},
		{"(a|ab)(c|bcd)", Extended, "abcd", []int{0, 4, 0, 1, 1, 4}},
		{"(a*)(b|abc)", Extended, "abc", []int{0, 3, 0, 0, 0, 3}},
		{"(a)|b", Extended, "b", []int{0, 1, -1, -1}},
		{"(ab)\\1", Extended, "xabab", []int{1, 5, 1, 3}},
		{"(ab)\\1", Extended, "xabba", nil},
		{"^b", Extended, "a\nb", nil},
		{"^b", Extended | Newline, "a\nb", []int{2, 3}},
		{"a.b", Extended | Newline, "a\nb", nil},
		{"a{2,3}", Extended, "aaaa", []int{0, 3}},
		{"a\\{2\\}", 0, "aaaa", []int{0, 2}},
		{"a+", 0, "aa+", []int{1, 3}},
		{"\\(a\\)\\1", 0, "aa", []int{0, 2, 0, 1}},
		{"\\bfoo\\>", Extended, "a foo.", []int{2, 5}},
		{"[[:digit:]]+x", Extended, "a12x", []int{1, 4}},
		{"[^]-]", Extended, "]-a", []int{2, 3}},
		{"a)", Extended, "a)", []int{0, 2}},
		{"\xfc", Extended, "\xc3\xfc", []int{1, 2}},
		{"\\<b", Extended, "ab b", []int{3, 4}},
		{"b\\>", Extended, "bb a", []int{1, 2}},
		{"\\Bb", Extended, "bab", []int{2, 3}},
		{"a\\b", Extended, "aa", []int{1, 2}},
		{"\\`b", Extended | Newline, "a\nb", nil},
		{"a\\'", Extended | Newline, "a\nba", []int{3, 4}},
		{"^b$", Extended | Newline, "a\nb\nc", []int{2, 3}},
		{"b$", Extended, "b\nab", []int{3, 4}},
		{"a^b", Extended, "a^b", nil},
		{"a^b", 0, "a^b", []int{0, 3}},
		{"a$b", 0, "a$b", []int{0, 3}},
		{"a$\\|b", 0, "aab", []int{2, 3}},
		{"\\(a$\\)", 0, "aa$", nil},
		{"a\\|^b", 0, "b", []int{0, 1}},
		{"a\\(^b\\)", 0, "aab^b", nil},
		{"a*^b", 0, "aa^b", []int{0, 4}},
		{"^^a", 0, "^a", []int{0, 2}},
		{"\\>^*", 0, "a*^", []int{1, 1}},
		{"^*", 0, "*", []int{0, 1}},
		{"a\\|*b", 0, "*b", []int{0, 2}},
		{"\\(*a\\)", 0, "*a", []int{0, 2, 0, 2}},
		{"a\\?b", 0, "aab", []int{1, 3}},
		{"?|{}()", 0, "?|{}()", []int{0, 6}},
		{"a*\\?", 0, "aa", []int{0, 2}},
		{"a\\{1\\}\\}", 0, "a}", []int{0, 2}},
		{"()*b", Extended, "ab", []int{1, 2, 1, 1}},
		{"((a)\\2)", Extended, "aa", []int{0, 2, 0, 2, 0, 1}},
		{"(a)(b)(c)(d)(e)(f)(g)(h)(i)\\9\\8\\7\\6\\5\\4\\3\\2\\1", Extended, "abcdefghiihgfedcba", []int{0, 18, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9}},
		{"^a{,2}b", Extended, "b", []int{0, 1}},
		{"^a+b", Extended, "b", nil},
		{"(a))", Extended, "a)", []int{0, 2, 0, 1}},
		{"(a)\\1$", Extended, "aab", nil},
		{"(a*|b)+", Extended, "ab", []int{0, 2, 1, 2}},
		{"((a)|b)\\2", Extended, "baa", []int{1, 3, 1, 2, 1, 2}},
		{"(|a)(a|b)*", Extended, "ab", []int{0, 2, 0, 1, 1, 2}},
		{"(a|)b", Extended, "b", []int{0, 1, 0, 0}},
		{"^a{12}$", Extended, "aaaaaaaaaaaa", []int{0, 12}},
		{"^ba{0}$", Extended, "b", []int{0, 1}},
		{"\\<", Extended, "..", nil},
		{"\\>", Extended, "..", nil},
		{"a\\+", Extended, "aa+", []int{1, 3}},
		{"(a*)*\\1b", Extended, "b", []int{0, 1, 0, 0}},
		{"(a)b", Extended, "aab", []int{1, 3, 1, 2}},
		{"\\`b", Extended, "ba", []int{0, 1}},
		{"((a*)(b*))+", Extended, "aab", []int{0, 3, 0, 3, 0, 2, 2, 3}},
		{"a{,2}b", Extended, "aaab", []int{1, 4}},
		{"a{,}b", Extended, "aaab", []int{0, 4}},
		{"a{2,}", Extended, "aaaa", []int{0, 4}},
		{"(a){0}b", Extended, "ab", []int{1, 2, -1, -1}},
		{"a+?b", Extended, "ab", []int{0, 2}},
		{"a{2}{3}", Extended, "aaaaaaa", []int{0, 6}},
		{"((a)|(b))*", Extended, "ab", []int{0, 2, 1, 2, 0, 1, 1, 2}},
		{"(a*)(ab)*(b*)", Extended, "abb", []int{0, 3, 0, 1, -1, -1, 1, 3}},
		{"(a*)+", Extended, "a", []int{0, 1, 0, 1}},
		{"(a*){1,2}", Extended, "a", []int{0, 1, 0, 1}},
		{"(a*){1,3}", Extended, "a", []int{0, 1, 1, 1}},
		{"((x*)(y*))+z", Extended, "xyxz", []int{0, 4, 2, 3, 2, 3, 3, 3}},
		{"a||b", Extended, "b", []int{0, 1}},
		{"|a", Extended, "a", []int{0, 1}},
		{"(|a)b", Extended, "ab", []int{0, 2, 0, 1}},
		{"(a)\\1", Extended | IgnoreCase, "aA", []int{0, 2, 0, 1}},
		{"\\bA\\b", Extended | IgnoreCase, "xa a", []int{3, 4}},
		{"\xe9", Extended | IgnoreCase, "\xc9", nil},
		{"(a|b)\\1", Extended, "abb", []int{1, 3, 1, 2}},
		{"[^a]b", Extended | Newline, "\nb", nil},
		{"\\Wb", Extended | Newline, "\nb b", []int{0, 2}},
		{"$", Extended | Newline, "a\nb", []int{1, 1}},
		{".^b", Extended, "a\nb", []int{1, 3}},
		{"^b", Extended, "a\nb", nil},
		{"x.*(^|,)b", Extended, "x\nb", []int{0, 3, 2, 2}},
		{"(\n)^(b)", Extended, "a\nb", []int{1, 3, 1, 2, 2, 3}},
		{"\n\\`b", Extended, "a\nb", nil},
		{"(a|\\b)b", Extended, "ab b", []int{0, 2, 0, 1}},
		{"(a?)(ab)?\\1b", Extended, "ab", []int{1, 2, 1, 1, -1, -1}},
		{"^(.*)\\1$", Extended, "abab", []int{0, 4, 0, 2}},
		{".(b)\\1^c", Extended, "abb\nc", nil},
		{"(.)\\1\\s^c", Extended, "abb\nc", []int{1, 5, 1, 2}},
		{"\\(ab*\\)\\1", 0, "abbabb", []int{0, 6, 0, 3}},
		{"[\\]a]", 0, "\\a]", []int{0, 3}},
		{"\\($a\\)", 0, "$a", []int{0, 2, 0, 2}},
		{"a$$", 0, "a$", []int{0, 2}},
		{"a)b", Extended, "a)b", []int{0, 3}},
	}
	for _, tt := range tests {
		p, err := new(Set).Compile(tt.pattern, tt.options)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		if got := spansOf(t, p, tt.key); !slices.Equal(got, tt.want) {
			t.Errorf("%q, options %b, key %q: %v, want %v", tt.pattern, tt.options, tt.key, got, tt.want)
		}
	}
}

// ranges are the bytes but NUL that a pattern matches, as pairs of first and last.
func ranges(t *testing.T, p *Program) string {
	t.Helper()
	var pairs []byte
	for c := 1; c < 256; c++ {
		switch n := len(pairs); {
		case spansOf(t, p, string([]byte{byte(c)})) == nil:
		case n > 0 && int(pairs[n-1]) == c-1:
			pairs[n-1]++
		default:
			pairs = append(pairs, byte(c), byte(c))
		}
	}
	return string(pairs)
}

// TestSets has what one character can be, in glibc 2.41.
func TestSets(t *testing.T) {
	tests := []struct {
		pattern string
		options Options
		want    string
	}{
		{"[[:alnum:]]", Extended, "09AZaz"},
		{"[[:alpha:]]", Extended, "AZaz"},
		{"[[:blank:]]", Extended, "\t\t  "},
		{"[[:cntrl:]]", Extended, "\x01\x1f\x7f\x7f"},
		{"[[:digit:]]", Extended, "09"},
		{"[[:graph:]]", Extended, "!~"},
		{"[[:lower:]]", Extended, "az"},
		{"[[:print:]]", Extended, " ~"},
		{"[[:punct:]]", Extended, "!/:@[`{~"},
		{"[[:space:]]", Extended, "\t\r  "},
		{"[[:upper:]]", Extended, "AZ"},
		{"[[:xdigit:]]", Extended, "09AFaf"},
		{"[[:lower:]]", Extended | IgnoreCase, "AZaz"},
		{"[^[:upper:]]", Extended | IgnoreCase, "\x01@[`{\xff"},
		{"[[:digit:]]", Extended | IgnoreCase, "09"},
		{"\\w", Extended, "09AZ__az"},
		{"\\W", Extended | Newline, "\x01/:@[^``{\xff"},
		{"\\s", Extended, "\t\r  "},
		{"\\S", 0, "\x01\x08\x0e\x1f!\xff"},
		{"\\d", Extended, "dd"},
		{".", Extended, "\x01\xff"},
		{".", Extended | Newline, "\x01\t\x0b\xff"},
		{"[^a]", Extended | Newline, "\x01\t\x0b`b\xff"},
		{"[adg]", Extended, "aaddgg"},
		{"[]a]", Extended, "]]aa"},
		{"[^]a]", Extended, "\x01\\^`b\xff"},
		{"[^^a]", Extended, "\x01]_`b\xff"},
		{"[a^-]", Extended, "--^^aa"},
		{"[-a]", Extended, "--aa"},
		{"[+---]", Extended, "+-"},
		{"[---/]", Extended, "--//"},
		{"[--a]", Extended, "-a"},
		{"[[.-.]-/]", Extended, "-/"},
		{"[a-[.c.]]", Extended, "ac"},
		{"[a-b-]", Extended, "--ab"},
		{"[[a]", Extended, "[[aa"},
		{"[[=a=]b]", Extended, "ab"},
		{"[[.].]-a]", Extended, "]a"},
		{"[[...]=]", Extended, "..=="},
		{"[[:digit:]-]", Extended, "--09"},
		{"[[=a=][.b.]]", Extended | IgnoreCase, "ABab"},
		{"[\\a]", Extended, "\\\\aa"},
		{"\xe9", Extended | IgnoreCase, "\xe9\xe9"},
		{"[\xe0-\xff]", Extended, "\xe0\xff"},
	}
	for _, tt := range tests {
		p, err := new(Set).Compile(tt.pattern, tt.options)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		if got := ranges(t, p); got != tt.want {
			t.Errorf("%q, options %b: %q, want %q", tt.pattern, tt.options, got, tt.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		pattern string
		options Options
		want    string
	}{
		{"(", Extended, "Unmatched ( or \\("},
		{"[a", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[[:foo:]]", Extended, "Invalid character class name"},
		{"[b-a]", Extended, "Invalid range end"},
		{"a\\", Extended, "Trailing backslash"},
		{"\\1", Extended, "Invalid back reference"},
		{"a{2,1}", Extended, "Invalid content of \\{\\}"},
		{"a{40000}", Extended, "Regular expression too big"},
		{"(a{1000}){500}", Extended, "Regular expression too big"},
		{"[^", Extended, "Invalid regular expression"},
		{"[]", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[a-", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[[.a", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[[.a=]]", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[[.ab.]]", Extended, "Invalid collation character"},
		{"[[.a.]-[.bb.]]", Extended, "Invalid collation character"},
		{"[[.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.]]", Extended, "Invalid collation character"},
		{"[[.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.]]", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[[=ab=]]", Extended, "Invalid collation character"},
		{"[[=ab=]", Extended, "Invalid collation character"},
		{"[[.ab.]", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[[:foo:]", Extended, "Invalid character class name"},
		{"[a-[:foo:]]", Extended, "Invalid range end"},
		{"[a-[=bb=]]", Extended, "Invalid range end"},
		{"[[.ab.]-[:foo:]]", Extended, "Invalid range end"},
		{"[[:ALPHA:]]", Extended, "Invalid character class name"},
		{"[[::]]", Extended, "Invalid character class name"},
		{"[[:Alpha:]]", Extended | IgnoreCase, "Invalid character class name"},
		{"[a-c-e]", Extended, "Invalid range end"},
		{"[----/]", Extended, "Invalid range end"},
		{"[[.ab.]-c]", Extended, "Invalid collation character"},
		{"a{x1}", Extended, "Invalid content of \\{\\}"},
		{"[a---z]", Extended, "Invalid range end"},
		{"[a-[:digit:]]", Extended, "Invalid range end"},
		{"[[=a=]-c]", Extended, "Invalid range end"},
		{"[a-[.b", Extended, "Unmatched [, [^, [:, [., or [="},
		{"[b-a", Extended, "Invalid range end"},
		{"a\\{2", 0, "Unmatched \\{"},
		{"a\\{2}", 0, "Unmatched \\{"},
		{"\\(a", 0, "Unmatched ( or \\("},
		{"a\\)", 0, "Unmatched ( or \\("},
		{"a**", 0, "Invalid preceding regular expression"},
		{"a\\?*", 0, "Invalid preceding regular expression"},
		{"a\\{2\\}*", 0, "Invalid preceding regular expression"},
		{"\\{1\\}", 0, "Invalid preceding regular expression"},
		{"\\>^*\\{2\\}", 0, "Invalid preceding regular expression"},
		{"^*", Extended, "Invalid preceding regular expression"},
		{"a|*b", Extended, "Invalid preceding regular expression"},
		{"(?a)", Extended, "Invalid preceding regular expression"},
		{"{1}", Extended, "Invalid preceding regular expression"},
		{"(a\\1)", Extended, "Invalid back reference"},
		{"(a)|b\\1", Extended, "Invalid back reference"},
		{"(a)\\2", Extended, "Invalid back reference"},
		{"a{1", Extended, "Unmatched \\{"},
		{"a{1,", Extended, "Unmatched \\{"},
		{"a{1,2", Extended, "Unmatched \\{"},
		{"a{x}", Extended, "Invalid content of \\{\\}"},
		{"a{1x}", Extended, "Invalid content of \\{\\}"},
		{"a{1,x}", Extended, "Invalid content of \\{\\}"},
		{"a{1,2,3}", Extended, "Invalid content of \\{\\}"},
		{"a{}", Extended, "Invalid content of \\{\\}"},
		{"a{300}{300}{300}|b", Extended, "Regular expression too big"},
		{"a{1,32768}", Extended, "Regular expression too big"},
		{"a{99999999999x}", Extended, "Invalid content of \\{\\}"},
		{"(a\\", Extended, "Trailing backslash"},
		{"((a)", Extended, "Unmatched ( or \\("},
		{"a\\{1a\\}", 0, "Invalid content of \\{\\}"},
	}
	for _, tt := range tests {
		_, err := new(Set).Compile(tt.pattern, tt.options)
		if got := errorText(err); got != tt.want {
			t.Errorf("%q, options %b: %q, want %q", tt.pattern, tt.options, got, tt.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A newline that is part of a match has a ^ after it without the option Newline, too,
// and a $ before it where no groups are asked for.
func TestLinesInMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, key       string
		without, with, all bool // without groups, with one, in a screen
	}{
		{"b$.c", "ab\nc", true, false, true},
		{"b($|;).c", "ab\nc", true, false, true},
		{"b$$\\sc$", "ab\nc", true, false, true},
		{"b$c", "ab\nc", false, false, false},
		{"b$\\'.c", "ab\nc", false, false, false},
		{"b$", "ab\nc", false, false, false},
		{"b.^c", "ab\nc", true, true, true},
		{"b.(^)c", "ab\nc", true, true, true},
		{"^c", "ab\nc", false, false, false},
		{"b.\\`c", "ab\nc", false, false, false},
	} {
		p := compileTest(t, new(Set), tt.pattern)
		var w Work
		w.Begin(tt.key)
		without, _ := p.Match(t.Context(), &w, nil)
		with, _ := p.Match(t.Context(), &w, make([]int, 4))
		all := !NewScreen(slices.Repeat([]*Filter{p.Filter()}, screenMin)).Misses(0, &w)
		if without != tt.without || with != tt.with || all != tt.all {
			t.Errorf("%q, key %q: %v %v %v", tt.pattern, tt.key, without, with, all)
		}
	}
}

// A reference to a group that was not asked for fails where anything depends on it.
// The answers are those of glibc 2.41 to two pairs of spans.
func TestSecondPass(t *testing.T) {
	for _, tt := range []struct {
		pattern, key string
		want         []int
	}{
		{"(.)(.)\\2", "abb", nil},
		{"(.)()\\1\\2", "xx", []int{0, 2, 0, 1}},
		{"(.)(b*)\\2c", "ac", nil},
		{"(a)()\\2", "a", []int{0, 1, 0, 1}},
		{"(a)()\\2b*", "a", nil},
		{"(a)(b)(\\2|b)", "abb", []int{0, 3, 0, 1}},
		{"(a)(b)(bc|\\2)", "abb", nil},
	} {
		var w Work
		w.Begin(tt.key)
		got := make([]int, 4)
		if matched, _ := compileTest(t, new(Set), tt.pattern).Match(t.Context(), &w, got); !matched {
			got = nil
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q, key %q: %v, want %v", tt.pattern, tt.key, got, tt.want)
		}
	}
}

// Whoever asks may lose patience.
func TestContextEnds(t *testing.T) {
	p := compileTest(t, new(Set), "(a+)b")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var w Work
	w.Begin(strings.Repeat("a", 5000) + "b")
	for _, want := range []bool{true, false} {
		if matched, problem := p.Match(ctx, &w, make([]int, 4)); matched != want || problem != "" {
			t.Errorf("matched: %v %s, want %v", matched, problem, want)
		}
		cancel()
	}
}

// A match by trial gives up some time.
func TestTooHard(t *testing.T) {
	p := compileTest(t, new(Set), "((a*)*)*\\1b\\2c")
	key := strings.Repeat("a", 100) + "bdc"
	// Not maxSteps, which the race detector makes slow.
	if matched, problem := p.backtrack(key, nil, maxSteps/100); matched || problem != "Memory exhausted" {
		t.Errorf("%v %q", matched, problem)
	}
}

// A back reference costs nothing where the rest of the pattern is not there: long lines
// of letters are usual in mail, and to try each way through one would be too hard.
func TestBackReferenceRuledOut(t *testing.T) {
	long := strings.Repeat("abcdefghij", 1000)
	for _, tt := range []struct {
		pattern string
		options Options
		key     string
		matched bool
	}{
		{"([a-z]+) \\1", Extended, long, false},
		{"\\([A-Z]*\\)=\\1", IgnoreCase, long, false},
		{"(a*)(a*)\\1\\2c$", Extended, strings.Repeat("a", 3000), false},
		{"(.*)(x|\\1)\\2#", Extended | Newline, long + "\n" + long, false},
		{"([a-z]+) \\1$", Extended, long[:200] + " " + long[:200], true},
		{"(a+)=\\1b", Extended, strings.Repeat("a", 5000) + "=c", false},
		// One word as long as the usual line_length_limit allows takes every way there is.
		{"([a-z]+) \\1", Extended, long[:2046] + " z", false},
	} {
		p, err := new(Set).Compile(tt.pattern, tt.options)
		if err != nil {
			t.Fatal(err)
		}
		for _, spans := range [][]int{nil, make([]int, 2*p.Groups()+2)} {
			var w Work
			w.Begin(tt.key)
			if matched, problem := p.Match(t.Context(), &w, spans); matched != tt.matched || problem != "" {
				t.Errorf("%q, %.20q...: %v %q", tt.pattern, tt.key, matched, problem)
			}
		}
	}
}

// What the filter of a pattern with back references rules out does not match.
func TestRoughFilter(t *testing.T) {
	g := rand.New(rand.NewPCG(11, 11))
	atoms := []string{"a", "b", "(a)", "(b*)", "(a|b)", "(^a|b)", "(a$|)", "\\1", "\\1", "\\2", "\\1*", "(\\1)?", "\\2{2}", "|", "^", "$", ".", "[^a]", "\\b", "\\<", "a+", "(a|\\1)", "\n"}
	rough, ruledOut, matches := 0, 0, 0
	for range 20000 {
		var pattern strings.Builder
		for range 2 + g.IntN(6) {
			pattern.WriteString(atoms[g.IntN(len(atoms))])
		}
		p, err := new(Set).Compile(pattern.String(), []Options{Extended, Extended | IgnoreCase, Extended | Newline}[g.IntN(3)])
		if err != nil || !p.backRefs {
			continue
		}
		rough++
		for range 10 {
			var key strings.Builder
			for range 1 + g.IntN(7) {
				// Lines as they are in headers: of conditions beside a newline
				// automata do not know all.
				key.WriteString([]string{"a", "a", "a", "b", "b", "A", " ", "\n a"}[g.IntN(8)])
			}
			var w Work
			w.Begin(key.String())
			text := w.key
			if p.ignoreCase {
				text = w.caseless()
			}
			matched, certain := p.filter.Try(&w)
			if matched && certain {
				t.Fatalf("%q: sure of a match", pattern.String())
			}
			really, problem := p.backtrack(text, nil, maxSteps)
			if !matched {
				ruledOut++
				if really {
					t.Fatalf("%q, %q: ruled out, and matches", pattern.String(), key.String())
				}
			}
			if really && problem == "" {
				matches++
			}
		}
	}
	if rough < 2000 || ruledOut < 2000 || matches < 2000 {
		t.Errorf("%d patterns, %d keys ruled out, %d matches", rough, ruledOut, matches)
	}
}

// FuzzMatch compares the filter, the search with and without groups, and a screen of
// the same pattern several times.
func FuzzMatch(f *testing.F) {
	for _, pattern := range []string{"^(a|b)+$", "(a)\\1", "a{1,3}[[:alpha:]-]", "((a*)*)*b", "\\<a\\>", "a{2}{3}{4}", "[", "\\(a\\|b\\)*", "^$", "x|^a"} {
		for _, options := range []byte{0, byte(Extended), byte(Extended | IgnoreCase), byte(Extended | Newline)} {
			f.Add(pattern, options, "aab@example.com\nb")
		}
	}
	f.Fuzz(func(t *testing.T, pattern string, options byte, key string) {
		if len(pattern) > 100 || len(key) > 200 {
			return
		}
		p, err := new(Set).Compile(pattern, Options(options)&(Extended|IgnoreCase|Newline))
		if err != nil {
			return
		}
		var w Work
		w.Begin(key)
		spans := make([]int, 2*p.Groups()+2)
		with, problem := p.Match(t.Context(), &w, spans)
		without, _ := p.Match(t.Context(), &w, nil)
		// Without groups, there is a $ before a newline in a match: see where.
		lines := strings.Contains(pattern, "$") && strings.Contains(key, "\n")
		if problem == "" && !p.backRefs && !lines && with != without {
			t.Fatalf("%v with groups, %v without", with, without)
		}
		filter := p.Filter()
		if filter == nil {
			return
		}
		if matched, certain := filter.Try(&w); certain && !lines && matched != with {
			t.Fatalf("filter %v, search %v", matched, with)
		}
		if s := NewScreen(slices.Repeat([]*Filter{filter}, screenMin)); with && s.Misses(screenMin-1, &w) {
			t.Fatal("screened off")
		}
	})
}
