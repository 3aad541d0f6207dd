package qmqp

import (
	"bytes"
	"io"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// readContent reads the message into c. Source: qmqpd_read_content.
func (s *Session) readContent(c *content) error {
	s.where = whereContent
	if err := s.in.CopyTo(c, s.cfg.MessageSizeLimit); err != nil {
		return err
	}
	c.complete()
	if c.err != nil {
		s.status |= mailstream.StatusWrite
		s.log.Warningf("%s: store message content: %s", s.queueID, c.err)
	}
	return nil
}

// writeContent writes the message as text records: N for a line, L for a piece
// of one that is longer than the limit or has no newline. At the start, lines
// that look like the separator of a mailbox file are made into headers, and
// text that begins with white space is kept apart from our Received header.
// Source: qmqpd_write_content.
func (s *Session) writeContent(out *recordSink, c *content) {
	lines := newLineReader(c, s.cfg.lineLimit())
	first := true
	for s.status == 0 {
		start := lines.offset()
		line, terminated, err := lines.next()
		if err == io.EOF {
			return
		}
		if err != nil {
			s.status |= mailstream.StatusWrite
			s.log.Warningf("%s: read message content: %s", s.queueID, err)
			return
		}
		t := queuefmt.RecContinued
		if terminated {
			t = queuefmt.RecNormal
		}
		if first {
			if c.fromLine(start) {
				if nul := bytes.IndexByte(line, 0); nul >= 0 {
					line = line[:nul]
				}
				s.line = append(append(s.line[:0], "X-Mailbox-Line: "...), line...)
				out.put(t, s.line)
				continue
			}
			first = false
			if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
				out.put(queuefmt.RecNormal, nil)
			}
		}
		out.put(t, line)
	}
}

// fromLine tells whether the text at off is zero or more > followed by
// "From ". As in Postfix, the run of > may reach beyond the piece of a line
// that is being looked at.
func (c *content) fromLine(off int64) bool {
	const from = "From "
	if off < c.runStart || off > c.runEnd {
		c.runStart, c.runEnd = off, off
		for {
			var buf [512]byte
			n, _ := c.ReadAt(buf[:], c.runEnd)
			i := 0
			for i < n && buf[i] == '>' {
				i++
			}
			c.runEnd += int64(i)
			if i < n || n == 0 {
				break
			}
		}
	}
	var buf [len(from)]byte
	n, _ := c.ReadAt(buf[:], c.runEnd)
	return string(buf[:n]) == from
}

// lineReader cuts content into lines of at most limit bytes.
type lineReader struct {
	c     *content
	limit int
	win   []byte // content from base on; all of it if it is in memory
	pos   int    // what of win has been returned
	base  int64
	whole bool // win reaches to the end of the content
}

func newLineReader(c *content, limit int) *lineReader {
	if c.file == nil {
		return &lineReader{c: c, limit: limit, win: c.head, whole: true}
	}
	return &lineReader{c: c, limit: limit, win: c.window()}
}

// offset is where the next line starts.
func (r *lineReader) offset() int64 { return r.base + int64(r.pos) }

// next returns the next line without its newline, or a piece of limit bytes of
// one, or what stands after the last newline. terminated tells that a newline
// followed. The bytes are valid until the next call.
func (r *lineReader) next() (line []byte, terminated bool, err error) {
	for {
		rest := r.win[r.pos:]
		look := rest
		if len(look) > r.limit {
			look = look[:r.limit+1]
		}
		if i := bytes.IndexByte(look, '\n'); i >= 0 {
			r.pos += i + 1
			return rest[:i], true, nil
		}
		switch {
		case len(rest) > r.limit:
			rest = rest[:r.limit]
		case !r.whole:
			if err := r.fill(); err != nil {
				return nil, false, err
			}
			continue
		case len(rest) == 0:
			return nil, false, io.EOF
		}
		r.pos += len(rest)
		return rest, false, nil
	}
}

// fill moves what is left to the front of the window, which grows with the longest line,
// and reads more.
func (r *lineReader) fill() error {
	rest := r.win[r.pos:]
	if len(rest) == cap(r.win) {
		r.win = make([]byte, 2*len(rest))
	}
	r.base += int64(r.pos)
	n := copy(r.win[:cap(r.win)], rest)
	r.pos = 0
	m, err := r.c.ReadAt(r.win[n:cap(r.win)], r.base+int64(n))
	r.win = r.win[:n+m]
	if err == io.EOF {
		r.whole = true
		return nil
	}
	return err
}
