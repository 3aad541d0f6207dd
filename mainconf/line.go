package mainconf

import "strings"

// Line is one logical line of a configuration file.
type Line struct {
	// Text is the joined text: physical lines without their newline, comments
	// and blank lines left out.
	Text string
	// First and Last number the physical lines, counting from 1. First is
	// the line on which Text starts, the number that Postfix reports. Last is
	// the last physical line that belongs to the logical line, including
	// comments and blank lines between and directly after its parts.
	First, Last int
	// Offset is the byte offset in the file of the first byte of Text. TextEnd
	// is the one behind the last physical line that has a part of Text, and End
	// the one behind physical line Last, both with the newline if there is one.
	// So the entry itself is [Offset:TextEnd), with the comments among its
	// parts; [TextEnd:End) is comments and blank lines only, which people write
	// about what follows. It is empty where the next entry follows at once.
	//
	// To replace the entry, replace [Offset:TextEnd); to replace up to End would
	// take away the comments before the next entry. See "Editing" in the
	// package's documentation.
	Offset, TextEnd, End int
}

// InFile reports whether the line stands in a file, so that its numbers and
// offsets mean something. It does not for a preset of ParseMain and for what
// ParseService returns: their numbers are all 0, which is no place to edit.
func (l Line) InFile() bool { return l.First > 0 }

// isSpace reports whether c is white space for C's isspace() in the C locale.
func isSpace(c byte) bool {
	return c == ' ' || c-'\t' < 5
}

func isAlnum(c byte) bool {
	return c-'0' < 10 || c|0x20-'a' < 26
}

// cString returns the part of s that a C program sees.
func cString(s string) string {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return s
}

// lineReader splits a file into logical lines. Source: Postfix 3.10
// readlline.c, readllines.
type lineReader struct {
	file    string
	data    string
	pos     int
	lineno  int
	hasNull bool // the file contains a null byte somewhere
	warn    func(Warning)
}

func newLineReader(file, data string, warn func(Warning)) *lineReader {
	return &lineReader{
		file:    file,
		data:    data,
		hasNull: strings.IndexByte(data, 0) >= 0,
		warn:    warn,
	}
}

// estimate returns about how many logical lines there are, to make room for
// them at once.
func (r *lineReader) estimate() int {
	n := 0
	for pos := 0; pos < len(r.data); {
		if c := r.data[pos]; c != '#' && !isSpace(c) {
			n++
		}
		nl := strings.IndexByte(r.data[pos:], '\n')
		if nl < 0 {
			break
		}
		pos += nl + 1
	}
	return n
}

// next returns the next logical line that does not start with white space.
func (r *lineReader) next() (Line, bool) {
	for {
		line, ok := r.read()
		if !ok || !isSpace(line.Text[0]) {
			return line, ok
		}
		// Text that continues nothing. Stock drops the whole logical line.
		r.warn(Warning{
			Kind: WarnLeadingSpace,
			File: r.file,
			Line: line.First,
			Last: line.Last,
			Text: line.Text,
		})
	}
}

func (r *lineReader) read() (line Line, ok bool) {
	var joined strings.Builder // used from the second kept physical line on
	gotNull := false
	for {
		start := r.pos
		if start >= len(r.data) {
			if line.Text == "" {
				line.First = r.lineno
			}
			break
		}
		part := r.data[start:]
		atEOF := true
		if nl := strings.IndexByte(part, '\n'); nl >= 0 {
			part = part[:nl]
			r.pos++
			atEOF = false
		}
		r.pos += len(part)
		r.lineno++
		if r.hasNull && !gotNull {
			gotNull = strings.IndexByte(part, 0) >= 0
		}
		if line.Text == "" {
			line.First = r.lineno
			line.Offset = start
		}
		if !isComment(part) {
			line.TextEnd = r.pos
			switch {
			case line.Text == "":
				line.Text = part
			default:
				if joined.Len() == 0 {
					joined.WriteString(line.Text)
				}
				joined.WriteString(part)
			}
		}
		if atEOF {
			break
		}
		if line.Text != "" {
			if r.pos >= len(r.data) {
				break
			}
			if next := r.data[r.pos]; next != '#' && !isSpace(next) {
				break
			}
		}
	}
	if joined.Len() > 0 {
		line.Text = joined.String()
	}
	line.Last = r.lineno
	line.End = r.pos
	if gotNull {
		r.warn(Warning{Kind: WarnNull, File: r.file, Line: line.First, Last: line.Last})
	}
	return line, line.Text != ""
}

// isComment reports whether a physical line holds nothing but white space or
// a comment.
func isComment(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isSpace(s[i]) {
			return s[i] == '#'
		}
	}
	return true
}
