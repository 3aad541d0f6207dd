package ere

// Tokens of POSIX regular expressions outside of brackets. A basic expression
// has a backslash before the operators that are bare in an extended one.

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokChar
	tokBackslash // at the end of the pattern
	tokAlt
	tokBackRef
	tokAnchor
	tokSet // \w and its kin
	tokOpen
	tokClose
	tokBracket
	tokAny
	tokStar
	tokPlus
	tokQuestion
	tokOpenCount
	tokCloseCount
)

type token struct {
	kind   tokenKind
	c      byte // the character, or the digit of a reference, from 0
	anchor condition
	set    byteSet
}

// next reads a token; hat says that a ^ in a basic expression is an anchor.
func (p *parser) next(hat bool) {
	p.token = p.peek(hat)
	switch p.token.kind {
	case tokEnd:
	case tokBackslash:
		p.pos++
	default:
		if p.text[p.pos] == '\\' {
			p.pos++
		}
		p.pos++
	}
}

func (p *parser) peek(hat bool) token {
	if p.pos >= len(p.text) {
		return token{kind: tokEnd}
	}
	c := p.text[p.pos]
	if c == '\\' {
		return p.peekEscaped()
	}
	t := token{kind: tokChar, c: c}
	switch c {
	case '*':
		t.kind = tokStar
	case '[':
		t.kind = tokBracket
	case '.':
		t.kind = tokAny
	case '^':
		if p.extended() || hat {
			t.kind, t.anchor = tokAnchor, assertLineFirst
		}
	case '$':
		if p.extended() || p.pos+1 == len(p.text) || p.atBranchEnd(p.pos+1) {
			t.kind, t.anchor = tokAnchor, assertLineLast
		}
	default:
		if p.extended() {
			t.kind = operator(c)
		}
	}
	return t
}

// atBranchEnd tells that \| or \) stands at pos of a basic expression.
func (p *parser) atBranchEnd(pos int) bool {
	return pos+1 < len(p.text) && p.text[pos] == '\\' && (p.text[pos+1] == '|' || p.text[pos+1] == ')')
}

// operator is what a character means in an extended expression, or after a
// backslash in a basic one.
func operator(c byte) tokenKind {
	switch c {
	case '|':
		return tokAlt
	case '+':
		return tokPlus
	case '?':
		return tokQuestion
	case '{':
		return tokOpenCount
	case '}':
		return tokCloseCount
	case '(':
		return tokOpen
	case ')':
		return tokClose
	}
	return tokChar
}

func (p *parser) peekEscaped() token {
	if p.pos+1 >= len(p.text) {
		return token{kind: tokBackslash}
	}
	c := p.cased[p.pos+1]
	t := token{kind: tokChar, c: c}
	switch c {
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		t.kind, t.c = tokBackRef, c-'1'
	case '<':
		t.kind, t.anchor = tokAnchor, assertWordFirst
	case '>':
		t.kind, t.anchor = tokAnchor, assertWordLast
	case 'b':
		t.kind, t.anchor = tokAnchor, assertWordEdge
	case 'B':
		t.kind, t.anchor = tokAnchor, assertNotWordEdge
	case '`':
		t.kind, t.anchor = tokAnchor, assertBufferFirst
	case '\'':
		t.kind, t.anchor = tokAnchor, assertBufferLast
	case 'w':
		t.kind, t.set = tokSet, wordSet()
	case 'W':
		t.kind, t.set = tokSet, wordSet().not() // with the newline, always
	case 's':
		t.kind, t.set = tokSet, setOf(isSpace)
	case 'S':
		t.kind, t.set = tokSet, setOf(isSpace).not()
	default:
		if !p.extended() {
			t.kind = operator(c)
		}
	}
	return t
}
