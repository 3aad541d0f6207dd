package ere

import "context"

// maxProgram bounds the instructions of one pattern, which repetition
// counts multiply.
const maxProgram = 1 << 18

// Program is a compiled POSIX pattern. It is safe for concurrent use.
//
// Without back references, a match takes time in proportion to key and pattern,
// whatever they are. With them the same is true of a key that would not match either if
// they stood for anything; a match that this leaves possible is given up after so many
// steps.
type Program struct {
	code       []inst
	sets       []byteSet
	groupCount int
	ignoreCase bool
	newline    bool // ^ and $ also match at newlines
	backRefs   bool
	loops      int  // registers of instLoop
	plural     bool // there are two ways to go on somewhere
	// first has the bytes that a match can start with; it is nil when a
	// match may be empty or starts with a condition.
	first  *byteSet
	filter *Filter // or nil
}

// inst is one instruction. x is the next one; the others are:
type inst struct {
	op   instOp
	x, y int32 // instSplit: x is tried first; instSave: y is 1 at the end of a spare group
	arg  int32 // index of the set, register, group or condition
}

type instOp uint8

const (
	instSet     instOp = iota // a byte of set arg
	instSplit                 // x or y
	instSave                  // position into register arg
	instAssert                // condition arg
	instBackRef               // what group arg matched
	instLoop                  // remembers where a loop's body starts, in register arg
	instAgain                 // back to x if the body matched something, else on to y
	instMatch                 // of pattern arg of a block, else 0
)

// Compile compiles a pattern; its error is the C library's message. Source: glibc
// regcomp(3).
func (s *Set) Compile(pattern string, options Options) (*Program, error) {
	p := &parser{text: pattern, cased: pattern, options: options}
	if options&IgnoreCase != 0 {
		p.text = upperASCII(pattern)
	}
	tree, err := p.parse()
	if err != nil {
		return nil, err
	}
	prog := &Program{
		groupCount: p.groups,
		ignoreCase: options&IgnoreCase != 0,
		newline:    options&Newline != 0,
		backRefs:   p.backRefs,
	}
	c := &compiler{prog: prog, sets: map[byteSet]int32{}}
	c.emit(tree)
	c.add(inst{op: instMatch})
	prog.first = prog.firstBytes()
	if prog.filter = newFilter(prog); prog.backRefs {
		prog.filter = newRoughFilter(prog, tree)
	}
	s.add(prog.filter)
	return prog, nil
}

type compiler struct {
	prog  *Program
	sets  map[byteSet]int32
	rough bool // back references match anything
}

// add appends an instruction that goes on with the one after it.
func (c *compiler) add(in inst) int32 {
	at := int32(len(c.prog.code))
	if in.op != instSplit && in.op != instAgain {
		in.x = at + 1
	}
	c.prog.plural = c.prog.plural || in.op == instSplit
	c.prog.code = append(c.prog.code, in)
	return at
}

func (c *compiler) here() int32 { return int32(len(c.prog.code)) }

func (c *compiler) set(s byteSet) int32 {
	i, ok := c.sets[s]
	if !ok {
		i = int32(len(c.prog.sets))
		c.sets[s] = i
		c.prog.sets = append(c.prog.sets, s)
	}
	return i
}

func (c *compiler) emit(n *node) {
	// Long concatenations lean to the left: walk down without recursion.
	var rest []*node
	for n != nil && n.op == nodeConcat {
		rest = append(rest, n.right)
		n = n.left
	}
	c.emitOne(n)
	for i := len(rest) - 1; i >= 0; i-- {
		c.emit(rest[i])
	}
}

func (c *compiler) emitOne(n *node) {
	if n == nil {
		return
	}
	code := func(at int32) *inst { return &c.prog.code[at] }
	switch n.op {
	case nodeSet:
		c.add(inst{op: instSet, arg: c.set(n.set)})
	case nodeAssert:
		c.add(inst{op: instAssert, arg: int32(n.check)})
	case nodeBackRef:
		if c.rough {
			split := c.add(inst{op: instSplit})
			code(split).x = c.here()
			c.add(inst{op: instSet, arg: c.set(byteSet{}.not())})
			c.add(inst{op: instAgain, x: split, y: c.here() + 1})
			code(split).y = c.here()
			return
		}
		c.add(inst{op: instBackRef, arg: int32(n.group)})
	case nodeGroup:
		c.add(inst{op: instSave, arg: int32(2*n.group + 2)})
		c.emit(n.left)
		end := inst{op: instSave, arg: int32(2*n.group + 3)}
		if n.spare {
			end.y = 1
		}
		c.add(end)
	case nodeAlt:
		split := c.add(inst{op: instSplit})
		code(split).x = c.here()
		c.emit(n.left)
		if n.right == nil {
			code(split).y = c.here()
			return
		}
		jump := c.add(inst{op: instSplit})
		code(split).y = c.here()
		c.emit(n.right)
		code(jump).x, code(jump).y = c.here(), c.here()
	case nodeStar:
		register := int32(c.prog.loops)
		c.prog.loops++
		split := c.add(inst{op: instSplit})
		code(split).x = c.here()
		c.add(inst{op: instLoop, arg: register})
		c.emit(n.left)
		again := c.add(inst{op: instAgain, arg: register, x: split})
		code(again).y = c.here()
		code(split).y = c.here()
	}
}

// firstBytes walks all ways from the start to the first byte.
func (p *Program) firstBytes() *byteSet {
	var first byteSet
	seen := make([]bool, len(p.code))
	todo := []int32{0}
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &p.code[pc]; in.op {
		case instSet:
			first.union(p.sets[in.arg])
		case instMatch, instAssert, instBackRef:
			return nil
		case instSplit, instAgain:
			todo = append(todo, in.x, in.y)
		default:
			todo = append(todo, in.x)
		}
	}
	return &first
}

// Groups returns how many groups the pattern has.
func (p *Program) Groups() int { return p.groupCount }

// Filter returns the pattern's filter, or nil if it has none.
func (p *Program) Filter() *Filter { return p.filter }

// Match reports whether the pattern matches the key of w. With spans, which are pairs,
// it also stores where the groups from 0 on matched, start and end, or -1; group 0 is
// the whole match. problem is what the C library says if it gives up; then, and when ctx
// ends, there is no match.
func (p *Program) Match(ctx context.Context, w *Work, spans []int) (matched bool, problem string) {
	key := w.key
	if p.ignoreCase {
		key = w.caseless()
	}
	if p.filter != nil {
		if matched, certain := p.filter.Try(w); certain && (!matched || len(spans) == 0) {
			return matched, ""
		}
	}
	if p.backRefs {
		return p.backtrack(key, spans, maxSteps)
	}
	return p.search(ctx, &w.scratch, key, spans), ""
}

// holds evaluates a condition before byte i of the key, in a match that begins at
// start.
func (p *Program) holds(check condition, key string, start, i int) bool {
	switch check {
	case assertBufferFirst:
		return i == 0
	case assertBufferLast:
		return i == len(key)
	case assertLineFirst:
		// The C library: after a newline that is part of the match, whatever the
		// options.
		return i == 0 || (p.newline || start < i) && key[i-1] == '\n'
	case assertLineLast:
		return i == len(key) || p.newline && key[i] == '\n'
	}
	before, after := i > 0 && isWord(key[i-1]), i < len(key) && isWord(key[i])
	switch check {
	case assertWordFirst:
		return !before && after
	case assertWordLast:
		return before && !after
	case assertWordEdge:
		return before != after
	}
	return before == after
}
