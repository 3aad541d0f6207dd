package postcat

import (
	"bufio"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// reasonSeek is the fault of going somewhere in a stream.
const reasonSeek = "bad pointer record, or input is not seekable"

// source is the file that is printed, or the stream.
type source struct {
	walker *queuefmt.Walker
	reader *queuefmt.RecordReader
	first  func() (byte, error) // the first byte, before anything is read
}

func newSource(in Input) source {
	if in.At != nil {
		w := queuefmt.NewWalker(in.At)
		w.Raw = true // jump is called for each pointer record
		return source{walker: w, first: func() (byte, error) {
			var b [1]byte
			n, err := in.At.ReadAt(b[:], 0)
			if n == 1 {
				err = nil
			}
			return b[0], err
		}}
	}
	br := bufio.NewReader(in.Stream)
	return source{reader: queuefmt.NewRecordReader(br), first: func() (byte, error) {
		b, err := br.Peek(1)
		if err != nil {
			return 0, err
		}
		return b[0], nil
	}}
}

func (s source) next() (queuefmt.Record, error) {
	if s.walker != nil {
		return s.walker.Next()
	}
	return s.reader.Next()
}

// jump goes where a pointer record leads. The reason, which may be "", is
// what Postfix warns of before it gives up.
func (s source) jump(rec queuefmt.Record) (reason string, err error) {
	if s.walker != nil {
		if err := s.walker.Follow(rec); err != nil {
			return err.(*queuefmt.FormatError).Reason, err
		}
		return "", nil
	}
	target, ok := queuefmt.ParsePointer(rec.Data)
	if ok && target == 0 {
		return "", nil
	}
	return "", &queuefmt.FormatError{Offset: rec.Offset, Type: rec.Type, Kind: queuefmt.FaultPointer, Reason: reasonSeek}
}

// seek goes to an offset, because of rec.
func (s source) seek(offset int64, rec queuefmt.Record) error {
	if s.walker == nil || offset < 0 {
		return &queuefmt.FormatError{Offset: rec.Offset, Type: rec.Type, Kind: queuefmt.FaultSize, Reason: "seek error"}
	}
	s.walker.SeekTo(offset)
	return nil
}
