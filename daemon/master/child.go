package master

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Handler serves one client. It returns before the connection is closed, which
// Serve does. The context ends when the session has lasted daemon_timeout; its
// cause is then the failure that has been logged. An error is what the original
// would end its process for: usually a *maillog.Failure, not yet logged.
type Handler func(ctx context.Context, client net.Conn, accepted time.Time) error

// Config is what Serve needs to know.
type Config struct {
	Log *maillog.Logger
	// Now gives the time that sessions are stamped with.
	Now func() time.Time

	// PID and Generation go into status records.
	PID        int
	Generation uint32
	// Status is the descriptor of the status channel: StatusFD.
	Status int
	// Listeners are non-blocking listening sockets, all for Transport.
	Listeners []int
	Transport Transport
	// Poller waits for Listeners, Status and the clients. Nil: one of
	// Serve's own.
	Poller *poll.Poller
	// Lock is the service's lock file; nil with option -l.
	Lock *Lock

	// MaxUse ends the process after so many sessions (max_use). Zero: no
	// bound.
	MaxUse int
	// UseEach has a session that begins as the nth of those that are open count
	// for one nth: the process stands for n of the original's, each of which would
	// have MaxUse sessions.
	UseEach bool
	// MaxIdle ends it after so long without a session (max_idle). Zero: no bound.
	MaxIdle time.Duration
	// DaemonTimeout bounds a session (daemon_timeout), in steps of
	// three seconds, and must be at least one step.
	DaemonTimeout time.Duration

	// Sessions is how many sessions this process has at once. Zero and one
	// mean the original's way of life; see the package comment.
	Sessions int
	// Limit is the service's process limit, with Sessions above one the most
	// sessions of all its processes together. Zero: no limit.
	Limit int
	// Stress is told when Limit is reached. Nil: the service has no stress
	// mode.
	Stress *Stress

	// Changed returns the name of a lookup table that has changed since it
	// was opened, or nothing. It is asked before each accept. May be nil.
	Changed func() string
	// Drain returns why the process should take no more clients, or nothing; it
	// is asked before each accept, only if Sessions is above one. May be nil.
	Drain func() string

	Handler Handler
}

// child is the state of Serve. One goroutine owns it; others reach it through
// the mailbox.
type child struct {
	Config
	ctx      context.Context
	channel  channel
	box      *mailbox
	single   bool     // one session at a time
	sessions int      // open now
	stuck    int      // of these, overdue and not ending
	used     int64    // sessions since the process started, or their parts, in units of wholeUse
	workers  []worker // all that were started
	idle     []worker

	held    bool // the baton, or there is none
	waiting bool // for the baton

	draining   bool
	masterGone bool
	done       bool  // exit when out of the current step
	failure    error // exit with it

	idleSince time.Time // no session since
	watchFrom time.Time // the original last waited for events
	pause     time.Time // no accept before

	served atomic.Int64 // sessions that have ended, for stale

	complained bool        // of accept, and has had no success since
	dog        *time.Timer // runs while no event is waited for
}

// Serve accepts and serves clients until the process should exit. Nil is exit
// status zero; a *maillog.Failure is to be logged, and ends the process after
// a second. Sessions may still be open then, and must not be waited for. If ctx
// ends, Serve drains.
func Serve(ctx context.Context, config Config) error {
	if err := pollable(append(slices.Clone(config.Listeners), config.Status)); err != nil {
		return err
	}
	if watchdogStep(config.DaemonTimeout) == 0 {
		return maillog.PanicError("watchdog_create: timeout %d is too small", config.DaemonTimeout/time.Second)
	}
	box, err := newMailbox(config.Poller)
	if err != nil {
		return maillog.FatalError("epoll_create: %s", errno.Text(err))
	}
	now := time.Now()
	c := &child{
		Config:    config,
		ctx:       ctx,
		channel:   channel{config.Status, config.PID, config.Generation, config.Log},
		box:       box,
		single:    config.Sessions <= 1,
		held:      config.Lock == nil,
		idleSince: now,
		watchFrom: now,
	}
	if c.single {
		c.Sessions = 1
	}
	result, hung := make(chan error, 1), make(chan struct{}, 1)
	c.dog = time.AfterFunc(time.Hour, func() {
		select {
		case hung <- struct{}{}:
		default: // it has been said
		}
	})
	c.dog.Stop()
	go func() { result <- c.live() }()
	select {
	case err := <-result:
		return err
	case <-hung:
		return maillog.FatalError("watchdog timeout")
	}
}

// live takes step after step.
func (c *child) live() (err error) {
	stop := context.AfterFunc(c.ctx, func() { c.box.post(func() { c.draining = true }) })
	defer func() {
		if p := recover(); p != nil {
			err = maillog.PanicError("%v: %s", p, maillog.Callers())
		}
		stop()
		c.dog.Stop()
		c.box.close()
		for _, w := range c.workers {
			close(w) // one that is at work ends after that
		}
		if c.Lock != nil {
			// Also if the baton is not held: the word that it was granted may be among
			// what nobody will read any more. A wait that goes on gives it back by
			// itself, as the mailbox is closed.
			c.Lock.releaseSpare()
			_ = c.Lock.releaseBaton()
		}
	}()
	for !c.done && c.failure == nil {
		c.step()
	}
	return c.failure
}

// step waits for an event and handles what there is.
func (c *child) step() {
	if c.allStuck() {
		c.failure = maillog.FatalError("watchdog timeout")
		return
	}
	if c.turn(); c.failure != nil {
		return
	}
	if c.sessions == 0 && (c.draining || c.usedUp()) {
		if c.masterGone {
			c.verbose("master disconnect -- exiting")
		}
		c.done = true
		return
	}
	if c.sessions == 0 {
		c.watchFrom = time.Now()
	}
	var watch []int
	if !c.masterGone {
		watch = append(watch, c.Status)
	}
	if c.accepting() && c.held && !time.Now().Before(c.pause) {
		watch = append(watch, c.Listeners...)
	}
	c.dog.Stop()
	ready, err := c.box.wait(watch, c.patience())
	c.dog.Reset(3 * watchdogStep(c.DaemonTimeout))
	if err != nil {
		c.failure = maillog.FatalError("event_loop: poll: %s", errno.Text(err))
		return
	}
	c.box.deliver()
	if c.done || c.failure != nil {
		return
	}
	if c.idleExpired() {
		c.verbose("idle timeout -- exiting")
		c.done = true
		return
	}
	if slices.Contains(ready, c.Status) {
		c.masterGone, c.draining = true, true
	}
	for _, fd := range ready {
		if fd != c.Status && c.accepting() && c.held && c.failure == nil {
			c.acceptFrom(fd)
		}
	}
}

// wholeUse is what a session counts as, in the units of child.used: divided among
// any number of sessions it still is something.
const wholeUse = 1 << 24

// use counts a session that has begun.
func (c *child) use() {
	if c.UseEach {
		c.used += wholeUse / int64(c.sessions)
	} else {
		c.used += wholeUse
	}
}

// usedUp reports that max_use forbids another session.
func (c *child) usedUp() bool { return c.MaxUse > 0 && c.used >= int64(c.MaxUse)*wholeUse }

// accepting reports that another session is allowed, the limit of all
// processes left aside.
func (c *child) accepting() bool {
	return !c.draining && !c.usedUp() && c.sessions < c.Sessions
}

// turn takes or passes on the baton. A process that may have all sessions of
// the service keeps it even when it has that many.
func (c *child) turn() {
	if c.accepting() && !c.held && !c.waiting {
		c.takeBaton()
	}
	if c.accepting() { // the stress mode that came with the baton may forbid it
		return
	}
	if c.waiting {
		c.Lock.forgetBaton()
		c.waiting = false
	}
	if !c.hasAll() {
		c.passBaton()
	}
}

// takeBaton takes the baton, or begins to wait for it.
func (c *child) takeBaton() {
	ok, err := c.Lock.tryBaton()
	switch {
	case err != nil:
		c.failure = lockFailure(err)
	case ok:
		c.held = true
		c.inheritStress()
	default:
		c.waiting = true
		c.Lock.awaitBaton(func(err error) bool {
			return c.box.post(func() { c.granted(err) })
		})
	}
}

// hasAll reports that this process takes all sessions of the service, so that no
// other one has a use for the baton or for slots.
func (c *child) hasAll() bool {
	return c.held && c.Limit > 1 && c.Sessions >= c.Limit && !c.draining && !c.usedUp()
}

func (c *child) granted(err error) {
	if !c.waiting { // no longer wanted
		if err == nil && !c.held {
			_ = c.Lock.releaseBaton()
		}
		return
	}
	c.waiting = false
	if err != nil {
		c.failure = lockFailure(err)
		return
	}
	c.held = true
	c.inheritStress()
}

func lockFailure(err error) error {
	return maillog.FatalError("select lock: %s", errno.Text(err))
}

func (c *child) passBaton() {
	if c.Lock == nil || !c.held {
		return
	}
	c.held = false
	c.Lock.releaseSpare()
	if err := c.Lock.releaseBaton(); err != nil {
		c.failure = maillog.FatalError("select unlock: %s", errno.Text(err))
	}
}

// patience is how long step may wait.
func (c *child) patience() time.Duration {
	now := time.Now()
	d := time.Duration(-1)
	if c.sessions == 0 && c.MaxIdle > 0 {
		d = max(0, c.idleSince.Add(c.MaxIdle).Sub(now))
	}
	if rest := c.pause.Sub(now); rest > 0 && (d < 0 || rest < d) {
		d = rest
	}
	return d
}

func (c *child) idleExpired() bool {
	return c.sessions == 0 && c.MaxIdle > 0 && time.Since(c.idleSince) >= c.MaxIdle
}

// acceptFrom takes one client.
func (c *child) acceptFrom(listener int) {
	if reason := c.outlived(); reason != "" {
		c.Log.Infof("%s -- restarting", reason)
		c.draining = true
		return
	}
	slot := -1
	if !c.single && c.Limit > 0 && c.Lock != nil {
		var ok bool
		if slot, ok = c.Lock.takeSlot(c.Limit, c.hasAll()); !ok {
			// Other processes have sessions that nobody tells us the
			// end of.
			c.limitReached()
			c.pause = time.Now().Add(slotRetry)
			return
		}
	}
	fd, err := accept(listener, c.Transport)
	if c.Transport == Pass {
		switch {
		case err != nil && !errors.Is(err, unix.EAGAIN) && c.sessions == 0: // see acceptError
			_ = passWarning(c.Log, "cannot accept connection", err)
		case err == nil && c.single:
			// As in the original, this blocks everything else.
			fd, err = receivePassed(fd, c.Log, passTimeout, c.stale())
		}
	}
	if c.single {
		if c.passBaton(); c.failure != nil {
			return
		}
	}
	if err != nil {
		if slot >= 0 {
			c.Lock.releaseSlot(slot, c.hasAll())
		}
		c.acceptError(err)
		return
	}
	c.complained = false
	c.begin(fd, slot)
}

// outlived returns why another process should take the next client, or nothing.
func (c *child) outlived() string {
	if c.Changed != nil {
		if table := c.Changed(); table != "" {
			return "table " + table + " has changed"
		}
	}
	if c.Drain != nil && !c.single {
		return c.Drain()
	}
	return ""
}

const (
	slotRetry       = 100 * time.Millisecond
	descriptorRetry = time.Second
)

// acceptError logs unless somebody else was faster.
func (c *child) acceptError(err error) {
	if errors.Is(err, unix.EAGAIN) {
		return
	}
	if c.sessions > 0 {
		// Most likely there are no descriptors, and a session that ends
		// gives some back. This is no reason to give up the others.
		c.pause = time.Now().Add(descriptorRetry)
		if !c.complained {
			c.complained = true
			c.Log.Warningf("accept connection: %s", errno.Text(err))
		}
		return
	}
	c.Log.Errorf("accept connection: %s", errno.Text(err))
	c.countErrors()
}

// countErrors ends the process after too many errors, but not under
// running sessions.
func (c *child) countErrors() {
	if c.Log.Errors() < maillog.MaxErrors {
		return
	}
	if c.sessions > 0 {
		c.draining = true
		return
	}
	c.failure = maillog.FatalError("too many errors - program terminated")
}

func (c *child) verbose(text string) {
	if c.Log.Verbose() > 0 {
		c.Log.Infof("%s", text)
	}
}
