package postconf

import (
	"io"
	"strconv"
	"unicode/utf8"
)

// Fatal is the error that ends a run. Text is what stock prints after
// "fatal: ".
type Fatal struct{ Text string }

func (f *Fatal) Error() string { return f.Text }

// diagnostics writes stock's messages: one write each, the program's name as
// it was called, the severity. Source: Postfix 3.10 msg_vstream.c.
type diagnostics struct {
	w   io.Writer
	tag string
	// keepUTF8 leaves valid UTF-8 in the text (smtputf8_enable).
	keepUTF8 bool
	// said, if not nil, gets the warnings, too.
	said *[]string
}

func (d *diagnostics) warn(text string) {
	if d.said != nil {
		*d.said = append(*d.said, text)
	}
	d.write("warning: ", text)
}

// info is for -v; such messages have no severity.
func (d *diagnostics) info(text string) { d.write("", text) }

func (d *diagnostics) error(text string) { d.write("error: ", text) }

func (d *diagnostics) fatal(text string) { d.write("fatal: ", text) }

// write sends one line. A failure has no place to be reported at.
func (d *diagnostics) write(severity, text string) {
	line := make([]byte, 0, len(d.tag)+len(severity)+len(text)+3)
	line = append(line, d.tag...)
	line = append(line, ": "...)
	line = append(line, severity...)
	start := len(line)
	line = append(line, text...)
	// Not the tag: stock shows it as it is.
	for i := start; i < len(line); i++ {
		if c := line[i]; c >= ' ' && c <= '~' {
			continue
		}
		if _, n := utf8.DecodeRune(line[i:]); n > 1 && d.keepUTF8 {
			i += n - 1
			continue
		}
		line[i] = '?'
	}
	d.w.Write(append(line, '\n'))
}

func itoa(n int) string { return strconv.Itoa(n) }
