package poll

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	// TestFreeze leaves one behind, by design.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/qmqpd/qmqpd/daemon/poll.TestFreeze.func1"))
}

func newPoller(t *testing.T) *Poller {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// pair returns two connected ends.
func pair(t *testing.T, p *Poller) (a, b *Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = p.NewConn(fds[0]), p.NewConn(fds[1])
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestTransfer(t *testing.T) {
	p := newPoller(t)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			a, b := pair(t, p)
			big := bytes.Repeat([]byte("0123456789"), 100_000)
			go func() {
				if n, err := a.Write(big); n != len(big) || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
				a.Close()
			}()
			if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, big) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wait.Wait()
}

// Both ends speak in turn, and wait for each other each time.
func TestConversation(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p)
	const rounds = 1000
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1)
		for range rounds {
			if _, err := b.Read(buf); err != nil {
				t.Error(err)
				return
			}
			if _, err := b.Write(buf); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	buf := make([]byte, 1)
	for i := range rounds {
		if _, err := a.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(buf); err != nil || buf[0] != byte(i) {
			t.Fatal(i, buf[0], err)
		}
	}
	<-done
}

func TestDeadlines(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p)
	buf := make([]byte, 1<<20)
	const soon = 5 * time.Millisecond
	expired := func(what string, n int, err error) {
		t.Helper()
		if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	n, err := a.ReadWithin(buf, soon)
	expired("limit", n, err)
	a.SetReadDeadline(time.Now().Add(soon))
	n, err = a.Read(buf)
	expired("deadline", n, err)
	if _, err := b.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	n, err = a.Read(buf)
	expired("deadline in the past, with data", n, err)
	if n, err := a.ReadWithin(buf, time.Hour); n != 1 || err != nil {
		t.Errorf("a limit goes before a deadline: %d, %v", n, err)
	}
	a.SetDeadline(time.Time{})
	// A new deadline counts for a read under way.
	go func() {
		time.Sleep(soon)
		a.SetDeadline(time.Now())
	}()
	n, err = a.Read(buf)
	expired("deadline set meanwhile", n, err)
	a.SetDeadline(time.Time{})
	for err = nil; err == nil; _, err = a.WriteWithin(buf, soon) {
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
}

func TestClose(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p)
	failed := make(chan error)
	read := func(c *Conn) { _, err := c.Read(make([]byte, 1)); failed <- err }
	for _, what := range []string{"before the wait", "in the wait"} {
		go read(a)
		if what == "in the wait" {
			time.Sleep(5 * time.Millisecond)
		}
		a.Close()
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
		go read(b)
		if err := <-failed; err != io.EOF {
			t.Errorf("other end: %v", err)
		}
		a, b = pair(t, p)
	}
	a.Close()
	if err := a.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if err := a.SetReadDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("deadline: %v", err)
	}
	if a.LocalAddr() != nil {
		t.Error("a closed connection has an address")
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("write to nobody: %v", err)
	}
}

// What a descriptor's number is used for next must not be closed or woken up by
// its former owner.
func TestDescriptorsAreUsedAgain(t *testing.T) {
	p := newPoller(t)
	for range 200 {
		a, b := pair(t, p)
		go func() {
			b.Write([]byte("x"))
			b.Close()
		}()
		if got, err := io.ReadAll(a); string(got) != "x" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		a.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for fd, c := range p.conns {
		if c != nil && c.closed {
			t.Errorf("descriptor %d is remembered", fd)
		}
	}
}

func TestFreeze(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p)
	returned := make(chan struct{})
	a.Freeze()
	go func() {
		a.Read(make([]byte, 1))
		close(returned)
	}()
	b.Write([]byte("x"))
	select {
	case <-returned:
		t.Error("a read returned")
	case <-time.After(20 * time.Millisecond):
	}
}

func TestDialUnix(t *testing.T) {
	p := newPoller(t)
	t.Chdir(t.TempDir())
	if _, err := p.DialUnix(t.Context(), "none"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := p.DialUnix(t.Context(), string(bytes.Repeat([]byte("x"), 108))); !errors.Is(err, unix.EINVAL) {
		t.Errorf("long name: %v", err)
	}
	path := filepath.Join(".", "socket")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.DialUnix(t.Context(), path); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	first, err := p.DialUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if a, ok := first.RemoteAddr().(*net.UnixAddr); !ok || a.Name != "socket" {
		t.Errorf("connected to %v", first.RemoteAddr())
	}
	// The queue is full now.
	short, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := p.DialUnix(short, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("full: %v", err)
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		if peer, _, err := unix.Accept(fd); err == nil {
			unix.Close(peer)
		}
	}()
	second, err := p.DialUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// A descriptor is closed with the last call that uses it, and not before: raw access
// counts as well.
func TestClosedWithTheLastUser(t *testing.T) {
	a, b := pair(t, newPoller(t))
	raw, err := a.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if err := raw.Control(func(f uintptr) { fd = int(f) }); err != nil || fd != a.fd {
		t.Errorf("descriptor %d, %v", fd, err)
	}
	err = raw.Write(func(f uintptr) bool {
		_, err := unix.Write(int(f), []byte("x"))
		return err == nil
	})
	if err != nil {
		t.Error(err)
	}
	if n, err := b.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := errors.Join(a.enter(), a.enter(), a.Close()); err != nil {
		t.Fatal(err)
	}
	for left := 2; left > 0; left-- {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			t.Errorf("with %d users: %v", left, err)
		}
		a.leave()
	}
	_ = b.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
	if err := raw.Control(func(uintptr) {}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("raw access after that: %v", err)
	}
}

func TestWatch(t *testing.T) {
	p := newPoller(t)
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	if err := p.Watch(ends[0]); err != nil {
		t.Fatal(err)
	}
	unix.Write(ends[1], []byte("x"))
	for range 2 { // as long as nobody reads
		if fds := <-p.Ready(); len(fds) != 1 || fds[0] != ends[0] {
			t.Errorf("ready: %v", fds)
		}
		p.Seen()
	}
	<-p.Ready()
	if err := p.Unwatch(ends[0]); err != nil {
		t.Error(err)
	}
	p.Seen()
	unix.Close(ends[1])
	select {
	case fds := <-p.Ready():
		t.Errorf("ready: %v", fds)
	case <-time.After(5 * time.Millisecond):
	}
}

func TestClosedPoller(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	a, _ := pair(t, p)
	p.Close()
	if _, open := <-p.Ready(); open || p.Err() != nil {
		t.Errorf("not ended: %v", p.Err())
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("waited: %v", err)
	}
}

func TestNoAllocation(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p)
	buf := make([]byte, 1)
	if n := testing.AllocsPerRun(100, func() {
		b.Write(buf)
		if _, err := a.ReadWithin(buf, time.Hour); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a write and a read", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := a.ReadWithin(buf, time.Microsecond); err != os.ErrDeadlineExceeded {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a wait", n)
	}
}

// A connection that never waits must not keep others waiting, even if there is
// one processor for all. The runtime's monitor thread would help, but sleeps: it
// did when the process was woken up, and nothing that follows tells the
// scheduler of a system call. So another process has to speak.
func TestGivesWay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := newPoller(t)
	first, firstEnd := pair(t, p)
	second, secondEnd := pair(t, p)
	zero, err := unix.Open("/dev/zero", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	busy := p.NewConn(zero)
	defer busy.Close()
	speaker := exec.Command("/bin/sh", "-c", "sleep 0.3; printf x >&3; sleep 0.1; printf y >&4")
	for _, end := range []*Conn{firstEnd, secondEnd} {
		fd, err := unix.FcntlInt(uintptr(end.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "end")
		defer f.Close()
		speaker.ExtraFiles = append(speaker.ExtraFiles, f)
	}
	if err := speaker.Start(); err != nil {
		t.Fatal(err)
	}
	defer speaker.Wait()
	var answered atomic.Bool
	go func() {
		if _, err := second.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		answered.Store(true)
	}()
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 512)
	for end := time.Now().Add(5 * time.Second); !answered.Load(); {
		if _, err := busy.Read(buf); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatal("the other one had no turn in five seconds")
		}
	}
}

// An event of a connection that is closed meanwhile is nobody's. A process
// that has just been forked holds its socket for a moment, as dup does here.
func TestLateEvent(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p)
	if _, err := a.ReadWithin(make([]byte, 1), time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err) // it is registered now
	}
	held, err := unix.FcntlInt(uintptr(a.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(held)
	a.Close()
	b.Write([]byte("late"))
	select {
	case fds := <-p.Ready():
		t.Fatalf("ready: %v", fds)
	case <-time.After(20 * time.Millisecond):
	}
	c, d := pair(t, p)
	go d.Write([]byte("x"))
	if _, err := c.ReadWithin(make([]byte, 1), 20*time.Second); err != nil {
		t.Error(err)
	}
}
