package export

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/qmqpd/qmqpd/queuefmt"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func samples(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("../testdata/*.queue")
	if err != nil || len(names) != 12 {
		t.Fatalf("want 12 samples, have %d (%v)", len(names), err)
	}
	return names
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// TestSamples compares the exports of all samples with golden files, and the
// JSON, as encoding/json reads it, with the file's records.
func TestSamples(t *testing.T) {
	for _, name := range samples(t) {
		base := strings.TrimSuffix(filepath.Base(name), ".queue")
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var eml, js bytes.Buffer
		if err := WriteEML(&eml, bytes.NewReader(b), "\n"); err != nil {
			t.Errorf("%s: %v", base, err)
		}
		golden(t, "testdata/"+base+".eml", eml.Bytes())
		if err := WriteJSON(&js, base+".queue", bytes.NewReader(b)); err != nil {
			t.Errorf("%s: %v", base, err)
		}
		golden(t, "testdata/"+base+".json", js.Bytes())

		checkRecords(t, base, b, js.Bytes())
	}
}

// checkRecords rebuilds a file from its JSON.
func checkRecords(t testing.TB, name string, b, js []byte) {
	t.Helper()
	var doc struct {
		Records []struct {
			Offset     int64
			Type, Data any
		}
	}
	if err := json.Unmarshal(js, &doc); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var f queuefmt.File
	for _, r := range doc.Records {
		if err := f.WriteRecord(queuefmt.RecordType(text(t, r.Type)[0]), text(t, r.Data)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(f.Bytes(), b) {
		t.Errorf("%s: the records in the JSON are not the file", name)
	}
}

// text undoes the encoding of bytes.
func text(t testing.TB, v any) []byte {
	switch v := v.(type) {
	case string:
		return []byte(v)
	case map[string]any:
		b, err := base64.StdEncoding.DecodeString(v["base64"].(string))
		if err == nil {
			return b
		}
	}
	t.Fatalf("no text: %v", v)
	return nil
}

func TestEMLLineEnds(t *testing.T) {
	b, err := os.ReadFile("../testdata/05-no-headers-no-final-newline.queue")
	if err != nil {
		t.Fatal(err)
	}
	var lf, crlf bytes.Buffer
	if err := WriteEML(&lf, bytes.NewReader(b), "\n"); err != nil {
		t.Fatal(err)
	}
	if err := WriteEML(&crlf, bytes.NewReader(b), "\r\n"); err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(crlf.String(), "\r\n", "\n") != lf.String() || strings.Count(crlf.String(), "\r\n") != strings.Count(lf.String(), "\n") {
		t.Errorf("%q", crlf.String())
	}
}

// TestDamaged: what stands before the fault is written, and the fault told.
func TestDamaged(t *testing.T) {
	b, err := os.ReadFile("../testdata/01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	b = b[:843]
	var eml, js bytes.Buffer
	err = WriteEML(&eml, bytes.NewReader(b), "\n")
	var fault *queuefmt.FormatError
	if !errors.As(err, &fault) || fault.Offset != 833 {
		t.Errorf("WriteEML: %v", err)
	}
	if !strings.HasSuffix(eml.String(), "Message-ID: <id1@example.com>\n\n") {
		t.Errorf("%q", eml.String())
	}
	err = WriteJSON(&js, "x", bytes.NewReader(b))
	if !errors.As(err, &fault) || fault.Offset != 833 {
		t.Errorf("WriteJSON: %v", err)
	}
	var doc struct {
		Sender string
		Fault  struct {
			Offset       int64
			Kind, Reason string
		}
	}
	if err := json.Unmarshal(js.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Sender != "sender@example.com" || doc.Fault.Offset != 833 || doc.Fault.Reason != "unexpected EOF in data, record type 78 length 11" {
		t.Errorf("%+v", doc)
	}
}

// TestOutOfOrder: of a file that Verify refuses each recipient has its state, what
// the envelope says twice counts once, and the content ends at a foreign record.
func TestOutOfOrder(t *testing.T) {
	var f queuefmt.File
	for _, r := range []string{"T1 5", "T2", "W-1", "Sa", "Sb", "Dc", "/d", "Re", "A=x", "M", "Nf\r\n\t", "Sg", "X", "E"} {
		f.WriteRecord(queuefmt.RecordType(r[0]), []byte(r[1:]))
	}
	var eml, js bytes.Buffer
	err := WriteEML(&eml, bytes.NewReader(f.Bytes()), "\n")
	var fault *queuefmt.FormatError
	if !errors.As(err, &fault) || fault.Type != queuefmt.RecSender || fault.Reason != "unexpected record in the content: sender" || eml.String() != "f\r\n\t\n" {
		t.Errorf("%q, %v", eml.String(), err)
	}
	if err := WriteJSON(&js, "x", bytes.NewReader(f.Bytes())); err == nil {
		t.Error("no fault")
	}
	head, _, _ := strings.Cut(js.String(), `,"records":`)
	const want = `{"file":"x","arrival_time":"1970-01-01T00:00:01.000005Z","sender":"a","attributes":[],"recipients":[` +
		`{"address":"c","status":"done","offset":18},{"address":"d","status":"canceled","offset":21},{"address":"e","status":"pending","offset":24}]`
	if head != want {
		t.Errorf("got %s\nwant %s", head, want)
	}
	if !strings.Contains(js.String(), `"data":"f\r\n\t"`) {
		t.Errorf("%s", js.String())
	}
}

// TestTooShort: WriteEML and Verify name the same missing record.
func TestTooShort(t *testing.T) {
	whole, err := os.ReadFile("../testdata/01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	f, err := queuefmt.Parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range f.Records {
		if rec.Type == queuefmt.RecExtracted {
			break
		}
		b := whole[:rec.End()]
		_, want := queuefmt.VerifyBytes(b)
		got := WriteEML(io.Discard, bytes.NewReader(b), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after offset %d: %s", rec.Offset, diff)
		}
	}
}

// FuzzJSON: whatever the file, the output is JSON.
func FuzzJSON(f *testing.F) {
	for _, name := range samples(f) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		var out bytes.Buffer
		err := WriteJSON(&out, "\xff\"", bytes.NewReader(b))
		var fault *queuefmt.FormatError
		if err != nil && !errors.As(err, &fault) {
			t.Fatal(err)
		}
		if !json.Valid(out.Bytes()) || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
			t.Fatalf("%q", out.String())
		}
		WriteEML(&out, bytes.NewReader(b), "\n")
	})
}

// fullDisk fails to write, and counts what is read from a file after that.
type fullDisk struct {
	file   *bytes.Reader
	failed bool
	read   int
}

var errFullDisk = errors.New("disk full")

func (d *fullDisk) Write([]byte) (int, error) {
	d.failed = true
	return 0, errFullDisk
}

func (d *fullDisk) ReadAt(b []byte, offset int64) (int, error) {
	n, err := d.file.ReadAt(b, offset)
	if d.failed {
		d.read += n
	}
	return n, err
}

// TestIgnored: what qmgr(8) ignores is in the records alone.
func TestIgnored(t *testing.T) {
	var f queuefmt.File
	for _, r := range []string{"T0 5", "T7", "Acreate_time=0", "Acreate_time=8", "W-1", "W9", "Sa", "Aret_flags=2", "Aret_flags=1x", "Aret_flags=+1",
		"Anotify_flags=14", "Ra", "Anotify_flags=3", "Rb", "Anotify_flags=2", "Anotify_flags=2x", "Rc", "Anotify_flags=1", "Rd", "n4", "oe\x00f", "Oe\x00f", "Re\x00f",
		"M", "N", "X", "E"} {
		if err := f.WriteRecord(queuefmt.RecordType(r[0]), []byte(r[1:])); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	_ = WriteJSON(&out, "x", bytes.NewReader(f.Bytes())) // it lacks a size
	var got struct {
		Arrival string `json:"arrival_time"`
		Created string `json:"create_time"`
		Warn    any    `json:"warning_time"`
		Ret     int    `json:"dsn_ret"`
		Rcpt    []struct {
			Address string
			Orig    string `json:"original"`
			Orcpt   string `json:"dsn_original"`
			Notify  int    `json:"dsn_notify"`
		} `json:"recipients"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	const want = "{1970-01-01T00:00:07Z 1970-01-01T00:00:08Z <nil> 2 [{a   14} {b   0} {c   0} {d   1} {e e e 4}]}"
	if text := fmt.Sprint(got); text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
}

// TestStopsAtWriteError: a writer that has failed ends the reading.
func TestStopsAtWriteError(t *testing.T) {
	for _, content := range []queuefmt.RecordType{queuefmt.RecNormal, queuefmt.RecContinued} {
		var f queuefmt.File
		f.WriteRecord(queuefmt.RecMessage, nil)
		for range 1000 {
			f.WriteRecord(content, bytes.Repeat([]byte("x"), 1000))
		}
		f.WriteRecord(queuefmt.RecExtracted, nil)
		f.WriteRecord(queuefmt.RecEnd, nil)
		for name, write := range map[string]func(*fullDisk) error{
			"EML":  func(d *fullDisk) error { return WriteEML(d, d, "\n") },
			"JSON": func(d *fullDisk) error { return WriteJSON(d, "x", d) },
		} {
			d := &fullDisk{file: bytes.NewReader(f.Bytes())}
			if err := write(d); err != errFullDisk {
				t.Errorf("%s: %v", name, err)
			}
			if d.read > 100_000 {
				t.Errorf("%s: %d bytes read after the error", name, d.read)
			}
		}
	}
}

// TestTwice: what a check or a Milter overrides is not in the summary. The compat
// test TestExportTwice asks qmgr(8).
func TestTwice(t *testing.T) {
	var f queuefmt.File
	for _, r := range []string{"Afirst=1", "Aenvelope_id=a", "Aret_flags=1", "La:", ">a@x", "Sa\x00c", "Sb", "V-=\x00c", "V+=",
		"M", "Lno filter", "N", "X", "Lb:\x00c", ">b@x\x00c", "Aenvelope_id=b\x00c", "Aret_flags=2", "Aret_flags=3", "E"} {
		if err := f.WriteRecord(queuefmt.RecordType(r[0]), []byte(r[1:])); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	_ = WriteJSON(&out, "x", bytes.NewReader(f.Bytes())) // it lacks a size
	const want = `{"file":"x","sender":"a","verp_delimiters":"-=","content_filter":"b:","redirect_to":"b@x","dsn_envelope_id":"b","dsn_ret":2,"attributes":`
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
}
