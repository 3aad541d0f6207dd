package export

import (
	"bufio"
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonWriter writes JSON piece by piece. It stands in for encoding/json, which
// wants a value whole and would come into every program that imports this one.
// Write errors stick to the bufio.Writer; see err.
type jsonWriter struct {
	w     *bufio.Writer
	comma bool // a value stands before this one
}

// err returns the first error of the underlying writer, if there was one yet.
func (j *jsonWriter) err() error {
	_, err := j.w.Write(nil)
	return err
}

func (j *jsonWriter) open(c byte) {
	j.w.WriteByte(c)
	j.comma = false
}

func (j *jsonWriter) close(c byte) {
	j.w.WriteByte(c)
	j.comma = true
}

// item begins a value of an array.
func (j *jsonWriter) item() *jsonWriter {
	if j.comma {
		j.w.WriteByte(',')
	}
	j.comma = true
	return j
}

// key begins a value of an object. The name needs no escapes.
func (j *jsonWriter) key(name string) *jsonWriter {
	j.item()
	j.w.WriteByte('"')
	j.w.WriteString(name)
	j.w.WriteString(`":`)
	return j
}

func (j *jsonWriter) number(n int64) {
	var b [20]byte
	j.w.Write(strconv.AppendInt(b[:0], n, 10))
	j.comma = true
}

// time writes a time as RFC 3339, in UTC, or as seconds when its year has not
// four digits, for which RFC 3339 has no form.
func (j *jsonWriter) time(t time.Time) {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		j.number(t.Unix())
		return
	}
	j.text([]byte(t.Format(time.RFC3339Nano)))
}

const hexDigits = "0123456789abcdef"

// text writes bytes as a string, or as an object with their base64 form.
func (j *jsonWriter) text(b []byte) {
	j.comma = true
	if !utf8.Valid(b) {
		j.w.WriteString(`{"base64":"`)
		enc := base64.NewEncoder(base64.StdEncoding, j.w)
		enc.Write(b)
		enc.Close()
		j.w.WriteString(`"}`)
		return
	}
	j.w.WriteByte('"')
	start := 0
	for i, c := range b {
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		j.w.Write(b[start:i])
		start = i + 1
		switch c {
		case '"', '\\':
			j.w.WriteByte('\\')
			j.w.WriteByte(c)
		case '\n':
			j.w.WriteString(`\n`)
		case '\t':
			j.w.WriteString(`\t`)
		case '\r':
			j.w.WriteString(`\r`)
		default:
			j.w.WriteString(`\u00`)
			j.w.WriteByte(hexDigits[c>>4])
			j.w.WriteByte(hexDigits[c&15])
		}
	}
	j.w.Write(b[start:])
	j.w.WriteByte('"')
}
