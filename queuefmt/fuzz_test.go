package queuefmt

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func seed(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	f.Add([]byte("C\x80\x80\x80\x80\x01"))
	f.Add([]byte("N\xff\xff\xff\x7f"))
	f.Add([]byte("C\x80\x00T\x811\x00"))
	f.Add(build(whole()))
	f.Add(build(withSize(append(append(append([]Record{}, whole()[:7]...), PointerRecord(221)), whole()[7:]...))))
}

// FuzzParse: what parses is written back as it was; both readers agree.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(b)
		var fault *FormatError
		if err != nil && (!errors.As(err, &fault) || fault.Offset >= int64(len(b))) {
			t.Fatalf("error %#v", err)
		}
		out := file.Bytes()
		if err == nil && !bytes.Equal(out, b) {
			t.Fatalf("Parse(b).Bytes() = %q", out)
		}
		if err != nil && !bytes.Equal(out, b[:fault.Offset]) {
			t.Fatalf("fault at %d after %d bytes", fault.Offset, len(out))
		}
		rr := NewRecordReader(bytes.NewReader(b))
		for _, want := range file.Records {
			got, err := rr.Next()
			if err != nil || got.Type != want.Type || got.Offset != want.Offset || got.Header != want.Header || !bytes.Equal(got.Data, want.Data) {
				t.Fatalf("reader: %+v %v, want %+v", got, err, want)
			}
		}
		_, rerr := rr.Next()
		if err == nil && rerr != io.EOF || err != nil && (rerr == nil || rerr.Error() != err.Error()) {
			t.Fatalf("reader ends with %v, Parse with %v", rerr, err)
		}
	})
}

// FuzzVerify: any input has a verdict, and a file that passes has what a
// message needs.
func FuzzVerify(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return // 10000 jumps through much text take their time
		}
		report, err := VerifyBytes(b)
		var fault *FormatError
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("error %#v", err)
		}
		if err == nil && (report.End <= 0 || report.Arrival == 0 || report.Size.DataSize <= 0) {
			t.Fatalf("passes: %+v", report)
		}
	})
}

// FuzzRecover: whatever comes in, a file with content comes out that passes.
func FuzzRecover(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		checkRecovered(t, "fuzz", b)
	})
}

// FuzzQueueID: what parses has one text, which parses the same.
func FuzzQueueID(f *testing.F) {
	for _, id := range []string{"3F86FCC9DF", "4jXQSN3CQzz6JCy", "4jXQPq1zFqz6JCM", "0000z", "zzzzzzzzzzz", "00000"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		q, err := ParseQueueID(id)
		if err != nil {
			return
		}
		again, err := ParseQueueID(q.String())
		if err != nil || again != q {
			t.Fatalf("%q: %+v, then %q: %+v %v", id, q, q.String(), again, err)
		}
		for _, depth := range []int{1, 2, 7} {
			h := Hashing{Queues: []string{"incoming"}, Depth: depth}
			if p := h.Path("incoming", id); len(p) != len("incoming/")+2*depth+len(id) {
				t.Fatalf("path %q", p)
			}
		}
	})
}
