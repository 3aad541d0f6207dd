package spool

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// newSpool makes a queue directory and opens it.
func newSpool(t testing.TB, opts Options) (*Spool, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "queue")
	if err := MakeLayout(dir, nil); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s, dir
}

// fill writes a small whole message and its size record.
func fill(f *File, body []byte) error {
	if err := fillFile(f, body); err != nil {
		return err
	}
	return f.SetSize(f.Measure())
}

// fillFile writes the records of a small whole message.
func fillFile(w queuefmt.RecordWriter, body []byte) error {
	for _, r := range []struct {
		t    queuefmt.RecordType
		data string
	}{
		{queuefmt.RecSize, string(queuefmt.Size{}.AppendData(nil))},
		{queuefmt.RecTime, "1795343700 239654"},
		{queuefmt.RecAttr, "create_time=1795343700"},
		{queuefmt.RecSender, "sender@example.com"},
		{queuefmt.RecOrigRecipient, "user@example.org"},
		{queuefmt.RecRecipient, "user@example.org"},
		{queuefmt.RecMessage, ""},
		{queuefmt.RecNormal, "Subject: test"},
		{queuefmt.RecNormal, ""},
	} {
		if err := w.WriteRecord(r.t, []byte(r.data)); err != nil {
			return err
		}
	}
	for len(body) > 0 {
		n := min(len(body), 2048)
		if err := w.WriteRecord(queuefmt.RecNormal, body[:n]); err != nil {
			return err
		}
		body = body[n:]
	}
	if err := w.WriteRecord(queuefmt.RecExtracted, nil); err != nil {
		return err
	}
	return w.WriteRecord(queuefmt.RecEnd, nil)
}

func TestCommit(t *testing.T) {
	s, dir := newSpool(t, Options{})
	f, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(f, bytes.Repeat([]byte("x"), 100000)); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "incoming", f.QueueID())
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o700 || info.Size() != f.Offset() {
		t.Fatalf("%v %v", info, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queuefmt.Parse(b); err != nil {
		t.Fatal(err)
	}
	// 49 records of the body with 3 bytes before each, and two short ones with 2.
	const content = 100000 + 49*3 + len("Subject: test") + 2*2
	size := f.Measure()
	if size.Recipients != 1 || size.DataSize != int64(content) || size.ContentLength != size.DataSize ||
		b[size.DataOffset-2] != byte(queuefmt.RecMessage) || b[size.DataOffset+size.DataSize] != byte(queuefmt.RecExtracted) {
		t.Errorf("measured %+v", size)
	}
}
