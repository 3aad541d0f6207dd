package netstring

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAppendReads(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int64
		want     string
		err      error
	}{
		{"plain", "5:hello,", 10, "hello", nil},
		{"at the limit", "5:hello,", 5, "hello", nil},
		{"over the limit", "6:hello!,", 5, "", ErrSize},
		{"no limit", "6:hello!,", 0, "hello!", nil},
		{"empty", "0:,", 5, "", nil},
		{"no digits", ":,", 5, "", nil},
		{"leading zeros", "0005:hello,", 5, "hello", nil},
		{"blank", " 5:hello,", 5, "", ErrFormat},
		{"sign", "-5:hello,", 5, "", ErrFormat},
		{"largest", "9223372036854775807:", 5, "", ErrSize},
		{"largest without limit", "9223372036854775807:ab", 0, "ab", ErrClosed},
		{"one more", "9223372036854775808:", 0, "", ErrSize},
		{"wrong terminator", "5:hello;", 5, "hello", ErrFormat},
		{"end in the length", "5", 5, "", ErrClosed},
		{"end in the payload", "5:hel", 5, "hel", ErrClosed},
		{"end at the terminator", "5:hello", 5, "hello", ErrFormat},
		{"binary", "3:\x00\n\xff,", 5, "\x00\n\xff", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				got, err := NewReader(src, 16).Append(nil, tt.limit)
				if string(got) != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("Append: %q, %v", got, err)
				}
			}
			var w bytes.Buffer
			if _, err := NewReader(strings.NewReader(tt.in), 16).CopyTo(&w, tt.limit); w.String() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("CopyTo: %q, %v", w.String(), err)
			}
		})
	}
}

func TestNext(t *testing.T) {
	r := NewReader(strings.NewReader("1:a,,"), 16)
	if r.Next(',') {
		t.Error("a digit was taken for a comma")
	}
	if got, err := r.Append(nil, 1); string(got) != "a" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if !r.Next(',') {
		t.Error("comma not seen")
	}
	if r.Next(',') {
		t.Error("comma seen at the end")
	}
	if _, err := r.Length(); err != ErrClosed {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func TestTimeout(t *testing.T) {
	timeout := iotest.ErrReader(os.ErrDeadlineExceeded)
	r := NewReader(io.MultiReader(strings.NewReader("5:he"), timeout), 16)
	if _, err := r.Append(nil, 0); err != ErrTimeout || !r.TimedOut() {
		t.Errorf("in the payload: %v", err)
	}
	r = NewReader(io.MultiReader(strings.NewReader("2:he"), timeout), 16)
	if _, err := r.Append(nil, 0); err != ErrFormat || !r.TimedOut() {
		t.Errorf("at the terminator: %v, timed out %v", err, r.TimedOut())
	}
}

func TestWriterError(t *testing.T) {
	full := errors.New("full")
	_, err := NewReader(strings.NewReader("5:hello,"), 16).CopyTo(failingWriter{full}, 0)
	if err != full {
		t.Errorf("got %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func FuzzAppend(f *testing.F) {
	f.Add([]byte("5:hello,"), int64(10))
	f.Add([]byte("99999999999999999999:"), int64(0))
	f.Add([]byte(":,"), int64(1))
	f.Fuzz(func(t *testing.T, in []byte, limit int64) {
		got, err := NewReader(bytes.NewReader(in), 16).Append(nil, limit)
		if limit > 0 && int64(len(got)) > limit {
			t.Errorf("%d bytes exceed the limit %d", len(got), limit)
		}
		if err == nil && !bytes.Contains(in, append(append([]byte(":"), got...), ',')) {
			t.Errorf("%q is not in %q", got, in)
		}
		back, err := NewReader(bytes.NewReader(AppendNetstring(nil, in)), 16).Append(nil, 0)
		if err != nil || !bytes.Equal(back, in) {
			t.Errorf("round trip: %q, %v", back, err)
		}
	})
}
