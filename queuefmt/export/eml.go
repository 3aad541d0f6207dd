package export

import (
	"bufio"
	"io"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// WriteEML writes the message content, header and body, to w. Each line ends
// with eol: "\n" for files on Unix, "\r\n" as RFC 5322 and the file type .eml
// of other systems have it. A message without a newline at its end comes out
// without one. Nothing of the envelope is written.
//
// The error is that of w, after the first of which no more is read, that of the
// file's reader, or a *queuefmt.FormatError; what stands before the fault has
// then been written.
func WriteEML(w io.Writer, file io.ReaderAt, eol string) error {
	out := bufio.NewWriter(w)
	err := writeContent(out, file, eol)
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	return err
}

func writeContent(out *bufio.Writer, file io.ReaderAt, eol string) error {
	walker := queuefmt.NewWalker(file)
	walker.Once = true
	content := false
	for {
		rec, err := walker.Next()
		if err == io.EOF {
			missing, reason := queuefmt.RecMessage, "missing message content record"
			if content {
				missing, reason = queuefmt.RecExtracted, "missing extracted segment record"
			}
			return &queuefmt.FormatError{Offset: walker.Offset(), Type: missing, Kind: queuefmt.FaultMissing, Reason: reason}
		}
		if err != nil {
			return err
		}
		switch {
		case rec.Type == queuefmt.RecPointer || rec.Type == queuefmt.RecPadding && content:
		case !content:
			content = rec.Type == queuefmt.RecMessage
		case rec.Type == queuefmt.RecNormal:
			out.Write(rec.Data)
			if _, err := out.WriteString(eol); err != nil {
				return err // of either: it sticks
			}
		case rec.Type == queuefmt.RecContinued:
			if _, err := out.Write(rec.Data); err != nil {
				return err
			}
		case rec.Type == queuefmt.RecExtracted:
			return nil
		default:
			return &queuefmt.FormatError{Offset: rec.Offset, Type: rec.Type, Kind: queuefmt.FaultType, Reason: "unexpected record in the content: " + rec.Type.String()}
		}
	}
}
