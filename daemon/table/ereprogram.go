package table

import (
	"context"
	"math"
)

// ereMaxProgram bounds the instructions of one pattern, which repetition
// counts multiply.
const ereMaxProgram = 1 << 18

// ereProgram is a compiled pattern.
type ereProgram struct {
	code       []ereInst
	sets       []byteSet
	groupCount int
	ignoreCase bool
	newline    bool // ^ and $ also match at newlines
	backRefs   bool
	loops      int  // registers of instLoop
	plural     bool // there are two ways to go on somewhere
	// first has the bytes that a match can start with; it is nil when a
	// match may be empty or starts with a condition.
	first *byteSet
	dfa   *dfaPlan // nil if the pattern needs the slower way, see newDFAPlan
	// longest is the length of key up to which the automaton holds.
	longest int
	// number tells the patterns of one table apart.
	number int
}

// ereInst is one instruction. x is the next one; the others are:
type ereInst struct {
	op   instOp
	x, y int32 // instSplit: x is tried first
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

// compileERE compiles a pattern; its error is the C library's message.
func compileERE(pattern string, options uint32) (*ereProgram, error) {
	p := &ereParser{text: pattern, cased: pattern, options: options}
	if options&ereIgnoreCase != 0 {
		p.text = upperASCII(pattern)
	}
	tree, err := p.parse()
	if err != nil {
		return nil, err
	}
	prog := &ereProgram{
		groupCount: p.groups,
		ignoreCase: options&ereIgnoreCase != 0,
		newline:    options&ereNewline != 0,
		backRefs:   p.backRefs,
		longest:    math.MaxInt,
	}
	c := &ereCompiler{prog: prog, sets: map[byteSet]int32{}}
	c.emit(tree)
	c.add(ereInst{op: instMatch})
	prog.first = prog.firstBytes()
	prog.dfa = newDFAPlan(prog)
	return prog, nil
}

func upperASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if isLower(s[i]) {
			upper := []byte(s)
			for ; i < len(upper); i++ {
				if isLower(upper[i]) {
					upper[i] -= 'a' - 'A'
				}
			}
			return string(upper)
		}
	}
	return s
}

type ereCompiler struct {
	prog *ereProgram
	sets map[byteSet]int32
}

// add appends an instruction that goes on with the one after it.
func (c *ereCompiler) add(in ereInst) int32 {
	at := int32(len(c.prog.code))
	if in.op != instSplit && in.op != instAgain {
		in.x = at + 1
	}
	c.prog.plural = c.prog.plural || in.op == instSplit
	c.prog.code = append(c.prog.code, in)
	return at
}

func (c *ereCompiler) here() int32 { return int32(len(c.prog.code)) }

func (c *ereCompiler) set(s byteSet) int32 {
	i, ok := c.sets[s]
	if !ok {
		i = int32(len(c.prog.sets))
		c.sets[s] = i
		c.prog.sets = append(c.prog.sets, s)
	}
	return i
}

func (c *ereCompiler) emit(n *ereNode) {
	// Long concatenations lean to the left: walk down without recursion.
	var rest []*ereNode
	for n != nil && n.op == nodeConcat {
		rest = append(rest, n.right)
		n = n.left
	}
	c.emitOne(n)
	for i := len(rest) - 1; i >= 0; i-- {
		c.emit(rest[i])
	}
}

func (c *ereCompiler) emitOne(n *ereNode) {
	if n == nil {
		return
	}
	code := func(at int32) *ereInst { return &c.prog.code[at] }
	switch n.op {
	case nodeSet:
		c.add(ereInst{op: instSet, arg: c.set(n.set)})
	case nodeAssert:
		c.add(ereInst{op: instAssert, arg: int32(n.check)})
	case nodeBackRef:
		c.add(ereInst{op: instBackRef, arg: int32(n.group)})
	case nodeGroup:
		c.add(ereInst{op: instSave, arg: int32(2*n.group + 2)})
		c.emit(n.left)
		c.add(ereInst{op: instSave, arg: int32(2*n.group + 3)})
	case nodeAlt:
		split := c.add(ereInst{op: instSplit})
		code(split).x = c.here()
		c.emit(n.left)
		if n.right == nil {
			code(split).y = c.here()
			return
		}
		jump := c.add(ereInst{op: instSplit})
		code(split).y = c.here()
		c.emit(n.right)
		code(jump).x, code(jump).y = c.here(), c.here()
	case nodeStar:
		register := int32(c.prog.loops)
		c.prog.loops++
		split := c.add(ereInst{op: instSplit})
		code(split).x = c.here()
		c.add(ereInst{op: instLoop, arg: register})
		c.emit(n.left)
		again := c.add(ereInst{op: instAgain, arg: register, x: split})
		code(again).y = c.here()
		code(split).y = c.here()
	}
}

// firstBytes walks all ways from the start to the first byte.
func (p *ereProgram) firstBytes() *byteSet {
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

func (p *ereProgram) groups() int { return p.groupCount }

func (p *ereProgram) plain() *ereProgram {
	if p.dfa == nil {
		return nil
	}
	return p
}

func (p *ereProgram) match(ctx context.Context, in session, spans []int) (bool, string) {
	s := in.(*ereSession)
	key := s.key
	if p.ignoreCase {
		key = s.upper
	}
	if p.backRefs {
		return p.backtrack(key, spans)
	}
	if p.dfa != nil && key != "" {
		if matched := s.automata.matches(p, key); !matched || p.dfa.exact && len(spans) == 0 {
			return matched, ""
		}
	}
	return p.search(ctx, &s.work, key, spans), ""
}

// holds evaluates a condition before byte i of the key.
func (p *ereProgram) holds(check ereAssert, key string, i int) bool {
	switch check {
	case assertBufferFirst:
		return i == 0
	case assertBufferLast:
		return i == len(key)
	case assertLineFirst:
		return i == 0 || p.newline && key[i-1] == '\n'
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
