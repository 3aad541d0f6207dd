package table

import "context"

// ereWork is the working memory of a match. A match looks at each byte of the
// key once, with all instructions that could be next: its time is bounded by
// the length of the key times the size of the pattern.
type ereWork struct {
	now, next ereThreads
	stack     []ereFrame
}

// ereThreads is a set of instructions, in the order of their priority. Each
// has the start of its match, or the registers of its groups.
type ereThreads struct {
	list  []ereThread
	mark  []uint32 // mark[pc] == stamp: pc is in the list
	stamp uint32
	saved []int // registers, for capture
}

type ereThread struct {
	pc    int32
	start int // where the match starts, or an offset into saved
}

type ereFrame struct {
	pc    int32
	undo  int32 // the register to restore, or -1
	value int
}

func (t *ereThreads) reset(size int) {
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

// search finds the leftmost match, and of those the longest; any says that
// only the fact counts.
func (p *ereProgram) search(ctx context.Context, w *ereWork, key string, any bool) (start, end int, matched bool) {
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
				p.follow(w, now, key, i, 0, i)
			}
		}
		if len(now.list) == 0 {
			if matched || i >= len(key) {
				return start, end, matched
			}
			now.reset(len(p.code)) // conditions that failed here may hold later
			continue
		}
		next.reset(len(p.code))
		for _, t := range now.list {
			if matched && t.start > start {
				break // all that come are further right
			}
			switch in := &p.code[t.pc]; {
			case in.op == instMatch:
				if any {
					return t.start, i, true
				}
				start, end, matched = t.start, i, true
			case i < len(key) && p.sets[in.arg].has(key[i]):
				p.follow(w, next, key, i+1, in.x, t.start)
			}
		}
		if i >= len(key) {
			return start, end, matched
		}
		now, next = next, now
		if i&0xfff == 0xfff && ctx.Err() != nil {
			return 0, 0, false
		}
	}
}

// follow adds pc, or all instructions that it leads to without a byte.
func (p *ereProgram) follow(w *ereWork, to *ereThreads, key string, i int, pc int32, start int) {
	stack := append(w.stack[:0], ereFrame{pc: pc})
	for len(stack) > 0 {
		pc := stack[len(stack)-1].pc
		stack = stack[:len(stack)-1]
		if to.mark[pc] == to.stamp {
			continue
		}
		to.mark[pc] = to.stamp
		switch in := &p.code[pc]; in.op {
		case instSet, instMatch:
			to.list = append(to.list, ereThread{pc, start})
		case instSplit, instAgain:
			stack = append(stack, ereFrame{pc: in.y}, ereFrame{pc: in.x})
		case instAssert:
			if p.holds(ereAssert(in.arg), key, i) {
				stack = append(stack, ereFrame{pc: in.x})
			}
		default:
			stack = append(stack, ereFrame{pc: in.x})
		}
	}
	w.stack = stack
}

// capture finds the groups of a match that is known to go from start to end:
// of all ways to match it, the one that tries first branches and more
// repetitions first, as the C library walks its states.
func (p *ereProgram) capture(w *ereWork, key string, start, end int, spans []int) {
	registers := len(spans)
	current := make([]int, registers)
	for i := range current {
		current[i] = -1
	}
	now, next := &w.now, &w.next
	now.reset(len(p.code))
	p.followSaving(w, now, key, start, 0, current)
	for i := start; i < end; i++ {
		next.reset(len(p.code))
		for _, t := range now.list {
			if in := &p.code[t.pc]; in.op == instSet && p.sets[in.arg].has(key[i]) {
				copy(current, now.saved[t.start:])
				p.followSaving(w, next, key, i+1, in.x, current)
			}
		}
		now, next = next, now
	}
	for _, t := range now.list {
		if p.code[t.pc].op == instMatch {
			copy(spans, now.saved[t.start:t.start+registers])
			break
		}
	}
	spans[0], spans[1] = start, end
}

// followSaving is follow with the registers of groups; it leaves current as
// it was.
func (p *ereProgram) followSaving(w *ereWork, to *ereThreads, key string, i int, pc int32, current []int) {
	stack := append(w.stack[:0], ereFrame{pc: pc, undo: -1})
	for len(stack) > 0 {
		frame := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if frame.undo >= 0 {
			current[frame.undo] = frame.value
			continue
		}
		pc := frame.pc
		if to.mark[pc] == to.stamp {
			continue
		}
		to.mark[pc] = to.stamp
		switch in := &p.code[pc]; in.op {
		case instSet, instMatch:
			to.list = append(to.list, ereThread{pc, len(to.saved)})
			to.saved = append(to.saved, current...)
		case instSplit, instAgain:
			stack = append(stack, ereFrame{pc: in.y, undo: -1}, ereFrame{pc: in.x, undo: -1})
		case instSave:
			if int(in.arg) < len(current) {
				stack = append(stack, ereFrame{undo: in.arg, value: current[in.arg]})
				current[in.arg] = i
			}
			stack = append(stack, ereFrame{pc: in.x, undo: -1})
		case instAssert:
			if p.holds(ereAssert(in.arg), key, i) {
				stack = append(stack, ereFrame{pc: in.x, undo: -1})
			}
		default:
			stack = append(stack, ereFrame{pc: in.x, undo: -1})
		}
	}
	w.stack = stack
}
