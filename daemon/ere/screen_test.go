package ere

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// screenOf returns the screen of some patterns, and their filters.
func screenOf(t *testing.T, patterns ...string) (*Screen, []*Filter) {
	t.Helper()
	var set Set
	var filters []*Filter
	for _, pattern := range patterns {
		filters = append(filters, compileTest(t, &set, pattern).Filter())
	}
	return NewScreen(filters), filters
}

// An automaton of many patterns that meets something new at each byte is given
// up for the key. It still serves others.
func TestScreenGivesUp(t *testing.T) {
	var patterns []string
	for i := range screenBlock {
		patterns = append(patterns, fmt.Sprintf("%c.*%c.*%c", 'a'+i%26, 'a'+i/3%26, 'a'+i/7%26))
	}
	s, filters := screenOf(t, patterns...)
	if n := len(s.blocks); n != 1 {
		t.Fatalf("%d blocks, want 1", n)
	}
	g := rand.New(rand.NewPCG(5, 5))
	var w Work
	complete, givenUp := 0, 0
	for n := range 600 {
		key := make([]byte, 1+g.IntN(120))
		for i := range key {
			key[i] = byte('a' + g.IntN(26))
		}
		if n%3 == 0 {
			key = []byte("the usual")
		}
		w.Begin(string(key))
		for i, f := range filters {
			matched, certain := f.Try(&w)
			if s.Misses(i, &w) && matched || !certain {
				t.Fatalf("%q: %s is screened off, %v", key, patterns[i], certain)
			}
		}
		if w.blocks[0].found == ^uint64(0) {
			givenUp++
		} else {
			complete++
		}
		if n := len(w.blocks[0].automaton.states); n > maxStates {
			t.Fatalf("%d states", n)
		}
	}
	if complete < 150 || givenUp < 150 {
		t.Errorf("%d keys were screened, %d given up", complete, givenUp)
	}
}

// What hardly fits into a block stays outside, and blocks are bounded.
func TestScreenOfHugePatterns(t *testing.T) {
	var patterns []string
	for i := range 90 {
		patterns = append(patterns, fmt.Sprintf("%c[ab]{%d}%c", 'a'+i%3, []int{10, 1000, 4200}[i%3], 'c'+i%20))
	}
	s, filters := screenOf(t, patterns...)
	if len(s.blocks) < 2 {
		t.Errorf("%d blocks", len(s.blocks))
	}
	for _, block := range s.blocks {
		if n := len(block.prog.code); n > screenCode {
			t.Errorf("a block of %d instructions", n)
		}
	}
	for i, f := range filters {
		if size := len(f.prog.code); (size < screenCode/screenMin) != (s.places[i].block >= 0) {
			t.Errorf("pattern %d of %d instructions is in block %d", i, size, s.places[i].block)
		}
	}
	var w Work
	for i := range 6 {
		w.Begin(string(rune('a'+i%3)) + strings.Repeat("ab", []int{5, 500, 2100}[i%3]) + string(rune('c'+i)))
		if matched, _ := filters[i].Try(&w); !matched || s.Misses(i, &w) {
			t.Errorf("key %d: %v", i, matched)
		}
	}
}
