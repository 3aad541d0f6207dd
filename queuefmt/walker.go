package queuefmt

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// Walker reads the records of a queue file in their logical order: it follows
// pointer records. Memory is bounded by the longest record. NewWalker makes one; the
// zero value panics.
type Walker struct {
	// Raw returns pointer records in file order and does not follow them.
	Raw bool

	// Once makes a second jump back to the same place an error, for that
	// begins an endless circle. Postfix goes round until it has counted
	// too many jumps, and so does the Walker otherwise.
	Once bool

	from  *Record // the pointer record that has led to the next one
	ra    io.ReaderAt
	rr    *RecordReader
	jumps jumper
}

// NewWalker returns a walker at the start of the file ra.
func NewWalker(ra io.ReaderAt) *Walker {
	return &Walker{ra: ra, rr: NewRecordReader(io.NewSectionReader(ra, 0, math.MaxInt64))}
}

// SeekTo makes Next go on at offset, in bytes from the start of the file. After
// a negative one Next returns a *FormatError, and after one behind the end
// io.EOF.
func (w *Walker) SeekTo(offset int64) {
	w.from = nil
	w.rr.reset(io.NewSectionReader(w.ra, offset, math.MaxInt64-offset), offset)
}

// Offset returns the position of the record that Next will read.
func (w *Walker) Offset() int64 { return w.rr.Offset() }

// Next returns the next record; its data is valid until the following call.
// A pointer record is returned, too; unless Raw is set, the one after it is
// read where it points to. Errors are those of RecordReader.Next, and a
// *FormatError of kind FaultPointer for a pointer that is malformed or the
// last of too many that lead back. It comes together with the pointer record; for one
// that leads behind the end of the file, it comes with the next call.
func (w *Walker) Next() (Record, error) {
	if offset := w.Offset(); offset < 0 {
		rec := Record{Offset: offset}
		return rec, recordFault(rec, "negative file offset")
	}
	rec, err := w.rr.Next()
	from := w.from
	w.from = nil
	if err == io.EOF && from != nil && w.behindEnd(rec.Offset) {
		return *from, pointerFault(*from, fmt.Sprintf("pointer record leads behind the end of the file, to %d", rec.Offset))
	}
	if err != nil || rec.Type != RecPointer || w.Raw {
		return rec, err
	}
	err = w.Follow(rec)
	w.from = &Record{Type: rec.Type, Offset: rec.Offset, Header: rec.Header, Data: bytes.Clone(rec.Data)}
	return rec, err
}

// behindEnd says whether the file ends before the byte that offset follows.
func (w *Walker) behindEnd(offset int64) bool {
	var b [1]byte
	n, err := w.ra.ReadAt(b[:], offset-1)
	return n == 0 && err == io.EOF
}

// Follow makes Next go on where the pointer record rec leads. It is for
// callers that set Raw and follow by themselves.
func (w *Walker) Follow(rec Record) error {
	target, ok := ParsePointer(rec.Data)
	switch {
	case !ok:
		return pointerFault(rec, "malformed pointer record value: "+string(trimLeft(cutNUL(rec.Data))))
	case target == 0:
	case !w.jumps.jump(target, w.Once):
		return pointerFault(rec, "too many reverse jump records")
	default:
		w.SeekTo(target)
	}
	return nil
}

func pointerFault(rec Record, reason string) error {
	return &FormatError{Offset: rec.Offset, Type: rec.Type, Kind: FaultPointer, Reason: reason}
}
