package table

// A lazily built automaton answers whether a pattern matches at all, which is
// the question for most rules of a table: one step for each byte of the key.
// Of conditions it knows ^ and $, and takes all others to hold: then it is not
// exact, and its yes is a perhaps. That of a block of patterns (see screen)
// tells which of them match.

const (
	dfaMaxStates = 1000
	dfaUnknown   = -1

	// A state may list every instruction of its program. So the states are bounded
	// by their size, too, and what has more instructions than so many has no
	// automaton: it could keep but a few states.
	dfaMaxCode   = 1 << 16
	dfaMaxSize   = 4 << 20 // bytes of one automaton, about
	dfaCodeSize  = 20      // of working memory for an instruction
	dfaStateSize = 160     // of a state, its lists left out
	dfaEntrySize = 7       // of an instruction in a state and its name

	// A new state of a block costs about what so many bytes cost that meet known
	// ones, and one more for each instruction that it lists. It begins with credit
	// for all states of the usual kind.
	dfaStateCost = 64
	dfaCredit    = dfaMaxStates * 2 * dfaStateCost
)

// dfaPlan is what all automata of one pattern have in common.
type dfaPlan struct {
	class   [256]uint8 // bytes that no set tells apart have one class
	example []byte     // a byte of each class
	exact   bool       // a pattern that is found does match
}

// newDFAPlan returns nil for patterns with back references and for huge ones.
func newDFAPlan(p *ereProgram) *dfaPlan {
	if p.backRefs || len(p.code) > dfaMaxCode {
		return nil
	}
	plan := &dfaPlan{exact: true}
	for i := range p.code {
		if in := &p.code[i]; in.op == instAssert && p.vague(ereAssert(in.arg)) {
			plan.exact = false
		}
	}
	// Split the classes by one set after the other.
	count := 1
	for _, set := range p.sets {
		var renamed [256][2]int16 // by class, and whether the set has the byte; plus 1
		was := plan.class
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
			plan.class[c] = uint8(*name - 1)
		}
	}
	plan.example = make([]byte, count)
	for c := range 256 {
		plan.example[plan.class[c]] = byte(c)
	}
	return plan
}

// vague reports that automata do not know whether a condition holds.
func (p *ereProgram) vague(check ereAssert) bool {
	switch check {
	case assertLineFirst, assertLineLast:
		return p.newline
	case assertBufferFirst, assertBufferLast:
		return false
	}
	return true
}

// ereDFA is one automaton, of a pattern or of a block of them; it grows while it
// is used.
type ereDFA struct {
	program *ereProgram
	plan    *dfaPlan
	states  []dfaState
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

type dfaState struct {
	pcs    []int32 // sets to come, and conditions on the end
	next   []int32 // by class
	found  uint64  // the patterns of which a match ends here, a bit for each
	atEnd  uint64  // those of which one ends here if the key does
	isDead bool    // nothing can match any more
}

func newEreDFA(p *ereProgram) *ereDFA {
	d := &ereDFA{program: p, plan: p.dfa, mark: make([]uint32, len(p.code)), credit: dfaCredit}
	d.flush()
	return d
}

func (d *ereDFA) flush() {
	clear(d.states) // lets go of their lists
	d.states = d.states[:0]
	d.index = map[string]int32{}
	d.size = dfaCodeSize * len(d.program.code)
	d.begin()
	d.follow(0, true, false)
	d.first = d.state()
}

// matches reports whether the pattern matches a key that is not empty.
func (d *ereDFA) matches(key string) bool {
	at := d.first
	for i := 0; i < len(key); i++ {
		s := &d.states[at]
		if s.found != 0 {
			return true
		}
		if s.isDead {
			return false
		}
		class := d.plan.class[key[i]]
		next := s.next[class]
		if next == dfaUnknown {
			next = d.step(at, class)
		}
		at = next
	}
	s := &d.states[at]
	return s.found|s.atEnd != 0
}

// scan returns which patterns match a key that is not empty. Complete is false,
// and found of no use, where the automaton would have to grow faster than its
// credit allows: then it is cheaper to try one pattern after the other.
func (d *ereDFA) scan(key string) (found uint64, complete bool) {
	d.credit = min(d.credit+len(key), dfaCredit)
	at := d.first
	for i := 0; i < len(key); i++ {
		s := &d.states[at]
		found |= s.found
		if s.isDead {
			return found, true
		}
		class := d.plan.class[key[i]]
		next := s.next[class]
		if next == dfaUnknown {
			if d.credit < dfaStateCost {
				return 0, false
			}
			next = d.step(at, class)
			d.credit -= dfaStateCost + len(d.states[next].pcs)
		}
		at = next
	}
	s := &d.states[at]
	return found | s.found | s.atEnd, true
}

func (d *ereDFA) begin() {
	d.list = d.list[:0]
	if d.stamp++; d.stamp == 0 {
		clear(d.mark)
		d.stamp = 1
	}
}

// follow adds what pc leads to without a byte.
func (d *ereDFA) follow(pc int32, atStart, atEnd bool) {
	d.stack = append(d.stack[:0], pc)
	for len(d.stack) > 0 {
		pc := d.stack[len(d.stack)-1]
		d.stack = d.stack[:len(d.stack)-1]
		if d.mark[pc] == d.stamp {
			continue
		}
		d.mark[pc] = d.stamp
		switch in := &d.program.code[pc]; in.op {
		case instSet, instMatch:
			d.list = append(d.list, pc)
		case instSplit, instAgain:
			d.stack = append(d.stack, in.y, in.x)
		case instAssert:
			switch check := ereAssert(in.arg); {
			case d.program.vague(check):
				d.stack = append(d.stack, in.x)
			case check == assertLineFirst || check == assertBufferFirst:
				if atStart {
					d.stack = append(d.stack, in.x)
				}
			case atEnd:
				d.stack = append(d.stack, in.x)
			default:
				d.list = append(d.list, pc) // not known yet
			}
		default:
			d.stack = append(d.stack, in.x)
		}
	}
}

// step computes the state after one byte.
func (d *ereDFA) step(from int32, class uint8) int32 {
	if len(d.states) >= dfaMaxStates || d.size >= dfaMaxSize {
		pcs := d.states[from].pcs
		d.flush()
		d.begin()
		d.list = append(d.list, pcs...)
		from = d.state()
	}
	c := d.plan.example[class]
	d.begin()
	for _, pc := range d.states[from].pcs {
		if in := &d.program.code[pc]; in.op == instSet && d.program.sets[in.arg].has(c) {
			d.follow(in.x, false, false)
		}
	}
	d.follow(0, false, false) // a match can start at each byte
	to := d.state()
	d.states[from].next[class] = to
	return to
}

// state returns the state for the current list.
func (d *ereDFA) state() int32 {
	d.key = d.key[:0]
	for _, pc := range d.list {
		d.key = append(d.key, byte(pc), byte(pc>>8), byte(pc>>16))
	}
	if at, ok := d.index[string(d.key)]; ok {
		return at
	}
	s := dfaState{pcs: append([]int32(nil), d.list...), next: make([]int32, len(d.plan.example))}
	for i := range s.next {
		s.next[i] = dfaUnknown
	}
	s.isDead = len(s.pcs) == 0
	waiting := false
	for _, pc := range s.pcs {
		switch d.program.code[pc].op {
		case instMatch:
			s.found |= 1 << d.program.code[pc].arg
		case instAssert:
			waiting = true
		}
	}
	if waiting {
		d.begin()
		for _, pc := range s.pcs {
			if in := &d.program.code[pc]; in.op == instAssert {
				d.follow(in.x, false, true)
			}
		}
		for _, pc := range d.list {
			if in := &d.program.code[pc]; in.op == instMatch {
				s.atEnd |= 1 << in.arg
			}
		}
	}
	at := int32(len(d.states))
	d.states = append(d.states, s)
	d.index[string(d.key)] = at
	d.size += dfaStateSize + dfaEntrySize*len(s.pcs) + 4*len(s.next)
	return at
}
