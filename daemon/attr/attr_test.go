package attr

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAppend(t *testing.T) {
	got := AppendEnd(AppendUint(AppendString(nil, "request", "open"), "flags", 114))
	if want := "request\x00open\x00flags\x00114\x00\x00"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestScan(t *testing.T) {
	const peer = "public/cleanup socket"
	tests := []struct {
		name, in string
		n        int
		status   uint32
		reason   string
		warnings []string
	}{
		{"good", "status\x008\x00reason\x00no thanks\x00\x00", 2, 8, "no thanks", nil},
		{"empty reason", "status\x000\x00reason\x00\x00\x00", 2, 0, "", nil},
		{"nothing", "", 0, 0, "", nil},
		{"extra", "status\x001\x00reason\x00x\x00extra\x001\x00\x00", 2, 1, "x",
			[]string{"unexpected attribute extra from public/cleanup socket (expecting: (list terminator))"}},
		{"missing", "status\x001\x00\x00", 1, 1, "",
			[]string{"missing attribute reason in input from public/cleanup socket"}},
		{"other name", "foo\x001\x00\x00", 0, 0, "",
			[]string{"unexpected attribute foo from public/cleanup socket (expecting: status)"}},
		{"other name later", "status\x001\x00foo\x001\x00\x00", 1, 1, "",
			[]string{"unexpected attribute foo from public/cleanup socket (expecting: reason)"}},
		{"empty list", "\x00", 0, 0, "",
			[]string{"missing attribute status in input from public/cleanup socket"}},
		{"bad number", "status\x00zz\x00reason\x00\x00\x00", -1, 0, "",
			[]string{"malformed numerical data from public/cleanup socket while reading input attribute value: zz"}},
		{"empty number", "status\x00\x00reason\x00\x00\x00", -1, 0, "",
			[]string{"malformed numerical data from public/cleanup socket while reading input attribute value: "}},
		{"a sign alone", "status\x00-\x00reason\x00\x00\x00", -1, 0, "",
			[]string{"malformed numerical data from public/cleanup socket while reading input attribute value: -"}},
		{"a number and more", "status\x001 \x00reason\x00\x00\x00", -1, 0, "",
			[]string{"malformed numerical data from public/cleanup socket while reading input attribute value: 1 "}},
		{"long bad number", "status\x00" + strings.Repeat("z", 101) + "\x00reason\x00\x00\x00", -1, 0, "",
			[]string{"malformed numerical data from public/cleanup socket while reading input attribute value: " + strings.Repeat("z", 100)}},
		{"number of more than 32 bits", "status\x00 \t\r+4294967310\x00reason\x00\x00\x00", 2, 14, "", nil},
		{"negative number", "status\x00-1\x00reason\x00\x00\x00", 2, math.MaxUint32, "", nil},
		{"huge number", "status\x0099999999999999999999\x00reason\x00\x00\x00", 2, math.MaxUint32, "", nil},
		{"cut in a name", "status\x001\x00rea", -1, 1, "",
			[]string{"unexpected end-of-input from public/cleanup socket while reading input attribute name"}},
		{"cut after a byte of 254", "status\x001\x00reason\x00x\xfe", -1, 1, "",
			[]string{"unexpected end-of-input from public/cleanup socket while reading input attribute value"}},
		{"cut after a byte of 255", "status\x001\x00reason\x00x\xff", -1, 1, "",
			[]string{"premature end-of-input on public/cleanup socket while reading input attribute value"}},
		{"cut between", "status\x001\x00", -1, 1, "",
			[]string{"premature end-of-input on public/cleanup socket while reading input attribute name"}},
		{"no terminator", "status\x001\x00reason\x00x\x00", -1, 1, "x",
			[]string{"premature end-of-input on public/cleanup socket while reading input attribute name"}},
		{"long value", "status\x001\x00reason\x00" + strings.Repeat("y", 5000) + "\x00\x00", 2, 1, strings.Repeat("y", 5000), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var status uint32
			var reason string
			r := NewReader(iotest.OneByteReader(strings.NewReader(tt.in)), peer)
			n, warnings := r.Scan(Uint32("status", &status), String("reason", &reason))
			if n != tt.n || status != tt.status || reason != tt.reason || !slices.Equal(warnings, tt.warnings) {
				t.Errorf("got %d, %d, %q, %q", n, status, reason, warnings)
			}
		})
	}
}

func TestScanEqual(t *testing.T) {
	var id string
	r := NewReader(strings.NewReader("protocol\x00foo\x00queue_id\x00Q\x00\x00"), "p socket")
	n, warnings := r.Scan(Equal("protocol", "cleanup_protocol"), String("queue_id", &id))
	if want := "unexpected protocol foo from p socket (expected: cleanup_protocol)"; n != -1 || len(warnings) != 1 || warnings[0] != want {
		t.Errorf("got %d, %q", n, warnings)
	}
}

func TestScanTimeout(t *testing.T) {
	var id string
	in := &timeoutAfter{data: "queue_id\x00"}
	n, warnings := NewReader(in, "p socket").Scan(String("queue_id", &id))
	if want := "timeout on p socket while reading input attribute value"; n != -1 || len(warnings) != 1 || warnings[0] != want {
		t.Errorf("got %d, %q", n, warnings)
	}
}

type timeoutAfter struct{ data string }

func (r *timeoutAfter) Read(p []byte) (int, error) {
	if r.data == "" {
		return 0, fmt.Errorf("read: %w", os.ErrDeadlineExceeded)
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// TestReset: a reader that is used again has a new source, another peer and no trace.
func TestReset(t *testing.T) {
	var id string
	var trace []string
	r := NewReader(strings.NewReader("queue_id\x00Q\x00\x00left over"), "old socket")
	r.Trace = func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
	if n, _ := r.Scan(String("queue_id", &id)); n != 1 || id != "Q" {
		t.Errorf("got %d, %q", n, id)
	}
	want := []string{
		"old socket: wanted attribute: queue_id", "input attribute name: queue_id", "input attribute value: Q",
		"old socket: wanted attribute: (list terminator)", "input attribute name: (end)",
	}
	if !slices.Equal(trace, want) {
		t.Errorf("trace %q, want %q", trace, want)
	}
	r.Reset(strings.NewReader("\x00"), "new socket")
	_, warnings := r.Scan(String("queue_id", &id))
	if want := []string{"missing attribute queue_id in input from new socket"}; !slices.Equal(warnings, want) {
		t.Errorf("got %q", warnings)
	}
	if len(trace) != len(want) {
		t.Errorf("traced after Reset: %q", trace)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("status\x008\x00reason\x00no thanks\x00\x00"))
	f.Add([]byte("status\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var status uint32
		var reason string
		n, warnings := NewReader(strings.NewReader(string(in)), "p").Scan(Uint32("status", &status), String("reason", &reason))
		if n < 2 && n != 0 && len(warnings) == 0 {
			t.Errorf("%q: n = %d without a warning", in, n)
		}
		if strings.ContainsRune(reason, 0) {
			t.Errorf("%q: NUL in %q", in, reason)
		}
	})
}

// Where nobody listens, no memory goes into what Trace would be told: each message
// has two lists from cleanup(8).
func TestScanAllocations(t *testing.T) {
	const in = "status\x000\x00reason\x00\x00\x00"
	src := strings.NewReader(in)
	r := NewReader(src, "public/cleanup socket")
	var status uint32
	var reason string
	wants := []Want{Uint32("status", &status), String("reason", &reason)}
	n := testing.AllocsPerRun(100, func() {
		src.Reset(in)
		r.Reset(src, "public/cleanup socket")
		if n, warnings := r.Scan(wants...); n != 2 || warnings != nil {
			t.Fatalf("got %d, %q", n, warnings)
		}
	})
	if n > 4 { // names and values
		t.Errorf("%v allocations", n)
	}
}
