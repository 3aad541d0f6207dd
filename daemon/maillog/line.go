package maillog

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxText is where the text of a line is cut, in bytes and without regard to
// UTF-8 boundaries (MSG_SYSLOG_RECLEN, MSG_LOGGER_RECLEN).
const maxText = 2000

// printable replaces each byte that is not printable ASCII by a question
// mark. With keepUTF8, valid UTF-8 sequences stay. Source: Postfix 3.10
// printable.c.
func printable(s string, keepUTF8 bool) string {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] <= '~' {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c > '~' {
				c = '?'
			}
			b.WriteByte(c)
			i++
			continue
		}
		if keepUTF8 {
			if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				b.WriteString(s[i : i+n])
				i += n
				continue
			}
		}
		b.WriteByte('?')
		i++
	}
	return b.String()
}

func cut(text string) string {
	if len(text) > maxText {
		return text[:maxText]
	}
	return text
}

// identity is what the forms below print besides time and text.
type identity struct {
	tag      string
	host     string
	pid      int
	facility Facility
	stamped  stamp
}

// stamp is the time that the last line showed: lines come many to a second, and
// formatting it is a good part of a line's cost.
type stamp struct {
	second int64
	zone   *time.Location
	layout string
	text   []byte
}

// append appends t in the given layout, whose smallest unit is the second.
func (s *stamp) append(b []byte, t time.Time, layout string) []byte {
	if second, zone := t.Unix(), t.Location(); second != s.second || zone != s.zone || layout != s.layout {
		s.second, s.zone, s.layout, s.text = second, zone, layout, t.AppendFormat(s.text[:0], layout)
	}
	return append(b, s.text...)
}

// A form appends a line to b.
type form func(b []byte, id *identity, t time.Time, s Severity, text string) []byte

// syslogLine is the datagram that glibc's syslog(3) sends:
// <PRI>Mmm dd hh:mm:ss TAG[PID]: TEXT, the day padded with a blank.
func syslogLine(b []byte, id *identity, t time.Time, s Severity, text string) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(id.facility.priority(s)), 10)
	b = append(b, '>')
	b = id.stamped.append(b, t, "Jan _2 15:04:05 ")
	b = append(b, id.tag...)
	// msg_syslog_init leaves the process id out when the tag seems to
	// have one already.
	if !strings.Contains(id.tag, "[") {
		b = appendPID(b, id.pid)
	}
	b = append(b, ": "...)
	b = append(b, s.prefix()...)
	return append(b, cut(text)...)
}

// postlogLine is the datagram for postlogd(8), and without a newline also a
// line of maillog_file: Mmm dd hh:mm:ss HOST TAG[PID]: TEXT, the day padded
// with a zero, the host name up to its first dot.
func postlogLine(b []byte, id *identity, t time.Time, s Severity, text string) []byte {
	host, _, _ := strings.Cut(id.host, ".")
	b = id.stamped.append(b, t, "Jan 02 15:04:05 ")
	b = append(b, host...)
	b = append(b, ' ')
	b = append(b, id.tag...)
	b = appendPID(b, id.pid)
	b = append(b, ": "...)
	b = append(b, s.prefix()...)
	return append(b, cut(text)...)
}

// plainLine is the form of option -V: TAG: TEXT and a newline; no time, no
// process id, not cut.
func plainLine(b []byte, tag string, s Severity, text string) []byte {
	b = append(b, tag...)
	b = append(b, ": "...)
	b = append(b, s.prefix()...)
	b = append(b, text...)
	return append(b, '\n')
}

func appendPID(b []byte, pid int) []byte {
	b = append(b, '[')
	b = strconv.AppendInt(b, int64(pid), 10)
	return append(b, ']')
}
