package table

import "strings"

// LineReader splits a Postfix configuration or table text into logical lines.
// A line that starts with a blank continues the one before; empty lines, lines
// of blanks and lines whose first visible byte is '#' are skipped, also
// between a line and its continuation. Newlines are removed, the blanks at the
// start of a continuation stay. Source: Postfix 3.10 readlline.c, readllines.
type LineReader struct {
	text string
	path string
	log  Logger
	line int
}

// NewLineReader reads text, which came from path; the path is only used in
// warnings.
func NewLineReader(text, path string, log Logger) *LineReader {
	if log == nil {
		log = nopLogger{}
	}
	return &LineReader{text: text, path: path, log: log}
}

// CountFromHere numbers the lines that follow from 1 again.
func (r *LineReader) CountFromHere() { r.line = 0 }

// Next returns the next logical line and the number of its first physical
// line, counted from 1. The line ends before its first NUL, as C programs see
// it. ok is false at the end of the text.
func (r *LineReader) Next() (line string, first int, ok bool) {
	for {
		line, first, ok = r.next()
		if !ok || line == "" || !isSpace(line[0]) {
			return cString(line), first, ok
		}
		shown, more := cString(line), ""
		if len(shown) > 30 {
			shown = shown[:30]
		}
		if len(line) > 30 {
			more = "..."
		}
		r.log.Warningf("%s: logical line must not start with whitespace: \"%s%s\"", r.path, shown, more)
	}
}

func (r *LineReader) next() (line string, first int, ok bool) {
	var joined strings.Builder
	hasNull := false
	for {
		physical, terminated := r.physical()
		if terminated || physical != "" {
			r.line++
		}
		if strings.IndexByte(physical, 0) >= 0 {
			hasNull = true
		}
		if line == "" {
			first = r.line
		}
		if visible := trimLeft(physical); visible != "" && visible[0] != '#' {
			switch {
			case line == "":
				line = physical
			case joined.Len() == 0:
				joined.WriteString(line)
				fallthrough
			default:
				joined.WriteString(physical)
				line = joined.String()
			}
		}
		if !terminated {
			break
		}
		if line != "" && (r.text == "" || r.text[0] != '#' && !isSpace(r.text[0])) {
			break
		}
	}
	if hasNull {
		const why = "text after null byte may be ignored"
		if first == r.line {
			r.log.Warningf("%s, line %d: %s", r.path, r.line, why)
		} else {
			r.log.Warningf("%s, line %d-%d: %s", r.path, first, r.line, why)
		}
	}
	return line, first, line != ""
}

// physical cuts the next physical line off the text, without its newline;
// terminated is false when the text ended first.
func (r *LineReader) physical() (line string, terminated bool) {
	i := strings.IndexByte(r.text, '\n')
	if i < 0 {
		line, r.text = r.text, ""
		return line, false
	}
	line, r.text = r.text[:i], r.text[i+1:]
	return line, true
}
