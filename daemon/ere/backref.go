package ere

// Patterns with back references are matched by trying all ways, which can take
// very long, so the number of steps is limited.

const (
	maxSteps = 5_000_000
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

// backtrack finds the leftmost longest match, and of those the first.
//
// The C library finds out what the groups have matched in a second pass, which
// knows no other groups than those that spans has room for: a reference to another
// one fails there, and with it the match, where there is no other way to the same
// end. Without spans there is no such pass.
func (p *Program) backtrack(key string, spans []int) (matched bool, problem string) {
	groups := 2*p.groupCount + 2
	registers := make([]int, groups+p.loops+1)
	lost := int32(groups + p.loops) // this register is not -1: the second pass fails
	best, bestLost := make([]int, groups), false
	stack := make([]choice, 0, 64)
	steps := 0
	for start := 0; start <= len(key); start++ {
		for i := range registers {
			registers[i] = -1
		}
		longest := -1
		bestLost = false
		stack = append(stack[:0], choice{pc: 0, register: -1, value: start})
		for len(stack) > 0 {
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if last.register >= 0 {
				registers[last.register] = last.value
				continue
			}
			pc, i := last.pc, last.value
			for alive := true; alive; {
				if steps++; steps > maxSteps || len(stack) > maxStack {
					return false, tooHard
				}
				in := &p.code[pc]
				pc = in.x
				switch in.op {
				case instSet:
					alive = i < len(key) && p.sets[in.arg].has(key[i])
					i++
				case instSplit:
					if in.x != in.y {
						stack = append(stack, choice{pc: in.y, register: -1, value: i})
					}
				case instSave:
					stack = append(stack, choice{register: in.arg, value: registers[in.arg]})
					registers[in.arg] = i
				case instLoop:
					register := int32(groups) + in.arg
					stack = append(stack, choice{register: register, value: registers[register]})
					registers[register] = i
				case instAgain:
					if registers[groups+int(in.arg)] == i {
						pc = in.y
					}
				case instAssert:
					alive = p.holds(condition(in.arg), key, i)
				case instBackRef:
					before := i
					i, alive = p.reference(registers, int(in.arg), key, i)
					if alive && int(in.arg)+1 >= len(spans)/2 && len(spans) > 0 && (i > before || p.plural) {
						stack = append(stack, choice{register: lost, value: registers[lost]})
						registers[lost] = 0
					}
				case instMatch:
					isLost := registers[lost] >= 0
					if i > longest || i == longest && bestLost && !isLost {
						longest, bestLost = i, isLost
						copy(best, registers[:groups])
					}
					alive = false
				}
			}
			if longest == len(key) && !bestLost {
				break // none is longer
			}
		}
		if bestLost {
			return false, ""
		}
		if longest >= 0 {
			copy(spans, best)
			if len(spans) > 0 {
				spans[0], spans[1] = start, longest
			}
			return true, ""
		}
	}
	return false, ""
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
