package master

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lockDir makes a queue directory the current one.
func lockDir(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir("pid", 0o755); err != nil {
		t.Fatal(err)
	}
}

func openLock(t *testing.T) *Lock {
	t.Helper()
	l, err := OpenLock("inet", "127.0.0.1:16280")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestOpenLock(t *testing.T) {
	const path = "pid/inet.127.0.0.1:16280"
	link := func(t *testing.T, old string) {
		if err := os.Symlink(old, path); err != nil {
			t.Fatal(err)
		}
	}
	write := func(t *testing.T, name string) {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T)
		want    string // problem
		root    bool   // only root gets this result
	}{
		{"new", func(*testing.T) {}, "", false},
		{"there", func(t *testing.T) { write(t, path) }, "", false},
		{"hard link", func(t *testing.T) {
			write(t, path)
			if err := os.Link(path, "pid/other"); err != nil {
				t.Fatal(err)
			}
		}, "file has 2 hard links", false},
		{"directory", func(t *testing.T) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "cannot open file: Is a directory", false},
		{"root's link in root's directory", func(t *testing.T) { write(t, "file"); link(t, "../file") }, "", true},
		{"link of a user", func(t *testing.T) {
			write(t, "file")
			link(t, "../file")
			if err := os.Lchown(path, 1, 1); err != nil {
				t.Fatal(err)
			}
		}, "file is a symbolic link", true},
		{"root's link in a user's directory", func(t *testing.T) {
			write(t, "file")
			link(t, "../file")
			if err := os.Chown("pid", 1, 1); err != nil {
				t.Fatal(err)
			}
		}, "file is a symbolic link", true},
		{"link in a directory others can write to", func(t *testing.T) {
			write(t, "file")
			link(t, "../file")
			if err := os.Chmod("pid", 0o777); err != nil {
				t.Fatal(err)
			}
		}, "file is a symbolic link", false},
		{"dangling link", func(t *testing.T) { link(t, "../none") }, "cannot open file: No such file or directory", false},
		{"file for a directory", func(t *testing.T) {
			if err := os.Remove("pid"); err != nil {
				t.Fatal(err)
			}
			write(t, "pid")
		}, "cannot open file: Not a directory", false},
		{"no directory", func(t *testing.T) {
			if err := os.Remove("pid"); err != nil {
				t.Fatal(err)
			}
		}, "cannot create file exclusively: No such file or directory", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Getuid() != 0 {
				t.Skip("SKIPPED: needs root")
			}
			lockDir(t)
			tt.prepare(t)
			l, err := OpenLock("inet", "127.0.0.1:16280")
			if tt.want != "" {
				wantFailure(t, err, "open lock file "+path+": "+tt.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			info, err := os.Stat(path)
			if err != nil || info.Mode() != 0o600 || info.Size() != 0 {
				t.Errorf("%v %v", info, err)
			}
		})
	}
}

// What becomes of a file while it is opened.
func TestCheckOpen(t *testing.T) {
	lockDir(t)
	var files []*os.File
	for _, name := range []string{"one", "two"} {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	fd := int(files[0].Fd())
	for _, tt := range []struct {
		fd         int
		path, want string
	}{
		{fd, "one", ""},
		{fd, "two", "file status changed unexpectedly"},
		{fd, "three", "file status changed unexpectedly: No such file or directory"},
		{-1, "one", "bad open file status: Bad file descriptor"},
	} {
		if got := checkOpen(tt.fd, tt.path); got != tt.want {
			t.Errorf("%d, %s: %q, want %q", tt.fd, tt.path, got, tt.want)
		}
	}
}

// Times come back as they are, the zero time too; less than a note is none.
func TestNote(t *testing.T) {
	lockDir(t)
	lock := openLock(t)
	if _, ok := lock.readNote(); ok {
		t.Error("a note in an empty file")
	}
	now := time.Now()
	for _, want := range []note{{}, {until: now}, {warned: now}, {now, now.Add(time.Nanosecond)}} {
		lock.writeNote(want)
		if n, ok := lock.readNote(); !ok || !n.until.Equal(want.until) || !n.warned.Equal(want.warned) {
			t.Errorf("%v, %v, want %v", n, ok, want)
		}
	}
	if err := lock.file.Truncate(noteSize - 1); err != nil {
		t.Fatal(err)
	}
	if _, ok := lock.readNote(); ok {
		t.Error("half a note is read")
	}
	lock.fd = -1
	if _, ok := lock.readNote(); ok {
		t.Error("a note of no file")
	}
}

// A file that is closed while a goroutine waits for the baton is closed when that has it:
// its descriptor's number is nobody else's until then.
func TestCloseInWait(t *testing.T) {
	lockDir(t)
	one, two := openLock(t), openLock(t)
	if ok, err := one.tryBaton(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	never := func(error) bool { t.Error("called back"); return true }
	for waiters() > 0 { // of tests before this one
		time.Sleep(time.Millisecond)
	}
	two.awaitBaton(never)
	two.awaitBaton(never)
	if n := waiters(); n != 1 {
		t.Errorf("%d goroutines wait", n)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(uintptr(two.fd), unix.F_GETFD, 0); err != nil {
		t.Errorf("closed under the wait: %v", err)
	}
	if err := one.releaseBaton(); err != nil {
		t.Fatal(err)
	}
	for waits := true; waits; runtime.Gosched() { // until it has it
		two.mu.Lock()
		waits = two.wanted
		two.mu.Unlock()
	}
	if ok, err := one.tryBaton(); !ok || err != nil {
		t.Errorf("the closed file keeps the baton: %v, %v", ok, err)
	}
	if err := two.file.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
}

// What is closed when it has the baton, and before it gives that back, leaves alone who
// has its descriptor's number by then.
func TestCloseBeforeGivenBack(t *testing.T) {
	lockDir(t)
	for range 100 {
		if closeBeforeGivenBack(t) {
			return
		}
	}
	t.Error("others take the descriptor's number each time")
}

// closeBeforeGivenBack returns false if another test took the number, which shows nothing.
func closeBeforeGivenBack(t *testing.T) bool {
	one, two := openLock(t), openLock(t)
	defer one.Close()
	if ok, err := one.tryBaton(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	closed, taken := make(chan error), make(chan bool)
	two.awaitBaton(func(error) bool {
		closed <- two.Close()
		<-taken
		return false
	})
	if err := one.releaseBaton(); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	heir := openLock(t)
	defer heir.Close()
	if ok, err := heir.tryBaton(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	close(taken)
	for waiters() > 0 { // it gives back, and ends
		time.Sleep(time.Millisecond)
	}
	if heir.fd != two.fd {
		return false
	}
	if ok, err := one.tryBaton(); ok || err != nil {
		t.Errorf("the baton of another file was given back: %v", err)
	}
	return true
}

// waiters returns how many goroutines wait for a baton, or are about to.
func waiters() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "created by github.com/qmqpd/qmqpd/daemon/master.(*Lock).awaitBaton")
}

func TestBaton(t *testing.T) {
	lockDir(t)
	one, two := openLock(t), openLock(t)
	if ok, err := one.tryBaton(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := two.tryBaton(); ok || err != nil {
		t.Fatal(ok, err)
	}
	got := make(chan error)
	two.awaitBaton(func(err error) bool { got <- err; return true })
	two.forgetBaton()
	two.awaitBaton(func(err error) bool { got <- err; return true })
	if err := one.releaseBaton(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if ok, _ := one.tryBaton(); ok {
		t.Fatal("both have it")
	}
	// A forgotten wait gives it back.
	one.awaitBaton(func(err error) bool { t.Error("forgotten wait called back"); return true })
	one.forgetBaton()
	if err := two.releaseBaton(); err != nil {
		t.Fatal(err)
	}
	for waits := true; waits; runtime.Gosched() { // until it has it
		one.mu.Lock()
		waits = one.wanted
		one.mu.Unlock()
	}
	three := openLock(t)
	three.awaitBaton(func(err error) bool { got <- err; return true })
	select {
	case err := <-got:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("a forgotten wait keeps the baton")
	}
	if err := three.releaseBaton(); err != nil {
		t.Fatal(err)
	}
}

// A lock that cannot be had, or given up, ends the process: it would wait for ever, or
// keep others waiting.
func TestBrokenBaton(t *testing.T) {
	lockDir(t)
	for _, tt := range []struct {
		name string
		do   func(*child)
		want string
	}{
		{"taken", (*child).takeBaton, "select lock: Bad file descriptor"},
		{"granted", func(c *child) { c.waiting = true; c.granted(unix.ENOLCK) }, "select lock: No locks available"},
		{"passed", func(c *child) { c.held = true; c.passBaton() }, "select unlock: Bad file descriptor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lock := openLock(t)
			if err := lock.file.Close(); err != nil {
				t.Fatal(err)
			}
			lock.fd = -1 // its number may soon be somebody else's
			c := &child{Config: Config{Lock: lock}}
			tt.do(c)
			wantFailure(t, c.failure, tt.want)
			if c.held || c.waiting {
				t.Errorf("held %v, waiting %v", c.held, c.waiting)
			}
		})
	}
}

func TestSlots(t *testing.T) {
	lockDir(t)
	one, two := openLock(t), openLock(t)
	take := func(l *Lock, want int) {
		t.Helper()
		got, ok := l.takeSlot(3, false)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("slot %d, want %d", got, want)
		}
	}
	take(one, 0)
	take(two, 1)
	take(one, 2)
	take(one, -1)
	take(two, -1)
	one.releaseSlot(0, false)
	take(two, 0)
	// The baton is another lock.
	if ok, err := one.tryBaton(); !ok || err != nil {
		t.Error(ok, err)
	}
	// A process that dies gives its slots back.
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	take(one, 0)
	take(one, 1)
}

// Slots of others are passed over in ranges, whatever the ranges are.
func TestManySlots(t *testing.T) {
	lockDir(t)
	one, two, three := openLock(t), openLock(t), openLock(t)
	const limit = 300
	for slot := range limit - 3 {
		l := one
		if slot >= 100 && slot < 200 || slot%50 == 7 {
			l = two
		}
		if got, ok := l.takeSlot(limit, false); !ok || got != slot {
			t.Fatalf("slot %d, %v, want %d", got, ok, slot)
		}
	}
	for slot, want := range map[int]int{110: 200, limit - 2: limit - 1} { // by others, by nobody
		if got := three.heldUntil(slot); got != want {
			t.Errorf("%d is held until %d, want %d", slot, got, want)
		}
	}
	end := unix.Flock_t{Type: unix.F_WRLCK, Whence: unix.SEEK_SET, Start: 2 * limit}
	if err := unix.FcntlFlock(uintptr(one.fd), unix.F_OFD_SETLK, &end); err != nil {
		t.Fatal(err)
	}
	if got := three.heldUntil(3 * limit); got != 3*limit+1 {
		t.Errorf("what is held without end is held until %d", got)
	}
	for want := limit - 3; want < limit; want++ {
		if got, ok := three.takeSlot(limit, false); !ok || got != want {
			t.Errorf("slot %d, %v, want %d", got, ok, want)
		}
	}
	if got, ok := three.takeSlot(limit, false); ok {
		t.Errorf("slot %d", got)
	}
	two.releaseSlot(150, false)
	one.releaseSlot(9, false)
	for _, want := range []int{9, 150} {
		if got, ok := three.takeSlot(limit, false); !ok || got != want {
			t.Errorf("slot %d, %v, want %d", got, ok, want)
		}
	}
}

// The lock is the one that the original takes: flock, not fcntl.
func TestBatonIsFlock(t *testing.T) {
	lockDir(t)
	l := openLock(t)
	fd, err := unix.Open(filepath.Join("pid", "inet.127.0.0.1:16280"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.tryBaton(); ok || err != nil {
		t.Error(ok, err)
	}
	if _, ok := l.takeSlot(1, false); !ok {
		t.Error("no slot")
	}
}

// A process that has all sessions locks slots in advance and keeps those that
// it has used, until another one may need them.
func TestSpareSlots(t *testing.T) {
	lockDir(t)
	one, two := openLock(t), openLock(t)
	const limit = 20
	take := func(l *Lock, greedy bool, want int) {
		t.Helper()
		if got, ok := l.takeSlot(limit, greedy); ok != (want >= 0) || ok && got != want {
			t.Fatalf("%d %v, want %d", got, ok, want)
		}
	}
	take(one, true, 0)
	take(two, false, 16) // one has a block of them
	take(one, true, 1)
	one.releaseSlot(0, true)
	take(one, true, 0) // the lowest spare one
	one.releaseSpare()
	take(two, false, 2)
	for want := range 14 {
		take(one, true, want+3+boolInt(want >= 13))
	}
	take(one, true, 18) // not the last one while there are others
	take(one, true, 19)
	take(one, true, -1)
	one.releaseSlot(19, true)
	two.releaseSlot(2, false)
	take(one, true, 2)  // a lower one than the spare
	take(one, true, 19) // none is left
	take(two, false, -1)
	one.releaseSlot(0, false)
	take(two, false, 0)
	// What is beyond one's limit is left to processes that have a higher one.
	if got, ok := openLock(t).takeSlot(limit+1, false); !ok || got != limit {
		t.Errorf("slot %d %v under a higher limit", got, ok)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
