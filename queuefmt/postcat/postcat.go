package postcat

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// Options are postcat's options. With neither Envelope, Header nor Body, all
// three are shown.
type Options struct {
	Decimal  bool // -d: the decimal type of each record
	Offsets  bool // -o: the offset of each record
	Verbose  bool // -v: names of text records; padding and pointer records
	FileName bool // -f: the file name before each line
	Raw      bool // -r: file order; pointer records are not followed with Verbose
	Envelope bool // -e: envelope records
	Header   bool // -h: message header
	Body     bool // -b: message body

	// Location is the zone of the times; nil is time.Local.
	Location *time.Location

	// Warn, if not nil, takes the warnings that postcat logs.
	Warn func(text string)
}

// Input is one queue file.
type Input struct {
	// Name is what the output calls the file; postcat says "stdin" for
	// its standard input. The size record of a file whose name begins with
	// "maildrop/" is not gone by: it may be a preliminary one.
	Name string

	// At is the file. When it is nil, Stream is read instead, and a
	// pointer record is an error. One of them must be there.
	At     io.ReaderAt
	Stream io.Reader
}

// The states of a pass (Postfix postcat.c).
type state int

const (
	inEnvelope state = iota // initial or extracted
	inHeader
	inBody
)

var (
	// errStop ends a pass with nothing left to print.
	errStop = errors.New("nothing left to print")

	errNoInput = errors.New("neither a file nor a stream to print")
)

// Print writes the file's records to w. The error of a damaged file is a
// *queuefmt.FormatError; what could be read before it has been written. Another error
// is that of reading the input, of writing to w, or that there is no input.
func Print(w io.Writer, in Input, opts Options) error {
	if in.At == nil && in.Stream == nil {
		return errNoInput
	}
	if !opts.Envelope && !opts.Header && !opts.Body {
		opts.Envelope, opts.Header, opts.Body = true, true, true
	}
	if opts.Location == nil {
		opts.Location = time.Local
	}
	if opts.Warn == nil {
		opts.Warn = func(string) {}
	}
	p := &printer{w: bufio.NewWriter(w), in: in, opts: opts, dataOffset: -1, dataSize: -1, hidden: -1}
	err := p.run()
	if flushErr := p.w.Flush(); err == nil {
		err = flushErr
	}
	return err
}

type printer struct {
	w    *bufio.Writer
	in   Input
	opts Options
	src  source

	state      state
	printing   bool
	prev       queuefmt.RecordType
	dataOffset int64 // from the size record; -1 before it
	dataSize   int64

	recordAt  int64 // where the record that is printed really stands: see hidden
	messageAt int64 // where the record that the content follows does

	// hidden is the offset of the first of the records, right before this
	// one, that are not shown without -v; -1 if there is none. postcat
	// takes it for the offset of the record that follows them.
	hidden int64
}

func (p *printer) run() error {
	p.src = newSource(p.in)
	first, err := p.src.first()
	if err != nil && err != io.EOF {
		return err
	}
	// A NUL passes: strchr(3) finds the end of the set.
	if err == nil && first != 0 && !strings.ContainsRune(queuefmt.EnvelopeTypes, rune(first)) {
		p.warn("input is not a valid queue file")
		return &queuefmt.FormatError{Type: queuefmt.RecordType(first), Kind: queuefmt.FaultType, Reason: "input is not a valid queue file"}
	}
	title := ""
	if p.opts.Envelope {
		title = fmt.Sprintf("*** ENVELOPE RECORDS %s ***\n", p.in.Name)
	}
	p.printing = p.opts.Envelope
	for {
		rec, err := p.src.next()
		if err == nil || err == io.EOF {
			// postcat prints nothing of a file without one good record.
			p.w.WriteString(title)
			title = ""
		}
		if err == io.EOF {
			return nil
		}
		var fault *queuefmt.FormatError
		if errors.As(err, &fault) && fault.Kind == queuefmt.FaultRecord {
			p.warn(fault.Reason)
		}
		if err == nil {
			err = p.record(rec)
		}
		if err == errStop {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// record prints one record and moves the state on.
func (p *printer) record(rec queuefmt.Record) error {
	p.recordAt = rec.Offset
	if !p.opts.Verbose {
		// Without -v the reading of records hides these two.
		if rec.Type == queuefmt.RecPointer || rec.Type == queuefmt.RecPadding {
			if p.hidden < 0 {
				p.hidden = rec.Offset
			}
			if rec.Type == queuefmt.RecPointer {
				return p.follow(rec)
			}
			return nil
		}
		if p.hidden >= 0 {
			rec.Offset, p.hidden = p.hidden, -1
		}
	}
	switch rec.Type {
	case queuefmt.RecNormal, queuefmt.RecContinued:
		if err := p.beforeText(rec); err != nil {
			return err
		}
	case queuefmt.RecMessage:
		return p.message(rec)
	case queuefmt.RecExtracted:
		return p.extracted(rec)
	case queuefmt.RecEnd:
		return p.end(rec)
	case queuefmt.RecPointer:
		if p.printing {
			p.line(rec)
		}
		if p.opts.Raw {
			return nil
		}
		return p.follow(rec)
	case queuefmt.RecSize:
		return p.size(rec)
	}
	if !p.printing {
		return nil
	}
	return p.plain(rec)
}

// beforeText finds the line that ends the header. A message that starts with
// white space is taken for header, as by postcat.
func (p *printer) beforeText(rec queuefmt.Record) error {
	if p.state != inHeader || !(p.opts.Header || p.opts.Body) || p.prev == queuefmt.RecContinued || isHeader(rec.Data) {
		return nil
	}
	p.state = inBody
	p.printing = p.opts.Body
	if p.printing {
		return nil
	}
	if !p.opts.Envelope {
		return errStop
	}
	return p.skipContent(rec)
}

// skipContent goes on after the content, where the size record says. That may lie
// before rec, since what a Milter has put into a message stands at the end of the
// file. But a size record that leads back to where the content begins, on which
// postcat can turn round for ever, is an error.
func (p *printer) skipContent(rec queuefmt.Record) error {
	if p.dataOffset <= 0 || p.dataSize < 0 {
		return nil
	}
	target := p.dataOffset + p.dataSize
	if target <= p.messageAt {
		return &queuefmt.FormatError{Offset: p.recordAt, Type: rec.Type, Kind: queuefmt.FaultSize,
			Reason: fmt.Sprintf("content ends before it starts: size record says at %d", target)}
	}
	return p.src.seek(target, rec)
}

func (p *printer) message(rec queuefmt.Record) error {
	if p.state != inEnvelope {
		p.warn("out-of-order message content marker")
	}
	if p.opts.Envelope {
		p.marker(rec, "MESSAGE CONTENTS")
	}
	p.messageAt = p.recordAt
	if !p.opts.Header && !p.opts.Body {
		if err := p.skipContent(rec); err != nil {
			return err
		}
	}
	p.state = inHeader
	p.printing = p.opts.Header
	return nil
}

func (p *printer) extracted(rec queuefmt.Record) error {
	if p.state == inEnvelope {
		p.warn("out-of-order extracted segment marker")
	}
	if p.printing && p.prev == queuefmt.RecContinued {
		p.w.WriteByte('\n')
	}
	if p.opts.Envelope {
		p.marker(rec, "HEADER EXTRACTED")
	}
	p.state = inEnvelope
	p.printing = p.opts.Envelope
	if !p.printing {
		return errStop
	}
	return nil
}

func (p *printer) end(rec queuefmt.Record) error {
	if p.state != inEnvelope {
		p.warn("out-of-order message end marker")
	}
	if p.opts.Envelope {
		p.marker(rec, "MESSAGE FILE END")
	}
	if p.opts.Raw && p.opts.Verbose {
		return nil
	}
	return errStop
}

// follow goes where a pointer record leads.
func (p *printer) follow(rec queuefmt.Record) error {
	reason, err := p.src.jump(rec)
	if err != nil {
		if reason != "" {
			p.warn(reason)
		}
		return err
	}
	return nil
}

func (p *printer) size(rec queuefmt.Record) error {
	if p.printing {
		p.line(rec)
	}
	if strings.HasPrefix(p.in.Name, "maildrop/") {
		return nil // Postfix 3.11 leaves preliminary ones there, in which all is -1
	}
	if p.dataSize >= 0 || p.dataOffset >= 0 {
		p.opts.Warn("file contains multiple size records")
		return nil
	}
	var n int
	n, p.dataSize, p.dataOffset = scanTwo(rec.Data, p.dataSize, p.dataOffset)
	if n != 2 || p.dataOffset <= 0 || p.dataSize <= 0 {
		p.opts.Warn(fmt.Sprintf("invalid size record: %.100s", cstring(rec.Data)))
	}
	if !p.opts.Envelope {
		if err := p.src.seek(p.dataOffset, rec); err != nil {
			return err
		}
		p.state = inHeader
		p.printing = p.opts.Header
	}
	return nil
}

// warn reports a warning that begins with the file's name.
func (p *printer) warn(text string) { p.opts.Warn(p.in.Name + ": " + text) }
