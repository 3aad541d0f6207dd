//go:build !nopcre && ((linux && (386 || amd64 || arm || arm64 || riscv64)) || (darwin && (amd64 || arm64)))

package table

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/ere"
)

// TestPCREPanics: where C code would have aborted, the lookup fails and no other rule
// decides; the next lookup has new memory.
func TestPCREPanics(t *testing.T) {
	if _, err := newPCREEngine(); err != nil {
		t.Skip(err)
	}
	tbl := ruleFile(t, "pcre", "/a(?=b)/ one\n!/a(?=b)/ two\n")
	w := tbl.engine.begin("ab").(*pcreWork)
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	w.tls = nil // so the library panics
	var failure *Error
	value, found, err := tbl.Lookup(t.Context(), "ab")
	if found || !errors.As(err, &failure) || failure.Class != Retry {
		t.Errorf("Lookup = %q, %v, %v, want an error", value, found, err)
	}
	if value, found, err = tbl.Lookup(t.Context(), "ab"); value != "one" || err != nil {
		t.Errorf("second Lookup = %q, %v, %v, want one", value, found, err)
	}
}

// TestPCREFilter compares the automaton with the library, for random plain
// patterns and keys.
func TestPCREFilter(t *testing.T) {
	engine, err := newPCREEngine()
	if err != nil {
		t.Skip(err)
	}
	defer engine.close()
	g := rand.New(rand.NewPCG(7, 7))
	atoms := []string{
		"a", "b", "A", "1", ".", "^", "$", "a*", "b+", "a?", ".*", "(a|b)", "(a|)", "(|b)?", "(?:ab)", "[ab]", "[^a]", "[a-c]", "[]x]", "[^]a]", "[a-]", "[\\d.]",
		"\\d", "\\w+", "\\W", "\\s", "\\.", "\\-", "|", "()", "[^\\s]", "a*?", "b+?", "@", "}", "]", "(a", "(?i)", "a{2}", "\\b", "[[:alpha:]]", "ü",
		"\\B", "\\A", "\\z", "\\Z", "\\t", "[\\n\\r]", "(?-i)", "(?i:b)", "(?-i:A)", "(?s:.)", "(?-s).", "(?^i:a)", "(?=a)", "(?!b)", "(?<=a)", "(?<!^)", "(?=a|b+)",
		"b{1,2}", "a{2,}", "[ab]{0,3}", "b{0}", "a{1}?", ".{1,}?", "a{,2}", "(a){2}", "b{2,1}", "a{65}", "(?(?=a)b)", "(?>a)", "(?#c)",
	}
	patterns := 4000
	if RaceEnabled {
		patterns = 1500
	}
	type filtered struct {
		*pcreMatcher
		about string
	}
	var all []filtered
	for range patterns {
		var pattern strings.Builder
		for range 1 + g.IntN(6) {
			pattern.WriteString(atoms[g.IntN(len(atoms))])
		}
		options := []ere.PerlOptions{ere.PerlCaseless | ere.PerlDotAll, ere.PerlDotAll, ere.PerlCaseless, ere.PerlCaseless | ere.PerlUngreedy}[g.IntN(4)]
		compiled, problem := engine.compile(pattern.String(), uint32(options))
		if problem != "" {
			continue
		}
		if m := compiled.(*pcreMatcher); m.quick != nil {
			all = append(all, filtered{m, fmt.Sprintf("%q, options %#x", pattern.String(), options)})
		}
	}
	inexact, matches := 0, 0
	for _, m := range all {
		without := *m.pcreMatcher
		without.quick = nil
		for range 20 {
			var key strings.Builder
			for range 1 + g.IntN(8) {
				key.WriteByte("aabbcABC1.-@ ]x\xfc\n\t"[g.IntN(18)])
			}
			s := engine.begin(key.String())
			got, _ := m.match(context.Background(), s, nil)
			want, problem := without.match(context.Background(), s, nil)
			if matched, certain := m.quick.Try(s.work()); matched && !certain {
				inexact++
			}
			if err := s.end(); err != nil {
				t.Error(err)
			}
			if got != want || problem != "" {
				t.Errorf("%s, key %q: filter %v, library %v %s", m.about, key.String(), got, want, problem)
			}
			if got {
				matches++
			}
		}
	}
	if len(all) < patterns/10 || inexact < patterns/2 || matches < patterns/10 {
		t.Errorf("only %d patterns with a filter, %d answers that were not certain, %d matches", len(all), inexact, matches)
	}
}
