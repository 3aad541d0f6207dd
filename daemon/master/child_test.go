package master

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
)

func TestMain(m *testing.M) {
	if s := os.Getenv(signalled); s != "" {
		os.Exit(victim(s))
	}
	if os.Getenv(inheriting) != "" {
		os.Exit(heir())
	}
	goleak.VerifyTestMain(m)
}

const patience = 20 * time.Second

// safeBuffer collects log lines of several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// service is what master has: a status channel and a listening socket, and
// children of which each is a Serve in this process.
type service struct {
	t        *testing.T
	status   [2]int // master's end, children's end
	listener int
	address  net.Addr
	config   Config
	log      safeBuffer
}

func newService(t *testing.T, transport Transport) *service {
	t.Helper()
	s := &service{t: t}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.status = pair
	var ln net.Listener
	if transport == Inet {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	} else {
		ln, err = net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s.address = ln.Addr()
	f, err := ln.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now())
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	_ = ln.Close()
	s.listener = int(f.Fd())
	if err := unix.SetNonblock(s.listener, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.masterEnds()
		_ = unix.Close(s.status[1])
		_ = f.Close()
	})
	logger := maillog.New(time.Now)
	logger.AddPlain(&s.log, "q")
	s.config = Config{
		Log: logger, Now: time.Now, PID: 2786, Generation: 15,
		Status: s.status[1], Listeners: []int{s.listener}, Transport: transport,
		MaxUse: 100, MaxIdle: time.Hour, DaemonTimeout: time.Hour,
		Handler: echo,
	}
	return s
}

func (s *service) masterEnds() {
	if s.status[0] >= 0 {
		_ = unix.Close(s.status[0])
		s.status[0] = -1
	}
}

// records reads status records of which each becomes T or A.
func (s *service) records(n int) string {
	s.t.Helper()
	var got strings.Builder
	for range n {
		ready, err := pollOne(s.status[0], unix.POLLIN, patience)
		if err != nil || !ready {
			s.t.Fatalf("after %q no record: %v", got.String(), err)
		}
		b := make([]byte, 12)
		k, err := unix.Read(s.status[0], b)
		if err != nil || k != 12 {
			s.t.Fatalf("record of %d bytes: %v", k, err)
		}
		if pid, gen := binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint32(b[4:]); pid != 2786 || gen != 15 {
			s.t.Fatalf("record % x", b)
		}
		got.WriteByte("TA"[binary.NativeEndian.Uint32(b[8:])])
	}
	return got.String()
}

// noRecord checks that there is none.
func (s *service) noRecord() {
	s.t.Helper()
	if ready, _ := pollOne(s.status[0], unix.POLLIN, 0); ready {
		s.t.Errorf("unexpected record %s", s.records(1))
	}
}

// start starts a child.
func (s *service) start(change ...func(*Config)) <-chan error {
	c := s.config
	for _, f := range change {
		f(&c)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(context.Background(), c) }()
	return done
}

func (s *service) dial() net.Conn {
	s.t.Helper()
	c, err := net.DialTimeout(s.address.Network(), s.address.String(), patience)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// echo serves a client by returning lines until "quit".
func echo(_ context.Context, c net.Conn, _ time.Time) error {
	b := make([]byte, 1)
	var line []byte
	for {
		if _, err := c.Read(b); err != nil {
			return nil
		}
		if line = append(line, b[0]); b[0] == '\n' {
			if _, err := c.Write(line); err != nil || string(line) == "quit\n" {
				return nil
			}
			line = nil
		}
	}
}

func say(t *testing.T, c net.Conn, word string) {
	t.Helper()
	if _, err := io.WriteString(c, word+"\n"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(word)+1)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != word+"\n" {
		t.Fatalf("said %q, heard %q %v", word, b, err)
	}
}

// quit ends a session and waits for the close.
func quit(t *testing.T, c net.Conn) {
	t.Helper()
	say(t, c, "quit")
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("%d %v", n, err)
	}
}

func exits(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("child does not exit")
		return nil
	}
}

func exitsZero(t *testing.T, done <-chan error) {
	t.Helper()
	if err := exits(t, done); err != nil {
		t.Errorf("exit with %v", err)
	}
}

func running(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("child has exited: %v", err)
	default:
	}
}

func (s *service) wantLog(want string) {
	s.t.Helper()
	if d := cmp.Diff(want, s.log.String()); d != "" {
		s.t.Errorf("log: %s", d)
	}
}

func TestOneSession(t *testing.T) {
	for _, transport := range []Transport{Inet, Unix} {
		s := newService(t, transport)
		done := s.start()
		c := s.dial()
		say(t, c, "hello")
		if got := s.records(1); got != "T" {
			t.Error(got)
		}
		quit(t, c)
		if got := s.records(1); got != "A" {
			t.Error(got)
		}
		running(t, done)
		s.masterEnds()
		exitsZero(t, done)
		s.wantLog("")
	}
}

func TestTakenComesFirst(t *testing.T) {
	s := newService(t, Inet)
	first := make(chan string, 1)
	done := s.start(func(c *Config) {
		c.Handler = func(context.Context, net.Conn, time.Time) error {
			first <- s.records(1)
			return nil
		}
	})
	s.dial()
	if got := <-first; got != "T" {
		t.Error(got)
	}
	if got := s.records(1); got != "A" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, done)
}

func TestVerbose(t *testing.T) {
	s := newService(t, Inet)
	done := s.start(func(c *Config) { c.Log = c.Log.WithVerbose(1) })
	quit(t, s.dial())
	s.records(2)
	s.masterEnds()
	exitsZero(t, done)
	s.wantLog("q: connection established\nq: master_notify: status 0\n" +
		"q: master_notify: status 1\nq: connection closed\nq: master disconnect -- exiting\n")
}

func TestMasterEndsInSession(t *testing.T) {
	s := newService(t, Inet)
	done := s.start(func(c *Config) { c.Log = c.Log.WithVerbose(1) })
	c := s.dial()
	s.records(1)
	s.masterEnds()
	say(t, c, "still there")
	running(t, done)
	quit(t, c)
	exitsZero(t, done)
	s.wantLog("q: connection established\nq: master_notify: status 0\n" +
		"q: master_notify: status 1: Broken pipe\nq: master disconnect -- exiting\n")
}

func TestOneAtATime(t *testing.T) {
	s := newService(t, Inet)
	done := s.start()
	one, two := s.dial(), s.dial()
	say(t, one, "a")
	if _, err := io.WriteString(two, "b\n"); err != nil {
		t.Fatal(err)
	}
	_ = two.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := two.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("second client served: %v", err)
	}
	_ = two.SetReadDeadline(time.Now().Add(patience))
	quit(t, one)
	b := make([]byte, 2)
	if _, err := io.ReadFull(two, b); err != nil || string(b) != "b\n" {
		t.Errorf("%q %v", b, err)
	}
	quit(t, two)
	if got := s.records(4); got != "TATA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, done)
}

func TestMaxUse(t *testing.T) {
	s := newService(t, Inet)
	done := s.start(func(c *Config) { c.MaxUse = 2 })
	quit(t, s.dial())
	if got := s.records(2); got != "TA" {
		t.Error(got)
	}
	running(t, done)
	quit(t, s.dial())
	exitsZero(t, done)
	if got := s.records(2); got != "TA" {
		t.Error(got)
	}
}

func TestMaxIdle(t *testing.T) {
	for _, sessions := range []int{1, 5} {
		s := newService(t, Inet)
		c := s.dial() // it waits already: a slow machine is not idle
		done := s.start(func(c *Config) {
			c.MaxIdle = 300 * time.Millisecond
			c.Sessions, c.Log = sessions, c.Log.WithVerbose(1)
		})
		for range 5 {
			say(t, c, "busy")
			time.Sleep(100 * time.Millisecond) // what is measured is time
		}
		running(t, done)
		start := time.Now()
		quit(t, c)
		exitsZero(t, done)
		if d := time.Since(start); d < 300*time.Millisecond {
			t.Errorf("exit after %v", d)
		}
		if got := s.records(2); got != "TA" {
			t.Error(got)
		}
		if !strings.HasSuffix(s.log.String(), "q: idle timeout -- exiting\n") {
			t.Error(s.log.String())
		}
	}
}

func TestTableChanged(t *testing.T) {
	s := newService(t, Inet)
	asked := 0
	done := s.start(func(c *Config) {
		c.Changed = func() string {
			if asked++; asked == 2 {
				return "hash:/path/am(0,lock|utf8_request)"
			}
			return ""
		}
	})
	quit(t, s.dial())
	s.records(2)
	c := s.dial()
	exitsZero(t, done)
	s.noRecord()
	s.wantLog("q: table hash:/path/am(0,lock|utf8_request) has changed -- restarting\n")
	// The client stays in the backlog for the next child.
	done = s.start()
	quit(t, c)
	s.masterEnds()
	exitsZero(t, done)
}

func TestWatchdog(t *testing.T) {
	s := newService(t, Inet)
	release := make(chan bool)
	done := s.start(func(c *Config) {
		c.DaemonTimeout = 5 * time.Second // three steps of one second
		c.Handler = func(context.Context, net.Conn, time.Time) error { <-release; return nil }
	})
	c := s.dial()
	s.records(1)
	start := time.Now()
	wantFailure(t, exits(t, done), "watchdog timeout")
	if d := time.Since(start); d < 1900*time.Millisecond || d > 4900*time.Millisecond {
		t.Errorf("after %v", d)
	}
	close(release)
	_ = c.Close()

	var f *maillog.Failure
	err := Serve(context.Background(), Config{Status: s.status[1], DaemonTimeout: 2999 * time.Millisecond})
	if !errors.As(err, &f) || f.Severity != maillog.Panic || f.Text != "watchdog_create: timeout 2 is too small" {
		t.Error(err)
	}
}

// A file system that hangs must not make a process that nobody can use.
func TestHangingHook(t *testing.T) {
	s := newService(t, Inet)
	release, released := make(chan bool), make(chan bool)
	done := s.start(func(c *Config) {
		c.DaemonTimeout = 3 * time.Second
		c.Changed = func() string { <-release; close(released); return "x" }
	})
	s.dial()
	wantFailure(t, exits(t, done), "watchdog timeout")
	close(release)
	<-released
}

func TestPanicOfHook(t *testing.T) {
	s := newService(t, Inet)
	done := s.start(func(c *Config) { c.Changed = func() string { panic("no table") } })
	s.dial()
	var f *maillog.Failure
	if err := exits(t, done); !errors.As(err, &f) || f.Severity != maillog.Panic || !strings.HasPrefix(f.Text, "no table: ") {
		t.Error(err)
	}
}

func TestFailureEndsSingleChild(t *testing.T) {
	s := newService(t, Inet)
	var server net.Conn
	done := s.start(func(c *Config) {
		c.Handler = func(_ context.Context, c net.Conn, _ time.Time) error {
			server = c
			return maillog.FatalError("unable to connect to the %s %s service", "public", "cleanup")
		}
	})
	s.dial()
	wantFailure(t, exits(t, done), "unable to connect to the public cleanup service")
	if got := s.records(1); got != "T" {
		t.Error(got)
	}
	s.noRecord()
	if _, err := server.Write([]byte("x")); err != nil {
		t.Errorf("the client was closed before the process: %v", err)
	}
	_ = server.Close()
	s.wantLog("") // the caller logs it
}

func TestPanicCostsOneSession(t *testing.T) {
	for _, sessions := range []int{1, 5} {
		s := newService(t, Inet)
		first := true
		done := s.start(func(c *Config) {
			c.Sessions = sessions
			c.Handler = func(ctx context.Context, c net.Conn, now time.Time) error {
				if first {
					first = false
					var none []int
					none[len(s.config.Listeners)]++
				}
				return echo(ctx, c, now)
			}
		})
		c := s.dial()
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
		if got := s.records(2); got != "TA" {
			t.Error(got)
		}
		quit(t, s.dial())
		s.masterEnds()
		exitsZero(t, done)
		if got := s.log.String(); !strings.HasPrefix(got, "q: panic: session: runtime error: index out of range [1] with length 0: ") ||
			!strings.Contains(got, "child_test.go:") || strings.Count(got, "\n") != 1 {
			t.Error(got)
		}
	}
}

func TestAcceptErrors(t *testing.T) {
	s := newService(t, Inet)
	fd := deaf(t)
	done := s.start(func(c *Config) { c.Listeners = []int{fd} })
	wantFailure(t, exits(t, done), "too many errors - program terminated")
	s.wantLog(strings.Repeat("q: error: accept connection: Invalid argument\n", 13))
	s.noRecord()
	// Of two, whose turns alternate, the one whose error was the last is the last.
	s = newService(t, Inet)
	done = s.start(func(c *Config) { c.Listeners = []int{fd, deaf(t)} })
	wantFailure(t, exits(t, done), "too many errors - program terminated")
	s.wantLog(strings.Repeat("q: error: accept connection: Invalid argument\n", 13))
}

// deaf is a socket that does not listen.
func deaf(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func TestNotFromMaster(t *testing.T) {
	s := newService(t, Inet)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	wantFailure(t, exits(t, s.start(func(c *Config) { c.Status = int(null.Fd()) })),
		"event_enable_read: epoll_ctl EPOLL_CTL_ADD: Operation not permitted")
	wantFailure(t, exits(t, s.start(func(c *Config) { c.Listeners = []int{9999} })),
		"event_enable_read: epoll_ctl EPOLL_CTL_ADD: Bad file descriptor")
}

func TestSeveralSockets(t *testing.T) {
	s := newService(t, Inet)
	other := newService(t, Inet)
	done := s.start(func(c *Config) { c.Listeners = append(c.Listeners, other.listener) })
	quit(t, s.dial())
	quit(t, other.dial())
	quit(t, s.dial())
	if got := s.records(6); got != "TATATA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, done)
}

func TestSomebodyElseWasFaster(t *testing.T) {
	s := newService(t, Inet)
	if _, err := accept(s.listener, Inet); !errors.Is(err, unix.EAGAIN) {
		t.Error(err)
	}
	// A client that is gone before it is accepted is still served.
	c := s.dial()
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	done := s.start(func(c *Config) {
		c.Handler = func(_ context.Context, c net.Conn, _ time.Time) error {
			// On a busy machine the kernel may not have come to the reset yet.
			for end := time.Now().Add(patience); c.RemoteAddr() != nil; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Errorf("peer %v", c.RemoteAddr())
					break
				}
			}
			return nil
		}
	})
	if got := s.records(2); got != "TA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, done)
}

func TestContextEnds(t *testing.T) {
	s := newService(t, Inet)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, s.config) }()
	c := s.dial()
	s.records(1)
	cancel()
	quit(t, c)
	exitsZero(t, done)
}

func TestAccepted(t *testing.T) {
	s := newService(t, Inet)
	done := s.start(func(c *Config) {
		c.Handler = func(_ context.Context, c net.Conn, now time.Time) error {
			raw, err := c.(*poll.Conn).SyscallConn()
			if err != nil {
				return err
			}
			return raw.Control(func(fd uintptr) {
				keep, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
				delay, _ := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY)
				flags, _ := unix.FcntlInt(fd, unix.F_GETFD, 0)
				fmt.Fprintf(c, "%v %d %d %d %v", time.Since(now) < patience, keep, delay, flags, c.LocalAddr())
			})
		}
	})
	c := s.dial()
	b, err := io.ReadAll(c)
	if want := fmt.Sprintf("true 1 0 1 %v", s.address); err != nil || string(b) != want {
		t.Errorf("%q %v, want %q", b, err, want)
	}
	s.masterEnds()
	exitsZero(t, done)
}
