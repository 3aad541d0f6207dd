package ere

import "math"

// filterMaxCode bounds the instructions of a pattern that has a filter: an
// automaton could keep but a few states of a larger one.
const filterMaxCode = 1 << 16

// A Filter tells whether a pattern matches at all, which is the question for most
// patterns of a table: one step for each byte of the key. Of conditions it knows
// ^ and $, and takes all others to hold: then it is not exact, and its yes is a
// perhaps. It is safe for concurrent use.
type Filter struct {
	prog    *Program
	class   [256]uint8 // bytes that no set tells apart have one class
	example []byte     // a byte of each class
	exact   bool       // a pattern that is found does match
	perl    bool       // $ also matches before a newline at the end
	longest int        // the length of key up to which it holds
	number  int        // in its set
}

// newFilter returns nil for patterns with back references and for huge ones.
func newFilter(p *Program) *Filter {
	if p.backRefs || len(p.code) > filterMaxCode {
		return nil
	}
	f := &Filter{prog: p, exact: true, longest: math.MaxInt}
	for i := range p.code {
		if in := &p.code[i]; in.op == instAssert && p.vague(condition(in.arg)) {
			f.exact = false
		}
	}
	f.classify()
	return f
}

// newRoughFilter returns the filter of a pattern with back references, for which it
// takes anything. So its yes is always a perhaps, but what it rules out need not be
// tried in all ways.
func newRoughFilter(p *Program, tree *node) *Filter {
	rough := &Program{ignoreCase: p.ignoreCase, newline: p.newline}
	c := &compiler{prog: rough, sets: map[byteSet]int32{}, rough: true}
	c.emit(tree)
	c.add(inst{op: instMatch})
	f := newFilter(rough)
	if f != nil {
		f.exact = false
	}
	return f
}

// classify splits the classes of bytes by one set after the other, and by the
// newline, which conditions may ask for.
func (f *Filter) classify() {
	count := 1
	var newline byteSet
	newline.add('\n')
	for _, set := range append(f.prog.sets[:len(f.prog.sets):len(f.prog.sets)], newline) {
		var renamed [256][2]int16 // by class, and whether the set has the byte; plus 1
		was := f.class
		count = 0
		for c := range 256 {
			half := 0
			if set.has(byte(c)) {
				half = 1
			}
			name := &renamed[was[c]][half]
			if *name == 0 {
				count++
				*name = int16(count)
			}
			f.class[c] = uint8(*name - 1)
		}
	}
	f.example = make([]byte, count)
	for c := range 256 {
		f.example[f.class[c]] = byte(c)
	}
}

// vague reports that automata do not know whether a condition holds.
func (p *Program) vague(check condition) bool {
	switch check {
	case assertLineFirst, assertLineLast:
		return p.newline
	case assertBufferFirst, assertBufferLast:
		return false
	}
	return true
}

// Try tells whether the key of w matches. If it is not certain, that says
// nothing.
func (f *Filter) Try(w *Work) (matched, certain bool) {
	key, ok := f.reads(w)
	if !ok {
		return false, false
	}
	matched = w.matches(f, key)
	return matched, !matched || f.exact
}

// reads returns the key as the automaton reads it; it is false for a key for
// which that does not hold.
func (f *Filter) reads(w *Work) (string, bool) {
	switch {
	case w.key == "" || len(w.key) > f.longest:
		return "", false
	case f.perl && w.key[len(w.key)-1] == '\n':
		return "", false
	case f.prog.ignoreCase:
		return w.caseless(), true
	}
	return w.key, true
}
