package queuefmt

import (
	"bytes"
	"fmt"
	"io"
	"slices"
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
	rec, n, bad := scanRecord(b, off)
	if bad != noMisfit {
		return rec, bad.fault(rec, n)
	}
	return rec, nil
}

// misfit is why there is no whole record at a position.
type misfit uint8

const (
	noMisfit      misfit = iota
	lengthTooLong        // the length takes more bytes than one may
	lengthCut            // the input ends within the length
	dataCut              // the input ends within the data
)

// fault makes the error for a record with n bytes of data.
func (m misfit) fault(rec Record, n int) error {
	switch m {
	case lengthTooLong:
		return recordFault(rec, fmt.Sprintf("too many length bits, record type %d", rec.Type))
	case lengthCut:
		return recordFault(rec, fmt.Sprintf("unexpected EOF reading length, record type %d", rec.Type))
	}
	return recordFault(rec, fmt.Sprintf("unexpected EOF in data, record type %d length %d", rec.Type, n))
}

// scanRecord is parseRecord for those who try many positions and do not tell what is
// wrong with each: to word an error takes far longer than to read a record. It also
// returns the length that stands there.
func scanRecord(b []byte, off int) (rec Record, n int, bad misfit) {
	rec = Record{Type: RecordType(b[off]), Offset: int64(off), Header: 1}
	shift := 0
	for i := off + 1; ; i++ {
		if shift >= 7*maxLengthBytes {
			return rec, n, lengthTooLong
		}
		if i >= len(b) {
			return rec, n, lengthCut
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
		return rec, n, dataCut
	}
	rec.Data = b[start : start+n : start+n]
	return rec, n, noMisfit
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

// SetSize makes the size record true, and gives every record the offset that it has:
// to be called when all records are there, whether they were written or changed. The
// size record is the first, and is put there if it is not; its QMgrFlags and SendOptions
// stay. The error, a *FormatError, is that the records which part the groups are not
// there, or that a pointer record leads somewhere, for the records there may have moved.
// Nothing is changed then. Recover makes a file without pointers of one with them.
func (f *File) SetSize() error {
	g := groupEnvelope
	var offset int64
	for _, rec := range f.Records {
		rec.Offset = offset
		offset = rec.End()
		if target, ok := ParsePointer(rec.Data); rec.Type == RecPointer && (!ok || target != 0) {
			return pointerFault(rec, "a pointer record, whose target may have moved")
		}
		g = advance(g, rec)
	}
	switch g {
	case groupEnvelope:
		return missing(Record{Offset: offset}, RecMessage, "message content")
	case groupContent:
		return missing(Record{Offset: offset}, RecExtracted, "extracted segment")
	}
	if f.Records[0].Type != RecSize {
		f.Records = slices.Insert(f.Records, 0, Record{Type: RecSize})
	}
	old, _ := ParseSize(f.Records[0].Data)
	f.setSize(old)
	return nil
}

// setSize makes the first record a true size record, keeping the flags of old, and
// gives every record the offset that it will have.
func (f *File) setSize(old Size) {
	size := Size{QMgrFlags: old.QMgrFlags, SendOptions: old.SendOptions}
	f.Records[0] = size.Record()
	var off int64
	for i := range f.Records {
		rec := &f.Records[i]
		rec.Offset = off
		off = rec.End()
		switch rec.Type {
		case RecMessage:
			size.DataOffset = off
		case RecExtracted:
			size.DataSize = rec.Offset - size.DataOffset
			size.ContentLength = size.DataSize
		case RecRecipient:
			size.Recipients++
		case RecDone, RecCanceled:
			size.Recipients++ // qmgr counts them down, too
		}
	}
	f.Records[0].Data = size.AppendData(nil)
}
