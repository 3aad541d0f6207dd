package ere

import (
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

func TestCompileErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"(":              "Unmatched ( or \\(",
		"[a":             "Unmatched [, [^, [:, [., or [=",
		"[[:foo:]]":      "Invalid character class name",
		"[b-a]":          "Invalid range end",
		"a\\":            "Trailing backslash",
		"\\1":            "Invalid back reference",
		"a{2,1}":         "Invalid content of \\{\\}",
		"a{40000}":       "Regular expression too big",
		"(a{1000}){500}": "Regular expression too big",
	} {
		_, err := new(Set).Compile(pattern, Extended)
		if got := errorText(err); got != want {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A match by trial gives up some time.
func TestTooHard(t *testing.T) {
	p := compileTest(t, new(Set), "((a*)*)*\\1b\\2c")
	var w Work
	w.Begin(strings.Repeat("a", 100))
	if matched, problem := p.Match(t.Context(), &w, nil); matched || problem != "Memory exhausted" {
		t.Errorf("%v %q", matched, problem)
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
		if problem == "" && !p.backRefs && with != without {
			t.Fatalf("%v with groups, %v without", with, without)
		}
		filter := p.Filter()
		if filter == nil {
			return
		}
		if matched, certain := filter.Try(&w); certain && matched != with {
			t.Fatalf("filter %v, search %v", matched, with)
		}
		if s := NewScreen(slices.Repeat([]*Filter{filter}, screenMin)); with && s.Misses(screenMin-1, &w) {
			t.Fatal("screened off")
		}
	})
}
