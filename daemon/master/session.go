package master

import (
	"context"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/params/errno"
)

// FailurePause is how long the original sleeps after a fatal error, so that a broken
// service does not spin. Source: Postfix 3.10 msg.c, vmsg_fatal and vmsg_panic.
const FailurePause = time.Second

// overdueGrace is how long a session may take to end after daemon_timeout,
// before a draining process stops waiting for it.
const overdueGrace = time.Minute

// session is one client.
type session struct {
	slot   int
	client net.Conn // nil until it has been passed
	stuck  bool     // should have ended long ago
	ended  bool     // its watchdog may have barked all the same
	// over says that the process is about to exit because of this session:
	// what becomes of it concerns nobody any more.
	over   atomic.Bool
	cancel context.CancelCauseFunc
	dog    *time.Timer
	worker worker
}

// begin starts a session. A descriptor of transport Pass is only the link
// over which the client will be passed, unless single.
func (c *child) begin(fd, slot int) {
	accepted := c.Now()
	c.verbose("connection established")
	c.reached(slot)
	c.sessions++
	c.use()
	if c.sessions == 1 {
		// Before anything of the client is read. Without a master, the
		// client is served all the same.
		_ = c.channel.notify(statusTaken)
	}
	c.warnIfFull(slot)
	ctx, cancel := context.WithCancelCause(c.ctx)
	s := &session{slot: slot, cancel: cancel}
	s.dog = time.AfterFunc(c.watchdogTime(), func() { c.box.post(func() { c.overdue(s) }) })
	if c.Transport != Pass || c.single {
		s.client = c.box.poller.NewConn(fd)
	}
	w := c.worker()
	s.worker = w
	w <- func() bool { return c.serve(ctx, s, fd, accepted) }
}

// worker is a goroutine that serves one session after the other: its stack,
// which sessions make grow, is used again.
type worker chan func() bool

// worker returns one that is idle.
func (c *child) worker() worker {
	if n := len(c.idle); n > 0 {
		w := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return w
	}
	w := make(worker, 1)
	c.workers = append(c.workers, w)
	go func() {
		growStack()
		for session := range w {
			if !session() {
				return
			}
		}
	}()
	return w
}

// growStack makes the stack as large as sessions need it, in one step instead
// of several that each copy it.
//
//go:noinline
func growStack() {
	var frame [6 << 10]byte
	runtime.KeepAlive(&frame)
}

// serve runs in the session's goroutine. It returns false if there will be no
// other session.
func (c *child) serve(ctx context.Context, s *session, fd int, accepted time.Time) bool {
	client := s.client
	var err error
	if client != nil {
		err = c.guard(func() error { return c.Handler(ctx, client, accepted) })
		c.served.Add(1)
	} else {
		err = c.guard(func() error { return c.servePassed(ctx, s, fd, accepted) })
	}
	if s.over.Load() {
		return false // the process is about to exit
	}
	if err != nil {
		if c.single {
			// The client sees the end of the connection when the
			// process exits.
			c.box.post(func() { c.failure = err })
			return false
		}
		c.Log.Log(err)
		sleep(ctx, FailurePause)
	}
	if client != nil {
		_ = client.Close()
	}
	if !c.single {
		return c.box.post(func() { c.end(s, nil) })
	}
	// There is no other session whose record this could overtake.
	err = c.channel.notify(statusAvail)
	return c.box.post(func() { c.end(s, err) })
}

// servePassed waits for the client that is to be passed over a link.
func (c *child) servePassed(ctx context.Context, s *session, link int, accepted time.Time) error {
	fd, err := receivePassed(link, c.Log, passTimeout, c.stale())
	if err != nil {
		c.Log.Errorf("accept connection: %s", errno.Text(err))
		return nil
	}
	client := c.box.poller.NewConn(fd)
	// Where overdue looks for it, in the goroutine that owns s.
	if !c.box.post(func() { s.client = client }) {
		_ = client.Close()
		return nil
	}
	defer client.Close()
	defer c.served.Add(1)
	return c.Handler(ctx, client, accepted)
}

// guard turns a panic of a session into log lines.
func (c *child) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.Panicf("session: %v: %s", p, maillog.Callers())
			err = nil
		}
	}()
	return f()
}

// end is what follows a session, in the goroutine that owns c. For a single
// session AVAIL has been sent already, with the given result.
func (c *child) end(s *session, sent error) {
	s.dog.Stop()
	s.ended = true
	s.cancel(nil)
	c.idle = append(c.idle, s.worker)
	if s.slot >= 0 {
		c.Lock.releaseSlot(s.slot, c.hasAll())
	}
	if s.stuck {
		c.stuck--
	}
	c.sessions--
	c.pause = time.Time{}
	if c.sessions > 0 {
		c.verbose("connection closed")
		return
	}
	if !c.single {
		sent = c.channel.notify(statusAvail)
	}
	if sent != nil {
		c.verbose("master disconnect -- exiting")
		c.done = true
		return
	}
	c.verbose("connection closed")
	c.idleSince = time.Now()
	c.countErrors()
}

// overdue ends a session that has lasted daemon_timeout: the process, if it is the
// only one it can have.
func (c *child) overdue(s *session) {
	if s.ended {
		return
	}
	failure := maillog.FatalError("watchdog timeout")
	if c.single {
		s.over.Store(true)
		if client, ok := s.client.(*poll.Conn); ok {
			client.Freeze()
		}
		c.failure = failure
		return
	}
	c.Log.Log(failure)
	s.cancel(failure)
	if s.client != nil {
		_ = s.client.Close()
	}
	s.dog = time.AfterFunc(overdueGrace, func() {
		c.box.post(func() { c.givenUp(s) })
	})
}

// givenUp follows overdueGrace.
func (c *child) givenUp(s *session) {
	if !s.ended {
		s.stuck = true
		c.stuck++
	}
}

// allStuck reports that no session is left that can be expected to end. Each
// keeps its place among the others, but alone they are no reason to live.
func (c *child) allStuck() bool { return c.sessions > 0 && c.stuck == c.sessions }

// watchdogStep is the period of the original's alarm: a third of
// daemon_timeout in whole seconds. Source: Postfix 3.10 watchdog.c.
func watchdogStep(timeout time.Duration) time.Duration {
	return timeout / time.Second / 3 * time.Second
}

// watchdogTime is how long a session that begins now may last. The original
// fires at the third alarm, and sets the alarm when it begins to wait for events
// and again at each alarm while it waits, so that part of the first step may
// be over.
func (c *child) watchdogTime() time.Duration {
	step := watchdogStep(c.DaemonTimeout)
	if !c.single {
		return 3 * step
	}
	return 3*step - time.Since(c.watchFrom)%step
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
