package postcat

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// prefix begins a line: file name, offset and type, as asked for.
func (p *printer) prefix(rec queuefmt.Record) {
	if p.opts.FileName {
		fmt.Fprintf(p.w, "%s: ", p.in.Name)
	}
	if p.opts.Offsets {
		fmt.Fprintf(p.w, "%9d ", rec.Offset)
	}
	if p.opts.Decimal {
		fmt.Fprintf(p.w, "%3d ", byte(rec.Type))
	}
}

// marker prints the line that stands for a record between two groups.
func (p *printer) marker(rec queuefmt.Record, text string) {
	p.prefix(rec)
	fmt.Fprintf(p.w, "*** %s %s ***\n", text, p.in.Name)
}

// line prints a record as its type's name and its data.
func (p *printer) line(rec queuefmt.Record) {
	p.prefix(rec)
	p.named(rec)
}

func (p *printer) named(rec queuefmt.Record) {
	p.w.WriteString(rec.Type.String())
	p.w.WriteString(": ")
	p.w.Write(cstring(rec.Data))
	p.w.WriteByte('\n')
}

// plain prints a record that does not move the state.
func (p *printer) plain(rec queuefmt.Record) error {
	p.prefix(rec)
	p.prev = rec.Type
	switch rec.Type {
	case queuefmt.RecTime, queuefmt.RecWarnTime:
		return p.time(rec, rec.Type.String(), rec.Data)
	case queuefmt.RecContinued: // or RecFilter, which looks the same
		if p.state == inEnvelope {
			p.w.WriteString(rec.Type.String() + ": ")
		} else if p.opts.Verbose {
			p.w.WriteString("unterminated_text: ")
		}
		p.w.Write(rec.Data)
		if p.state == inEnvelope || p.opts.Verbose || p.opts.Offsets {
			p.prev = 0
			p.w.WriteByte('\n')
		}
	case queuefmt.RecNormal:
		if p.opts.Verbose {
			p.w.WriteString(rec.Type.String() + ": ")
		}
		p.w.Write(rec.Data)
		p.w.WriteByte('\n')
	case queuefmt.RecPadding:
		p.w.WriteString(rec.Type.String() + ": ")
		p.w.Write(rec.Data)
		p.w.WriteByte('\n')
	case queuefmt.RecAttr:
		name, value, err := queuefmt.ParseAttribute(rec.Data)
		if err != nil {
			// The line stays without an end, as with postcat.
			p.warn(fmt.Sprintf("malformed attribute: %s: %.100s", err, cstring(rec.Data)))
			return nil
		}
		if string(name) == queuefmt.AttrCreateTime {
			return p.time(rec, queuefmt.AttrCreateTime, value)
		}
		fmt.Fprintf(p.w, "%s: %s=%s\n", rec.Type, name, value)
	default:
		p.named(rec)
	}
	return nil
}

// time prints the time that data begins with.
func (p *printer) time(rec queuefmt.Record, name string, data []byte) error {
	text, ok := asctime(atol(data), p.opts.Location)
	if !ok {
		return &queuefmt.FormatError{Offset: rec.Offset, Type: rec.Type, Kind: queuefmt.FaultValue, Reason: fmt.Sprintf("%s out of range: %.100q", name, cstring(data))}
	}
	p.w.WriteString(name + ": " + text)
	return nil
}

// asctime formats a time as asctime(3) does, with the newline. It fails for a
// year that an int cannot hold, on which postcat crashes.
func asctime(sec int64, zone *time.Location) (string, bool) {
	const far = int64(math.MaxInt32) * 366 * 86400
	if sec > far || sec < -far {
		return "", false
	}
	t := time.Unix(sec, 0).In(zone)
	if y := t.Year() - 1900; y > math.MaxInt32-1900 || y < math.MinInt32 {
		return "", false
	}
	return fmt.Sprintf("%.3s %.3s%3d %02d:%02d:%02d %d\n",
		t.Weekday().String(), t.Month().String(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Year()), true
}

// atol reads a number as atol(3) does: white space, sign, digits, and the
// nearest number that fits.
func atol(b []byte) int64 {
	v, _, _ := strtol(b)
	return v
}

// strtol reads a number at the start of b and returns what follows it.
func strtol(b []byte) (v int64, rest []byte, ok bool) {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] >= '\t' && b[i] <= '\r') {
		i++
	}
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		ok = true
		d := int64(b[i] - '0')
		switch {
		case negative && v < (math.MinInt64+d)/10:
			v = math.MinInt64
		case negative:
			v = v*10 - d
		case v > (math.MaxInt64-d)/10:
			v = math.MaxInt64
		default:
			v = v*10 + d
		}
	}
	return v, b[i:], ok
}

// scanTwo reads two numbers as sscanf(3) with "%ld %ld" does. Those that are
// not there leave the values as they are.
func scanTwo(data []byte, a, b int64) (n int, _, _ int64) {
	v, rest, ok := strtol(cstring(data))
	if !ok {
		return 0, a, b
	}
	w, _, ok := strtol(rest)
	if !ok {
		return 1, v, b
	}
	return 2, v, w
}

// cstring cuts data at its first NUL.
func cstring(data []byte) []byte {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return data[:i]
	}
	return data
}

// isHeader says whether a line may be one of a message header: the start of a
// header field or of its continuation (Postfix is_header.c).
func isHeader(line []byte) bool {
	blank := false
	for i, c := range line {
		switch {
		case c == ' ' || c == '\t':
			if i == 0 {
				return true // continues the field before
			}
			blank = true
		case c == ':':
			return i > 0
		case c < ' ' || c >= 0x7f || blank:
			return false
		}
	}
	return false
}
