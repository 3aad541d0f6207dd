package netstring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
			if got, err := atHand(t, []byte(tt.in)).Append(nil, tt.limit); string(got) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("Append of what is in the buffer: %q, %v", got, err)
			}
			var w bytes.Buffer
			if err := NewReader(strings.NewReader(tt.in), 16).CopyTo(&w, tt.limit); w.String() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("CopyTo: %q, %v", w.String(), err)
			}
		})
	}
}

// atHand returns a reader that has all input in its buffer, as those have that have
// read something before.
func atHand(t *testing.T, in []byte) *Reader {
	t.Helper()
	r := NewReader(bytes.NewReader(append([]byte("0:,"), in...)), len(in)+3)
	if _, err := r.Append(nil, 0); err != nil {
		t.Fatal(err)
	}
	return r
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

// TestErrorsAreFinal: what ended the input is told again, whatever the source would
// give then.
func TestErrorsAreFinal(t *testing.T) {
	timeout := iotest.ErrReader(os.ErrDeadlineExceeded)
	for name, r := range map[string]*Reader{
		"alone":     NewReader(&inTurn{[]io.Reader{strings.NewReader("1"), timeout, strings.NewReader(":a,")}}, 16),
		"with data": NewReader(&inTurn{[]io.Reader{iotest.DataErrReader(io.MultiReader(strings.NewReader("1"), timeout)), strings.NewReader(":a,")}}, 16),
	} {
		for range 3 {
			if n, err := r.Length(); n != 0 || err != ErrTimeout {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	}
}

// inTurn reads from one reader until that fails, then from the next one.
type inTurn struct{ readers []io.Reader }

func (r *inTurn) Read(p []byte) (int, error) {
	n, err := r.readers[0].Read(p)
	switch {
	case err == io.EOF:
		r.readers, err = r.readers[1:], nil
	case err != nil:
		r.readers = r.readers[1:]
	}
	return n, err
}

// askedFor is a source of head and zeros, or of nothing, that remembers what it was
// asked for.
type askedFor struct {
	head  string
	sizes []int
	empty bool
}

func (r *askedFor) Read(p []byte) (int, error) {
	r.sizes = append(r.sizes, len(p))
	if r.empty {
		return 0, nil
	}
	for i := range p {
		p[i] = '0'
	}
	r.head = r.head[copy(p, r.head):]
	return len(p), nil
}

// TestBuffer: the buffer grows with what is known to come, up to a bound. A reader that
// is used again begins anew.
func TestBuffer(t *testing.T) {
	src := &askedFor{head: "400000:"}
	r := NewReader(src, 20<<10)
	if err := r.CopyTo(io.Discard, 0); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
	if want := []int{4 << 10, 20 << 10, 40 << 10, maxBuffer, maxBuffer}; !slices.Equal(src.sizes[:len(want)], want) {
		t.Errorf("reads of %d bytes, want %d", src.sizes, want)
	}
	r.Trace = func(string, ...any) { t.Error("traced for the one before") }
	src = &askedFor{empty: true}
	r.Reset(src)
	if r.Next('0') {
		t.Error("a byte of the source before is left")
	}
	if r.TimedOut() || len(src.sizes) != 100 || src.sizes[0] != 4<<10 || len(r.buf) != 20<<10 {
		t.Errorf("a source that gives nothing was asked for %d, buffer of %d", src.sizes, len(r.buf))
	}
	r.Reset(strings.NewReader("1:a,"))
	if got, err := r.Append(nil, 0); string(got) != "a" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestReach: as much is taken from the source as Postfix takes, which reads blocks of
// 4096 bytes, or what there is. What a payload takes may come in one read.
func TestReach(t *testing.T) {
	big := string(AppendNetstring(nil, make([]byte, 100_000)))
	for _, test := range []struct {
		name  string
		first string // comes alone
		then  string // comes with more than anyone wants
		read  func(r *Reader)
		want  int
	}{
		{"nothing wanted", "", "5:hello,", func(*Reader) {}, 0},
		{"a byte", "", "5:hello,", func(r *Reader) { r.Next('5') }, 4096},
		{"a netstring", "", "5:hello,", func(r *Reader) { r.Append(nil, 0) }, 4096},
		{"a large one", "", big, func(r *Reader) { r.Append(nil, 0) }, 25 * 4096},
		{"a large one, copied", "", big, func(r *Reader) { r.CopyTo(io.Discard, 0) }, 25 * 4096},
		{"a large one, to rooms", "", big, func(r *Reader) { r.CopyTo(&roomy{rooms: []int{10_000, 3, 50_000}}, 0) }, 25 * 4096},
		{"a large one, to one room", "", big, func(r *Reader) { r.CopyTo(&roomy{rooms: []int{200_000}}, 0) }, 25 * 4096},
		{"too large", "", big, func(r *Reader) { r.CopyTo(io.Discard, 99_999) }, 4096},
		{"a beginning", big[:100], big[100:], func(r *Reader) { r.Append(nil, 0) }, 100 + 25*4096},
		{"a beginning, to rooms", big[:5000], big[5000:], func(r *Reader) { r.CopyTo(&roomy{rooms: []int{200_000}}, 0) }, 5000 + 24*4096},
		{"comma in the next block", "", string(AppendNetstring(nil, make([]byte, 4091))), func(r *Reader) { r.Append(nil, 0) }, 2 * 4096},
		{"comma at the end of a block", "", string(AppendNetstring(nil, make([]byte, 4090))), func(r *Reader) { r.Append(nil, 0) }, 4096},
	} {
		rest := strings.NewReader(test.then + strings.Repeat("x", 300_000))
		whole := rest.Len()
		test.read(NewReader(io.MultiReader(strings.NewReader(test.first), rest), 4096))
		if got := len(test.first) + whole - rest.Len(); got != test.want {
			t.Errorf("%s: %d bytes read, want %d", test.name, got, test.want)
		}
	}
}

// TestTrace: what is logged of a netstring, read either way.
func TestTrace(t *testing.T) {
	for _, row := range []struct{ payload, shown string }{
		{"", ""},
		{"hello", "hello"},
		{"a\x00b", "a"},
		{strings.Repeat("x", 29) + "yz", strings.Repeat("x", 29) + "y"},
	} {
		want := []string{
			fmt.Sprintf("netstring_get_length: read netstring length %d", len(row.payload)),
			"netstring_get_data: read netstring data " + row.shown,
		}
		for name, read := range map[string]func(*Reader) error{
			"Append": func(r *Reader) error { _, err := r.Append([]byte("before"), 0); return err },
			"CopyTo": func(r *Reader) error { return r.CopyTo(&roomy{rooms: []int{100}}, 0) },
		} {
			var got []string
			r := NewReader(bytes.NewReader(AppendNetstring(nil, []byte(row.payload))), 16)
			r.Trace = func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
			if err := read(r); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %q, %v, want %q", name, got, err, want)
			}
		}
	}
}

func TestWriterError(t *testing.T) {
	full := errors.New("full")
	err := NewReader(strings.NewReader("5:hello,"), 16).CopyTo(failingWriter{full}, 0)
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
		slow, slowErr := NewReader(iotest.OneByteReader(bytes.NewReader(in)), 16).Append(nil, limit)
		fast, fastErr := atHand(t, in).Append(nil, limit)
		if !bytes.Equal(slow, fast) || !errors.Is(fastErr, slowErr) {
			t.Errorf("byte by byte %q, %v; from the buffer %q, %v", slow, slowErr, fast, fastErr)
		}
		back, err := NewReader(bytes.NewReader(AppendNetstring(nil, in)), 16).Append(nil, 0)
		if err != nil || !bytes.Equal(back, in) {
			t.Errorf("round trip: %q, %v", back, err)
		}
	})
}

// roomy takes a payload in pieces of its own choice.
type roomy struct {
	got   []byte
	rooms []int // sizes of the rooms to offer, in turn
	room  []byte
}

func (w *roomy) Write(p []byte) (int, error) {
	w.got = append(w.got, p...)
	return len(p), nil
}

func (w *roomy) Room() []byte {
	w.room = make([]byte, w.rooms[0])
	w.rooms = append(w.rooms[1:], w.rooms[0])
	return w.room
}

func (w *roomy) Filled(n int) { w.got = append(w.got, w.room[:n]...) }

func TestCopyToRoomy(t *testing.T) {
	payload := make([]byte, 10_000)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	for _, rooms := range [][]int{{1}, {1000, 0, 7}, {20_000}, {0}} {
		for name, src := range map[string]io.Reader{
			"whole":      bytes.NewReader(AppendNetstring(nil, payload)),
			"by halves":  iotest.HalfReader(bytes.NewReader(AppendNetstring(nil, payload))),
			"one by one": iotest.OneByteReader(bytes.NewReader(AppendNetstring(nil, payload))),
			"with end":   iotest.DataErrReader(bytes.NewReader(AppendNetstring(nil, payload))),
		} {
			w := &roomy{rooms: slices.Clone(rooms)}
			r := NewReader(src, 16)
			if err := r.CopyTo(w, 0); err != nil || !bytes.Equal(w.got, payload) {
				t.Errorf("rooms %v, %s: %v, %d bytes", rooms, name, err, len(w.got))
			}
			if _, err := r.Length(); !errors.Is(err, ErrClosed) {
				t.Errorf("rooms %v, %s: afterwards %v", rooms, name, err)
			}
		}
	}
	cut := NewReader(strings.NewReader("100:"+strings.Repeat("x", 99)), 16)
	if err := cut.CopyTo(&roomy{rooms: []int{50}}, 0); !errors.Is(err, ErrClosed) {
		t.Errorf("cut short: %v", err)
	}
}
