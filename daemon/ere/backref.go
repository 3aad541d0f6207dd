package ere

// Patterns with back references are matched by trying all ways, which can take
// very long, so the number of steps is limited: to about the time that the PCRE
// library's limit allows. A word of n letters costs "([a-z]+) \1" some 1.5 n*n steps,
// and a line of a body, of up to line_length_limit bytes, may be one word.

const (
	maxSteps = 50_000_000
	maxStack = 1_000_000
	// tooHard is what the C library says when it gives up.
	tooHard = "Memory exhausted"
)

// choice is a way not yet taken, or a register to restore.
type choice struct {
	pc       int32
	register int32 // -1, or what to restore
	value    int   // the position, or the register's old value
}

// backtracking tries all ways to match.
//
// The C library finds out what the groups have matched in a second pass, which
// knows no other groups than those that spans has room for: a reference to another
// one fails there, and with it the match, where there is no other way to the same
// end. Without spans there is no such pass.
type backtracking struct {
	p     *Program
	key   string
	known int // groups that the second pass knows, the whole match among them; 0: no such pass

	registers []int // of groups, then of loops, then the one at lost
	lost      int32 // this register is not -1: the second pass fails
	stack     []choice
	steps     int // left
	start     int // of the match that is tried

	best     []int // registers of the groups in the longest match so far
	longest  int   // its end, or -1
	bestLost bool  // the second pass fails for it
}

// backtrack finds the leftmost longest match, and of those the first, in so many
// steps.
func (p *Program) backtrack(key string, spans []int, steps int) (matched bool, problem string) {
	groups := 2*p.groupCount + 2
	b := backtracking{
		p:         p,
		key:       key,
		known:     len(spans) / 2,
		steps:     steps,
		registers: make([]int, groups+p.loops+1),
		lost:      int32(groups + p.loops),
		stack:     make([]choice, 0, 64),
		best:      make([]int, groups),
	}
	for start := 0; start <= len(key); start++ {
		if !b.from(start) {
			return false, tooHard
		}
		if b.bestLost {
			return false, ""
		}
		if b.longest >= 0 {
			copy(spans, b.best)
			if len(spans) > 0 {
				spans[0], spans[1] = start, b.longest
			}
			return true, ""
		}
	}
	return false, ""
}

// from tries all ways that begin at start. It returns false if there are too many.
func (b *backtracking) from(start int) bool {
	for i := range b.registers {
		b.registers[i] = -1
	}
	b.start, b.longest, b.bestLost = start, -1, false
	b.stack = append(b.stack[:0], choice{pc: 0, register: -1, value: start})
	for len(b.stack) > 0 {
		last := b.stack[len(b.stack)-1]
		b.stack = b.stack[:len(b.stack)-1]
		if last.register >= 0 {
			b.registers[last.register] = last.value
			continue
		}
		if !b.follow(last.pc, last.value) {
			return false
		}
		if b.longest == len(b.key) && !b.bestLost {
			break // none is longer
		}
	}
	return true
}

// follow goes one way to its end.
func (b *backtracking) follow(pc int32, i int) bool {
	for alive := true; alive; {
		if b.steps--; b.steps < 0 || len(b.stack) > maxStack {
			return false
		}
		in := &b.p.code[pc]
		pc = in.x
		switch in.op {
		case instSet:
			alive = i < len(b.key) && b.p.sets[in.arg].has(b.key[i])
			i++
		case instSplit:
			if in.x != in.y {
				b.stack = append(b.stack, choice{pc: in.y, register: -1, value: i})
			}
		case instSave:
			b.set(in.arg, i)
		case instLoop:
			b.set(b.loop(in.arg), i)
		case instAgain:
			if b.registers[b.loop(in.arg)] == i {
				pc = in.y
			}
		case instAssert:
			alive = b.p.holds(condition(in.arg), b.key, b.start, i)
		case instBackRef:
			before := i
			i, alive = b.p.reference(b.registers, int(in.arg), b.key, i)
			if alive && b.known > 0 && int(in.arg)+1 >= b.known && (i > before || b.p.plural) {
				b.set(b.lost, 0)
			}
		case instMatch:
			b.reached(i)
			alive = false
		}
	}
	return true
}

// loop is the register of a loop.
func (b *backtracking) loop(number int32) int32 { return int32(len(b.best)) + number }

// set changes a register until the way that is being followed is given up.
func (b *backtracking) set(register int32, value int) {
	b.stack = append(b.stack, choice{register: register, value: b.registers[register]})
	b.registers[register] = value
}

// reached is a match that ends at i.
func (b *backtracking) reached(i int) {
	isLost := b.registers[b.lost] >= 0
	if i > b.longest || i == b.longest && b.bestLost && !isLost {
		b.longest, b.bestLost = i, isLost
		copy(b.best, b.registers)
	}
}

// reference compares the key at i with what the group matched.
func (p *Program) reference(registers []int, group int, key string, i int) (after int, ok bool) {
	from, to := registers[2*group+2], registers[2*group+3]
	if from < 0 || to < from {
		return i, false
	}
	n := to - from
	if n > len(key)-i || key[from:to] != key[i:i+n] {
		return i, false
	}
	return i + n, true
}
