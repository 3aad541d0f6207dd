package postconf

import (
	"io"
	"strings"
)

const (
	// bufferSize is that of stock's standard output. It can be seen: a fatal
	// error loses what is in the buffer, and messages overtake it.
	bufferSize = 4096

	lineLimit  = 80
	indent     = "    "
	whiteSpace = " \t\r\n" // not all that isspace() knows
)

// output is stock's standard output.
type output struct {
	w   io.Writer
	buf []byte
}

func newOutput(w io.Writer) *output {
	return &output{w: w, buf: make([]byte, 0, bufferSize)}
}

// text adds s. A write error is ignored, as stock does.
func (o *output) text(s string) {
	for s != "" {
		if len(o.buf) == bufferSize {
			o.flush()
		}
		n := min(bufferSize-len(o.buf), len(s))
		o.buf = append(o.buf, s[:n]...)
		s = s[n:]
	}
}

func (o *output) flush() {
	if len(o.buf) > 0 {
		o.w.Write(o.buf)
		o.buf = o.buf[:0]
	}
}

// line prints the parts as one line in which white space is normalised; fold
// breaks it into lines of less than 80 bytes where that is possible. Source:
// Postfix 3.10 postconf_print.c.
func (o *output) line(fold bool, parts ...string) {
	l := lineWriter{output: o, fold: fold}
	for _, s := range parts {
		l.add(s)
	}
	l.endWord()
	o.text("\n")
}

// lineWriter splits text into words that may span its parts.
type lineWriter struct {
	*output
	fold   bool
	length int
	word   string // the beginning of a word, or ""
}

func (l *lineWriter) add(s string) {
	for s != "" {
		end := strings.IndexAny(s, whiteSpace)
		if end < 0 {
			l.word += s
			return
		}
		l.word += s[:end]
		l.endWord()
		s = s[end+1:]
	}
}

func (l *lineWriter) endWord() {
	if l.word == "" {
		return
	}
	if l.length > 0 {
		// The blank is not counted in the comparison.
		if !l.fold || l.length+len(l.word) < lineLimit {
			l.text(" ")
			l.length++
		} else {
			l.text("\n" + indent)
			l.length = len(indent)
		}
	}
	l.text(l.word)
	l.length += len(l.word)
	l.word = ""
}

// json prints one object of one member, as Postfix 3.11 -j does.
func (o *output) json(name, value string) {
	o.text("{\"")
	o.quoted(name)
	o.text("\": \"")
	o.quoted(value)
	o.text("\"}\n")
}

// quoted writes text inside a JSON string. Bytes that are not UTF-8 stay as
// they are. Source: Postfix 3.11 quote_for_json.c.
func (o *output) quoted(s string) {
	const hex = "0123456789ABCDEF"
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		o.text(s[start:i])
		start = i + 1
		switch c {
		case '"', '\\':
			o.text("\\" + s[i:i+1])
		case '\b':
			o.text("\\b")
		case '\f':
			o.text("\\f")
		case '\n':
			o.text("\\n")
		case '\r':
			o.text("\\r")
		case '\t':
			o.text("\\t")
		default:
			o.text("\\u00" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		}
	}
	o.text(s[start:])
}
