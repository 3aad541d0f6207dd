package ere

// Bracket expressions of POSIX regular expressions, and sets of bytes.

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(c byte)     { s[c>>6] |= 1 << (c & 63) }
func (s *byteSet) remove(c byte)  { s[c>>6] &^= 1 << (c & 63) }
func (s byteSet) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

func (s byteSet) not() byteSet { return byteSet{^s[0], ^s[1], ^s[2], ^s[3]} }

func (s *byteSet) union(other byteSet) {
	for i := range s {
		s[i] |= other[i]
	}
}

func setOf(in func(byte) bool) (set byteSet) {
	for c := range 256 {
		if in(byte(c)) {
			set.add(byte(c))
		}
	}
	return set
}

func wordSet() byteSet { return setOf(isWord) }

// characterClass returns the test of a named class of the C locale.
func characterClass(name string, ignoreCase bool) (func(byte) bool, bool) {
	if ignoreCase && (name == "upper" || name == "lower") {
		name = "alpha"
	}
	switch name {
	case "alnum":
		return isAlnum, true
	case "alpha":
		return isAlpha, true
	case "blank":
		return func(c byte) bool { return c == ' ' || c == '\t' }, true
	case "cntrl":
		return func(c byte) bool { return c < ' ' || c == 0x7f }, true
	case "digit":
		return isDigit, true
	case "graph":
		return isGraph, true
	case "lower":
		return isLower, true
	case "print":
		return func(c byte) bool { return c == ' ' || isGraph(c) }, true
	case "punct":
		return func(c byte) bool { return isGraph(c) && !isAlnum(c) }, true
	case "space":
		return isSpace, true
	case "upper":
		return isUpper, true
	case "xdigit":
		return func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }, true
	}
	return nil, false
}

type bracketKind uint8

const (
	brEnd bracketKind = iota
	brChar
	brClose
	brRange
	brHat
	brSymbol // [. [= [:
)

// bracketToken is a token inside brackets; size is its length in bytes.
type bracketToken struct {
	kind bracketKind
	c    byte
	size int
}

func (p *parser) peekBracket() bracketToken {
	if p.pos >= len(p.text) {
		return bracketToken{kind: brEnd}
	}
	c := p.text[p.pos]
	switch {
	case c == '[' && p.pos+1 < len(p.text):
		if d := p.text[p.pos+1]; d == '.' || d == '=' || d == ':' {
			return bracketToken{brSymbol, d, 2}
		}
	case c == ']':
		return bracketToken{brClose, c, 1}
	case c == '^':
		return bracketToken{brHat, c, 1}
	case c == '-':
		return bracketToken{brRange, c, 1}
	}
	return bracketToken{brChar, c, 1}
}

// bracketElement is a start or end of a range, or a set by itself.
type bracketElement struct {
	c   byte
	set *byteSet // of a class or equivalence class: no range
	bad error    // what is wrong with its name
}

// bracket reads a bracket expression, whose opening bracket is the current
// token. It leaves the position behind the closing one.
func (p *parser) bracket() (set byteSet, err error) {
	t := p.peekBracket()
	if t.kind == brEnd {
		return set, errPattern
	}
	negate := t.kind == brHat
	if negate {
		p.pos += t.size
		if t = p.peekBracket(); t.kind == brEnd {
			return set, errPattern
		}
	}
	// What comes first is literal, if it is a closing bracket or a hyphen.
	for first := true; ; first = false {
		start, err := p.bracketElement(t, first)
		if err != nil {
			return set, err
		}
		t = p.peekBracket()
		isRange := false
		var end bracketToken
		switch {
		case start.set != nil:
		case t.kind == brEnd:
			return set, errBracket // whatever the name before it is
		case t.kind == brRange:
			p.pos += t.size
			switch end = p.peekBracket(); end.kind {
			case brEnd:
				return set, errBracket
			case brClose:
				p.pos -= t.size // a last hyphen is literal
			default:
				isRange = true
			}
		}
		if isRange {
			stop, err := p.bracketElement(end, true)
			if err != nil {
				return set, err
			}
			t = p.peekBracket()
			if err := set.addRange(start, stop); err != nil {
				return set, err
			}
		} else if err := set.addElement(start); err != nil {
			return set, err
		}
		switch t.kind {
		case brEnd:
			return set, errBracket
		case brClose:
			p.pos += t.size
			if negate {
				set = p.negated(set)
			}
			return set, nil
		}
	}
}

func (s *byteSet) addRange(start, stop bracketElement) error {
	switch {
	case stop.set != nil:
		return errRange
	case start.bad != nil:
		return start.bad
	case stop.bad != nil:
		return stop.bad
	case start.c > stop.c:
		return errRange
	}
	for c := int(start.c); c <= int(stop.c); c++ {
		s.add(byte(c))
	}
	return nil
}

func (s *byteSet) addElement(e bracketElement) error {
	switch {
	case e.bad != nil:
		return e.bad
	case e.set != nil:
		s.union(*e.set)
	default:
		s.add(e.c)
	}
	return nil
}

func (p *parser) bracketElement(t bracketToken, hyphen bool) (bracketElement, error) {
	p.pos += t.size
	switch t.kind {
	case brSymbol:
		return p.bracketSymbol(t.c)
	case brRange:
		if !hyphen && p.peekBracket().kind != brClose {
			return bracketElement{}, errRange
		}
	}
	return bracketElement{c: t.c}, nil
}

// bracketSymbol reads the rest of [.x.], [=x=] or [:name:].
func (p *parser) bracketSymbol(delimiter byte) (e bracketElement, err error) {
	const longest = 32
	text := p.text
	if delimiter == ':' {
		text = p.cased
	}
	for i := 0; ; i++ {
		if i >= longest || p.pos+i+1 >= len(text) {
			return e, errBracket
		}
		if text[p.pos+i] != delimiter || text[p.pos+i+1] != ']' {
			continue
		}
		name := text[p.pos : p.pos+i]
		p.pos += i + 2
		if delimiter != '.' {
			e.set = &byteSet{}
		}
		switch {
		case delimiter == ':':
			if in, ok := characterClass(name, p.options&IgnoreCase != 0); ok {
				*e.set = setOf(in)
			} else {
				e.bad = errClass
			}
		case len(name) != 1:
			e.bad = errCollate
		case delimiter == '=':
			e.set.add(name[0])
		default:
			e.c = name[0]
		}
		return e, nil
	}
}
