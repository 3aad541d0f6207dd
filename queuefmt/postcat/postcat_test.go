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

// TestMaildrop: the size record of a file in maildrop/, named as seen from the queue
// directory, is shown and not gone by. The compat test TestPostcatMaildrop has more.
func TestMaildrop(t *testing.T) {
	var f queuefmt.File
	for _, r := range []string{"C             -1              -1", "Sa", "Rb", "M", "NA: b", "N", "Nc", "X", "E"} {
		if err := f.WriteRecord(queuefmt.RecordType(r[0]), []byte(r[1:])); err != nil {
			t.Fatal(err)
		}
	}
	for name, fails := range map[string]bool{"maildrop/x": false, "/maildrop/x": true, "maildropx": true} {
		var out, warnings bytes.Buffer
		opts := Options{Header: true, Warn: func(text string) { warnings.WriteString(text) }}
		err := Print(&out, Input{Name: name, At: bytes.NewReader(f.Bytes())}, opts)
		if (err != nil) != fails || (warnings.Len() > 0) != fails || !fails && out.String() != "A: b\n" {
			t.Errorf("%s: %v, %q, %q", name, err, out.String(), warnings.String())
		}
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
