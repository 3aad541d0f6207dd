package table

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ruleFile opens a table of rules with the given text.
func ruleFile(t *testing.T, typ, text string) *ruleTable {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	opened, err := NewSet(Options{}).Open(typ+":"+name, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened.(*ruleTable)
}

// TestScreen compares tables with and without their screen, for random rules and
// keys.
func TestScreen(t *testing.T) {
	atoms := []string{
		"a", "b", "c", "1", ".", "^", "$", "a*", "b+", "c?", "a.*b", "(a|b)", "(ab|c)", "[ab]", "[^a]", "[[:digit:]]", "\\.", "\\b", "\\w+", "b{2}", "c{1,2}", "(a)\\1", "-",
	}
	for _, typ := range []string{"regexp", "pcre"} {
		t.Run(typ, func(t *testing.T) {
			if typ == "pcre" {
				if _, err := newPCREEngine(); err != nil {
					t.Skip(err)
				}
			}
			g := rand.New(rand.NewPCG(11, 11))
			pattern := func() string {
				var p strings.Builder
				for range 2 + g.IntN(5) {
					p.WriteString(atoms[g.IntN(len(atoms))])
				}
				return "/" + p.String() + "/" + []string{"", "", "", "i", "m"}[g.IntN(5)]
			}
			missed, hits := 0, 0
			for range 60 {
				var text strings.Builder
				for i := range g.IntN(200) {
					not := []string{"", "", "", "", "", "!"}[g.IntN(6)]
					switch g.IntN(12) {
					case 0:
						fmt.Fprintf(&text, "if %s%s\n", not, pattern())
					case 1:
						text.WriteString("endif\n")
					case 2:
						fmt.Fprintf(&text, "%s%s%d\n", pattern(), []string{" ", "!" + pattern() + " "}[g.IntN(2)], i)
					default:
						if not != "" && g.IntN(8) > 0 {
							not = ""
						}
						fmt.Fprintf(&text, "%s%s %d\n", not, pattern(), i)
					}
				}
				with := ruleFile(t, typ, text.String())
				without := *with
				without.screen = func() *screen { return &screen{} }
				for range 100 {
					var key strings.Builder
					for range 1 + g.IntN(12) {
						key.WriteByte("abcABC12.- x\n"[g.IntN(13)])
					}
					got, found, err := with.Lookup(context.Background(), key.String())
					want, wanted, wantErr := without.Lookup(context.Background(), key.String())
					if got != want || found != wanted || err != nil || wantErr != nil {
						t.Fatalf("%q: with screen %q %v %v, without %q %v %v\n%s", key.String(), got, found, err, want, wanted, wantErr, text.String())
					}
					if found {
						hits++
					}
					s := with.engine.begin(key.String())
					for i := range with.rules {
						if with.screen().misses(i, s) {
							missed++
						}
					}
					s.end()
				}
			}
			if missed < 60*100*20 || hits < 60*100/4 {
				t.Errorf("only %d rules needed no look, %d keys were found", missed, hits)
			}
		})
	}
}

// An automaton of many patterns that meets something new at each byte is given
// up for the key. It still serves others.
func TestScreenGivesUp(t *testing.T) {
	var text strings.Builder
	for i := range screenBlock {
		fmt.Fprintf(&text, "/%c.*%c.*%c/ %d\n", 'a'+i%26, 'a'+i/3%26, 'a'+i/7%26, i)
	}
	table := ruleFile(t, "regexp", text.String())
	if n := len(table.screen().blocks); n != 1 {
		t.Fatalf("%d blocks, want 1", n)
	}
	without := *table
	without.screen = func() *screen { return &screen{} }
	g := rand.New(rand.NewPCG(5, 5))
	var work automata
	complete, givenUp := 0, 0
	for n := range 600 {
		key := make([]byte, 1+g.IntN(120))
		for i := range key {
			key[i] = byte('A' + g.IntN(26))
		}
		if n%3 == 0 {
			key = []byte("THE USUAL")
		}
		got, _, _ := table.Lookup(context.Background(), string(key))
		if want, _, _ := without.Lookup(context.Background(), string(key)); got != want {
			t.Fatalf("%q: %q, want %q", key, got, want)
		}
		if work.found(table.screen().blocks[0], string(key)) == ^uint64(0) {
			givenUp++
		} else {
			complete++
		}
		work.forget()
		if n := len(work.blocks[0].dfa.states); n > dfaMaxStates {
			t.Fatalf("%d states", n)
		}
	}
	if complete < 150 || givenUp < 150 {
		t.Errorf("%d keys were screened, %d given up", complete, givenUp)
	}
}

// What hardly fits into a block stays outside, and blocks are bounded.
func TestScreenOfHugePatterns(t *testing.T) {
	var text strings.Builder
	for i := range 90 {
		fmt.Fprintf(&text, "/%c[ab]{%d}%c/ %d\n", 'a'+i%3, []int{10, 1000, 4200}[i%3], 'c'+i%20, i)
	}
	table := ruleFile(t, "regexp", text.String())
	without := *table
	without.screen = func() *screen { return &screen{} }
	s := table.screen()
	if len(s.blocks) < 2 {
		t.Errorf("%d blocks", len(s.blocks))
	}
	for _, block := range s.blocks {
		if len(block.code) > screenCode {
			t.Errorf("a block of %d instructions", len(block.code))
		}
	}
	for i := range table.rules {
		if size := len(table.rules[i].first.plain().code); (size < screenCode/screenMin) != (s.places[i].block >= 0) {
			t.Errorf("rule %d of %d instructions is in block %d", i, size, s.places[i].block)
		}
	}
	for i := range 6 {
		key := string(rune('a'+i%3)) + strings.Repeat("ab", []int{5, 500, 2100}[i%3]) + string(rune('c'+i))
		got, found, err := table.Lookup(context.Background(), key)
		want, _, _ := without.Lookup(context.Background(), key)
		if got != want || !found || err != nil {
			t.Errorf("key %d: %q %v, want %q", i, got, err, want)
		}
	}
}
