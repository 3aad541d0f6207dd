package ere

const (
	screenMin   = 4  // patterns for which a block pays
	screenBlock = 64 // at most; a bit for each
	// screenCode bounds the instructions of a block. Patterns of which not even
	// screenMin would fit stay outside.
	screenCode = 1 << 14
)

// A Screen asks the filters of many patterns as one: a table of checks may have
// hundreds, and is asked for each line of a message, and most lines match none of
// them. It passes over the key once for each block of filters, when the first of
// the block is asked for. It is safe for concurrent use.
type Screen struct {
	blocks []*Filter
	places []place // by pattern; empty if there are no blocks
}

// place says where a pattern's filter is.
type place struct {
	block int // or -1
	bit   int
}

// NewScreen returns the screen of patterns with the given filters, some of which
// may be nil.
func NewScreen(filters []*Filter) *Screen {
	s := &Screen{places: make([]place, len(filters))}
	// Those of a block are given the same keys.
	type kind struct {
		ignoreCase, perl bool
		longest          int
	}
	type candidates struct {
		patterns []int
		code     int
	}
	waiting := map[kind]*candidates{}
	for i, f := range filters {
		s.places[i].block = -1
		if f == nil {
			continue
		}
		size := len(f.prog.code) + 1 // and the way to the next
		if size > screenCode/screenMin {
			continue
		}
		k := kind{f.prog.ignoreCase, f.perl, f.longest}
		w := waiting[k]
		if w == nil {
			w = &candidates{}
			waiting[k] = w
		}
		if len(w.patterns) == screenBlock || w.code+size > screenCode {
			s.join(filters, w.patterns)
			*w = candidates{}
		}
		w.patterns = append(w.patterns, i)
		w.code += size
	}
	for _, w := range waiting {
		if len(w.patterns) >= screenMin {
			s.join(filters, w.patterns)
		}
	}
	if len(s.blocks) == 0 {
		s.places = nil
	}
	return s
}

// join makes a block of some filters.
func (s *Screen) join(filters []*Filter, which []int) {
	prog := &Program{ignoreCase: filters[which[0]].prog.ignoreCase}
	c := &compiler{prog: prog, sets: map[byteSet]int32{}}
	for bit, i := range which {
		p := filters[i].prog
		split := int32(-1)
		if bit < len(which)-1 {
			split = c.add(inst{op: instSplit})
			prog.code[split].x = c.here()
		}
		base := c.here()
		for _, in := range p.code {
			in.x += base
			in.y += base
			switch in.op {
			case instSet:
				in.arg = c.set(p.sets[in.arg])
			case instAssert:
				if p.vague(condition(in.arg)) {
					in.arg = int32(assertElse)
				}
			case instMatch:
				in.arg = int32(bit)
			}
			prog.code = append(prog.code, in)
		}
		if split >= 0 {
			prog.code[split].y = c.here()
		}
		s.places[i] = place{len(s.blocks), bit}
	}
	block := newFilter(prog)
	block.perl, block.longest = filters[which[0]].perl, filters[which[0]].longest
	s.blocks = append(s.blocks, block)
}

// Misses reports that pattern i does not match the key of w. False says nothing.
func (s *Screen) Misses(i int, w *Work) bool {
	if len(s.places) == 0 || s.places[i].block < 0 {
		return false
	}
	at := s.places[i]
	block := s.blocks[at.block]
	key, ok := block.reads(w)
	return ok && w.found(at.block, block, key)&(1<<at.bit) == 0
}
