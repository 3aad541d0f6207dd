package postcat

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// TestSamples prints the twelve sample files as the real "postcat -dov" did.
func TestSamples(t *testing.T) {
	names, err := filepath.Glob("../testdata/*.queue")
	if err != nil || len(names) != 12 {
		t.Fatalf("want 12 samples, have %d (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(name, ".queue") + ".postcat")
			if err != nil {
				t.Fatal(err)
			}
			opts := Options{Decimal: true, Offsets: true, Verbose: true, Location: time.UTC}
			var out bytes.Buffer
			in := Input{Name: filepath.Base(name), At: bytes.NewReader(file)}
			if err := Print(&out, in, opts); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Error(diff)
			}
			out.Reset()
			in = Input{Name: filepath.Base(name), Stream: bytes.NewReader(file)}
			if err := Print(&out, in, opts); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("from a stream: %s", diff)
			}
		})
	}
}

// A stream cannot be left for the end of the content: the error says at which
// record that was tried.
func TestStreamSeek(t *testing.T) {
	b, err := os.ReadFile("../testdata/01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	file, err := queuefmt.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range file.Records {
		if rec.Type != queuefmt.RecMessage {
			continue
		}
		var fault *queuefmt.FormatError
		err := Print(&bytes.Buffer{}, Input{Name: "stdin", Stream: bytes.NewReader(b)}, Options{Envelope: true})
		if !errors.As(err, &fault) || fault.Offset != rec.Offset || fault.Type != rec.Type {
			t.Errorf("%v, want an error at offset %d", err, rec.Offset)
		}
		return
	}
	t.Fatal("no message record")
}
