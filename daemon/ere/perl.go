package ere

import (
	"strconv"
	"strings"
)

// perlKeys is the length of keys, by the number of repetitions of single characters,
// for which a filter holds: the library must not give up on the key, and so many
// repetitions take less than the ten million steps that it is allowed.
var perlKeys = [...]int{10_000, 1000, 200}

// perlCount bounds the counts in braces.
const perlCount = 64

// PerlFilter returns the filter of a pattern of Perl's syntax, or nil for one that
// is not plain enough. Most patterns of real tables are, and most keys do not match
// them: the filter saves a call of the library that knows the whole syntax.
func (s *Set) PerlFilter(pattern string, options PerlOptions) *Filter {
	const plain = PerlCaseless | PerlDotAll | PerlUngreedy | PerlDollarEndOnly
	if options&^plain != 0 {
		return nil
	}
	p := &perlParser{text: pattern, options: options}
	tree, ok := p.alternatives(0)
	if !ok || p.text != "" || p.repeats >= len(perlKeys) {
		return nil
	}
	prog := &Program{}
	c := &compiler{prog: prog, sets: map[byteSet]int32{}}
	c.emit(tree)
	c.add(inst{op: instMatch})
	f := newFilter(prog)
	if f != nil {
		f.perl, f.longest = true, perlKeys[p.repeats]
	}
	s.add(f)
	return f
}

// perlParser reads the plain part of Perl's syntax; every method returns
// false at what it does not know.
type perlParser struct {
	text    string // what is left
	options PerlOptions
	repeats int
	sets    int // in the program
}

func (p *perlParser) alternatives(depth int) (*node, bool) {
	if depth > 50 {
		return nil, false
	}
	tree, ok := p.branch(depth)
	for ok && strings.HasPrefix(p.text, "|") {
		p.text = p.text[1:]
		var other *node
		other, ok = p.branch(depth)
		tree = &node{op: nodeAlt, left: tree, right: other}
	}
	return tree, ok
}

func (p *perlParser) branch(depth int) (tree *node, ok bool) {
	for p.text != "" && p.text[0] != '|' && p.text[0] != ')' {
		piece, ok := p.piece(depth)
		if !ok {
			return nil, false
		}
		tree = &node{op: nodeConcat, left: tree, right: piece}
	}
	return tree, true
}

func (p *perlParser) piece(depth int) (*node, bool) {
	atom, ok := p.atom(depth)
	if p.sets++; p.sets > filterMaxCode {
		return nil, false
	}
	if !ok || p.text == "" {
		return atom, ok
	}
	least, most, ok := p.quantifier()
	if !ok || least == 1 && most == 1 {
		return atom, ok
	}
	if atom.op == nodeAssert || atom.op != nodeSet && most != 1 {
		return nil, false
	}
	if p.text != "" && p.text[0] == '?' {
		p.text = p.text[1:] // which repetition comes first does not matter
	}
	if p.text != "" && strings.IndexByte("*+?{", p.text[0]) >= 0 {
		return nil, false
	}
	if most == 1 {
		return &node{op: nodeAlt, left: atom}, true
	}
	if least != most {
		p.repeats++
	}
	p.sets += max(least, most)
	return repeated(atom, least, most), true
}

// repeated is an atom so many times. Most is -1 for any number.
func repeated(atom *node, least, most int) *node {
	var tree *node
	if most < 0 {
		tree = &node{op: nodeStar, left: atom}
	}
	for range most - least {
		tree = &node{op: nodeAlt, left: concat(atom, tree)}
	}
	for range least {
		tree = concat(atom, tree)
	}
	return tree // nil for {0}
}

func concat(first, rest *node) *node {
	if rest == nil {
		return first
	}
	return &node{op: nodeConcat, left: first, right: rest}
}

// quantifier reads how often the atom before it may come; once if there is no
// quantifier.
func (p *perlParser) quantifier() (least, most int, ok bool) {
	c := p.text[0]
	switch c {
	case '*', '+', '?', '{':
		p.text = p.text[1:]
	}
	switch c {
	case '*':
		return 0, -1, true
	case '+':
		return 1, -1, true
	case '?':
		return 0, 1, true
	case '{':
		counts, rest, ok := strings.Cut(p.text, "}")
		p.text = rest
		from, to, ranged := strings.Cut(counts, ",")
		least, most = perlNumber(from), perlNumber(to)
		switch {
		case !ok || least < 0:
			return 0, 0, false // a brace that is text, or else
		case !ranged:
			return least, least, true
		case to == "":
			return least, -1, true
		}
		return least, most, most >= least
	}
	return 1, 1, true
}

// perlNumber returns -1 for what is no number or too large.
func perlNumber(text string) int {
	if n, err := strconv.ParseUint(text, 10, 8); err == nil && n <= perlCount {
		return int(n)
	}
	return -1
}

func (p *perlParser) atom(depth int) (*node, bool) {
	c := p.text[0]
	p.text = p.text[1:]
	switch c {
	case '*', '+', '?', '{':
		return nil, false
	case '^':
		return &node{op: nodeAssert, check: assertBufferFirst}, true
	case '$':
		return &node{op: nodeAssert, check: assertBufferLast}, true
	case '(':
		return p.group(depth)
	case '.':
		var set byteSet
		if p.options&PerlDotAll == 0 {
			set.add('\n')
		}
		return &node{set: set.not()}, true
	case '[':
		set, ok := p.class()
		return &node{set: set}, ok
	case '\\':
		if p.text != "" {
			if check, ok := perlConditions[p.text[0]]; ok {
				p.text = p.text[1:]
				return &node{op: nodeAssert, check: check}, true
			}
		}
		set, ok := p.escape()
		return &node{set: set}, ok
	}
	return &node{set: p.one(c)}, true
}

// perlConditions are the conditions that a backslash begins.
var perlConditions = map[byte]condition{
	'A': assertBufferFirst, 'z': assertBufferLast, 'Z': assertBufferLast, 'b': assertElse, 'B': assertElse,
}

// group reads what follows an opening parenthesis. What it says of look-around
// is left to the library.
func (p *perlParser) group(depth int) (*node, bool) {
	options, looks := p.options, false
	if rest, special := strings.CutPrefix(p.text, "?"); special {
		p.text = rest
		switch end := strings.IndexAny(p.text, ":)"); {
		case p.lookAround():
			looks = true
		case end < 0 || !p.setOptions(p.text[:end]):
			return nil, false
		case p.text[end] == ')':
			p.text = p.text[end+1:]
			return &node{op: nodeGroup}, true
		default:
			p.text = p.text[end+1:]
		}
	}
	tree, ok := p.alternatives(depth + 1)
	p.options = options // what (?i) changes ends with the group
	if !ok || !strings.HasPrefix(p.text, ")") {
		return nil, false
	}
	p.text = p.text[1:]
	if looks {
		return &node{op: nodeAssert, check: assertElse}, true
	}
	return &node{op: nodeGroup, left: tree}, true
}

// lookAround skips the sign of a condition on what is around.
func (p *perlParser) lookAround() bool {
	for _, sign := range []string{"=", "!", "<=", "<!"} {
		if rest, ok := strings.CutPrefix(p.text, sign); ok {
			p.text = rest
			return true
		}
	}
	return false
}

// setOptions reads letters like those of (?i-s).
func (p *perlParser) setOptions(letters string) bool {
	on := true
	for i := range len(letters) {
		var option PerlOptions
		switch letters[i] {
		case '-':
			on = false
			continue
		case 'i':
			option = PerlCaseless
		case 's':
			option = PerlDotAll
		default:
			return false
		}
		if on {
			p.options |= option
		} else {
			p.options &^= option
		}
	}
	return true
}

// one is a character, in both cases if case does not matter.
func (p *perlParser) one(c byte) (set byteSet) {
	set.add(c)
	if p.options&PerlCaseless != 0 && isAlpha(c) {
		set.add(c ^ 0x20)
	}
	return set
}

// escape reads what follows a backslash: a class, or a literal that is neither
// letter nor digit.
func (p *perlParser) escape() (byteSet, bool) {
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
	case 't':
		return p.one('\t'), true
	case 'n':
		return p.one('\n'), true
	case 'r':
		return p.one('\r'), true
	}
	return p.one(c), !isAlnum(c) && c < 0x80
}

// class reads the rest of a bracket expression.
func (p *perlParser) class() (set byteSet, ok bool) {
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
