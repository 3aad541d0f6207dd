package master

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
)

// A record waits until master(8) has read what is before it.
func TestNotifyWaits(t *testing.T) {
	s := newService(t, Inet)
	filler := make([]byte, 12)
	filled := 0
	for ; ; filled += len(filler) {
		if err := unix.Sendto(s.status[1], filler, unix.MSG_DONTWAIT, nil); err != nil {
			break
		}
	}
	logger := maillog.New(time.Now)
	sent := make(chan error, 1)
	go func() { sent <- channel{s.status[1], 2786, 15, logger}.notify(statusAvail) }()
	select {
	case err := <-sent:
		t.Fatalf("sent at once: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	for rest := filled; rest > 0; {
		n, err := unix.Read(s.status[0], make([]byte, min(rest, 1<<16)))
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		rest -= n
	}
	if got := s.records(1); got != "A" {
		t.Error(got)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// A client that was passed is closed when its session is overdue, and at once if the
// process has ended meanwhile.
func TestOverduePassed(t *testing.T) {
	for _, ended := range []bool{false, true} {
		s := newService(t, Pass)
		box, err := newMailbox(nil)
		if err != nil {
			t.Fatal(err)
		}
		closeBox := sync.OnceFunc(box.close)
		defer closeBox()
		c := &child{Config: s.config, box: box}
		link, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(link[1])
		client, server := passed(t)
		if err := unix.Sendmsg(link[1], []byte{0, 0}, unix.UnixRights(int(server.Fd())), nil, 0); err != nil {
			t.Fatal(err)
		}
		_ = server.Close()
		if ended {
			closeBox()
		}
		_, cancel := context.WithCancelCause(t.Context())
		session := &session{slot: -1, cancel: cancel}
		result := make(chan error, 1)
		go func() { result <- c.servePassed(t.Context(), session, link[0], time.Now()) }()
		if !ended {
			say(t, client, "x")
			box.deliver()
			c.overdue(session)
			session.dog.Stop()
		}
		if n, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("ended %v: %d, %v", ended, n, err)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
}

// What a session comes to that ends its process by taking too long concerns nobody.
func TestOverdueSingle(t *testing.T) {
	s := newService(t, Inet)
	box, err := newMailbox(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer box.close()
	c := &child{Config: s.config, box: box, single: true}
	over, cancel := context.WithCancelCause(t.Context())
	session := &session{slot: -1, cancel: cancel}
	session.over.Store(true)
	c.Handler = func(context.Context, net.Conn, time.Time) error { return errors.New("late") }
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	conn := box.poller.NewConn(fds[0])
	defer conn.Close()
	session.client = conn
	if c.serve(over, session, -1, time.Now()) {
		t.Error("another session may follow")
	}
	if box.deliver(); c.failure != nil {
		t.Errorf("the process ends by what came late: %v", c.failure)
	}
	if n, err := unix.Write(fds[1], []byte("x")); n != 1 || err != nil {
		t.Errorf("the client was closed: %v", err)
	}
	s.noRecord()
}

// The end of one of several sessions is told, ends the pause of accepting, and counts
// errors; the idle time begins with the last.
func TestEnd(t *testing.T) {
	s := newService(t, Inet)
	c := &child{Config: s.config, sessions: 2, pause: time.Now().Add(time.Hour)}
	c.Log = c.Log.WithVerbose(1)
	c.channel = channel{s.status[1], 2786, 15, c.Log}
	for left := 1; left >= 0; left-- {
		ctx, cancel := context.WithCancelCause(t.Context())
		dog := time.AfterFunc(time.Hour, func() {})
		c.end(&session{slot: -1, cancel: cancel, dog: dog}, nil)
		if c.sessions != left || !c.pause.IsZero() || ctx.Err() == nil || (c.idleSince.IsZero()) != (left > 0) {
			t.Errorf("%d sessions, pause until %v, %v, idle since %v", c.sessions, c.pause, ctx.Err(), c.idleSince)
		}
		if dog.Stop() {
			t.Error("the watchdog of what has ended watches on")
		}
	}
	if got := s.records(1); got != "A" {
		t.Error(got)
	}
	s.wantLog("q: connection closed\nq: master_notify: status 1\nq: connection closed\n")
	for range maillog.MaxErrors {
		c.Log.Errorf("x")
	}
	c.sessions = 1
	_, cancel := context.WithCancelCause(t.Context())
	c.end(&session{slot: -1, cancel: cancel, dog: time.NewTimer(time.Hour)}, nil)
	wantFailure(t, c.failure, "too many errors - program terminated")
}

// A session may last as long as the original's alarms let it.
func TestWatchdogTime(t *testing.T) {
	for timeout, step := range map[time.Duration]time.Duration{
		2 * time.Second: 0, 3 * time.Second: time.Second, 5999 * time.Millisecond: time.Second,
		6 * time.Second: 2 * time.Second, 18000 * time.Second: 6000 * time.Second,
	} {
		if got := watchdogStep(timeout); got != step {
			t.Errorf("%v: %v, want %v", timeout, got, step)
		}
	}
	c := &child{single: false, watchFrom: time.Now().Add(-90 * time.Second)}
	c.DaemonTimeout = 180 * time.Second
	if got := c.watchdogTime(); got != 180*time.Second {
		t.Errorf("%v", got)
	}
	c.single = true
	if got := c.watchdogTime(); got > 150*time.Second || got < 140*time.Second {
		t.Errorf("%v", got)
	}
	if c = (&child{sessions: 2, stuck: 1}); c.allStuck() {
		t.Error("one is not stuck")
	}
	if c.stuck = 2; !c.allStuck() {
		t.Error("both are stuck")
	}
	stuck := &session{slot: -1, cancel: func(error) {}, dog: time.NewTimer(time.Hour)}
	c.stuck = 1
	if c.givenUp(stuck); c.stuck != 2 {
		t.Errorf("%d", c.stuck)
	}
	c.Config.Log = maillog.New(time.Now)
	if c.end(stuck, nil); c.stuck != 1 || c.allStuck() != (c.sessions == 1) {
		t.Errorf("%d of %d", c.stuck, c.sessions)
	}
}

// Bounds of stress mode are obeyed once, but for one that would end the process.
func TestRebound(t *testing.T) {
	var log bytes.Buffer
	logger := maillog.New(time.Now)
	logger.AddPlain(&log, "q")
	c := &child{Config: Config{Log: logger, DaemonTimeout: time.Hour, Stress: &Stress{}}}
	c.rebound() // nothing has changed
	for range 2 {
		c.Stress.bounds = &Bounds{MaxUse: 7, UseEach: true, MaxIdle: time.Minute, DaemonTimeout: 2 * time.Second}
		c.rebound()
	}
	c.rebound()
	if c.MaxUse != 7 || !c.UseEach || c.MaxIdle != time.Minute || c.DaemonTimeout != time.Hour {
		t.Errorf("%+v", c.Config)
	}
	const line = "q: warning: watchdog_create: timeout 2 is too small\n"
	if log.String() != line+line {
		t.Error(log.String())
	}
	c.Stress.bounds = &Bounds{DaemonTimeout: 3 * time.Second}
	if c.rebound(); c.DaemonTimeout != 3*time.Second || c.MaxUse != 0 || c.UseEach || c.MaxIdle != 0 {
		t.Errorf("%+v", c.Config)
	}
}
