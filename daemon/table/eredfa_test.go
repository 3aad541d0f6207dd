package table

import (
	"strings"
	"testing"
)

// memory is what an automaton really holds in its states, in bytes.
func (d *ereDFA) memory() (n int) {
	for i := range d.states[:cap(d.states)] {
		s := &d.states[:cap(d.states)][i]
		n += 4*cap(s.pcs) + 4*cap(s.next)
	}
	for name := range d.index {
		n += len(name)
	}
	return n
}

// grower is a pattern whose automaton meets a new state at each a, which lists
// all that came before.
const grower = "a[ab]{3000}c"

func compileTestERE(t *testing.T, pattern string) *ereProgram {
	t.Helper()
	p, err := compileERE(pattern, ereExtended)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDFASize(t *testing.T) {
	p := compileTestERE(t, grower)
	d := newEreDFA(p)
	key := strings.Repeat("a", 3001)
	for _, end := range []string{"c", "b"} {
		if got := d.matches(key + end); got != (end == "c") {
			t.Errorf("...%s: %v", end, got)
		}
		if n := d.memory(); n > dfaMaxSize*5/4 || n < dfaMaxSize/4 {
			t.Errorf("%d bytes after ...%s", n, end)
		}
	}
}

// Automata of single patterns are bounded together.
func TestAutomataSize(t *testing.T) {
	var a automata
	key := strings.Repeat("a", 900) // not yet too much for one of them
	most := 0
	for n := range 3 * automataMaxSize / dfaMaxSize {
		p := compileTestERE(t, grower)
		p.number = n
		if a.matches(p, key) {
			t.Fatal("matched")
		}
		sum := 0
		for _, d := range a.single {
			if d != nil {
				sum += d.memory()
			}
		}
		if sum > automataMaxSize {
			t.Fatalf("%d bytes after %d patterns", sum, n+1)
		}
		most = max(most, sum)
	}
	if most < automataMaxSize/2 {
		t.Errorf("no more than %d bytes", most)
	}
}

// Huge patterns do without an automaton.
func TestDFAHugePattern(t *testing.T) {
	p := compileTestERE(t, "x(ab){20000}y")
	if p.plain() != nil {
		t.Errorf("%d instructions have an automaton", len(p.code))
	}
	text := strings.Repeat("ab", 20000)
	e := &ereEngine{}
	for key, want := range map[string]bool{"x" + text + "y": true, "x" + text + "ay": false} {
		s := e.begin(key)
		if got, problem := p.match(t.Context(), s, nil); got != want || problem != "" {
			t.Errorf("%s...: %v %s", key[:2], got, problem)
		}
		s.end()
	}
	huge := strings.Repeat("a{64}", 1<<16)
	if newPCREFilter(huge, 0) != nil {
		t.Error("a huge pattern has a filter")
	}
	parser := &pcreFilterParser{text: huge}
	if _, ok := parser.alternatives(0); ok || parser.sets > 2*dfaMaxCode {
		t.Errorf("%d sets of a huge pattern were made", parser.sets)
	}
}
