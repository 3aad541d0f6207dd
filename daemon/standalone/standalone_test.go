package standalone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server on a loopback port and returns how to dial and to end it.
func start(t *testing.T, s *Server) (dial func() net.Conn, end func() error) {
	t.Helper()
	ls, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Poller, err = poll.New(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		err := s.Serve(ctx, ls)
		s.Poller.Close()
		result <- err
	}()
	return func() net.Conn {
			conn, err := net.Dial("tcp", ls[0].Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			return conn
		}, func() error {
			cancel()
			return <-result
		}
}

func echo(_ context.Context, conn net.Conn, _ time.Time) error {
	_, err := io.Copy(conn, conn)
	return err
}

func roundTrip(t *testing.T, conn net.Conn) {
	t.Helper()
	b := make([]byte, 2)
	if _, err := conn.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "hi" {
		t.Fatalf("got %q, %v", b, err)
	}
}

func TestSessionsRunAtOnceAndFinish(t *testing.T) {
	dial, end := start(t, &Server{Handle: echo, MaxSessions: 10, Grace: time.Hour})
	a, b := dial(), dial()
	roundTrip(t, a)
	roundTrip(t, b)
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	// Both sessions go on until their clients leave.
	roundTrip(t, a)
	roundTrip(t, b)
	a.Close()
	roundTrip(t, b)
	b.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestGraceCutsSessions(t *testing.T) {
	cause := make(chan error, 1)
	dial, end := start(t, &Server{MaxSessions: 10, Grace: time.Millisecond,
		Handle: func(ctx context.Context, conn net.Conn, accepted time.Time) error {
			err := echo(ctx, conn, accepted)
			cause <- ctx.Err()
			return err
		}})
	conn := dial()
	roundTrip(t, conn)
	if err := end(); err != nil {
		t.Error(err)
	}
	if err := <-cause; !errors.Is(err, context.Canceled) {
		t.Errorf("the context's error is %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("session survived")
	}
}

// A session that takes too long ends, and the log says why.
func TestMaxTime(t *testing.T) {
	var text strings.Builder
	log := maillog.New(time.Now)
	log.AddFull(&text)
	dial, end := start(t, &Server{MaxSessions: 10, Grace: time.Hour, MaxTime: 10 * time.Millisecond, Log: log,
		Handle: func(ctx context.Context, conn net.Conn, accepted time.Time) error {
			<-ctx.Done() // what does not look at the connection ends, too
			return echo(ctx, conn, accepted)
		}})
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("session survived")
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	log.Flush(time.Second)
	log.End()
	if want := "warning: watchdog timeout: a session takes longer than 10ms\n"; strings.Count(text.String(), want) != 1 {
		t.Errorf("want %q in the log:\n%s", want, text.String())
	}
}

// The log names a client where there is something to name it by.
func TestOf(t *testing.T) {
	for addr, want := range map[net.Addr]string{nil: "", &net.UnixAddr{Net: "unix"}: ""} {
		if got := of(addr); got != want {
			t.Errorf("%v: %q", addr, got)
		}
	}
}

// sockets returns a client and the descriptor of its connection.
func sockets(t *testing.T) (client net.Conn, server int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "client")
	defer f.Close()
	client, err = net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, fds[1]
}

// What is cut short is waited for, also beside goroutines that wait for a client; what
// comes too late is not begun; and then nothing is left of them.
func TestCutIsWaitedFor(t *testing.T) {
	poller, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	var begun, over atomic.Int64
	ctx, cut := context.WithCancel(t.Context())
	r := newSessions(&Server{Poller: poller, MaxSessions: 10,
		Handle: func(ctx context.Context, conn net.Conn, accepted time.Time) error {
			begun.Add(1)
			_ = echo(ctx, conn, accepted)
			if ctx.Err() != nil {
				time.Sleep(20 * time.Millisecond)
				over.Add(1)
			}
			return nil
		}}, ctx)
	known := func() (running, workers int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.running, len(r.workers)
	}
	var clients [3]net.Conn
	for i := range clients {
		var fd int
		clients[i], fd = sockets(t)
		r.begin(fd)
		roundTrip(t, clients[i])
	}
	clients[2].Close()
	for running := 3; running > 2; running, _ = known() {
		time.Sleep(time.Millisecond)
	}
	late, fd := sockets(t)
	r.finish(time.Millisecond, func() {
		cut()
		r.begin(fd)
	})
	if begun.Load() != 3 || over.Load() != 2 {
		t.Errorf("%d sessions began, and %d of 2 are over", begun.Load(), over.Load())
	}
	if n, err := late.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("too late: %d, %v", n, err)
	}
	end := time.Now().Add(20 * time.Second)
	for _, workers := known(); workers > 0; _, workers = known() {
		time.Sleep(time.Millisecond)
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are known", workers)
		}
	}
}

// What a session ends with is told, and whose it was, and ends no other.
func TestSessionFails(t *testing.T) {
	var mu sync.Mutex
	var lines bytes.Buffer
	log := maillog.New(time.Now)
	log.AddPlain(lockedWriter{&mu, &lines}, "t")
	dial, end := start(t, &Server{MaxSessions: 10, Grace: time.Hour, Log: log,
		Handle: func(ctx context.Context, conn net.Conn, at time.Time) error {
			if err := echo(ctx, conn, at); err != nil {
				return err
			}
			return errors.New("what it says")
		}})
	one, two := dial(), dial()
	var want strings.Builder
	for _, conn := range []net.Conn{one, two} {
		fmt.Fprintf(&want, "t: error: session of %v: what it says\n", conn.LocalAddr())
	}
	text := func() string {
		mu.Lock()
		defer mu.Unlock()
		return lines.String()
	}
	roundTrip(t, one)
	roundTrip(t, two)
	one.Close()
	for text() == "" { // the other session may be faster
		time.Sleep(time.Millisecond)
	}
	roundTrip(t, two)
	two.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
	if got := text(); got != want.String() {
		t.Errorf("log %q, want %q", got, want.String())
	}
}

func TestMaxSessions(t *testing.T) {
	dial, end := start(t, &Server{Handle: echo, MaxSessions: 1, Grace: time.Hour})
	first, second := dial(), dial()
	roundTrip(t, first)
	if _, err := second.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	first.Close()
	b := make([]byte, 2)
	if _, err := io.ReadFull(second, b); err != nil {
		t.Fatal(err)
	}
	second.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
}

// Clients that come when there is no room are served one after the other, and a
// flood of them at once as well. There are never more than MaxSessions.
func TestManyMoreClientsThanRoom(t *testing.T) {
	const room, flood = 3, 100
	var running, excess atomic.Int64
	dial, end := start(t, &Server{MaxSessions: room, Grace: time.Hour,
		Handle: func(ctx context.Context, conn net.Conn, accepted time.Time) error {
			if running.Add(1) > room {
				excess.Add(1)
			}
			defer running.Add(-1)
			return echo(ctx, conn, accepted)
		}})
	// None is over before all have come.
	var conns [flood]net.Conn
	for i := range conns {
		conns[i] = dial()
	}
	var wait sync.WaitGroup
	for _, conn := range conns {
		wait.Go(func() {
			roundTrip(t, conn)
			conn.Close()
		})
	}
	wait.Wait()
	if err := end(); err != nil {
		t.Error(err)
	}
	if n := excess.Load(); n > 0 {
		t.Errorf("%d sessions began when there was no room", n)
	}
}

// Nobody listens any more when Serve has returned.
func TestListenersEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	ls, err := Listen(t.Context(), "tcp", []string{"unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	ls[0] = ls[0].(*unixListener).UnixListener // which leaves the socket
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&Server{Handle: echo, MaxSessions: 1}).Serve(ctx, ls); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("unix", path); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("dial: %v, %v", conn, err)
	}
}

// All listeners get their share of the room.
func TestFairListeners(t *testing.T) {
	ls, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	poller, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	s := &Server{Handle: echo, Poller: poller, MaxSessions: 2, Grace: time.Hour}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- s.Serve(ctx, ls) }()
	// More clients than room on each, until each listener has served a few.
	var wait sync.WaitGroup
	var served [3]atomic.Int64
	enough := func() bool {
		return min(served[0].Load(), served[1].Load(), served[2].Load()) >= 20
	}
	late := time.Now().Add(20 * time.Second)
	for i, l := range ls {
		for range 5 {
			wait.Go(func() {
				for !enough() && time.Now().Before(late) {
					conn, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					roundTrip(t, conn)
					conn.Close()
					served[i].Add(1)
				}
			})
		}
	}
	wait.Wait()
	counts := []int64{served[0].Load(), served[1].Load(), served[2].Load()}
	if least, most := slices.Min(counts), slices.Max(counts); most > 5*least {
		t.Errorf("served by listener: %v", counts)
	}
	cancel()
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// Without descriptors the server waits, says so, and then goes on.
func TestNoDescriptors(t *testing.T) {
	alone(t)
	var mu sync.Mutex
	var lines bytes.Buffer
	log := maillog.New(time.Now)
	log.AddPlain(lockedWriter{&mu, &lines}, "t")
	dial, end := start(t, &Server{Handle: echo, MaxSessions: 10, Grace: time.Hour, Log: log})
	conn := dial()
	roundTrip(t, conn)
	// The client's end takes the last one.
	late, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(late)
	restore := sync.OnceFunc(leave(t, 0))
	defer restore()
	port := conn.RemoteAddr().(*net.TCPAddr).Port
	if err := unix.Connect(late, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(late, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	text := func() string {
		mu.Lock()
		defer mu.Unlock()
		return lines.String()
	}
	for !strings.Contains(text(), "t: error: accept connection: Too many open files\n") {
		time.Sleep(time.Millisecond)
	}
	restore()
	var b [2]byte
	if n, err := unix.Read(late, b[:]); n != 2 || err != nil || string(b[:]) != "hi" {
		t.Errorf("%q, %v", b[:n], err)
	}
	unix.Close(late)
	conn.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
}

// An error of accept(2) that lasts, as a filter of system calls gives, is met again
// after a pause, and told once until a client was accepted; clients are served once it
// is over.
func TestAcceptForbidden(t *testing.T) {
	var left atomic.Int64 // of the failures
	var log bytes.Buffer
	var mu sync.Mutex
	logger := maillog.New(time.Now)
	logger.AddPlain(lockedWriter{&mu, &log}, "t")
	const refused = 4 // in a row
	dial, end := start(t, &Server{Handle: echo, MaxSessions: 10, Grace: time.Hour, Log: logger,
		accept: func(listener int) (int, syscall.Errno) {
			if left.Add(-1) >= 0 {
				return -1, unix.EPERM
			}
			return accept4(listener)
		}})
	for clients := 1; clients <= 2; clients++ {
		left.Store(refused)
		began, busy := time.Now(), processorTime(t)
		conn := dial()
		roundTrip(t, conn)
		if took := time.Since(began); took < refused*troublePause {
			t.Errorf("accepted after %v: no pause of %v each time", took, troublePause)
		}
		if busy = processorTime(t) - busy; busy > refused*troublePause/10 {
			t.Errorf("the pauses took %v of the processor", busy)
		}
		conn.Close()
		mu.Lock()
		if n := strings.Count(log.String(), "accept connection: Operation not permitted"); n != clients {
			t.Errorf("told %d times with %d clients:\n%s", n, clients, &log)
		}
		mu.Unlock()
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// An error that concerns one client, but lasts, does not keep the server from
// ending.
func TestAcceptGone(t *testing.T) {
	var mu sync.Mutex
	var lines bytes.Buffer
	log := maillog.New(time.Now)
	log.AddPlain(lockedWriter{&mu, &lines}, "t")
	tried := make(chan struct{})
	dial, end := start(t, &Server{Handle: echo, MaxSessions: 10, Grace: time.Hour, Log: log,
		accept: func(int) (int, syscall.Errno) {
			select {
			case tried <- struct{}{}:
			default:
			}
			return -1, unix.ENETDOWN
		}})
	dial()
	<-tried
	<-tried
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the server does not end")
	}
	mu.Lock()
	defer mu.Unlock()
	if lines.Len() > 0 {
		t.Errorf("told: %s", &lines)
	}
}

// Clients that never stop coming on one listener, and are served as fast, keep neither
// those of another waiting nor the server from ending.
func TestEndlessClients(t *testing.T) {
	ls, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0", "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	var flooded atomic.Int64 // the listener, once one has been asked
	other := make(chan struct{})
	var once sync.Once
	ctx, cancel := context.WithCancel(t.Context())
	s := &Server{MaxSessions: 1 << 30, Grace: time.Hour,
		Handle: func(context.Context, net.Conn, time.Time) error { return nil },
		accept: func(listener int) (int, syscall.Errno) {
			if !flooded.CompareAndSwap(0, int64(listener)) && flooded.Load() != int64(listener) {
				once.Do(func() { close(other) })
			}
			// As if the server kept up with them.
			runtime.Gosched()
			fd, err := unix.FcntlInt(uintptr(listener), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				return -1, err.(syscall.Errno)
			}
			return fd, 0
		}}
	if s.Poller, err = poll.New(); err != nil {
		t.Fatal(err)
	}
	defer s.Poller.Close()
	for _, l := range ls {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ls) }()
	select {
	case <-other:
	case <-time.After(20 * time.Second):
		t.Fatal("one listener has all turns")
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not end")
	}
}

// An error that means that the listener is broken ends the server.
func TestAcceptBroken(t *testing.T) {
	ls, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Handle: echo, MaxSessions: 10, Grace: time.Hour,
		accept: func(int) (int, syscall.Errno) { return -1, unix.EBADF }}
	if s.Poller, err = poll.New(); err != nil {
		t.Fatal(err)
	}
	defer s.Poller.Close()
	conn, err := net.Dial("tcp", ls[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := s.Serve(t.Context(), ls); !errors.Is(err, unix.EBADF) || err.Error() != "accept connection: bad file descriptor" {
		t.Errorf("got %v", err)
	}
}

func TestPanicStaysInItsSession(t *testing.T) {
	var mu sync.Mutex
	var lines bytes.Buffer
	log := maillog.New(time.Now)
	log.AddPlain(lockedWriter{&mu, &lines}, "t")
	dial, end := start(t, &Server{MaxSessions: 10, Grace: time.Hour, Log: log,
		Handle: func(ctx context.Context, conn net.Conn, at time.Time) error {
			b := make([]byte, 1)
			if _, err := conn.Read(b); err == nil && b[0] == '!' {
				panic("boo")
			}
			return echo(ctx, conn, at)
		}})
	bad, good := dial(), dial()
	if _, err := good.Write([]byte(".")); err != nil {
		t.Fatal(err)
	}
	if _, err := bad.Write([]byte("!")); err != nil {
		t.Fatal(err)
	}
	if _, err := bad.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v", err)
	}
	roundTrip(t, good)
	good.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	got := lines.String()
	if !strings.HasPrefix(got, "t: panic: session of "+bad.LocalAddr().String()+": boo: standalone.TestPanicStaysInItsSession.") ||
		!strings.Contains(got, " (standalone_test.go:") || strings.Count(got, "\n") != 1 {
		t.Errorf("log %q", got)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

// processorTime is what the process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// alone waits until nothing of the tests before this one goes on. A poller's descriptor
// is closed with its goroutine, after Close has returned: it must neither count nor give
// its number to others meanwhile.
func alone(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		err := goleak.Find()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// descriptors returns how many are open.
func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// leave lets the process open only so many descriptors more, until the function returned
// is called.
func leave(t *testing.T, more int) (restore func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	var next int // the number of the first that is one too many
	for range more + 1 {
		fd, err := unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		next = fd
	}
	set := func(r unix.Rlimit) {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
			t.Fatal(err)
		}
	}
	set(unix.Rlimit{Cur: uint64(next), Max: old.Max})
	return func() { set(old) }
}

// A start that fails is told, closes the listeners, and leaves nothing else open.
func TestStartFails(t *testing.T) {
	alone(t)
	check := func(what string, want error, spoil func([]net.Listener) (restore func())) {
		t.Helper()
		before := descriptors(t)
		ls, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0", "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		restore := spoil(ls)
		err = (&Server{Handle: echo, MaxSessions: 1}).Serve(t.Context(), ls)
		restore()
		if !errors.Is(err, want) || want == net.ErrClosed && !strings.HasPrefix(err.Error(), "listen on "+ls[1].Addr().String()+": ") {
			t.Errorf("%s: %v", what, err)
		}
		if after := descriptors(t); after != before {
			t.Errorf("%s: %d descriptors before, %d after", what, before, after)
		}
	}
	check("closed", net.ErrClosed, func(ls []net.Listener) func() { ls[1].Close(); return func() {} })
	// One for each listener, and then one for the poller.
	for n := range 3 {
		check(fmt.Sprint(n, " descriptors"), unix.EMFILE, func([]net.Listener) func() { return leave(t, n) })
	}
}

// A poller that has ended, or ends, ends the acceptor.
func TestPollerEnds(t *testing.T) {
	for _, what := range []string{"before", "meanwhile"} {
		ls, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		a, err := newAcceptor(ls, newSessions(&Server{MaxSessions: 1}, t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			if what == "meanwhile" {
				time.Sleep(10 * time.Millisecond)
			}
			a.poller.Close()
		}()
		if what == "before" {
			<-closed
		}
		result := make(chan error, 1)
		go func() { result <- a.run(t.Context()) }()
		select {
		case err := <-result:
			if (err != nil) != (what == "before") {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal(what)
		}
		<-closed
		a.poller = nil
		a.close()
		ls[0].Close()
	}
}

func TestCanServe(t *testing.T) {
	ls, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range ls {
		defer l.Close()
		if !CanServe(l) {
			t.Errorf("%v", l.Addr())
		}
	}
	if CanServe(struct{ net.Listener }{ls[0]}) {
		t.Error("a listener without a descriptor")
	}
}
