package table

// A table of checks may have hundreds of patterns, and is asked for each line of
// a message: most lines match none of them. A screen runs the automata of many
// patterns as one, once over the key, and knows which of them need no look.
const (
	screenMin   = 4  // patterns for which a block pays
	screenBlock = 64 // at most; a bit for each
	// screenCode bounds the instructions of a block. Patterns of which not even
	// screenMin would fit stay outside.
	screenCode = 1 << 14
)

// screen belongs to a table's rules. Its blocks are asked in the order of the
// rules, when the first of a block's rules is reached.
type screen struct {
	blocks []*ereProgram
	places []screenPlace // by rule; empty if there are no blocks
}

// screenPlace says where a rule's first pattern is.
type screenPlace struct {
	block int // or -1
	bit   int
}

func newScreen(rules []rule) *screen {
	s := &screen{places: make([]screenPlace, len(rules))}
	// Those of a block are given the same keys.
	type kind struct {
		ignoreCase bool
		longest    int
	}
	type candidates struct {
		rules []int
		code  int
	}
	waiting := map[kind]*candidates{}
	for i := range rules {
		s.places[i].block = -1
		if rules[i].first == nil {
			continue
		}
		p := rules[i].first.plain()
		if p == nil {
			continue
		}
		size := len(p.code) + 1 // and the way to the next
		if size > screenCode/screenMin {
			continue
		}
		k := kind{p.ignoreCase, p.longest}
		w := waiting[k]
		if w == nil {
			w = &candidates{}
			waiting[k] = w
		}
		if len(w.rules) == screenBlock || w.code+size > screenCode {
			s.join(rules, w.rules)
			*w = candidates{}
		}
		w.rules = append(w.rules, i)
		w.code += size
	}
	for _, w := range waiting {
		if len(w.rules) >= screenMin {
			s.join(rules, w.rules)
		}
	}
	if len(s.blocks) == 0 {
		s.places = nil
	}
	return s
}

// join makes a block of the first patterns of some rules.
func (s *screen) join(rules []rule, which []int) {
	block := &ereProgram{number: len(s.blocks)}
	c := &ereCompiler{prog: block, sets: map[byteSet]int32{}}
	for bit, i := range which {
		p := rules[i].first.plain()
		block.ignoreCase, block.longest = p.ignoreCase, p.longest
		split := int32(-1)
		if bit < len(which)-1 {
			split = c.add(ereInst{op: instSplit})
			block.code[split].x = c.here()
		}
		base := c.here()
		for _, in := range p.code {
			in.x += base
			in.y += base
			switch in.op {
			case instSet:
				in.arg = c.set(p.sets[in.arg])
			case instAssert:
				if p.vague(ereAssert(in.arg)) {
					in.arg = int32(assertElse)
				}
			case instMatch:
				in.arg = int32(bit)
			}
			block.code = append(block.code, in)
		}
		if split >= 0 {
			block.code[split].y = c.here()
		}
		s.places[i] = screenPlace{len(s.blocks), bit}
	}
	block.dfa = newDFAPlan(block)
	s.blocks = append(s.blocks, block)
}

// misses reports that the first pattern of a rule does not match the key. False
// says nothing.
func (s *screen) misses(rule int, in session) bool {
	if len(s.places) == 0 || s.places[rule].block < 0 {
		return false
	}
	place := s.places[rule]
	block := s.blocks[place.block]
	key, work := in.plain(block)
	return work != nil && work.found(block, key)&(1<<place.bit) == 0
}

// automataMaxSize bounds the automata of single patterns, in bytes. Those of
// blocks are few.
const automataMaxSize = 32 << 20

// automata is the working memory of a table's automata. They are made when they
// are first used, and kept from key to key.
type automata struct {
	single []*ereDFA // by the pattern's number
	size   int       // bytes of the single ones, about
	blocks []blockWork
}

// blockWork is the automaton of a block, and what it says of the present key.
type blockWork struct {
	dfa   *ereDFA
	known bool
	found uint64
}

// matches asks the automaton of one pattern. All make way when they are too large
// together.
func (a *automata) matches(p *ereProgram, key string) bool {
	for len(a.single) <= p.number {
		a.single = append(a.single, nil)
	}
	d := a.single[p.number]
	if d == nil {
		d = newEreDFA(p)
		a.single[p.number] = d
		a.size += d.size
	}
	before := d.size
	matched := d.matches(key)
	if a.size += d.size - before; a.size > automataMaxSize {
		clear(a.single)
		a.size = 0
	}
	return matched
}

// found returns which patterns of a block may match the key.
func (a *automata) found(block *ereProgram, key string) uint64 {
	for len(a.blocks) <= block.number {
		a.blocks = append(a.blocks, blockWork{})
	}
	w := &a.blocks[block.number]
	if w.known {
		return w.found
	}
	if w.dfa == nil {
		w.dfa = newEreDFA(block)
	}
	var complete bool
	if w.found, complete = w.dfa.scan(key); !complete {
		w.found = ^uint64(0)
	}
	w.known = true
	return w.found
}

// forget follows each key.
func (a *automata) forget() {
	for i := range a.blocks {
		a.blocks[i].known = false
	}
}
