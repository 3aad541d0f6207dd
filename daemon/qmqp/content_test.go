package qmqp

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseVERP(t *testing.T) {
	tests := []struct {
		in, addr, delim string
	}{
		{"list-@example.org-@[]", "list@example.org", "-"},
		{"l-@x-@[]", "l@x", "-"},
		{"list=@e.org-@[]", "list@e.org", "="},
		{"list+@e.org-@[]", "list@e.org", "+"},
		{"list-@a@b-@[]", "list@a@b", "-"},
		{"ab@e-@[]", "a@e", "b"},
		{"list*@e-@[]", "list@e", "*"},
		{"-@x-@[]", "-@x-@[]", ""},
		{"a@x-@[]", "a@x-@[]", ""},
		{"list-@-@[]", "list-@-@[]", ""},
		{"list-@[]", "list-@[]", ""},
		{"-@[]", "-@[]", ""},
		{"@[]", "@[]", ""},
		{"#@[]", "#@[]", ""},
		{"", "", ""},
		{"l\x00-@x-@[]", "l\x00-@x-@[]", ""},
		{"l-@\x00x-@[]", "l@\x00x", "-"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			addr, delim, ok := parseVERP([]byte(tt.in))
			got := ""
			if ok {
				got = string(delim)
			}
			if string(addr) != tt.addr || got != tt.delim {
				t.Errorf("got %q, %q", addr, got)
			}
		})
	}
}

// contentTests are the rows of the contract for line_length_limit = 8.
var contentTests = []struct {
	name, in string
	want     []string
}{
	{"empty", "", nil},
	{"newline", "\n", []string{"N "}},
	{"no newline", "x", []string{"L x"}},
	{"line", "x\n", []string{"N x"}},
	{"at the limit", "12345678\n", []string{"N 12345678"}},
	{"over the limit", "123456789\n", []string{"L 12345678", "N 9"}},
	{"at the limit, no newline", "12345678", []string{"L 12345678"}},
	{"two limits", "1234567812345678\nx", []string{"L 12345678", "N 12345678", "L x"}},
	{"carriage return", "a\r\nb\r\n", []string{"N a\r", "N b\r"}},
	{"NUL", "a\x00b\n", []string{"N a\x00b"}},
	{"mailbox line", "From x\nSubject: y\n", []string{"N X-Mailbox-Line: From x", "L Subject:", "N  y"}},
	{"quoted mailbox line", ">>From x\nFrom y\na\nFrom z\n",
		[]string{"N X-Mailbox-Line: >>From x", "N X-Mailbox-Line: From y", "N a", "N From z"}},
	{"mailbox line cut at NUL", "From \x00x\n", []string{"N X-Mailbox-Line: From "}},
	{"long mailbox line", "From abcdef\n", []string{"L X-Mailbox-Line: From abc", "N def"}},
	{"rest of a mailbox line starts blank", "From abc def\n", []string{"L X-Mailbox-Line: From abc", "N ", "N  def"}},
	{"quotes reach over the limit", ">>>>>>>>From x\nz\n",
		[]string{"L X-Mailbox-Line: >>>>>>>>", "N X-Mailbox-Line: From x", "N z"}},
	{"leading blank", " a\n", []string{"N ", "N  a"}},
	{"leading tab after a mailbox line", "From x\n\ta", []string{"N X-Mailbox-Line: From x", "N ", "L \ta"}},
	{"empty first line", "\n a\n", []string{"N ", "N  a"}},
	{"almost a mailbox line", "From", []string{"L From"}},
}

func TestContent(t *testing.T) {
	for _, st := range []struct {
		name    string
		storage Storage
	}{
		{"memory", Storage{}},
		{"file", Storage{MemoryPerMessage: 3, TempFile: tempFile(t)}},
	} {
		for _, tt := range contentTests {
			t.Run(st.name+"/"+tt.name, func(t *testing.T) {
				cfg, opener := testConfig(), new(memoryOpener)
				cfg.LineLengthLimit = 8
				cfg.Storage = st.storage
				reply, _ := converse(t, cfg, opener, request(tt.in, "s@x", "r@x"))
				if !strings.Contains(reply, ":KOk") {
					t.Fatalf("reply %q", reply)
				}
				got := opener.records[17 : len(opener.records)-2]
				if len(got) == 0 {
					got = nil
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// Lines are cut by their limit, whatever fits into the window through which a file is
// read: a large limit costs nothing until a line is that long.
func TestLongLines(t *testing.T) {
	message := []byte("short\n" + strings.Repeat("x", 3*chunkSize+1) + "\nshort\n" + strings.Repeat("y", chunkSize) + "\n" + strings.Repeat("z", chunkSize-1) + "\nend")
	for _, limit := range []int{8, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 1, math.MaxInt} {
		for name, st := range map[string]Storage{"memory": {}, "file": {MemoryPerMessage: 3, TempFile: tempFile(t)}} {
			c := st.newContent()
			if _, err := c.Write(message); err != nil {
				t.Fatal(err)
			}
			c.complete()
			if (c.file != nil) != (name == "file") {
				t.Fatalf("%s: file %v", name, c.file)
			}
			lines, rest := newLineReader(c, limit), message
			for {
				line, terminated, err := lines.next()
				if err == io.EOF {
					break
				}
				if err != nil || len(rest) == 0 {
					t.Fatalf("%s, limit %d: %v after the end", name, limit, err)
				}
				look := rest
				if len(look) > limit {
					look = look[:limit+1]
				}
				want, _, found := bytes.Cut(look, []byte("\n"))
				want = want[:min(limit, len(want))]
				if !bytes.Equal(line, want) || terminated != found {
					t.Fatalf("%s, limit %d: got %d bytes, terminated %t; want %d, %t", name, limit, len(line), terminated, len(want), found)
				}
				if rest = rest[len(want):]; found {
					rest = rest[1:]
				}
			}
			if len(rest) > 0 {
				t.Errorf("%s, limit %d: %d bytes are missing", name, limit, len(rest))
			}
			if n := cap(lines.win); c.file != nil && n > max(chunkSize, 4*min(limit, 2*chunkSize)) {
				t.Errorf("limit %d: a window of %d bytes", limit, n)
			}
			c.close()
		}
	}
}

func tempFile(t *testing.T) func() (*os.File, error) {
	dir := t.TempDir()
	return func() (*os.File, error) {
		f, err := os.CreateTemp(dir, "content")
		if err == nil {
			err = os.Remove(f.Name())
		}
		return f, err
	}
}

// A message that is larger than the window and than the memory comes out as it
// went in, whichever way it is held.
func TestLargeContent(t *testing.T) {
	var b strings.Builder
	for i := range 40000 {
		b.WriteString(strings.Repeat("x", i%97))
		b.WriteByte('\n')
	}
	message := b.String()
	run := func(st Storage) []string {
		cfg, opener := testConfig(), new(memoryOpener)
		cfg.Storage = st
		converse(t, cfg, opener, request(message, "s@x", "r@x"))
		if !opener.finished {
			t.Fatal("not finished")
		}
		return opener.records
	}
	budget := NewBudget(1 << 20)
	inMemory := run(Storage{})
	for _, st := range []Storage{
		{MemoryPerMessage: 100000, Budget: budget, TempFile: tempFile(t)},
		{Budget: budget, TempFile: tempFile(t)},
		{Budget: NewBudget(0), TempFile: tempFile(t)},
	} {
		if d := cmp.Diff(inMemory, run(st)); d != "" {
			t.Error(d)
		}
	}
	if left := budget.left.Load(); left != 1<<20 {
		t.Errorf("budget: %d left", left)
	}
}

func TestStorageFails(t *testing.T) {
	cfg, opener := testConfig(), new(memoryOpener)
	cfg.Storage = Storage{MemoryPerMessage: freeMemory, TempFile: func() (*os.File, error) {
		return nil, errors.New("disk full")
	}}
	reply, log := converse(t, cfg, opener, request(strings.Repeat("x", 2*freeMemory), "s@x", "r@x"))
	if want := ns("ZError: queue file write error"); reply != want {
		t.Errorf("reply %q", reply)
	}
	if !strings.Contains(log, "warning: QUEUEID: store message content: disk full\n") || !opener.aborted {
		t.Errorf("log %q, aborted %v", log, opener.aborted)
	}
}

// A file that takes no more, or gives nothing back, makes the message one to try
// again; the request is read to its end all the same.
func TestStorageFailsLater(t *testing.T) {
	for _, tt := range []struct {
		name, log string
		flag      int
		file      string
	}{
		{"disk full", "warning: QUEUEID: store message content: write /dev/full: no space left on device\n", os.O_RDWR, "/dev/full"},
		{"read error", "warning: QUEUEID: read message content: ", os.O_WRONLY | os.O_CREATE, filepath.Join(t.TempDir(), "f")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, opener := testConfig(), new(memoryOpener)
			cfg.Storage = Storage{MemoryPerMessage: freeMemory, TempFile: func() (*os.File, error) { return os.OpenFile(tt.file, tt.flag, 0o600) }}
			reply, log := converse(t, cfg, opener, request(strings.Repeat("x\n", 3*chunkSize), "s@x", "r@x"))
			if want := ns("ZError: queue file write error"); reply != want {
				t.Errorf("reply %q", reply)
			}
			if !strings.Contains(log, tt.log) || !opener.aborted || opener.finished {
				t.Errorf("log %q, aborted %v", log, opener.aborted)
			}
		})
	}
}

// However many messages there are, they hold no more in memory than the budget
// and what is free to each.
func TestBudget(t *testing.T) {
	const most = 1 << 20
	st := Storage{MemoryPerMessage: 300 << 10, Budget: NewBudget(most), TempFile: tempFile(t)}
	held, piece := 0, make([]byte, 400<<10)
	var all []*content
	for range 20 {
		c := st.newContent()
		all = append(all, c)
		_, err := c.Write(piece)
		c.complete()
		if n, _ := c.ReadAt(make([]byte, len(piece)+1), 0); err != nil || c.err != nil || n != len(piece) {
			t.Fatal(err, c.err, n)
		}
		held += max(0, cap(c.head)-freeMemory)
	}
	if held > most || held < most/2 {
		t.Errorf("%d bytes are held, %d allowed", held, most)
	}
	for _, c := range all {
		c.close()
	}
	if left := st.Budget.left.Load(); left != most {
		t.Errorf("budget: %d left", left)
	}
}

// Memory that messages have used serves the next ones, if it has the size that is
// free to each: a message that kept nothing gives back nothing, and what has
// grown goes.
func TestHeadsAreUsedAgain(t *testing.T) {
	st := Storage{MemoryPerMessage: 8 * freeMemory, Budget: NewBudget(1 << 20), TempFile: tempFile(t)}
	again := false
	for i := range 200 {
		empty := st.newContent()
		empty.close()
		grown := st.newContent()
		if _, err := grown.Write(make([]byte, 2*freeMemory)); err != nil || cap(grown.head) <= freeMemory {
			t.Fatalf("%v, %d", err, cap(grown.head))
		}
		grown.close()
		used := st.newContent()
		room := used.Room()
		if len(room) != freeMemory {
			t.Fatalf("message %d begins with %d bytes", i, len(room))
		}
		used.close()
		next := st.newContent()
		again = again || &next.Room()[0] == &room[0]
		next.close()
	}
	if !again {
		t.Error("no message got the memory of the one before it")
	}
}

// A run of > over many pieces is not looked at again for each piece; if it was,
// this test would take half an hour.
func TestLongQuoteRun(t *testing.T) {
	cfg, opener := testConfig(), new(memoryOpener)
	cfg.LineLengthLimit = 512
	converse(t, cfg, opener, request(strings.Repeat(">", 8<<20)+"From x", "s@x", "r@x"))
	if got := opener.records[17]; !strings.HasPrefix(got, "L X-Mailbox-Line: >>>") {
		t.Errorf("got %.40q", got)
	}
}

func TestTempFileHasNoName(t *testing.T) {
	dir := t.TempDir()
	f, err := TempFileIn(dir)()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 0 {
		t.Errorf("found %q", names)
	}
	if _, err := f.WriteAt([]byte("x"), 5); err != nil {
		t.Error(err)
	}
	if _, err := TempFileIn(filepath.Join(dir, "missing"))(); err == nil {
		t.Error("no error for a missing directory")
	}
}
