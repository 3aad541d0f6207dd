package poll

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// moment is time enough for something that happens at once, and a limit that ends soon.
const moment = 5 * time.Millisecond

func TestNothingToRead(t *testing.T) {
	a, _ := pair(t, newPoller(t))
	if n, err := a.Read(nil); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err) // at once, and no end of file
	}
}

// A limit ends a wait that has a deadline, too.
func TestLimitBeforeDeadline(t *testing.T) {
	a, _ := pair(t, newPoller(t))
	a.SetDeadline(time.Now().Add(time.Hour))
	if _, err := a.ReadWithin(make([]byte, 1), moment); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// A wait costs no turn of the processor until something happens.
func TestWaitsWithoutSpinning(t *testing.T) {
	a, b := pair(t, newPoller(t))
	raw, err := a.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(4 * moment)
		b.Write([]byte("x"))
	}()
	looks := 0
	err = raw.Read(func(fd uintptr) bool {
		looks++
		n, _ := Read(int(fd), make([]byte, 1))
		return n == 1
	})
	if err != nil || looks > 3 {
		t.Errorf("%d looks, %v", looks, err)
	}
}

// Raw access has the deadlines and the end of the connection.
func TestRawAccessEnds(t *testing.T) {
	a, _ := pair(t, newPoller(t))
	raw, err := a.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	never := func(uintptr) bool { return false }
	a.SetDeadline(time.Now().Add(moment))
	for range 2 { // in the wait, and before it
		if err := errors.Join(raw.Read(never), raw.Write(never)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	}
	a.SetDeadline(time.Time{})
	go func() {
		time.Sleep(moment)
		a.Close()
	}()
	for range 2 {
		if err := raw.Write(func(uintptr) bool { return false }); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

// Whoever is about to wait when the connection is closed, or waits, hears of it,
// whether there is something to move or not.
func TestWaitOfTheClosed(t *testing.T) {
	for _, event := range []uint32{unix.EPOLLIN, unix.EPOLLOUT} {
		a, _ := pair(t, newPoller(t))
		d := &a.in
		if event == unix.EPOLLOUT {
			d = &a.out
			for err := error(nil); err == nil; { // until the socket is full
				_, err = a.WriteWithin(make([]byte, 1<<16), moment)
			}
		}
		if err := a.enter(); err != nil {
			t.Fatal(err)
		}
		result := make(chan error, 1)
		go func() { result <- a.wait(d, event, 0) }()
		time.Sleep(moment)
		a.Close()
		if err := <-result; !errors.Is(err, net.ErrClosed) {
			t.Errorf("in the wait: %v", err)
		}
		if err := a.wait(d, event, 0); !errors.Is(err, net.ErrClosed) {
			t.Errorf("before the wait: %v", err)
		}
		a.leave()
	}
}

// A call that comes too late leaves the descriptor to those that are under way, and to
// whom has its number next.
func TestUseOfTheClosed(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p)
	a.SetReadDeadline(time.Now().Add(-time.Hour))
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if err := errors.Join(a.enter(), a.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"both": a.SetDeadline(time.Time{}), "read": a.SetReadDeadline(time.Time{}), "write": a.SetWriteDeadline(time.Time{}),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("deadline, %s: %v", what, err)
		}
	}
	a.leave()
	if _, err := b.ReadWithin(make([]byte, 1), time.Minute); err != io.EOF {
		t.Errorf("it is open still: %v", err)
	}
	c, d := pair(t, p)
	if c.fd != a.fd && d.fd != a.fd {
		t.Skip("another test has taken the number")
	}
	if n, err := a.WriteLast([]byte("x"), moment); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d, %v", n, err)
	}
	if l, r := a.LocalAddr(), a.RemoteAddr(); l != nil || r != nil {
		t.Errorf("it has the addresses %v and %v", l, r)
	}
	for _, c := range []*Conn{c, d} {
		if n, err := c.ReadWithin(make([]byte, 1), moment); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("heard %d bytes, %v", n, err)
		}
	}
}

func TestCloseFails(t *testing.T) {
	p := newPoller(t)
	if err := p.NewConn(1 << 30).Close(); !errors.Is(err, unix.EBADF) {
		t.Error(err)
	}
}

// What can be read wakes no writer, and the other way round; the end wakes both.
func TestWhomEventsWake(t *testing.T) {
	a, _ := pair(t, newPoller(t))
	a.in.wake, a.out.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	for _, c := range []struct {
		events  uint32
		in, out int
	}{{unix.EPOLLIN, 1, 0}, {unix.EPOLLOUT, 0, 1}, {unix.EPOLLIN | unix.EPOLLOUT, 1, 1}, {unix.EPOLLERR, 1, 1}, {unix.EPOLLHUP, 1, 1}} {
		a.tell(c.events)
		if len(a.in.wake) != c.in || len(a.out.wake) != c.out {
			t.Errorf("events %#x: %d readers, %d writers", c.events, len(a.in.wake), len(a.out.wake))
		}
		for range c.in {
			<-a.in.wake
		}
		for range c.out {
			<-a.out.wake
		}
	}
}

// A new deadline is for whoever waits. Nobody else looks once more for it.
func TestWhomDeadlinesWake(t *testing.T) {
	a, _ := pair(t, newPoller(t))
	if _, err := a.ReadWithin(make([]byte, 1), moment); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := a.SetDeadline(time.Now().Add(time.Hour)); err != nil || len(a.in.wake) != 0 {
		t.Errorf("%d woken up, %v", len(a.in.wake), err)
	}
}

func TestAddresses(t *testing.T) {
	p := newPoller(t)
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			if host == "::1" {
				continue // there is no IPv6
			}
			t.Fatal(err)
		}
		defer l.Close()
		peer, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		f, err := accepted.(*net.TCPConn).File()
		accepted.Close()
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		c := p.NewConn(fd)
		local, remote := c.LocalAddr(), c.RemoteAddr()
		if local.Network() != "tcp" || local.String() != peer.RemoteAddr().String() || remote.String() != peer.LocalAddr().String() {
			t.Errorf("%v, %v", local, remote)
		}
		c.Close()
		peer.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after Close: %v", err) // whoever asks for an address gives the descriptor back
		}
	}
	for _, c := range []struct {
		sa   unix.Sockaddr
		err  error
		want net.Addr
	}{
		{&unix.SockaddrUnix{Name: "/a"}, nil, &net.UnixAddr{Net: "unix", Name: "/a"}},
		{&unix.SockaddrUnix{Name: "/a"}, unix.ENOTCONN, nil},
		{&unix.SockaddrNetlink{}, nil, nil},
	} {
		if got := Addr(c.sa, c.err); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v, %v: %#v", c.sa, c.err, got)
		}
	}
}

// A descriptor that cannot be watched is an error for whoever waits, and nothing of
// it stays.
func TestUnwatchable(t *testing.T) {
	p := newPoller(t)
	fd, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := p.NewConn(fd)
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Read(func(uintptr) bool { return false }); !errors.Is(err, unix.EPERM) {
		t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns[fd] != nil {
		t.Error("it is remembered")
	}
}

// A connection gives way when it has moved so much in a row, in few calls or in many,
// and begins anew then, as it does after a wait.
func TestTurn(t *testing.T) {
	p := newPoller(t)
	zero, err := unix.Open("/dev/zero", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := p.NewConn(zero)
	defer c.Close()
	for _, size := range []int{1, leastMoved, 64 << 10, fairness / 2} {
		buf := make([]byte, size)
		given, moved, last := 0, 0, c.in.moved
		for moved < 4*fairness {
			n, err := c.Read(buf) // or less: any signal cuts it short
			if err != nil {
				t.Fatal(err)
			}
			moved += max(n, leastMoved)
			if c.in.moved <= last {
				given++
			}
			last = c.in.moved
		}
		if turns := moved / fairness; given < turns-1 || given > turns+1 {
			t.Errorf("%d bytes at a time: gave way %d times in %d turns", size, given, turns)
		}
	}
	a, _ := pair(t, p)
	a.in.moved = fairness / 2
	if _, err := a.ReadWithin(make([]byte, 1), moment); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if a.in.moved != 0 {
		t.Errorf("%d bytes count after a wait", a.in.moved)
	}
}

// A poller that has ended watches no more; what has been watched keeps its deadlines.
func TestDeadlinesOutliveThePoller(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	a, _ := pair(t, p)
	for _, what := range []string{"before", "after"} {
		if _, err := a.ReadWithin(make([]byte, 1), moment); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
		if what == "before" {
			p.Close()
		}
	}
}

// sockets returns those that are open. A poller's descriptor may be closed some time
// after the test that it was for.
func sockets(t *testing.T) (open []string) {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if what, err := os.Readlink("/proc/self/fd/" + name.Name()); err == nil && strings.HasPrefix(what, "socket:") {
			open = append(open, what)
		}
	}
	return open
}

// A connection that fails to come about leaves no descriptor open.
func TestFailedDialLeavesNothing(t *testing.T) {
	p := newPoller(t)
	t.Chdir(t.TempDir())
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(l)
	if err := errors.Join(unix.Bind(l, &unix.SockaddrUnix{Name: "full"}), unix.Listen(l, 0)); err != nil {
		t.Fatal(err)
	}
	first, err := p.DialUnix(t.Context(), "full")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	before := sockets(t)
	short, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	for path, want := range map[string]error{"none": unix.ENOENT, "full": context.DeadlineExceeded} {
		if _, err := p.DialUnix(short, path); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, socket := range sockets(t) {
		if !slices.Contains(before, socket) {
			t.Errorf("%s is left open", socket)
		}
	}
}

func TestNoDescriptors(t *testing.T) {
	p := newPoller(t)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	_, newErr := New()
	_, dialErr := p.DialUnix(t.Context(), "none")
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if newErr != unix.EMFILE || dialErr != unix.EMFILE {
		t.Errorf("%v, %v", newErr, dialErr)
	}
}

// A poller ends even if nobody has seen to what it told last.
func TestCloseBeforeSeen(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	unix.Close(ends[1])
	if err := p.Watch(ends[0]); err != nil {
		t.Fatal(err)
	}
	if fds := <-p.Ready(); len(fds) != 1 {
		t.Errorf("ready: %v", fds)
	}
	p.Close()
	select {
	case _, open := <-p.Ready():
		if open || p.Err() != nil {
			t.Errorf("not ended: %v", p.Err())
		}
	case <-time.After(time.Minute):
		t.Fatal("not ended")
	}
}

// Why a poller has ended is told. No epoll instance fails, so another file stands for
// one.
func TestPollerFails(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p := &Poller{set: r, done: make(chan struct{}), ready: make(chan []int, 1), again: make(chan struct{}, 1)}
	if p.raw, err = r.SyscallConn(); err != nil {
		t.Fatal(err)
	}
	go p.look()
	if _, open := <-p.Ready(); open || p.Err() != unix.EINVAL {
		t.Errorf("open %v, %v", open, p.Err())
	}
	p.Close()
}
