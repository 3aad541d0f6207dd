// Package attr speaks the attribute protocol between Postfix daemons in its
// null-terminated form: name NUL value NUL for each attribute, and one more
// NUL at the end of a list. Source: Postfix 3.10 attr_print0(3) and
// attr_scan0(3).
//
// The package does not log. Where Postfix logs a warning about bad input, Scan
// returns its text; what it logs with -v goes to Reader.Trace.
package attr

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// MaxString is the longest attribute name or value that a Reader takes, in
// bytes. Postfix has no limit; a peer that exceeds this one is treated as if
// it had hung up in the middle of the string.
const MaxString = 1 << 20

// AppendString appends one attribute to dst.
func AppendString(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, 0)
	dst = append(dst, value...)
	return append(dst, 0)
}

// AppendUint appends one attribute with a decimal value to dst.
func AppendUint(dst []byte, name string, value uint64) []byte {
	dst = append(dst, name...)
	dst = append(dst, 0)
	dst = strconv.AppendUint(dst, value, 10)
	return append(dst, 0)
}

// AppendEnd ends the list in dst.
func AppendEnd(dst []byte) []byte { return append(dst, 0) }

// Want is one attribute that Scan expects; make it with String, Uint32 or
// Equal.
type Want struct {
	name  string
	str   *string
	num   *uint32
	equal string
}

// String wants an attribute of any value and stores it in *value.
func String(name string, value *string) Want { return Want{name: name, str: value} }

// Uint32 wants a decimal number and stores it in *value. As in Postfix, which
// reads it with scanf(3), leading white space and a sign are allowed, a
// negative number wraps around, and one that is too large becomes the largest.
func Uint32(name string, value *uint32) Want { return Want{name: name, num: value} }

// Equal wants an attribute with exactly this value. It does not count in the
// result of Scan.
func Equal(name, value string) Want { return Want{name: name, equal: value} }

// A Reader reads attribute lists from a peer. It is not safe for concurrent
// use.
type Reader struct {
	// Trace takes what Postfix logs at verbose level 1, all of it before the
	// warnings of the same Scan. Nil stands for nobody.
	Trace func(format string, args ...any)

	r    *bufio.Reader
	peer string
}

// NewReader returns a Reader on r. peer names the other side in warnings, as
// in "public/cleanup socket".
func NewReader(r io.Reader, peer string) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 512), peer: peer}
}

// Reset makes the reader read from src under another peer name, without Trace.
func (r *Reader) Reset(src io.Reader, peer string) {
	r.r.Reset(src)
	r.peer = peer
	r.Trace = nil
}

// traceWanted tells Trace what comes next. Its parameter is no list of any values:
// those would be allocated for nobody, too.
func (r *Reader) traceWanted(what string) {
	if r.Trace != nil {
		r.Trace("%s: wanted attribute: %s", r.peer, what)
	}
}

// Scan reads one list that should hold the wanted attributes in this order and
// nothing else. n counts the attributes that were stored; the list was good if
// n equals the number of String and Uint32 wants, even where warnings say that
// more followed. A peer that sends nothing at all yields n = 0 and no warning.
// The result -1 means that input was cut short or malformed. Source: Postfix
// attr_scan0.c, attr_vscan0 with ATTR_FLAG_STRICT.
func (r *Reader) Scan(wants ...Want) (n int, warnings []string) {
	if _, err := r.r.Peek(1); err != nil {
		return 0, nil
	}
	warn := func(format string, args ...any) {
		warnings = append(warnings, fmt.Sprintf(format, args...))
	}
	for _, w := range wants {
		r.traceWanted(w.name)
		name, err := r.string("input attribute name")
		if err != nil {
			warn("%s", err)
			return -1, warnings
		}
		if name == "" {
			warn("missing attribute %s in input from %s", w.name, r.peer)
			return n, warnings
		}
		if name != w.name {
			warn("unexpected attribute %s from %s (expecting: %s)", name, r.peer, w.name)
			return n, warnings
		}
		value, err := r.string("input attribute value")
		if err != nil {
			warn("%s", err)
			return -1, warnings
		}
		switch {
		case w.str != nil:
			*w.str = value
			n++
		case w.num != nil:
			v, ok := scanUint32(value)
			if !ok {
				warn("malformed numerical data from %s while reading input attribute value: %s", r.peer, value[:min(len(value), 100)])
				return -1, warnings
			}
			*w.num = v
			n++
		case value != w.equal:
			warn("unexpected %s %s from %s (expected: %s)", name, value, r.peer, w.equal)
			return -1, warnings
		}
	}
	r.traceWanted("(list terminator)")
	name, err := r.string("input attribute name")
	switch {
	case err != nil:
		warn("%s", err)
		return -1, warnings
	case name != "":
		warn("unexpected attribute %s from %s (expecting: (list terminator))", name, r.peer)
	}
	return n, warnings
}

// string reads up to the next NUL. The error's text is Postfix's warning.
func (r *Reader) string(context string) (string, error) {
	s, err := r.untilNUL(context)
	if err == nil && r.Trace != nil {
		r.Trace("%s: %s", context, cmp.Or(s, "(end)"))
	}
	return s, err
}

// endOfInput is the byte that Postfix takes for the end of the input, if it is the last
// one of a string without its end: as a signed number it is EOF.
const endOfInput = 0xff

func (r *Reader) untilNUL(context string) (string, error) {
	var long []byte
	for {
		chunk, err := r.r.ReadSlice(0)
		if err == nil {
			if long == nil {
				return string(chunk[:len(chunk)-1]), nil
			}
			long = append(long, chunk...)
			return string(long[:len(long)-1]), nil
		}
		long = append(long, chunk...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && len(long) <= MaxString:
			continue
		case len(long) > 0 && long[len(long)-1] != endOfInput:
			return "", fmt.Errorf("unexpected end-of-input from %s while reading %s", r.peer, context)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "", fmt.Errorf("timeout on %s while reading %s", r.peer, context)
		default:
			return "", fmt.Errorf("premature end-of-input on %s while reading %s", r.peer, context)
		}
	}
}

// scanUint32 converts s as sscanf(s, "%u%c") == 1 would on a 64-bit system:
// strtoul(3) into 64 bits, then cut to 32.
func scanUint32(s string) (uint32, bool) {
	i := 0
	for i < len(s) && (s[i] == ' ' || '\t' <= s[i] && s[i] <= '\r') {
		i++
	}
	negative := false
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		negative = s[i] == '-'
		i++
	}
	if i == len(s) {
		return 0, false
	}
	for _, c := range []byte(s[i:]) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseUint(s[i:], 10, 64)
	if err != nil {
		return ^uint32(0), true
	}
	if negative {
		v = -v
	}
	return uint32(v), true
}
