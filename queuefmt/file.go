package queuefmt

import (
	"bytes"
	"fmt"
	"io"
)

// File is a queue file in memory: its records in file order. For files that
// need not be held at once, use RecordReader or Walker.
type File struct {
	Records []Record
}

// Parse splits b into records, which share its bytes. On an error, a
// *FormatError, the records before the fault are returned with it. Only the
// encoding is checked: see Verify.
func Parse(b []byte) (*File, error) {
	f := &File{}
	for off := 0; off < len(b); {
		rec, err := parseRecord(b, off)
		if err != nil {
			return f, err
		}
		f.Records = append(f.Records, rec)
		off += rec.Header + len(rec.Data)
	}
	return f, nil
}

// ReadFile reads r to its end and splits it like Parse.
func ReadFile(r io.Reader) (*File, error) {
	f := &File{}
	rr := NewRecordReader(r)
	for {
		rec, err := rr.Next()
		if err == io.EOF {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		rec.Data = bytes.Clone(rec.Data)
		f.Records = append(f.Records, rec)
	}
}

// parseRecord reads the record at b[off:]; off is less than len(b).
func parseRecord(b []byte, off int) (Record, error) {
	rec := Record{Type: RecordType(b[off]), Offset: int64(off), Header: 1}
	n, shift := 0, 0
	for i := off + 1; ; i++ {
		if shift >= 7*maxLengthBytes {
			return rec, recordFault(rec, fmt.Sprintf("too many length bits, record type %d", rec.Type))
		}
		if i >= len(b) {
			return rec, recordFault(rec, fmt.Sprintf("unexpected EOF reading length, record type %d", rec.Type))
		}
		n |= int(b[i]&0x7f) << shift
		rec.Header++
		if b[i]&0x80 == 0 {
			break
		}
		shift += 7
	}
	start := off + rec.Header
	if n > len(b)-start {
		return rec, recordFault(rec, fmt.Sprintf("unexpected EOF in data, record type %d length %d", rec.Type, n))
	}
	rec.Data = b[start : start+n : start+n]
	return rec, nil
}

// WriteTo writes the records one after another and returns the number of
// bytes written. A file that was parsed comes out as it was.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	var total int64
	var buf []byte
	for _, rec := range f.Records {
		buf = rec.AppendTo(buf[:0])
		n, err := w.Write(buf)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// Bytes returns the file's content.
func (f *File) Bytes() []byte {
	var b []byte
	for _, rec := range f.Records {
		b = rec.AppendTo(b)
	}
	return b
}

// WriteRecord appends a record with a copy of data, at the offset where the
// last one ends. It makes File a RecordWriter. Data that no record can hold is
// a *FormatError.
func (f *File) WriteRecord(t RecordType, data []byte) error {
	rec := Record{Type: t}
	if n := len(f.Records); n > 0 {
		rec.Offset = f.Records[n-1].End()
	}
	if len(data) > MaxRecordData {
		return recordFault(rec, fmt.Sprintf("illegal length %d, record type %d", len(data), t))
	}
	rec.Data = bytes.Clone(data)
	f.Records = append(f.Records, rec)
	return nil
}
