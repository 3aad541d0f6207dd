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

	"github.com/qmqpd/qmqpd/daemon/ere"
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
				without.screen = func() *ere.Screen { return &ere.Screen{} }
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
						if with.screen().Misses(i, s.work()) {
							missed++
						}
					}
					if err := s.end(); err != nil {
						t.Error(err)
					}
				}
			}
			if missed < 60*100*20 || hits < 60*100/4 {
				t.Errorf("only %d rules needed no look, %d keys were found", missed, hits)
			}
		})
	}
}
