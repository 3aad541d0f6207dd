package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// deliverOne commits one small message.
func deliverOne(t testing.TB, s *Spool, hold bool) *File {
	t.Helper()
	f, err := scenario{body: 10, hold: hold}.deliver(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNames(t *testing.T) {
	hashing := queuefmt.Hashing{Queues: []string{"INCOMING", "hold"}, Depth: 2}
	tests := []struct {
		name string
		opts Options
		hold bool
		path string // a regular expression
	}{
		{name: "short", path: `^incoming/[0-9A-F]{6,}$`},
		{name: "long", opts: Options{LongIDs: true}, path: `^incoming/[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+$`},
		{name: "hold", hold: true, path: `^hold/[0-9A-F]{6,}$`},
		{name: "hashed", opts: Options{Hashing: hashing}, path: `^incoming/[0-9A-F]/[0-9A-F]/[0-9A-F]{6,}$`},
		{name: "hashed hold", opts: Options{Hashing: hashing, LongIDs: true}, hold: true, path: `^hold/[0-9A-F]/[0-9A-F]/[0-9A-Za-z]{11,}$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, dir := newSpool(t, tt.opts)
			f := deliverOne(t, s, tt.hold)
			files := queueFiles(t, dir)
			if len(files) != 1 {
				t.Fatal(files)
			}
			rel, _ := filepath.Rel(dir, files[0])
			if !regexp.MustCompile(tt.path).MatchString(rel) || filepath.Base(rel) != f.QueueID() {
				t.Errorf("%s", rel)
			}
			checkComplete(t, files[0])
			info, err := os.Stat(files[0])
			if err != nil {
				t.Fatal(err)
			}
			id, err := queuefmt.ParseQueueID(f.QueueID())
			if err != nil || id.Inode != info.Sys().(*syscall.Stat_t).Ino || id.Usec != f.Created().Nanosecond()/1000 {
				t.Errorf("id %+v %v", id, err)
			}
			queue := "incoming"
			if tt.hold {
				queue = "hold"
			}
			if want := tt.opts.Hashing.Path(queue, f.QueueID()); rel != want {
				t.Errorf("path %s, want %s", rel, want)
			}
		})
	}
}

// TestFrozenClock: names are found even when the clock stands still, with files that
// have no name at first and with those that have.
func TestFrozenClock(t *testing.T) {
	for _, named := range []bool{false, true} {
		now := time.Now().Add(-time.Minute)
		opts := Options{Now: func() time.Time { return now }}
		_, dir := newSpool(t, opts)
		real, err := OpenFS(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer real.Close()
		opts.FS = &faultFS{FS: real, named: named}
		s, err := Open(dir, opts)
		if err != nil {
			t.Fatal(err)
		}
		usec := now.Nanosecond() / 1000
		for i := range 3 {
			name := fmt.Sprintf("%s/incoming/%d.%d", dir, (usec+i)%1e6, os.Getpid())
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ids := make(map[string]bool)
		for range 5 {
			f := deliverOne(t, s, false)
			if ids[f.QueueID()] {
				t.Errorf("%s again", f.QueueID())
			}
			ids[f.QueueID()] = true
		}
	}
}

// TestManyWriters: hundreds of sessions at once; nothing is lost or mixed up.
func TestManyWriters(t *testing.T) {
	s, dir := newSpool(t, Options{LongIDs: true, Hashing: queuefmt.Hashing{Queues: []string{"incoming"}, Depth: 1}})
	var wg sync.WaitGroup
	for range 200 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := (scenario{body: 3000}).deliver(s); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	files := queueFiles(t, dir)
	if len(files) != 200 {
		t.Errorf("%d files", len(files))
	}
	for _, name := range files {
		checkComplete(t, name)
	}
	if n := s.group.unfinished.Load(); n != 0 || len(s.open) != 0 {
		t.Errorf("%d files count as unfinished", n)
	}
}

func TestMaxSize(t *testing.T) {
	s, _ := newSpool(t, Options{})
	size := deliverOne(t, s, false).Offset()

	exact, exactDir := newSpool(t, Options{MaxSize: size})
	deliverOne(t, exact, false)
	if files := queueFiles(t, exactDir); len(files) != 1 {
		t.Error(files)
	}

	less, lessDir := newSpool(t, Options{MaxSize: size - 1})
	_, err := scenario{body: 10}.deliver(less)
	if !errors.Is(err, ErrTooBig) || !errors.Is(err, syscall.EFBIG) {
		t.Errorf("%v", err)
	}
	if files := queueFiles(t, lessDir); len(files) != 0 {
		t.Error(files)
	}
}

// TestPatch changes bytes that are written, held back, and both.
func TestPatch(t *testing.T) {
	s, dir := newSpool(t, Options{})
	f, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(f, bytes.Repeat([]byte("x"), bufferSize+100)); err != nil {
		t.Fatal(err)
	}
	if f.written == 0 || len(f.buf) == 0 {
		t.Fatalf("%d bytes written, %d held back", f.written, len(f.buf))
	}
	straddle := f.written - 3
	for _, p := range []struct {
		off  int64
		data string
	}{{99, "1795343701"}, {straddle, "straddle"}, {f.written + 10, "held back"}} {
		if err := f.patch([]byte(p.data), p.off); err != nil {
			t.Fatal(err)
		}
	}
	held := f.written + 10
	if err := f.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(queueFiles(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := string(b[99:109]); got != "1795343701" {
		t.Errorf("%q", got)
	}
	if got := string(b[straddle : straddle+8]); got != "straddle" {
		t.Errorf("%q", got)
	}
	if got := string(b[held : held+9]); got != "held back" {
		t.Errorf("%q", got)
	}
}

// TestUnfinished: Commit refuses files that qmgr would call corrupt.
func TestUnfinished(t *testing.T) {
	tests := []struct {
		name string
		do   func(f *File) error
		want string
	}{
		{"empty", func(*File) error { return nil }, "no size record"},
		{"no end", func(f *File) error {
			return errors.Join(f.WriteRecord(queuefmt.RecSize, queuefmt.Size{}.AppendData(nil)), f.SetSize(f.Measure()))
		}, "no end record"},
		{"size not set", func(f *File) error { return fillFile(f, nil) }, "no size record"},
		{"recipients", func(f *File) error {
			err := fillFile(f, nil)
			size := f.Measure()
			size.Recipients = 2
			return errors.Join(err, f.SetSize(size))
		}, "size record {DataSize:17 "},
		{"flags", func(f *File) error {
			err := fillFile(f, nil)
			size := f.Measure()
			size.QMgrFlags = 64
			return errors.Join(err, f.SetSize(size))
		}, "invalid flags in size record: 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, dir := newSpool(t, Options{})
			f, err := s.Create(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.do(f); err != nil {
				t.Fatal(err)
			}
			err = f.Commit(context.Background())
			if err == nil || !strings.Contains(err.Error(), "unfinished queue file: "+tt.want) {
				t.Errorf("%v", err)
			}
			if files := queueFiles(t, dir); len(files) > 0 {
				t.Error(files)
			}
			if err := f.Commit(context.Background()); !errors.Is(err, ErrClosed) {
				t.Errorf("second Commit: %v", err)
			}
			if err := f.WriteRecord(queuefmt.RecEnd, nil); !errors.Is(err, ErrClosed) {
				t.Errorf("WriteRecord: %v", err)
			}
			if err := f.Discard(); err != nil {
				t.Errorf("Discard: %v", err)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	s, dir := newSpool(t, Options{})
	f, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(f, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := s.Create(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if files := queueFiles(t, dir); len(files) > 0 {
		t.Error(files)
	}
}

// TestClose removes what is unfinished and leaves the rest.
func TestClose(t *testing.T) {
	s, dir := newSpool(t, Options{})
	done := deliverOne(t, s, false)
	f, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if files := queueFiles(t, dir); len(files) != 1 || filepath.Base(files[0]) != done.QueueID() {
		t.Error(files)
	}
	if err := f.WriteRecord(queuefmt.RecEnd, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := f.Commit(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := s.Create(context.Background()); err == nil {
		t.Error("Create after Close")
	}
	if err := s.Close(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if files := queueFiles(t, dir); len(files) != 1 {
		t.Error(files)
	}
}

// lateClose is a file system in which the close of a file waits for leave.
type lateClose struct {
	FS
	closing, leave chan struct{}
}

func (f *lateClose) CanCreateUnnamed(string) bool { return false }

func (f *lateClose) Create(name string, mode fs.FileMode) (Handle, error) {
	h, err := f.FS.Create(name, mode)
	return lateCloseHandle{h, f}, err
}

type lateCloseHandle struct {
	Handle
	fs *lateClose
}

func (h lateCloseHandle) Close() error {
	close(h.fs.closing)
	<-h.fs.leave
	return h.Handle.Close()
}

// TestCloseDuringCommit: Close waits for a Commit that is under way, and until the queue
// manager has been told of its message.
func TestCloseDuringCommit(t *testing.T) {
	_, dir := newSpool(t, Options{})
	real, err := OpenFS(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	var warnings warnings
	fsys := &lateClose{real, make(chan struct{}), make(chan struct{})}
	s, err := Open(dir, Options{FS: fsys, Wake: "public/qmgr", Warn: warnings.add})
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(f, []byte("body")); err != nil {
		t.Fatal(err)
	}
	committed, closed := make(chan error, 1), make(chan error, 1)
	go func() { committed <- f.Commit(context.Background()) }()
	<-fsys.closing
	go func() { closed <- s.Close(context.Background()) }()
	select {
	case err := <-closed:
		t.Errorf("closed during a Commit: %v", err)
		closed <- err
	case <-time.After(50 * time.Millisecond):
	}
	close(fsys.leave)
	if err := <-committed; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if got := warnings.get(); len(got) != 1 { // that there is no queue manager
		t.Errorf("%d attempts to tell the queue manager before the end of Close: %q", len(got), got)
	}
}

func TestSpuriousLogs(t *testing.T) {
	var warnings warnings
	s, dir := newSpool(t, Options{Warn: warnings.add})
	if err := os.WriteFile(dir+"/defer/ABC", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/trace/ABC", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.logs.remove(s, "ABC"); err != nil {
		t.Fatal(err)
	}
	want := []string{"defer: removed spurious ABC log", "trace: removed spurious ABC log"}
	if got := warnings.get(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if files := queueFiles(t, dir); len(files) != 0 {
		t.Error(files)
	}
}

// Queues without entries are remembered, and looked at again when they change.
func TestSpuriousLogsInEmptyQueues(t *testing.T) {
	var warnings warnings
	dir := filepath.Join(t.TempDir(), "queue")
	if err := MakeLayout(dir, nil); err != nil {
		t.Fatal(err)
	}
	real, err := OpenFS(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	var removals []string
	s, err := Open(dir, Options{Warn: warnings.add, FS: &faultFS{FS: real, fail: func(_ int, op, name string) error {
		if op == "remove" {
			removals = append(removals, name)
		}
		return nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	remove := func(id string, want ...string) {
		t.Helper()
		removals = nil
		if err := s.logs.remove(s, id); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(removals, want) {
			t.Errorf("removals of %s: %q, want %q", id, removals, want)
		}
	}
	remove("A1", "bounce/A1", "defer/A1", "trace/A1") // they are new
	old := time.Now().Add(-time.Minute)
	for _, queue := range logQueues {
		if err := os.Chtimes(filepath.Join(dir, queue), old, old); err != nil {
			t.Fatal(err)
		}
	}
	remove("A2")
	if err := os.WriteFile(dir+"/trace/A3", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	remove("A3", "trace/A3")
	if got, want := warnings.get(), []string{"trace: removed spurious A3 log"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	// A queue with other messages' logs, quiet for long.
	if err := os.WriteFile(dir+"/bounce/B1", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(dir+"/bounce", old, old.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	remove("A4", "bounce/A4", "trace/A4")
	remove("B1", "bounce/B1", "trace/B1")
	// A queue that is elsewhere: the link tells nothing about it.
	elsewhere := t.TempDir()
	if err := errors.Join(os.Remove(dir+"/defer"), os.Symlink(elsewhere, dir+"/defer"), os.Chtimes(elsewhere, old, old)); err != nil {
		t.Fatal(err)
	}
	remove("C1", "bounce/C1", "defer/C1", "trace/C1")
}

// warnings collects what Options.Warn is given.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) add(text string) {
	w.mu.Lock()
	w.list = append(w.list, text)
	w.mu.Unlock()
}

func (w *warnings) get() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

var nearlyAnHour = regexp.MustCompile(`\b(35[5-9]\d|36[0-4]\d)\b`)

func TestClockSkew(t *testing.T) {
	tests := []struct {
		name   string
		offset time.Duration // our clock minus that of the file system
		want   []string
		reset  bool
	}{
		{name: "same", offset: 0},
		{name: "ahead", offset: -time.Hour, reset: true, want: []string{
			"file system clock is 3600 seconds ahead of local clock",
			"resetting file time stamps - this hurts performance",
		}},
		{name: "behind", offset: time.Hour, want: []string{"file system clock is 3600 seconds behind local clock"}},
		{name: "a little behind", offset: 90 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var warnings warnings
			s, dir := newSpool(t, Options{Warn: warnings.add, Now: func() time.Time { return time.Now().Add(tt.offset) }})
			for range 3 {
				deliverOne(t, s, false)
			}
			got := warnings.get()
			// Between write and check seconds may change, and pass on a slow disk.
			for i, w := range got {
				got[i] = nearlyAnHour.ReplaceAllString(w, "3600")
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q", got)
			}
			for _, name := range queueFiles(t, dir) {
				info, err := os.Stat(name)
				if err != nil {
					t.Fatal(err)
				}
				if reset := time.Since(info.ModTime()) > 30*time.Minute; reset != tt.reset {
					t.Errorf("%s has time %v", name, info.ModTime())
				}
			}
		})
	}
}

func TestWakeSocket(t *testing.T) {
	var warnings warnings
	s, dir := newSpool(t, Options{Wake: "public/qmgr", Warn: warnings.add})
	l, err := net.Listen("unix", dir+"/public/qmgr")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 100)
	go func() {
		defer close(got)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			// The client keeps the connection until the server is done with it.
			b := make([]byte, 2)
			n, _ := io.ReadFull(c, b)
			_ = c.(*net.UnixConn).CloseWrite()
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			if more, err := io.ReadAll(c); len(more) > 0 || err != nil {
				t.Errorf("after the request %q, %v", more, err)
			}
			got <- string(b[:n])
			c.Close()
		}
	}()
	deliverOne(t, s, true) // on hold: no wake-up
	for range 3 {
		deliverOne(t, s, false)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.Close()
	n := 0
	for req := range got {
		if n++; req != "W\x00" {
			t.Errorf("%q", req)
		}
	}
	if n < 1 || n > 3 {
		t.Errorf("%d wake-ups", n)
	}
	if w := warnings.get(); len(w) > 0 {
		t.Error(w)
	}
}

// TestWakeLongPath wakes through a path that is too long for an address.
func TestWakeLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := errors.Join(os.MkdirAll(dir, 0o700), MakeLayout(dir, nil)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	l, err := net.Listen("unix", "public/qmgr")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := Open(dir, Options{Wake: "public/qmgr"})
	if err != nil {
		t.Fatal(err)
	}
	deliverOne(t, s, false)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.LimitReader(c, 2))
	if err != nil || string(b) != "W\x00" {
		t.Errorf("%q %v", b, err)
	}
	c.Close()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestWakeFIFO(t *testing.T) {
	s, dir := newSpool(t, Options{Wake: "public/qmgr"})
	if err := unix.Mkfifo(dir+"/public/qmgr", 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(dir+"/public/qmgr", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	deliverOne(t, s, false)
	b := make([]byte, 10)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "W" {
		t.Errorf("%q %v", b[:n], err)
	}
}

func TestWakeTrouble(t *testing.T) {
	tests := []struct {
		name    string
		missing bool // WakeMissingOK
		prepare func(path string) error
		want    []string
	}{
		{name: "missing", want: []string{"unable to look up public/qmgr: No such file or directory"}},
		{name: "missing and known", missing: true},
		{name: "file", prepare: func(path string) error { return os.WriteFile(path, nil, 0o600) },
			want: []string{"public/qmgr is not a socket or a fifo"}},
		{name: "nobody listens", prepare: func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		}},
		{name: "nobody reads the fifo", prepare: func(path string) error { return unix.Mkfifo(path, 0o600) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var warnings warnings
			s, dir := newSpool(t, Options{Wake: "public/qmgr", WakeMissingOK: tt.missing, Warn: warnings.add})
			if tt.prepare != nil {
				if err := tt.prepare(dir + "/public/qmgr"); err != nil {
					t.Fatal(err)
				}
			}
			deliverOne(t, s, false)
			if err := s.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got := warnings.get(); !slices.Equal(got, tt.want) {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestRemoveStale(t *testing.T) {
	s, dir := newSpool(t, Options{})
	old := time.Now().Add(-StaleAge - time.Hour)
	young := time.Now().Add(-StaleAge + time.Hour)
	tests := []struct {
		path string
		mode fs.FileMode
		time time.Time
		gone bool
	}{
		{"incoming/12345.678", 0o600, old, true},
		{"incoming/3F86FCC9DF", 0o600, old, true},
		{"incoming/3F86FCC9E0", 0o600, young, false},
		{"incoming/3F86FCC9E1", 0o700, old, false},
		{"incoming/3F86FCC9E2", 0o744, old, false}, // the bits of others do not count
		{"incoming/3F86FCC9E3", 0o400, old, true},
		{"incoming/4/0/40062CC9D3", 0o600, old, true},
		{"incoming/long/40062CC9D4", 0o600, old, false}, // not a hash directory
		{"hold/3F86FCC9E4", 0o600, old, true},
		{"hold/3F86FCC9E5", 0o700, old, false},
		{"active/3F86FCC9E6", 0o600, old, false},
		{"maildrop/3F86FCC9E7", 0o600, old, false},
		{"defer/3F86FCC9E8", 0o600, old, false},
	}
	var want []string
	for _, tt := range tests {
		name := filepath.Join(dir, tt.path)
		err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600), os.Chmod(name, tt.mode), os.Chtimes(name, tt.time, tt.time))
		if err != nil {
			t.Fatal(err)
		}
		if tt.gone {
			want = append(want, tt.path)
		}
	}
	if err := os.Symlink("/nonexistent", dir+"/incoming/link"); err != nil {
		t.Fatal(err)
	}
	f, err := s.Create(context.Background()) // a living writer
	if err != nil {
		t.Fatal(err)
	}
	removed, err := s.RemoveStale(context.Background())
	if err != nil {
		t.Error(err)
	}
	slices.Sort(removed)
	slices.Sort(want)
	if !slices.Equal(removed, want) {
		t.Errorf("removed %q\nwant %q", removed, want)
	}
	for _, tt := range tests {
		if _, err := os.Stat(filepath.Join(dir, tt.path)); errors.Is(err, fs.ErrNotExist) != tt.gone {
			t.Errorf("%s: %v", tt.path, err)
		}
	}
	if err := errors.Join(fill(f, nil), f.Commit(context.Background())); err != nil {
		t.Error(err)
	}
}

// A file that cannot be removed is told of and does not keep the others; one that
// somebody else has removed is nobody's trouble. The end of the context ends the search.
func TestRemoveStaleTrouble(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		op      string // that fails for incoming/1
		err     error
		removed []string
		want    string
	}{
		{name: "remove", ctx: t.Context(), op: "remove incoming/1", err: syscall.EACCES, removed: []string{"hold/2"},
			want: "remove incoming/1: permission denied"},
		{name: "stat", ctx: t.Context(), op: "lstat incoming/1", err: syscall.EIO, removed: []string{"hold/2"},
			want: "stat incoming/1: input/output error"},
		{name: "gone", ctx: t.Context(), op: "remove incoming/1", err: syscall.ENOENT, removed: []string{"hold/2"}},
		{name: "gone before", ctx: t.Context(), op: "lstat incoming/1", err: syscall.ENOENT, removed: []string{"hold/2"}},
		{name: "end", ctx: ended, want: "context canceled; context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, dir := newSpool(t, Options{})
			old := time.Now().Add(-StaleAge - time.Hour)
			for _, name := range []string{dir + "/incoming/1", dir + "/hold/2"} {
				if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, old, old)); err != nil {
					t.Fatal(err)
				}
			}
			real, err := OpenFS(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer real.Close()
			s, err := Open(dir, Options{FS: &faultFS{FS: real, fail: func(_ int, op, name string) error {
				if op+" "+name == tt.op {
					return tt.err
				}
				return nil
			}}})
			if err != nil {
				t.Fatal(err)
			}
			removed, err := s.RemoveStale(tt.ctx)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if !slices.Equal(removed, tt.removed) || got != tt.want {
				t.Errorf("removed %q, error %q", removed, got)
			}
		})
	}
}

func TestMakeLayout(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	dir := filepath.Join(t.TempDir(), "queue")
	var owners *LayoutOwners
	if os.Getuid() == 0 {
		owners = &LayoutOwners{Mail: Owner{UID: 1234, GID: 1235}, SetgidGID: 1236}
	}
	for range 2 { // the second time nothing is to do
		if err := MakeLayout(dir, owners); err != nil {
			t.Fatal(err)
		}
	}
	// As "postfix set-permissions" leaves them (conf/postfix-files).
	want := map[string]string{
		".": "drwxr-xr-x 0 0", "active": "drwx------ 1234 0", "bounce": "drwx------ 1234 0", "corrupt": "drwx------ 1234 0",
		"defer": "drwx------ 1234 0", "deferred": "drwx------ 1234 0", "flush": "drwx------ 1234 0", "hold": "drwx------ 1234 0",
		"incoming": "drwx------ 1234 0", "maildrop": "drwx-wx--- 1234 1236", "pid": "drwxr-xr-x 0 0", "private": "drwx------ 1234 0",
		"public": "drwx--x--- 1234 1236", "saved": "drwx------ 1234 0", "trace": "drwx------ 1234 0",
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(want)-1 {
		t.Errorf("%v %v", entries, err)
	}
	for name, w := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		st := info.Sys().(*syscall.Stat_t)
		got := fmt.Sprintf("%v %d %d", info.Mode(), st.Uid, st.Gid)
		if owners == nil {
			got, w = info.Mode().String(), w[:10]
		}
		if got != w {
			t.Errorf("%s: %s, want %s", name, got, w)
		}
	}
}

// TestOwner gives files and directories to mail_owner.
func TestOwner(t *testing.T) {
	s, dir := rootSpool(t, Options{Hashing: queuefmt.Hashing{Queues: []string{"incoming"}, Depth: 1}})
	deliverOne(t, s, false)
	file := queueFiles(t, dir)[0]
	for _, name := range []string{file, filepath.Dir(file)} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != 1234 || st.Gid != 1235 {
			t.Errorf("%s: %d %d", name, st.Uid, st.Gid)
		}
	}
}

func TestOpenTrouble(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir+"/none", Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/incoming: ") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(dir+"/incoming", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%v", err)
	}
	if err := MakeLayout(dir, nil); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%v", err)
	}
}

// A call that a signal has interrupted is made again; its other errors are the caller's.
func TestRetry(t *testing.T) {
	for _, end := range []error{nil, unix.EIO} {
		calls := 0
		interrupted := func() error {
			if calls++; calls%3 != 0 {
				return unix.EINTR
			}
			return end
		}
		if err := retryErr(interrupted); err != end || calls != 3 {
			t.Errorf("%v after %d calls, want %v", err, calls, end)
		}
		n, err := retry(func() (int, error) {
			err := interrupted()
			return calls, err
		})
		if err != end || calls != 6 || n != 6 {
			t.Errorf("%d, %v after %d calls, want %v", n, err, calls, end)
		}
	}
}

// A call that writes only a part, or is interrupted, goes on with the rest.
func TestWriteAll(t *testing.T) {
	var got []byte
	call := 0
	write := func(p []byte, done int) (int, error) {
		if call++; call == 2 {
			return -1, unix.EINTR
		}
		if done != len(got) {
			t.Errorf("at %d, %d written", done, len(got))
		}
		got = append(got, p[:min(3, len(p))]...)
		return min(3, len(p)), nil
	}
	if n, err := writeAll([]byte("abcdefgh"), write); n != 8 || err != nil || string(got) != "abcdefgh" {
		t.Errorf("%d %v %q", n, err, got)
	}
	for _, end := range []error{nil, unix.ENOSPC} {
		first := true
		n, err := writeAll([]byte("abcdefgh"), func(p []byte, _ int) (int, error) {
			if first {
				first = false
				return 3, nil
			}
			return 0, end
		})
		if n != 3 || err == nil || end != nil && err != end {
			t.Errorf("%d %v", n, err)
		}
	}
}

// Files share a sync where the file system is known to flush the disk's cache then.
func TestCanSyncAll(t *testing.T) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	reports := kernelAtLeast(unix.ByteSliceToString(uts.Release[:]), 5, 8)
	flushes := map[int64]bool{unix.EXT4_SUPER_MAGIC: reports, unix.XFS_SUPER_MAGIC: reports}
	for _, place := range []string{os.TempDir(), ".", "/dev/shm", "/proc"} {
		var st unix.Statfs_t
		fsys, err := OpenFS(place, nil)
		if err == nil {
			err = unix.Statfs(place, &st)
		}
		if err != nil {
			t.Logf("%s: %v", place, err) // not everywhere
			continue
		}
		defer fsys.Close()
		if got, want := fsys.CanSyncAll(), flushes[int64(st.Type)]; got != want {
			t.Errorf("%s, type %#x: %v", place, st.Type, got)
		}
	}
}

// What is in another file system than the queue directory is not synced with it.
func TestOtherFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, QueueIncoming), 0o700); err != nil {
		t.Fatal(err)
	}
	fsys, err := OpenFS(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fsys.Close()
	d := fsys.(*dirFS)
	if !d.holds(QueueIncoming, QueueHold) {
		t.Error("a new queue directory is in several file systems")
	}
	// As good as a mount, and takes no privilege.
	if err := os.Symlink("/proc", filepath.Join(dir, QueueHold)); err != nil {
		t.Fatal(err)
	}
	if d.holds(QueueIncoming, QueueHold) || d.CanSyncAll() {
		t.Error("/proc is taken for a part of the queue directory's file system")
	}
}

func TestKernelAtLeast(t *testing.T) {
	tests := []struct {
		release string
		want    bool
	}{
		{"6.18.44-fc-v595", true}, {"5.8.0", true}, {"5.8", true}, {"5.10.0-21-amd64", true},
		{"5.7.19", false}, {"4.19.0", false}, {"5", false}, {"", false}, {"x.y", false}, {"5.8rc1", true},
	}
	for _, tt := range tests {
		if got := kernelAtLeast(tt.release, 5, 8); got != tt.want {
			t.Errorf("%q: %v", tt.release, got)
		}
	}
}

// TestNameTaken: a file that has no name yet replaces none that came from another
// file system and has the same inode number in its id.
func TestNameTaken(t *testing.T) {
	s, dir := newSpool(t, Options{})
	f, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !f.unnamed {
		t.Skip("no files without names here")
	}
	name := filepath.Join(dir, "incoming", f.QueueID())
	if err := os.WriteFile(name, []byte("other"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := fill(f, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(context.Background()); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("Commit: %v", err)
	}
	if b, err := os.ReadFile(name); string(b) != "other" {
		t.Errorf("the other file: %q, %v", b, err)
	}
	if files := queueFiles(t, dir); len(files) != 1 {
		t.Error(files)
	}
}
