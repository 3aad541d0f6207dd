package queuefmt

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// samples returns the twelve files that cleanup(8) of Postfix 3.10.2 wrote.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.queue")
	if err != nil || len(names) != 12 {
		t.Fatalf("want 12 samples, have %d (%v)", len(names), err)
	}
	m := make(map[string][]byte)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(name)] = b
	}
	return m
}

func TestSamplesRoundTrip(t *testing.T) {
	for name, b := range samples(t) {
		f, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(f.Bytes(), b) {
			t.Errorf("%s: Parse(b).Bytes() differs from b", name)
		}
		var out bytes.Buffer
		f2, err := ReadFile(bytes.NewReader(b))
		if err != nil {
			t.Errorf("%s: ReadFile: %v", name, err)
		}
		if _, err := f2.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), b) {
			t.Errorf("%s: ReadFile and WriteTo differ from b (%v)", name, err)
		}
	}
}

// TestWriteRecordTooLong: what no reader would accept is not written.
func TestWriteRecordTooLong(t *testing.T) {
	f := &File{}
	if err := f.WriteRecord(RecNormal, []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := f.WriteRecord(RecNormal, make([]byte, MaxRecordData+1))
	if err == nil || err.Error() != "offset 3: illegal length 268435456, record type 78" || len(f.Records) != 1 {
		t.Errorf("%d records, %v", len(f.Records), err)
	}
}

// TestMaxData: a longer record is refused before its data are read.
func TestMaxData(t *testing.T) {
	rr := NewRecordReader(strings.NewReader("N\x02ab" + "N\x03"))
	rr.MaxData = 2
	if rec, err := rr.Next(); string(rec.Data) != "ab" || err != nil {
		t.Errorf("%q, %v", rec.Data, err)
	}
	if _, err := rr.Next(); err == nil || err.Error() != "offset 4: illegal length 3, record type 78" {
		t.Errorf("%v", err)
	}
}

// TestSeekOutside: where no record can begin, Next says so.
func TestSeekOutside(t *testing.T) {
	b := (&File{Records: []Record{{Type: RecNormal, Data: []byte("x")}}}).Bytes()
	w := NewWalker(bytes.NewReader(b))
	for _, offset := range []int64{-1, -5, math.MinInt64} {
		w.SeekTo(offset)
		var fault *FormatError
		if _, err := w.Next(); !errors.As(err, &fault) || fault.Offset != offset || fault.Kind != FaultRecord {
			t.Errorf("at %d: %v", offset, err)
		}
	}
	for _, offset := range []int64{int64(len(b)), 1000, math.MaxInt64} {
		w.SeekTo(offset)
		if _, err := w.Next(); err != io.EOF {
			t.Errorf("at %d: %v", offset, err)
		}
	}
	w.SeekTo(0)
	if rec, err := w.Next(); rec.Type != RecNormal || err != nil {
		t.Errorf("at 0: %+v, %v", rec, err)
	}
}

// TestSeekAfterPointer: where the caller goes after a pointer record is nothing that the
// pointer led to.
func TestSeekAfterPointer(t *testing.T) {
	pointer := PointerRecord(0)
	w := NewWalker(bytes.NewReader(pointer.AppendTo(nil)))
	if rec, err := w.Next(); rec.Type != RecPointer || err != nil {
		t.Fatalf("%+v, %v", rec, err)
	}
	w.SeekTo(1000)
	if _, err := w.Next(); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
}

// TestHeaderSizes: whatever Header says, the record can be read again, and comes
// out as it was.
func TestHeaderSizes(t *testing.T) {
	for _, n := range []int{0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000} {
		for header := -1; header <= 9; header++ {
			rec := Record{Type: RecNormal, Data: bytes.Repeat([]byte("x"), n), Header: header}
			b := rec.AppendTo(nil)
			f, err := Parse(b)
			if err != nil || len(f.Records) != 1 {
				t.Errorf("%d bytes, header %d: %v", n, header, err)
				continue
			}
			got := f.Records[0]
			least := RecordSize(n) - n
			if want := max(least, min(header, 5)); got.Header != want || !bytes.Equal(got.Data, rec.Data) {
				t.Errorf("%d bytes, header %d: header %d, want %d", n, header, got.Header, want)
			}
			if rec.End() != int64(len(b)) || !bytes.Equal(f.Bytes(), b) {
				t.Errorf("%d bytes, header %d: ends at %d, has %d", n, header, rec.End(), len(b))
			}
		}
	}
}

// TestSetSize: a file that was changed is a true one again.
func TestSetSize(t *testing.T) {
	for name, b := range samples(t) {
		f := Recover(b, time.Time{}).File // which has no pointers
		before, err := VerifyBytes(f.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		f.Records = slices.DeleteFunc(f.Records, func(rec Record) bool { return rec.Type == RecSize })
		at := slices.IndexFunc(f.Records, func(rec Record) bool { return rec.Type == RecMessage })
		f.Records = slices.Insert(f.Records, at, Record{Type: RecRecipient, Data: []byte("one@example.com")},
			Record{Type: RecDone, Data: []byte("two@example.com"), Header: 5})
		f.Records = slices.Insert(f.Records, at+3, Record{Type: RecNormal, Data: []byte("X-More: text"), Header: 4})
		if err := f.SetSize(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		after, err := VerifyBytes(f.Bytes())
		if err != nil || after.Recipients != before.Recipients+1 || after.Done != before.Done+1 || after.MoreTolerated+int64(len(after.Tolerated)) != 0 {
			t.Errorf("%s: %+v, %v", name, after, err)
		}
		f.Records[0] = Size{DataSize: 1, QMgrFlags: QMgrNotifyNever, SendOptions: SendOptRequireTLS}.Record()
		if err := f.SetSize(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, err := VerifyBytes(f.Bytes())
		after.Size.QMgrFlags, after.Size.SendOptions = QMgrNotifyNever, SendOptRequireTLS
		if err != nil || again.Size != after.Size {
			t.Errorf("%s: %+v, not %+v (%v)", name, again.Size, after.Size, err)
		}
		// What the offsets are good for.
		parsed, _ := Parse(f.Bytes())
		for i, rec := range parsed.Records {
			if rec.Offset != f.Records[i].Offset {
				t.Errorf("%s: record %d is at %d, not %d", name, i, rec.Offset, f.Records[i].Offset)
			}
		}
	}
}

// TestSetSizeRefuses: what cannot be made true is left as it is.
func TestSetSizeRefuses(t *testing.T) {
	rows := []struct {
		records []Record
		want    string
	}{
		{nil, "offset 0: missing message content record"},
		{[]Record{{Type: RecSender, Data: []byte("a@b")}}, "offset 5: missing message content record"},
		{[]Record{{Type: RecMessage}}, "offset 2: missing extracted segment record"},
		{[]Record{{Type: RecSender}, PointerRecord(2), {Type: RecMessage}, {Type: RecExtracted}}, "offset 2: a pointer record, whose target may have moved"},
	}
	for _, row := range rows {
		f := &File{Records: slices.Clone(row.records)}
		err := f.SetSize()
		var fault *FormatError
		if !errors.As(err, &fault) || err.Error() != row.want {
			t.Errorf("%v, not %q", err, row.want)
		}
		if !reflect.DeepEqual(f.Records, slices.Clone(row.records)) {
			t.Errorf("%q: changed to %v", row.want, f.Records)
		}
	}
	f := &File{Records: []Record{{Type: RecSender}, PointerRecord(0), {Type: RecMessage}, {Type: RecExtracted}}}
	if err := f.SetSize(); err != nil || f.Records[0].Type != RecSize {
		t.Errorf("a placeholder: %v", err)
	}
}
