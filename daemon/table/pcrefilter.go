package table

import "strings"

// Most patterns of real tables are plain enough that the lazy automaton of
// regexp tables can tell whether they match. That saves a call of the library
// for the many patterns that do not.
//
// A pattern qualifies only if the library could not give up on it either: one
// or two unlimited repetitions, of single characters, take a key of
// pcreFilterKey bytes less than the ten million steps that it is allowed.

const (
	pcreFilterKey     = 200
	pcreFilterRepeats = 2
)

// newPCREFilter returns an automaton's plan for a pattern, or nil for one that
// does not qualify. It holds for keys without newlines.
func newPCREFilter(pattern string, options uint32) *ereProgram {
	const plain = pcreCaseless | pcreDotAll | pcreUngreedy | pcreDollarEndOnly
	if options&^plain != 0 {
		return nil
	}
	p := &pcreFilterParser{text: pattern, options: options}
	tree, ok := p.alternatives(0)
	if !ok || p.text != "" || p.repeats > pcreFilterRepeats {
		return nil
	}
	prog := &ereProgram{}
	c := &ereCompiler{prog: prog, sets: map[byteSet]int32{}}
	c.emit(tree)
	c.add(ereInst{op: instMatch})
	prog.dfa = newDFAPlan(prog)
	return prog
}

// pcreFilterParser reads the plain part of Perl's syntax; every method returns
// false at what it does not know.
type pcreFilterParser struct {
	text    string // what is left
	options uint32
	repeats int
}

func (p *pcreFilterParser) alternatives(depth int) (*ereNode, bool) {
	if depth > 50 {
		return nil, false
	}
	tree, ok := p.branch(depth)
	for ok && strings.HasPrefix(p.text, "|") {
		p.text = p.text[1:]
		var other *ereNode
		if other, ok = p.branch(depth); ok {
			if other == nil {
				other = &ereNode{op: nodeGroup} // matches the empty string
			}
			tree = &ereNode{op: nodeAlt, left: tree, right: other}
		}
	}
	return tree, ok
}

func (p *pcreFilterParser) branch(depth int) (tree *ereNode, ok bool) {
	for p.text != "" && p.text[0] != '|' && p.text[0] != ')' {
		piece, ok := p.piece(depth)
		if !ok {
			return nil, false
		}
		switch {
		case tree == nil:
			tree = piece
		case piece != nil:
			tree = &ereNode{op: nodeConcat, left: tree, right: piece}
		}
	}
	return tree, true
}

func (p *pcreFilterParser) piece(depth int) (*ereNode, bool) {
	atom, ok := p.atom(depth)
	if !ok || p.text == "" {
		return atom, ok
	}
	c := p.text[0]
	if c != '*' && c != '+' && c != '?' {
		return atom, true
	}
	p.text = p.text[1:]
	if atom == nil || atom.op == nodeAssert || c != '?' && atom.op != nodeSet {
		return nil, false
	}
	if p.text != "" && p.text[0] == '?' {
		p.text = p.text[1:] // which repetition comes first does not matter
	}
	if p.text != "" && strings.IndexByte("*+?{", p.text[0]) >= 0 {
		return nil, false
	}
	if c == '?' {
		return &ereNode{op: nodeAlt, left: atom}, true
	}
	p.repeats++
	star := &ereNode{op: nodeStar, left: atom}
	if c == '+' {
		return &ereNode{op: nodeConcat, left: atom, right: star}, true
	}
	return star, true
}

func (p *pcreFilterParser) atom(depth int) (*ereNode, bool) {
	c := p.text[0]
	p.text = p.text[1:]
	switch c {
	case '*', '+', '?', '{':
		return nil, false
	case '^':
		return &ereNode{op: nodeAssert, check: assertBufferFirst}, true
	case '$':
		return &ereNode{op: nodeAssert, check: assertBufferLast}, true
	case '(':
		switch {
		case strings.HasPrefix(p.text, "?:"):
			p.text = p.text[2:]
		case p.text == "", p.text[0] == '?', p.text[0] == '*':
			return nil, false
		}
		tree, ok := p.alternatives(depth + 1)
		if !ok || !strings.HasPrefix(p.text, ")") {
			return nil, false
		}
		p.text = p.text[1:]
		return &ereNode{op: nodeGroup, left: tree}, true
	case '.':
		var set byteSet
		if p.options&pcreDotAll == 0 {
			set.add('\n')
		}
		return &ereNode{set: set.not()}, true
	case '[':
		set, ok := p.class()
		return &ereNode{set: set}, ok
	case '\\':
		set, ok := p.escape()
		return &ereNode{set: set}, ok
	}
	return &ereNode{set: p.one(c)}, true
}

// one is a character, in both cases if case does not matter.
func (p *pcreFilterParser) one(c byte) (set byteSet) {
	set.add(c)
	if p.options&pcreCaseless != 0 && isAlpha(c) {
		set.add(c ^ 0x20)
	}
	return set
}

// escape reads what follows a backslash: a class, or a literal that is neither
// letter nor digit.
func (p *pcreFilterParser) escape() (byteSet, bool) {
	if p.text == "" {
		return byteSet{}, false
	}
	c := p.text[0]
	p.text = p.text[1:]
	switch c {
	case 'd':
		return setOf(isDigit), true
	case 'D':
		return setOf(isDigit).not(), true
	case 'w':
		return wordSet(), true
	case 'W':
		return wordSet().not(), true
	case 's':
		return setOf(isSpace), true
	case 'S':
		return setOf(isSpace).not(), true
	}
	return p.one(c), !isAlnum(c) && c < 0x80
}

// class reads the rest of a bracket expression.
func (p *pcreFilterParser) class() (set byteSet, ok bool) {
	negate := strings.HasPrefix(p.text, "^")
	if negate {
		p.text = p.text[1:]
	}
	for first := true; ; first = false {
		if p.text == "" {
			return set, false
		}
		c := p.text[0]
		p.text = p.text[1:]
		switch {
		case c == ']' && !first:
			if negate {
				set = set.not()
			}
			return set, true
		case c == '\\':
			escaped, ok := p.escape()
			if !ok || strings.HasPrefix(p.text, "-") {
				return set, false
			}
			set.union(escaped)
		case c == '[' && p.text != "" && strings.IndexByte(":.=", p.text[0]) >= 0:
			return set, false
		case len(p.text) > 1 && p.text[0] == '-' && p.text[1] != ']':
			last := p.text[1]
			if last == '\\' || last == '[' || last < c {
				return set, false
			}
			for b := int(c); b <= int(last); b++ {
				set.union(p.one(byte(b)))
			}
			if p.text = p.text[2:]; strings.HasPrefix(p.text, "-") {
				return set, false
			}
		default:
			set.union(p.one(c))
		}
	}
}
