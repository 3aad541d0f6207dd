// Package netstring reads and writes netstrings, LEN:bytes, with a limit on
// the length. Source: https://cr.yp.to/proto/netstrings.txt, and Postfix 3.10
// netstring(3) for what is accepted and which error a fault gives.
//
// Time limits are the business of the underlying reader: an error that is
// os.ErrDeadlineExceeded is reported as ErrTimeout.
package netstring

import (
	"bufio"
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
	r   *bufio.Reader
	src io.Reader // of r
	err error     // what ended the input, once it has ended
}

// NewReader returns a Reader on r with a buffer of size bytes.
func NewReader(r io.Reader, size int) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, size), src: r}
}

// Reset makes the reader read from r, as if it was new.
func (r *Reader) Reset(src io.Reader) {
	r.r.Reset(src)
	r.src, r.err = src, nil
}

// TimedOut tells whether a read has run into its time limit.
func (r *Reader) TimedOut() bool { return errors.Is(r.err, os.ErrDeadlineExceeded) }

func (r *Reader) getc() (byte, bool) {
	c, err := r.r.ReadByte()
	if err != nil {
		r.err = err
		return 0, false
	}
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
	var n int64
	for {
		c, ok := r.getc()
		switch {
		case !ok:
			return 0, r.ended()
		case c == ':':
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
	b, ok := r.getc()
	if !ok {
		return false
	}
	if b != c {
		// UnreadByte cannot fail right after a ReadByte.
		_ = r.r.UnreadByte()
		return false
	}
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
	for n > 0 {
		chunk, err := r.peek(n)
		if err != nil {
			return dst, err
		}
		dst = append(dst, chunk...)
		n -= int64(len(chunk))
		r.discard(len(chunk))
	}
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
	Filled(n int) error
}

// CopyTo reads one netstring of at most limit bytes and writes its payload to
// w, piece by piece. An error of w is returned as it is, at once.
func (r *Reader) CopyTo(w io.Writer, limit int64) (int64, error) {
	n, err := r.lengthWithin(limit)
	if err != nil {
		return 0, err
	}
	roomy, _ := w.(Roomy)
	for left := n; left > 0; {
		if roomy != nil && r.r.Buffered() == 0 && left > int64(r.r.Size()) {
			if room := roomy.Room(); len(room) > 0 {
				m, err := r.read(room[:min(int64(len(room)), left)])
				if err != nil {
					return n, err
				}
				if err := roomy.Filled(m); err != nil {
					return n, err
				}
				left -= int64(m)
				continue
			}
		}
		chunk, err := r.peek(left)
		if err != nil {
			return n, err
		}
		if _, err := w.Write(chunk); err != nil {
			return n, err
		}
		left -= int64(len(chunk))
		r.discard(len(chunk))
	}
	return n, r.Terminator()
}

// read reads past the buffer, which is empty. As with bufio, an error that
// comes with data waits for the next read, and a source that neither gives
// data nor an error does so only a hundred times.
func (r *Reader) read(p []byte) (int, error) {
	for range 100 {
		n, err := r.src.Read(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			r.err = err
			return 0, r.ended()
		}
	}
	r.err = io.ErrNoProgress
	return 0, r.ended()
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
	if r.r.Buffered() == 0 {
		if _, err := r.r.Peek(1); err != nil {
			r.err = err
			return nil, r.ended()
		}
	}
	chunk, err := r.r.Peek(int(min(n, int64(r.r.Buffered()))))
	if err != nil {
		r.err = err
		return nil, r.ended()
	}
	return chunk, nil
}

// discard drops bytes that peek returned; that cannot fail.
func (r *Reader) discard(n int) { _, _ = r.r.Discard(n) }

// AppendNetstring appends data as a netstring to dst.
func AppendNetstring(dst, data []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(data)), 10)
	dst = append(dst, ':')
	dst = append(dst, data...)
	return append(dst, ',')
}
