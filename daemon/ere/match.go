package ere

import "context"

// scratch is the working memory of a match. A match looks at each byte of the
// key once, with all instructions that could be next: its time is bounded by
// the length of the key times the size of the pattern.
type scratch struct {
	now, next threads
	stack     []frame
	registers []int
}

// threads is a set of instructions, in the order of their priority, each
// with registers: the start of its match, and the ends of its groups.
type threads struct {
	list  []int32
	saved []int    // the registers of each, one after the other
	mark  []uint32 // mark[pc] == stamp: pc is in the list
	stamp uint32
}

type frame struct {
	pc    int32
	undo  int32 // the register to restore, or -1
	value int
}

func (t *threads) reset(size int) {
	t.list = t.list[:0]
	t.saved = t.saved[:0]
	if len(t.mark) < size {
		t.mark = make([]uint32, size)
		t.stamp = 0
	}
	if t.stamp++; t.stamp == 0 {
		clear(t.mark)
		t.stamp = 1
	}
}

// search finds the leftmost match, of those the longest, and of the ways to
// match that the one which tries first branches and more repetitions first, as
// the C library walks its states. Without spans, any match will do.
func (p *Program) search(ctx context.Context, w *scratch, key string, spans []int) (matched bool) {
	size := max(len(spans), 1)
	if cap(w.registers) < size {
		w.registers = make([]int, size)
	}
	registers := w.registers[:size]
	now, next := &w.now, &w.next
	now.reset(len(p.code))
	for i := 0; ; i++ {
		if !matched {
			if len(now.list) == 0 && p.first != nil {
				for i < len(key) && !p.first.has(key[i]) {
					i++
				}
			}
			if p.first == nil || i < len(key) && p.first.has(key[i]) {
				for r := range registers {
					registers[r] = -1
				}
				registers[0] = i
				p.follow(w, now, key, i, 0, registers)
			}
		}
		if len(now.list) == 0 {
			if matched || i >= len(key) {
				return matched
			}
			now.reset(len(p.code)) // conditions that failed here may hold later
			continue
		}
		next.reset(len(p.code))
		for n, pc := range now.list {
			saved := now.saved[n*size : (n+1)*size]
			if matched && saved[0] > spans[0] {
				break // all that come start further right
			}
			switch in := &p.code[pc]; {
			case in.op == instMatch:
				if len(spans) == 0 {
					return true
				}
				matched = true // the only one that ends here: there is one such instruction
				copy(spans, saved)
				spans[1] = i
			case i < len(key) && p.sets[in.arg].has(key[i]):
				copy(registers, saved)
				p.follow(w, next, key, i+1, in.x, registers)
			}
		}
		if i >= len(key) {
			return matched
		}
		now, next = next, now
		if i&0xfff == 0xfff && ctx.Err() != nil {
			return false
		}
	}
}

// follow adds pc, or all instructions that it leads to without a byte. It
// leaves the registers as they were.
func (p *Program) follow(w *scratch, to *threads, key string, i int, pc int32, registers []int) {
	stack := append(w.stack[:0], frame{pc: pc, undo: -1})
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if top.undo >= 0 {
			registers[top.undo] = top.value
			continue
		}
		pc := top.pc
		if to.mark[pc] == to.stamp {
			continue
		}
		to.mark[pc] = to.stamp
		switch in := &p.code[pc]; in.op {
		case instSet, instMatch:
			to.list = append(to.list, pc)
			to.saved = append(to.saved, registers...)
		case instSplit, instAgain:
			stack = append(stack, frame{pc: in.y, undo: -1}, frame{pc: in.x, undo: -1})
		case instSave:
			if int(in.arg) < len(registers) {
				stack = save(stack, registers, in, i)
			}
			stack = append(stack, frame{pc: in.x, undo: -1})
		case instAssert:
			if p.holds(condition(in.arg), key, registers[0], i) {
				stack = append(stack, frame{pc: in.x, undo: -1})
			}
		default:
			stack = append(stack, frame{pc: in.x, undo: -1})
		}
	}
	w.stack = stack
}

// save stores where a group begins or ends. Where a spare group has matched nothing
// that had matched something before, all is as it was before it began.
func save(stack []frame, registers []int, in *inst, i int) []frame {
	if in.y == 1 && registers[in.arg-1] == i {
		began := len(stack) - 1
		for stack[began].undo != in.arg-1 {
			began--
		}
		if before := stack[began].value; before >= 0 && before < registers[in.arg] {
			for n := len(stack) - 1; n >= began; n-- {
				if r := stack[n].undo; r >= 0 {
					stack = append(stack, frame{undo: r, value: registers[r]})
					registers[r] = stack[n].value
				}
			}
			return stack
		}
	}
	stack = append(stack, frame{undo: in.arg, value: registers[in.arg]})
	registers[in.arg] = i
	return stack
}
