// Package mime finds the headers in a stream of text records: those of the
// message, of its MIME parts and of messages inside it. It is the state
// machine that cleanup(8) runs over a message's content.
//
// It does not decode anything, and nothing that is wrong with the structure
// stops it: a line that cannot be a header starts a body. On request it
// reports 8-bit text where none was announced, and turns announced 8-bit text
// into quoted-printable.
//
// Source: Postfix 3.10 mime_state.c.
package mime

import (
	"bytes"

	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// Section is where a header stands.
type Section uint8

// The sections.
const (
	Primary   Section = iota + 1 // the headers of the message
	Multipart                    // the headers of a body part, after its boundary
	Nested                       // the headers of a message in a message
	body
)

// Fault is a set of problems with a message's structure.
type Fault uint8

// The faults, the more serious ones first.
const (
	FaultNesting        Fault = 1 << iota // deeper than Options.MaxDepth
	Fault8BitHeader                       // 8-bit text in a header
	Fault8BitBody                         // 8-bit text in a body that is not announced as such
	FaultEncodingDomain                   // a transfer encoding that a composite type cannot have
)

// Text returns the description of the most serious fault in f.
func (f Fault) Text() string {
	switch {
	case f&FaultNesting != 0:
		return "MIME nesting exceeds safety limit"
	case f&Fault8BitHeader != 0:
		return "improper use of 8-bit data in message header"
	case f&Fault8BitBody != 0:
		return "improper use of 8-bit data in message body"
	case f&FaultEncodingDomain != 0:
		return "invalid message/* or multipart/* encoding domain"
	}
	return ""
}

// Options govern a Parser.
type Options struct {
	// Headers tells which headers are known.
	Headers *rfc822.HeaderTable
	// HeaderLimit is the number of bytes of a header after which no more
	// continuation lines are added. Parameter header_size_limit.
	HeaderLimit int
	// BoundaryLimit is the number of bytes of a boundary that are kept.
	// Parameter mime_boundary_length_limit.
	BoundaryLimit int
	// MaxDepth is the depth from which boundaries are no longer followed.
	// Parameter mime_nesting_limit.
	MaxDepth int
	// Disabled makes everything after the message's headers one body.
	// Parameter disable_mime_input_processing.
	Disabled bool
	// Downgrade turns announced 8-bit bodies into quoted-printable.
	// Parameter force_mime_input_conversion.
	Downgrade bool
	// Report is the set of faults that are looked for.
	Report Fault
}

// Handler takes what a Parser finds, in the order of the message.
type Handler interface {
	// Header takes a complete header, its lines joined by LF. known is nil
	// for an unknown header. The text may be changed, and is valid during
	// the call.
	Header(section Section, known *rfc822.Header, text []byte)
	// EndOfHeaders follows the last header of the message, before any
	// body. It is called once.
	EndOfHeaders()
	// Body takes a record of a body, the empty line before it included,
	// with its offset from the start of the body. The data is valid during
	// the call.
	Body(t queuefmt.RecordType, data []byte, offset int64)
	// Fault takes the first fault of each kind, with the offending text.
	Fault(f Fault, text []byte)
}

type boundary struct {
	text    []byte
	ctype   ctype // default type of the parts
	subtype subtype
}

// Parser is the state machine. It belongs to one message and one goroutine.
type Parser struct {
	opts    Options
	handler Handler

	state      Section
	ctype      ctype
	subtype    subtype
	encoding   encoding
	domain     encoding
	buffer     []byte // the header in progress, or quoted-printable text
	continued  bool   // the last record had no line end
	stack      []boundary
	faults     Fault
	bodyOffset int64
	tokens     tokens
}

// Reset makes p ready for another message, keeping its memory.
func (p *Parser) Reset(opts Options, handler Handler) {
	*p = Parser{
		opts: opts, handler: handler,
		buffer: p.buffer[:0], stack: p.stack[:0], tokens: p.tokens,
		state: Primary,
	}
	p.setType(typeText, subtypePlain)
}

// setType makes the type known or assumed, with the encoding that parts have
// unless they say otherwise.
func (p *Parser) setType(t ctype, s subtype) {
	p.ctype, p.subtype = t, s
	p.encoding, p.domain = encoding7Bit, encoding7Bit
}

func (p *Parser) setState(s Section) {
	p.state = s
	if s == body {
		p.bodyOffset = 0
	}
}

// Write takes a text record: queuefmt.RecNormal or queuefmt.RecContinued.
func (p *Parser) Write(t queuefmt.RecordType, data []byte) {
	if p.state != body && !p.header(t, data) {
		return
	}
	p.body(t, data)
	p.continued = t == queuefmt.RecContinued
}

// End ends the message and returns the faults that were found in it.
func (p *Parser) End() Fault {
	if p.continued {
		p.Write(queuefmt.RecNormal, nil)
	}
	if p.state != body {
		p.flushHeader()
		p.endHeaders()
		p.setState(body)
	}
	return p.faults
}

// header takes a record where a header may stand. It returns true if the
// record belongs to a body.
func (p *Parser) header(t queuefmt.RecordType, data []byte) bool {
	if len(p.buffer) > 0 {
		if p.continued || len(data) > 0 && (data[0] == ' ' || data[0] == '\t') {
			if len(p.buffer) < p.opts.HeaderLimit {
				if !p.continued {
					p.buffer = append(p.buffer, '\n')
				}
				p.buffer = append(p.buffer, rfc822.UntilNUL(data)...)
			}
			p.continued = t == queuefmt.RecContinued
			return false
		}
		p.flushHeader()
	}
	if n := rfc822.HeaderNameLen(data); n > 0 {
		p.buffer = append(p.buffer, data[:n]...)
		for data = data[n:]; data[0] == ' ' || data[0] == '\t'; {
			data = data[1:]
		}
		p.buffer = append(p.buffer, rfc822.UntilNUL(data)...)
		p.continued = t == queuefmt.RecContinued
		return false
	}
	p.endHeaders()
	if len(data) == 0 {
		p.startBody()
		return true
	}
	// No header, and no empty line either. The message's own headers get
	// the empty line; inside a part that could break a signature.
	if p.state == Primary {
		p.out(queuefmt.RecNormal, nil)
	}
	p.setState(body)
	return true
}

// flushHeader passes the header in progress on.
func (p *Parser) flushHeader() {
	if len(p.buffer) == 0 {
		return
	}
	known := p.opts.Headers.Find(p.buffer)
	isEncoding := known != nil && known.ID == rfc822.ContentTransferEncoding
	if known != nil && !p.opts.Disabled {
		if known.ID == rfc822.ContentType {
			p.contentType(known.Value(p.buffer))
		}
		if isEncoding {
			p.contentEncoding(known.Value(p.buffer))
		}
	}
	if p.looksFor(Fault8BitHeader) && has8Bit(p.buffer) {
		p.fault(Fault8BitHeader, p.buffer)
	}
	// The encoding of text that will be converted is announced at the end
	// of the headers, because it depends on the type.
	if !isEncoding || !p.converts() {
		p.handler.Header(p.state, known, p.buffer)
	}
	p.continued = false
	p.buffer = p.buffer[:0]
}

// endHeaders does what is due when no more headers follow in this section.
func (p *Parser) endHeaders() {
	composite := p.ctype == typeMultipart || p.ctype == typeMessage
	if p.converts() {
		announced := "Content-Transfer-Encoding: quoted-printable"
		if p.ctype == typeMultipart || p.ctype == typeMessage && p.subtype != subtypeGlobal {
			announced = "Content-Transfer-Encoding: 7bit"
		}
		p.buffer = append(p.buffer, announced...)
		p.handler.Header(p.state, nil, p.buffer)
		p.buffer = p.buffer[:0]
	}
	if p.state == Primary {
		p.handler.EndOfHeaders()
	}
	if p.looksFor(FaultEncodingDomain) && composite && !p.identityEncoded() {
		p.fault(FaultEncodingDomain, []byte(p.encoding.name()))
	}
}

// identityEncoded tells whether the encoding is one that the composite type
// may have.
func (p *Parser) identityEncoded() bool {
	switch {
	case p.ctype == typeMultipart || p.subtype == subtypeRFC822:
		return p.encoding == p.domain
	case p.subtype == subtypePartial || p.subtype == subtypeExternalBody:
		return p.domain == encoding7Bit
	}
	return true
}

// startBody decides, at the empty line after headers, what follows.
func (p *Parser) startBody() {
	p.bodyOffset = 0
	switch {
	case p.ctype == typeMessage && (p.subtype == subtypeRFC822 || p.subtype == subtypeGlobal && !p.converts()):
		p.state = Nested
		p.setType(typeText, subtypePlain)
	case p.ctype == typeMultipart:
		p.setState(body)
		p.setType(typeOther, subtypeOther)
	default:
		p.setState(body)
	}
}

// body takes a record of a body, which may be the boundary that ends it.
func (p *Parser) body(t queuefmt.RecordType, data []byte) {
	if p.looksFor(Fault8BitBody) && p.encoding == encoding7Bit && has8Bit(data) {
		p.fault(Fault8BitBody, data)
	}
	if len(p.stack) > 0 && !p.continued && len(data) > 2 && data[0] == '-' && data[1] == '-' {
		p.matchBoundary(data[2:])
	}
	if p.converts() {
		p.quotedPrintable(t, data)
	} else {
		p.out(t, data)
	}
}

// matchBoundary looks for the boundary that line, without its two dashes,
// starts with, the innermost first. What follows it does not matter, and the
// boundary may have been cut.
func (p *Parser) matchBoundary(line []byte) {
	for i := len(p.stack) - 1; i >= 0; i-- {
		b := p.stack[i]
		if !bytes.HasPrefix(line, b.text) {
			continue
		}
		if bytes.HasPrefix(line[len(b.text):], []byte("--")) {
			p.stack = p.stack[:i]
			p.setState(body)
			p.setType(typeOther, subtypeOther)
		} else {
			p.stack = p.stack[:i+1]
			p.setState(Multipart)
			p.setType(b.ctype, b.subtype)
		}
		return
	}
}

func (p *Parser) out(t queuefmt.RecordType, data []byte) {
	p.handler.Body(t, data, p.bodyOffset)
	p.bodyOffset += int64(len(data)) + 1
}

// converts tells whether the text of the current part is to become 7-bit.
func (p *Parser) converts() bool { return p.opts.Downgrade && p.domain != encoding7Bit }

func (p *Parser) looksFor(f Fault) bool { return p.opts.Report&f != 0 && p.faults&f == 0 }

func (p *Parser) fault(f Fault, text []byte) {
	p.handler.Fault(f, text)
	p.faults |= f
}

func has8Bit(data []byte) bool {
	for _, c := range data {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// Size returns the number of bytes of memory that p keeps.
func (p *Parser) Size() int {
	n := cap(p.buffer)
	for _, token := range p.tokens.values {
		n += cap(token)
	}
	for _, b := range p.stack[:cap(p.stack)] { // those that were found to end, too
		n += cap(b.text)
	}
	return n
}
