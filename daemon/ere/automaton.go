package ere

import "slices"

const (
	maxStates = 1000
	unknown   = -1

	// A state may list every instruction of its program. So the states are bounded
	// by their size, too.
	maxSize   = 4 << 20 // bytes of one automaton, about
	codeSize  = 20      // of working memory for an instruction
	stateSize = 160     // of a state, its lists left out
	entrySize = 7       // of an instruction in a state and its name

	// A new state of a block costs about what so many bytes cost that meet known
	// ones, and one more for each instruction that it lists. It begins with credit
	// for all states of the usual kind.
	stateCost = 64
	maxCredit = maxStates * 2 * stateCost
)

// automaton is one automaton, of a pattern or of a block of them; it grows while it
// is used.
type automaton struct {
	filter  *Filter
	program *Program // the filter's
	states  []state
	index   map[string]int32
	first   int32 // at the start of the key
	list    []int32
	mark    []uint32
	stamp   uint32
	stack   []int32
	key     []byte
	size    int // bytes of memory, about
	credit  int // of scan: bytes that were read and not yet spent on new states
}

type state struct {
	pcs    []int32 // sets to come, and conditions on the end
	next   []int32 // by class
	found  uint64  // the patterns of which a match ends here, a bit for each
	atEnd  uint64  // those of which one ends here if the key does
	isDead bool    // nothing can match any more
}

func newAutomaton(f *Filter) *automaton {
	a := &automaton{filter: f, program: f.prog, mark: make([]uint32, len(f.prog.code)), credit: maxCredit}
	a.flush()
	return a
}

func (a *automaton) flush() {
	clear(a.states) // lets go of their lists
	a.states = a.states[:0]
	a.index = map[string]int32{}
	a.size = codeSize * len(a.program.code)
	a.begin()
	a.follow(0, atStart)
	a.first = a.state()
}

// matches reports whether the pattern matches a key that is not empty.
func (a *automaton) matches(key string) bool {
	at := a.first
	for i := 0; i < len(key); i++ {
		s := &a.states[at]
		if s.found != 0 {
			return true
		}
		if s.isDead {
			return false
		}
		class := a.filter.class[key[i]]
		next := s.next[class]
		if next == unknown {
			next = a.step(at, class)
		}
		at = next
	}
	s := &a.states[at]
	return s.found|s.atEnd != 0
}

// scan returns which patterns match a key that is not empty. Complete is false,
// and found of no use, where the automaton would have to grow faster than its
// credit allows: then it is cheaper to try one pattern after the other.
func (a *automaton) scan(key string) (found uint64, complete bool) {
	a.credit = min(a.credit+len(key), maxCredit)
	at := a.first
	for i := 0; i < len(key); i++ {
		s := &a.states[at]
		found |= s.found
		if s.isDead {
			return found, true
		}
		class := a.filter.class[key[i]]
		next := s.next[class]
		if next == unknown {
			if a.credit < stateCost {
				return 0, false
			}
			next = a.step(at, class)
			a.credit -= stateCost + len(a.states[next].pcs)
		}
		at = next
	}
	s := &a.states[at]
	return found | s.found | s.atEnd, true
}

func (a *automaton) begin() {
	a.list = a.list[:0]
	if a.stamp++; a.stamp == 0 {
		clear(a.mark)
		a.stamp = 1
	}
}

// where is what is known of a position in the key. Lines matter to patterns that do
// not ask for them, too: in the C library a newline in a match has a ^ after it and,
// if there is no second pass, a $ before it.
type where uint8

const (
	atStart where = 1 << iota
	afterNewline
	beforeNewline
	atEnd
)

// follow adds what pc leads to without a byte.
func (a *automaton) follow(pc int32, at where) {
	a.stack = append(a.stack[:0], pc)
	for len(a.stack) > 0 {
		pc := a.stack[len(a.stack)-1]
		a.stack = a.stack[:len(a.stack)-1]
		if a.mark[pc] == a.stamp {
			continue
		}
		a.mark[pc] = a.stamp
		switch in := &a.program.code[pc]; in.op {
		case instSet, instMatch:
			a.list = append(a.list, pc)
		case instSplit, instAgain:
			a.stack = append(a.stack, in.y, in.x)
		case instAssert:
			switch check := condition(in.arg); {
			case a.program.vague(check):
				a.stack = append(a.stack, in.x)
			case check == assertLineFirst || check == assertBufferFirst:
				if at&atStart != 0 || at&afterNewline != 0 && check == assertLineFirst {
					a.stack = append(a.stack, in.x)
				}
			case at&atEnd != 0 || at&beforeNewline != 0 && check == assertLineLast:
				a.stack = append(a.stack, in.x)
			default:
				a.list = append(a.list, pc) // not known yet
			}
		default:
			a.stack = append(a.stack, in.x)
		}
	}
}

// step computes the state after one byte.
func (a *automaton) step(from int32, class uint8) int32 {
	if len(a.states) >= maxStates || a.size >= maxSize {
		pcs := a.states[from].pcs
		a.flush()
		a.begin()
		a.list = append(a.list, pcs...)
		from = a.state()
	}
	c := a.filter.example[class]
	pcs := a.states[from].pcs
	var at where
	if c == '\n' {
		at = afterNewline
		pcs = a.beforeNewline(pcs)
	}
	a.begin()
	for _, pc := range pcs {
		if in := &a.program.code[pc]; in.op == instSet && a.program.sets[in.arg].has(c) {
			a.follow(in.x, at)
		}
	}
	a.follow(0, 0) // a match can start at each byte
	to := a.state()
	a.states[from].next[class] = to
	return to
}

// beforeNewline adds to the instructions of a state what a newline lets through.
func (a *automaton) beforeNewline(pcs []int32) []int32 {
	a.begin()
	for _, pc := range pcs {
		if in := &a.program.code[pc]; in.op == instAssert {
			a.follow(pc, beforeNewline)
		}
	}
	return slices.Concat(pcs, a.list)
}

// state returns the state for the current list.
func (a *automaton) state() int32 {
	a.key = a.key[:0]
	for _, pc := range a.list {
		a.key = append(a.key, byte(pc), byte(pc>>8), byte(pc>>16))
	}
	if at, ok := a.index[string(a.key)]; ok {
		return at
	}
	s := state{pcs: append([]int32(nil), a.list...), next: make([]int32, len(a.filter.example))}
	for i := range s.next {
		s.next[i] = unknown
	}
	s.isDead = len(s.pcs) == 0
	waiting := false
	for _, pc := range s.pcs {
		switch a.program.code[pc].op {
		case instMatch:
			s.found |= 1 << a.program.code[pc].arg
		case instAssert:
			waiting = true
		}
	}
	if waiting {
		a.begin()
		for _, pc := range s.pcs {
			if in := &a.program.code[pc]; in.op == instAssert {
				a.follow(in.x, atEnd)
			}
		}
		for _, pc := range a.list {
			if in := &a.program.code[pc]; in.op == instMatch {
				s.atEnd |= 1 << in.arg
			}
		}
	}
	at := int32(len(a.states))
	a.states = append(a.states, s)
	a.index[string(a.key)] = at
	a.size += stateSize + entrySize*len(s.pcs) + 4*len(s.next)
	return at
}
