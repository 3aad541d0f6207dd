// Package netstring reads and writes netstrings, LEN:bytes, with a limit on
// the length. Source: https://cr.yp.to/proto/netstrings.txt, and Postfix 3.10
// netstring(3) for what is accepted and which error a fault gives.
//
// Time limits are the business of the underlying reader: an error that is
// os.ErrDeadlineExceeded is reported as ErrTimeout.
package netstring

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
)

// The ways in which reading ends early. Errors that the Reader returns match
// exactly one of them with errors.Is.
var (
	ErrFormat  = errors.New("netstring format error")
	ErrSize    = errors.New("netstring length exceeds storage limit")
	ErrClosed  = errors.New("lost connection")
	ErrTimeout = errors.New("read/write timeout")
)

// A Reader reads netstrings and their parts. Errors are final: after one the
// position in the input is undefined.
type Reader struct {
	// Trace takes what Postfix logs of what is read, at verbose level 2. Nil
	// stands for nobody.
	Trace func(format string, args ...any)

	src  io.Reader
	size int    // of the buffer at first
	buf  []byte // nil until the first read
	// What is in buf and has not been taken.
	start, end int
	ahead      int   // how much may be read until Postfix would read anew, see reach
	next       error // came with the last bytes of buf
	err        error // what ended the input, once it has ended
}

// maxBuffer is how large the buffer becomes, in bytes, where the source goes on
// filling it.
const maxBuffer = 64 << 10

// NewReader returns a Reader on r with a buffer of size bytes.
func NewReader(r io.Reader, size int) *Reader { return &Reader{src: r, size: size} }

// Reset makes the reader read from src, as if it was new, without Trace.
func (r *Reader) Reset(src io.Reader) {
	if len(r.buf) > r.size {
		r.buf = nil
	}
	*r = Reader{src: src, size: r.size, buf: r.buf}
}

// TimedOut tells whether a read has run into its time limit.
func (r *Reader) TimedOut() bool { return errors.Is(r.err, os.ErrDeadlineExceeded) }

// block is how much Postfix reads at once, in bytes.
const block = 4096

// reach returns how far Postfix will have read, in bytes from here on, when it has the
// next need bytes: to the end of a block. To read more would take bytes from the socket
// that Postfix leaves there, to read less would leave some: a connection that is closed
// with unread bytes ends with a reset, which the client sees.
func (r *Reader) reach(need int) int {
	if rest := need - r.ahead; rest > 0 {
		return r.ahead + (rest+block-1)/block*block
	}
	return r.ahead
}

// fill makes sure that there is a byte in the buffer. The need bytes that come next
// will be wanted, whatever they are.
func (r *Reader) fill(need int) bool {
	if r.start < r.end {
		return true
	}
	most := r.reach(need)
	switch {
	case r.buf == nil:
		r.buf = make([]byte, r.size)
	case r.end == len(r.buf) && len(r.buf) < min(most, maxBuffer):
		r.buf = make([]byte, min(2*len(r.buf), maxBuffer))
	}
	for most > len(r.buf) && most > block {
		most -= block
	}
	n, err := r.read(r.buf[:min(len(r.buf), most)])
	r.start, r.end = 0, n
	return err == nil
}

func (r *Reader) getc() (byte, bool) {
	if !r.fill(1) {
		return 0, false
	}
	c := r.buf[r.start]
	r.start++
	return c, true
}

// ended returns ErrTimeout or ErrClosed, whichever ended the input.
func (r *Reader) ended() error {
	if r.TimedOut() {
		return ErrTimeout
	}
	return ErrClosed
}

// Length reads a length and the colon after it. As in Postfix, no digits at
// all mean zero, leading zeros are fine, and what does not fit 63 bits is
// ErrSize, detected on the digit that overflows.
func (r *Reader) Length() (int64, error) {
	if n, ok := r.lengthAtHand(); ok {
		return n, nil
	}
	var n int64
	for {
		c, ok := r.getc()
		switch {
		case !ok:
			return 0, r.ended()
		case c == ':':
			if r.Trace != nil {
				r.Trace("netstring_get_length: read netstring length %d", n)
			}
			return n, nil
		case c < '0' || c > '9':
			return 0, ErrFormat
		}
		digit := int64(c - '0')
		if n > math.MaxInt64/10 || n*10 > math.MaxInt64-digit {
			return 0, ErrSize
		}
		n = n*10 + digit
	}
}

// lengthAtHand is Length for one that is whole in the buffer, as most are. It takes
// nothing when it is not, or when anything is wrong with it.
func (r *Reader) lengthAtHand() (n int64, ok bool) {
	if r.Trace != nil {
		return 0, false
	}
	const fits = 18 // digits in 63 bits
	for i, c := range r.buf[r.start:min(r.end, r.start+fits+1)] {
		if c == ':' {
			r.start += i + 1
			return n, true
		}
		if c -= '0'; c > 9 {
			break
		}
		n = n*10 + int64(c)
	}
	return 0, false
}

// Terminator reads the comma after a payload. Anything else, the end of the
// input included, is ErrFormat.
func (r *Reader) Terminator() error {
	if c, ok := r.getc(); !ok || c != ',' {
		return ErrFormat
	}
	return nil
}

// Next reports whether the next byte is c, and consumes it if so. At the end
// of the input it reports false; the read that follows gives the error.
func (r *Reader) Next(c byte) bool {
	if !r.fill(1) || r.buf[r.start] != c {
		return false
	}
	r.start++
	return true
}

// Append reads one netstring of at most limit bytes and appends its payload to
// dst. A limit of zero or less means none. Memory grows with the bytes that
// arrive, not with the announced length.
func (r *Reader) Append(dst []byte, limit int64) ([]byte, error) {
	n, err := r.lengthWithin(limit)
	if err != nil {
		return dst, err
	}
	if rest := r.buf[r.start:r.end]; n < int64(len(rest)) && rest[n] == ',' && r.Trace == nil {
		r.start += int(n) + 1
		return append(dst, rest[:n]...), nil
	}
	start := len(dst)
	for n > 0 {
		chunk, err := r.peek(n)
		if err != nil {
			return dst, err
		}
		dst = append(dst, chunk...)
		n -= int64(len(chunk))
		r.discard(len(chunk))
	}
	r.tracePayload(dst[start:])
	return dst, r.Terminator()
}

// Roomy is a writer that provides memory for what is to be written, so that it
// need not be copied.
type Roomy interface {
	io.Writer
	// Room returns memory for the next bytes. None means that Write is to
	// be called instead.
	Room() []byte
	// Filled tells that so many bytes have been put there.
	Filled(n int)
}

// CopyTo reads one netstring of at most limit bytes and writes its payload to
// w, piece by piece. An error of w is returned as it is, at once.
func (r *Reader) CopyTo(w io.Writer, limit int64) error {
	left, err := r.lengthWithin(limit)
	if err != nil {
		return err
	}
	roomy, _ := w.(Roomy)
	if r.Trace != nil {
		w, roomy = &headWriter{Writer: w}, nil
	}
	for left > 0 {
		if roomy != nil && r.start == r.end && left > int64(r.size) {
			if room := roomy.Room(); len(room) > 0 {
				n, err := r.read(room[:min(int64(len(room)), left)])
				if err != nil {
					return r.ended()
				}
				roomy.Filled(n)
				left -= int64(n)
				continue
			}
		}
		chunk, err := r.peek(left)
		if err != nil {
			return err
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
		left -= int64(len(chunk))
		r.discard(len(chunk))
	}
	if h, ok := w.(*headWriter); ok {
		r.tracePayload(h.head)
	}
	return r.Terminator()
}

// traced is how much of a payload Postfix shows, in bytes.
const traced = 30

// tracePayload shows the beginning of a payload, up to a NUL.
func (r *Reader) tracePayload(payload []byte) {
	if r.Trace == nil {
		return
	}
	payload = payload[:min(len(payload), traced)]
	payload, _, _ = bytes.Cut(payload, []byte{0})
	r.Trace("netstring_get_data: read netstring data %s", payload)
}

// headWriter remembers the beginning of what is written.
type headWriter struct {
	io.Writer
	head []byte
}

func (w *headWriter) Write(p []byte) (int, error) {
	w.head = append(w.head, p[:min(len(p), traced-len(w.head))]...)
	return w.Writer.Write(p)
}

// read reads from the source. An error that comes with data waits for the next
// read, and a source that gives neither data nor an error is asked a hundred
// times.
func (r *Reader) read(p []byte) (int, error) {
	if r.next != nil {
		r.err, r.next = r.next, nil
	}
	for range 100 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.src.Read(p)
		if n > 0 {
			r.next = err
			// Postfix, too, goes on with what has come, when that is not a
			// whole block.
			r.ahead = r.reach(n) - n
			if n < len(p) {
				r.ahead = 0
			}
			return n, nil
		}
		r.err = err
	}
	r.err = io.ErrNoProgress
	return 0, r.err
}

func (r *Reader) lengthWithin(limit int64) (int64, error) {
	n, err := r.Length()
	if err == nil && limit > 0 && n > limit {
		err = ErrSize
	}
	return n, err
}

// peek returns at least one and at most n bytes that have arrived.
func (r *Reader) peek(n int64) ([]byte, error) {
	if !r.fill(int(min(n, maxBuffer)) + 1) { // and the comma
		return nil, r.ended()
	}
	return r.buf[r.start:][:min(n, int64(r.end-r.start))], nil
}

// discard drops bytes that peek returned.
func (r *Reader) discard(n int) { r.start += n }

// AppendNetstring appends data as a netstring to dst.
func AppendNetstring(dst, data []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(data)), 10)
	dst = append(dst, ':')
	dst = append(dst, data...)
	return append(dst, ',')
}
