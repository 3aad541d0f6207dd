package mime

import (
	"bytes"
	"slices"
	"strings"
)

// ctype and subtype are the content types that make a difference.
type (
	ctype    uint8
	subtype  uint8
	encoding uint8
)

const (
	typeOther ctype = iota
	typeText
	typeMessage
	typeMultipart
)

const (
	subtypeOther subtype = iota
	subtypePlain
	subtypeRFC822
	subtypePartial
	subtypeExternalBody
	subtypeGlobal
)

// The encodings, some of which are also domains: kinds of text.
const (
	encoding7Bit encoding = iota
	encoding8Bit
	encodingBinary
	encodingBase64
	encodingQuotedPrintable
)

var encodings = [...]struct {
	name   string
	domain encoding
}{
	encoding7Bit:            {"7bit", encoding7Bit},
	encoding8Bit:            {"8bit", encoding8Bit},
	encodingBinary:          {"binary", encodingBinary},
	encodingBase64:          {"base64", encoding7Bit},
	encodingQuotedPrintable: {"quoted-printable", encoding7Bit},
}

func (e encoding) name() string { return encodings[e].name }

// contentType takes the value of a Content-Type: header. Other types than these change
// nothing: the parts of a multipart message are looked for although a second header says
// that it is an image.
//
// Source: Postfix 3.10 mime_state.c, mime_state_content_type.
func (p *Parser) contentType(value []byte) {
	rest, n := p.tokens.next(value, typeSpecials, ';')
	if n <= 0 {
		p.ctype = typeOther
		return
	}
	sub := func(name string) bool {
		return n >= 3 && p.tokens.is(1, '/') && p.tokens.isWord(2, name)
	}
	switch {
	case p.tokens.isWord(0, "text"):
		p.ctype, p.subtype = typeText, subtypeOther
		if sub("plain") {
			p.subtype = subtypePlain
		}
	case p.tokens.isWord(0, "message"):
		p.ctype, p.subtype = typeMessage, subtypeOther
		switch {
		case sub("rfc822"):
			p.subtype = subtypeRFC822
		case sub("partial"):
			p.subtype = subtypePartial
		case sub("external-body"):
			p.subtype = subtypeExternalBody
		case sub("global"):
			p.subtype = subtypeGlobal
		}
	case p.tokens.isWord(0, "multipart"):
		p.ctype = typeMultipart
		parts := boundary{ctype: typeText, subtype: subtypePlain}
		if sub("digest") {
			parts = boundary{ctype: typeMessage, subtype: subtypeRFC822}
		}
		p.boundaries(rest, parts)
	}
}

// boundaries pushes every boundary parameter: several are not allowed, but
// somebody may follow any one of them.
func (p *Parser) boundaries(params []byte, parts boundary) {
	for {
		rest, n := p.tokens.next(params, typeSpecials, ';')
		if n < 0 {
			return
		}
		params = rest
		if n < 3 || !p.tokens.isWord(0, "boundary") || !p.tokens.is(1, '=') {
			continue
		}
		if len(p.stack)-1 > p.opts.MaxDepth {
			if p.looksFor(FaultNesting) {
				p.fault(FaultNesting, p.buffer)
			}
			continue
		}
		text := p.tokens.text(2)
		parts.text = slices.Clone(text[:min(len(text), p.opts.BoundaryLimit)])
		p.stack = append(p.stack, parts)
	}
}

// contentEncoding takes the value of a Content-Transfer-Encoding: header.
//
// Source: Postfix 3.10 mime_state.c, mime_state_content_encoding.
func (p *Parser) contentEncoding(value []byte) {
	if _, n := p.tokens.next(value, headerSpecials, 0); n <= 0 {
		return
	}
	for e, known := range encodings {
		if p.tokens.isWord(0, known.name) {
			p.encoding, p.domain = encoding(e), known.domain
			return
		}
	}
}

// The characters that are tokens of their own: tspecials of RFC 2045, and
// specials of RFC 822.
const (
	typeSpecials   = `()<>@,;:\"/[]?=`
	headerSpecials = `()<>@,;:\".[]`
)

// maxTokens is the number of tokens of a parameter that are kept.
const maxTokens = 3

// A token is a word, a quoted string, or one special or control character.
const (
	word   = 256
	quoted = 257
)

// tokens holds the first tokens of one element of a structured header.
type tokens struct {
	kind   [maxTokens]int
	values [maxTokens][]byte
	n      int
}

func (t *tokens) is(i int, kind int) bool { return t.kind[i] == kind }

func (t *tokens) text(i int) []byte { return t.values[i] }

// isWord compares with a lower-case name.
func (t *tokens) isWord(i int, name string) bool {
	v := t.values[i]
	if t.kind[i] != word || len(v) != len(name) {
		return false
	}
	for j, c := range v {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != name[j] {
			return false
		}
	}
	return true
}

// next reads one element of value, which ends at terminator if that is not
// zero, else after one token. It returns what follows, and the number of
// tokens that were kept, or -1 at the end.
//
// Source: Postfix 3.10 header_token.c, header_token.
func (t *tokens) next(value []byte, specials string, terminator byte) (rest []byte, n int) {
	t.n = 0
	i := 0
	for i < len(value) && (terminator != 0 || t.n < 1) {
		c := value[i]
		i++
		switch {
		case isBlank(c):
		case terminator != 0 && c == terminator:
			return value[i:], t.n
		case c == '(':
			i = skipComment(value, i)
		case c == '"':
			dst := t.add(quoted)
			i = t.quotedString(dst, value, i)
		case isSpecial(c, specials):
			if dst := t.add(int(c)); dst != nil {
				*dst = append(*dst, c)
			}
		default:
			start := i - 1
			for i < len(value) && !isBlank(value[i]) && !isSpecial(value[i], specials) {
				i++
			}
			if dst := t.add(word); dst != nil {
				*dst = append(*dst, value[start:i]...)
			}
		}
	}
	if t.n == 0 {
		return nil, -1
	}
	return value[i:], t.n
}

// add makes room for a token, or returns nil if there are enough of them.
func (t *tokens) add(kind int) *[]byte {
	if t.n == maxTokens {
		return nil
	}
	t.kind[t.n] = kind
	dst := &t.values[t.n]
	*dst = (*dst)[:0]
	t.n++
	return dst
}

// quotedString reads up to and including the closing quote, unfolding it, and
// returns the index behind it. dst may be nil.
func (t *tokens) quotedString(dst *[]byte, value []byte, i int) int {
	var discard []byte
	if dst == nil {
		dst = &discard
	}
	for i < len(value) {
		c := value[i]
		i++
		switch c {
		case '"':
			return i
		case '\n':
			*dst = bytes.TrimRight(*dst, " \t\r\n")
			continue
		case '\\':
			if i == len(value) {
				return i
			}
			c = value[i]
			i++
		}
		*dst = append(*dst, c)
	}
	return i
}

func skipComment(value []byte, i int) int {
	for level := 1; i < len(value); {
		c := value[i]
		i++
		switch c {
		case '(':
			level++
		case ')':
			if level--; level == 0 {
				return i
			}
		case '\\':
			if i < len(value) {
				i++
			}
		}
	}
	return i
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isSpecial(c byte, specials string) bool {
	return c < ' ' || c == 127 || strings.IndexByte(specials, c) >= 0
}
