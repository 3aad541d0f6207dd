package queuefmt

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLengthBytes is how many bytes the length of a record may take: 28 bits,
// as in the current Postfix patch releases.
const maxLengthBytes = 4

// MaxRecordData is the greatest number of data bytes that a record can hold.
const MaxRecordData = 1<<(7*maxLengthBytes) - 1

// readStep bounds what is allocated ahead of the bytes that really are there,
// so that a false length costs no more memory than the input is long.
const readStep = 64 << 10

// Record is one record of a queue file.
type Record struct {
	Type RecordType
	Data []byte

	// Offset is the file position of the type byte. A record that is yet
	// to be written has no position; the field is ignored then.
	Offset int64

	// Header is the number of bytes before the data: the type and the
	// length. 0 stands for the shortest form, the only one that is ever
	// written; a reader accepts longer ones, and keeping their size lets
	// a file be written back as it was. A Header that is too short for the
	// data means the shortest form, too, and one above 5 the longest that a
	// reader accepts, 5.
	Header int
}

// End returns the file position after the record.
func (r Record) End() int64 {
	return r.Offset + int64(r.headerSize()) + int64(len(r.Data))
}

// headerSize is the size of the form nearest to Header that can be written.
func (r Record) headerSize() int {
	least := RecordSize(len(r.Data)) - len(r.Data)
	return max(least, min(r.Header, 1+maxLengthBytes))
}

// AppendTo appends the encoded record to dst, with as many bytes before the data
// as Header says. Like AppendRecord it takes more data than any reader accepts.
func (r Record) AppendTo(dst []byte) []byte {
	extra := r.headerSize() - (RecordSize(len(r.Data)) - len(r.Data))
	if extra == 0 {
		return AppendRecord(dst, r.Type, r.Data)
	}
	dst = append(dst, byte(r.Type))
	n := uint(len(r.Data))
	for i := r.headerSize() - 2; i > 0; i-- {
		dst = append(dst, byte(n&0x7f)|0x80)
		n >>= 7
	}
	dst = append(dst, byte(n))
	return append(dst, r.Data...)
}

// String returns the data cut at the first NUL, which is how Postfix, written
// in C, sees the data of every record outside the message content.
func (r Record) String() string {
	return string(cutNUL(r.Data))
}

// cutNUL returns b up to its first NUL.
func cutNUL(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// RecordReader reads records one after another in file order. It follows no
// pointer records and knows nothing of groups: see Walker and Verify. NewRecordReader
// makes one; the zero value panics.
type RecordReader struct {
	// MaxData refuses records with more data bytes; 0 means no limit but
	// that of the encoding. Postfix limits only what pickup(8) reads, by
	// line_length_limit.
	MaxData int

	br     *bufio.Reader
	offset int64
	buf    []byte
}

// NewRecordReader returns a reader of the records of r, the first byte of
// which has the offset 0.
func NewRecordReader(r io.Reader) *RecordReader {
	return &RecordReader{br: bufio.NewReaderSize(r, 8<<10)}
}

// reset makes the reader go on with r at offset.
func (rr *RecordReader) reset(r io.Reader, offset int64) {
	rr.br.Reset(r)
	rr.offset = offset
}

// Offset returns the position after the last record read.
func (rr *RecordReader) Offset() int64 { return rr.offset }

// Next returns the next record; its data is valid until the following call.
// At the end of the input the error is io.EOF, for a record that cannot be
// read it is a *FormatError, otherwise it is that of the underlying reader.
// After an error the reader is of no further use.
func (rr *RecordReader) Next() (Record, error) {
	rec := Record{Offset: rr.offset}
	c, err := rr.br.ReadByte()
	if err != nil {
		return rec, err
	}
	rec.Type = RecordType(c)
	n := 0
	rec.Header = 1
	for shift := 0; ; shift += 7 {
		if shift >= 7*maxLengthBytes {
			return rec, lengthTooLong.fault(rec, n)
		}
		c, err := rr.br.ReadByte()
		if err != nil {
			if err == io.EOF {
				return rec, lengthCut.fault(rec, n)
			}
			return rec, err
		}
		rec.Header++
		n |= int(c&0x7f) << shift
		if c&0x80 == 0 {
			break
		}
	}
	if rr.MaxData > 0 && n > rr.MaxData {
		return rec, recordFault(rec, fmt.Sprintf("illegal length %d, record type %d", n, rec.Type))
	}
	if err := rr.readData(n); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return rec, dataCut.fault(rec, n)
		}
		return rec, err
	}
	rec.Data = rr.buf
	rr.offset += int64(rec.Header) + int64(n)
	return rec, nil
}

// readData fills buf with n bytes, allocating in steps.
func (rr *RecordReader) readData(n int) error {
	if n <= cap(rr.buf) {
		rr.buf = rr.buf[:n]
		_, err := io.ReadFull(rr.br, rr.buf)
		return err
	}
	rr.buf = rr.buf[:0]
	for len(rr.buf) < n {
		step := min(n-len(rr.buf), max(readStep, len(rr.buf)))
		have := len(rr.buf)
		if have+step > cap(rr.buf) {
			grown := make([]byte, have, have+step)
			copy(grown, rr.buf)
			rr.buf = grown
		}
		rr.buf = rr.buf[:have+step]
		if _, err := io.ReadFull(rr.br, rr.buf[have:]); err != nil {
			return err
		}
	}
	return nil
}

// recordFault makes the error for a record that cannot be read.
func recordFault(rec Record, reason string) error {
	return &FormatError{Offset: rec.Offset, Type: rec.Type, Kind: FaultRecord, Reason: reason}
}
