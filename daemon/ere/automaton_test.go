package ere

import (
	"strings"
	"testing"
)

// memory is what an automaton really holds in its states, in bytes.
func (a *automaton) memory() (n int) {
	for i := range a.states[:cap(a.states)] {
		s := &a.states[:cap(a.states)][i]
		n += 4*cap(s.pcs) + 4*cap(s.next)
	}
	for name := range a.index {
		n += len(name)
	}
	return n
}

// grower is a pattern whose automaton meets a new state at each a, which lists
// all that came before.
const grower = "a[ab]{3000}c"

func compileTest(t *testing.T, set *Set, pattern string) *Program {
	t.Helper()
	p, err := set.Compile(pattern, Extended)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAutomatonSize(t *testing.T) {
	a := newAutomaton(compileTest(t, new(Set), grower).Filter())
	key := strings.Repeat("a", 3001)
	for _, end := range []string{"c", "b"} {
		if got := a.matches(key + end); got != (end == "c") {
			t.Errorf("...%s: %v", end, got)
		}
		if n := a.memory(); n > maxSize*5/4 || n < maxSize/4 {
			t.Errorf("%d bytes after ...%s", n, end)
		}
	}
}

// Automata of single patterns are bounded together.
func TestAutomataSize(t *testing.T) {
	var set Set
	var w Work
	w.Begin(strings.Repeat("a", 900)) // not yet too much for one of them
	most := 0
	for n := range 3 * automataMaxSize / maxSize {
		if matched, certain := compileTest(t, &set, grower).Filter().Try(&w); matched || !certain {
			t.Fatal(matched, certain)
		}
		sum := 0
		for _, a := range w.single {
			if a != nil {
				sum += a.memory()
			}
		}
		if sum > automataMaxSize+(n+1)*automataEach {
			t.Fatalf("%d bytes after %d patterns", sum, n+1)
		}
		most = max(most, sum)
	}
	if most < automataMaxSize/2 {
		t.Errorf("no more than %d bytes", most)
	}
}

// Huge patterns do without an automaton.
func TestHugePattern(t *testing.T) {
	p := compileTest(t, new(Set), "x(ab){20000}y")
	if p.Filter() != nil {
		t.Errorf("%d instructions have an automaton", len(p.code))
	}
	text := strings.Repeat("ab", 20000)
	var w Work
	for key, want := range map[string]bool{"x" + text + "y": true, "x" + text + "ay": false} {
		w.Begin(key)
		if got, problem := p.Match(t.Context(), &w, nil); got != want || problem != "" {
			t.Errorf("%s...: %v %s", key[:2], got, problem)
		}
		w.End()
	}
	huge := strings.Repeat("a{64}", 1<<16)
	if new(Set).PerlFilter(huge, 0) != nil {
		t.Error("a huge pattern has a filter")
	}
	parser := &perlParser{text: huge}
	if _, ok := parser.alternatives(0); ok || parser.sets > 2*filterMaxCode {
		t.Errorf("%d sets of a huge pattern were made", parser.sets)
	}
}
