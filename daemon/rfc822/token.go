package rfc822

// Kind says what a token is. Values below 256 are single-character operators:
// one of ( ) < > @ , ; : \ " . [ ] | % !
type Kind uint16

// The tokens that carry text.
const (
	Atom          Kind = 256 + iota // characters that are not special
	QuotedString                    // what stood between quotes, unquoted
	Comment                         // with its parentheses, as written
	DomainLiteral                   // what stood between [ and ]
	addressKind                     // an address of an AddressList
	groupStart                      // the colon of a named group
)

// Token is one token of a Tokens list.
type Token struct {
	Kind       Kind
	start, end int32
}

// Tokens is a list of tokens and the text that belongs to them. The zero
// value is empty and ready. It keeps its memory between uses; it is not for
// concurrent use.
type Tokens struct {
	// List may be cut, reordered and added to. Token{Kind: c} is the
	// operator c.
	List []Token
	// Tight leaves out the blanks that AppendAddress puts between some
	// neighbours.
	Tight bool
	text  []byte
}

// Reset empties the list.
func (t *Tokens) Reset() {
	t.List = t.List[:0]
	t.Tight = false
	t.text = t.text[:0]
}

// Text returns the text of an atom, quoted string, comment or domain literal.
// It is valid until the next Scan or Reset.
func (t *Tokens) Text(tok Token) []byte { return t.text[tok.start:tok.end] }

// Scan appends the tokens of s, at most limit of them (0: all), and returns
// their number. s ends at the first NUL. Every sequence of bytes has tokens;
// only white space between them is lost.
//
// Source: Postfix 3.10 tok822_parse.c, tok822_scan_limit.
func (t *Tokens) Scan(s []byte, limit int) int {
	s = UntilNUL(s)
	count := 0
	for i := 0; i < len(s); {
		c := s[i]
		if class[c]&space != 0 {
			i++
			continue
		}
		start := int32(len(t.text))
		kind := Kind(c)
		switch {
		case c == '(':
			kind, i = Comment, t.comment(s, i)
		case c == '[':
			kind, i = DomainLiteral, t.enclosed(s, i+1, ']')
		case c == '"':
			kind, i = QuotedString, t.enclosed(s, i+1, '"')
		case c != '\\' && class[c]&operator != 0:
			i++
		default:
			kind, i = t.atom(s, i)
		}
		t.List = append(t.List, Token{kind, start, int32(len(t.text))})
		if count++; count == limit {
			break
		}
	}
	return count
}

// atom collects up to white space or an operator. A backslash stands for the
// byte after it; bytes that cannot stand in an atom make it a quoted string.
func (t *Tokens) atom(s []byte, i int) (Kind, int) {
	start := len(t.text)
	for i < len(s) {
		c := s[i]
		if c == '\\' {
			if i++; i == len(s) {
				break
			}
			c = s[i]
		} else if class[c]&(space|operator) != 0 {
			break
		}
		t.collect(c)
		i++
	}
	for _, c := range t.text[start:] {
		if class[c]&notAtom != 0 {
			return QuotedString, i
		}
	}
	return Atom, i
}

// enclosed collects up to and including end, or to the end of the text.
func (t *Tokens) enclosed(s []byte, i int, end byte) int {
	for ; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			if i++; i == len(s) {
				return i
			}
			c = s[i]
		} else if c == end {
			return i + 1
		}
		t.collect(c)
	}
	return i
}

func (t *Tokens) collect(c byte) {
	if class[c]&space != 0 {
		c = ' '
	}
	t.text = append(t.text, c)
}

// comment keeps a comment as it is written, up to the parenthesis that
// matches the first one, or to the end of the text.
func (t *Tokens) comment(s []byte, i int) int {
	start, level := i, 0
	for i < len(s) {
		c := s[i]
		i++
		if c == '(' {
			level++
		} else if c == ')' {
			if level--; level == 0 {
				break
			}
		} else if c == '\\' && i < len(s) {
			i++
		}
	}
	t.text = append(t.text, s[start:i]...)
	return i
}

// Find returns the index of the first token of kind k at or after from, or -1.
func (t *Tokens) Find(from int, k Kind) int {
	for i := from; i < len(t.List); i++ {
		if t.List[i].Kind == k {
			return i
		}
	}
	return -1
}

// FindLast returns the index of the last token of kind k, or -1.
func (t *Tokens) FindLast(k Kind) int {
	for i := len(t.List) - 1; i >= 0; i-- {
		if t.List[i].Kind == k {
			return i
		}
	}
	return -1
}

// AppendAddress appends the tokens to dst as one address in external form:
// their texts side by side, and the local part of that quoted as AppendQuoted
// does.
func (t *Tokens) AppendAddress(dst []byte) []byte {
	return t.appendAddress(dst, t.List, !t.Tight)
}

func (t *Tokens) appendAddress(dst []byte, list []Token, spaced bool) []byte {
	var buf [256]byte
	return AppendQuoted(dst, t.appendInternal(buf[:0], list, spaced))
}

// appendInternal appends the tokens without any quoting.
//
// Source: Postfix 3.10 tok822_parse.c, tok822_internalize.
func (t *Tokens) appendInternal(dst []byte, list []Token, spaced bool) []byte {
	for i, tok := range list {
		switch tok.Kind {
		case Atom, QuotedString, Comment:
			dst = append(dst, t.Text(tok)...)
		case DomainLiteral:
			dst = append(dst, '[')
			dst = append(dst, t.Text(tok)...)
			dst = append(dst, ']')
		default:
			dst = append(dst, byte(tok.Kind))
		}
		if spaced && i+1 < len(list) && spaceBetween(tok.Kind, list[i+1].Kind) {
			dst = append(dst, ' ')
		}
	}
	return dst
}

// appendTokens appends every token by itself in external form.
//
// Source: Postfix 3.10 tok822_parse.c, tok822_externalize.
func (t *Tokens) appendTokens(dst []byte, list []Token, spaced bool) []byte {
	for i, tok := range list {
		if tok.Kind == ',' {
			dst = append(dst, ", "...)
			continue
		}
		dst = t.appendToken(dst, tok)
		if spaced && i+1 < len(list) && spaceBetween(tok.Kind, list[i+1].Kind) {
			dst = append(dst, ' ')
		}
	}
	return dst
}

func (t *Tokens) appendToken(dst []byte, tok Token) []byte {
	switch tok.Kind {
	case Atom, Comment:
		return append(dst, t.Text(tok)...)
	case QuotedString:
		dst = append(dst, '"')
		dst = appendEscaped(dst, t.Text(tok), '"')
		return append(dst, '"')
	case DomainLiteral:
		dst = append(dst, '[')
		dst = appendEscaped(dst, t.Text(tok), '\\')
		return append(dst, ']')
	case groupStart:
		return append(dst, ':')
	}
	return append(dst, byte(tok.Kind))
}

// appendEscaped puts a backslash before every quote and backslash. CR and LF
// would need one too, but no token holds them: they were collected as blanks.
func appendEscaped(dst, text []byte, quote byte) []byte {
	for _, c := range text {
		if c == quote || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return dst
}

// spaceBetween tells whether a blank goes between two neighbours.
//
// Source: Postfix 3.10 tok822_parse.c, tok822_append_space.
func spaceBetween(k, next Kind) bool {
	if k == ',' || k == groupStart || next == '<' {
		return true
	}
	return k >= Atom && next >= Atom && next != groupStart
}
