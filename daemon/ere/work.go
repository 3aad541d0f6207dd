package ere

// What the automata of single patterns may hold together, in bytes: so much, and
// something for each pattern, as much as its part of a block's automaton may.
const (
	automataMaxSize = 16 << 20
	automataEach    = maxSize / screenBlock
)

// Work is the working memory for matching one key after the other with the
// patterns of one [Set], which may have one [Screen]. Automata are made when they
// are first used, and kept from key to key. The zero value is ready; it is not safe
// for concurrent use.
type Work struct {
	key     string
	upper   string // the key for patterns that ignore case, once it was needed
	isUpper bool

	scratch scratch
	single  []*automaton // by the filter's number
	size    int          // bytes of the single ones, about
	blocks  []blockWork
}

// blockWork is the automaton of a block, and what it says of the present key.
type blockWork struct {
	automaton *automaton
	known     bool
	found     uint64
}

// Begin makes key the one to match.
func (w *Work) Begin(key string) {
	w.key, w.upper, w.isUpper = key, "", false
	for i := range w.blocks {
		w.blocks[i].known = false
	}
}

// End lets go of the key.
func (w *Work) End() { w.Begin("") }

// caseless returns the key as patterns see it that ignore case.
func (w *Work) caseless() string {
	if !w.isUpper {
		w.upper, w.isUpper = upperASCII(w.key), true
	}
	return w.upper
}

// matches asks the automaton of one pattern. All make way when they are too large
// together.
func (w *Work) matches(f *Filter, key string) bool {
	for len(w.single) <= f.number {
		w.single = append(w.single, nil)
	}
	a := w.single[f.number]
	if a == nil {
		a = newAutomaton(f)
		w.single[f.number] = a
		w.size += a.size
	}
	before := a.size
	matched := a.matches(key)
	if w.size += a.size - before; w.size > automataMaxSize+automataEach*len(w.single) {
		clear(w.single)
		w.size = 0
	}
	return matched
}

// found returns which patterns of a block may match the key.
func (w *Work) found(number int, block *Filter, key string) uint64 {
	for len(w.blocks) <= number {
		w.blocks = append(w.blocks, blockWork{})
	}
	b := &w.blocks[number]
	if b.known {
		return b.found
	}
	if b.automaton == nil {
		b.automaton = newAutomaton(block)
	}
	var complete bool
	if b.found, complete = b.automaton.scan(key); !complete {
		b.found = ^uint64(0)
	}
	b.known = true
	return b.found
}
