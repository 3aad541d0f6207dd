package postcat

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// FuzzPrint: any file is printed, with any options, to its end or to its first
// fault, and a stream is printed like a file up to the first jump.
func FuzzPrint(f *testing.F) {
	names, err := filepath.Glob("../testdata/*.queue")
	if err != nil || len(names) != 12 {
		f.Fatalf("want 12 samples, have %d (%v)", len(names), err)
	}
	for i, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(i*20))
	}
	f.Fuzz(func(t *testing.T, b []byte, bits uint8) {
		if len(b) > 1<<12 {
			return // ten thousand jumps print ten thousand times as much
		}
		opts := Options{
			Decimal: bits&1 != 0, Offsets: bits&2 != 0, Verbose: bits&4 != 0, FileName: bits&8 != 0,
			Raw: bits&16 != 0, Envelope: bits&32 != 0, Header: bits&64 != 0, Body: bits&128 != 0,
			Location: time.UTC,
		}
		err := Print(io.Discard, Input{Name: "x", At: bytes.NewReader(b)}, opts)
		var fault *queuefmt.FormatError
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("%#v", err)
		}
		var file, stream bytes.Buffer
		opts.Raw, opts.Verbose = true, true
		opts.Envelope, opts.Header, opts.Body = false, false, false
		fileErr := Print(&file, Input{Name: "x", At: bytes.NewReader(b)}, opts)
		streamErr := Print(&stream, Input{Name: "x", Stream: bytes.NewReader(b)}, opts)
		if !bytes.Equal(file.Bytes(), stream.Bytes()) || (fileErr == nil) != (streamErr == nil) {
			t.Fatalf("file: %v\n%s\nstream: %v\n%s", fileErr, file.Bytes(), streamErr, stream.Bytes())
		}
	})
}
