package master

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
)

// named has a child say its name to each client first.
func named(name string) func(*Config) {
	return func(c *Config) {
		c.Handler = func(ctx context.Context, c net.Conn, now time.Time) error {
			if _, err := io.WriteString(c, name+"\n"); err != nil {
				return nil
			}
			return echo(ctx, c, now)
		}
	}
}

// One process takes all clients, also when it has as many as it may have, and the next
// one takes over when it drains.
func TestOneAccepts(t *testing.T) {
	s, start := many(t, 8)
	var drain atomic.Bool
	first := start(named("first"), func(c *Config) {
		c.Drain = func() string {
			if drain.Load() {
				return "enough"
			}
			return ""
		}
	})
	one := s.dial()
	hear(t, one, "first") // it has the baton
	second := start(named("second"))
	clients := []net.Conn{one}
	for range 3 {
		for len(clients) < 8 {
			c := s.dial()
			hear(t, c, "first")
			clients = append(clients, c)
		}
		for _, c := range clients[2:] {
			quit(t, c)
		}
		clients = clients[:2]
	}
	if got := s.records(1); got != "T" {
		t.Error(got)
	}
	s.noRecord()
	drain.Store(true) // seen by the next accept
	late := s.dial()
	hear(t, late, "second")
	for _, c := range append(clients, late) {
		quit(t, c)
	}
	exitsZero(t, first)
	s.wantLog("q: enough -- restarting\n")
	s.masterEnds()
	exitsZero(t, second)
}

// A process of one session does not ask whether it should drain.
func TestSingleDoesNotDrain(t *testing.T) {
	s := newService(t, Inet)
	done := s.start(func(c *Config) { c.Drain = func() string { return "enough" } })
	quit(t, s.dial())
	s.masterEnds()
	exitsZero(t, done)
	s.wantLog("")
}

// Nothing of a process's locks is left when Serve returns, whatever for, though its file
// is open.
func TestExitGivesUpLocks(t *testing.T) {
	s, start := many(t, 4)
	for _, idle := range []bool{true, false} {
		client := s.dial() // it waits already: a slow machine is not idle
		done := start(func(c *Config) {
			if idle {
				c.MaxIdle = 300 * time.Millisecond
			}
		})
		quit(t, client)
		if !idle {
			s.masterEnds()
		}
		exitsZero(t, done)
		other := openLock(t)
		if ok, err := other.tryBaton(); !ok || err != nil {
			t.Errorf("idle %v: baton: %v, %v", idle, ok, err)
		}
		for want := range 4 {
			if slot, ok := other.takeSlot(4, false); !ok || slot != want {
				t.Errorf("idle %v: slot %d: %d, %v", idle, want, slot, ok)
			}
		}
		_ = other.Close()
	}
}

// What fails before a wait is not waited with.
func TestFailureBeforeWait(t *testing.T) {
	s, _ := many(t, 4)
	broken := openLock(t)
	if err := broken.file.Close(); err != nil {
		t.Fatal(err)
	}
	broken.fd = -1
	for _, tt := range []struct {
		child *child
		want  string
	}{
		{&child{}, "select lock: Bad file descriptor"},
		{&child{sessions: 2, stuck: 2}, "watchdog timeout"},
	} {
		box, err := newMailbox(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := tt.child
		c.Config, c.box, c.dog = s.config, box, time.NewTimer(time.Hour)
		c.Lock, c.Sessions, c.MaxIdle = broken, 4, 0
		c.step()
		wantFailure(t, c.failure, tt.want)
		box.close()
	}
}

// The original's watchdog counts from the last wait without a session.
func TestWatchFrom(t *testing.T) {
	s := newService(t, Inet)
	for _, sessions := range []int{0, 1} {
		box, err := newMailbox(nil)
		if err != nil {
			t.Fatal(err)
		}
		before := time.Now().Add(-time.Hour)
		c := &child{Config: s.config, box: box, held: true, sessions: sessions, watchFrom: before, idleSince: time.Now(), dog: time.NewTimer(time.Hour)}
		c.Sessions = 1
		box.post(func() {})
		c.step()
		if counted := c.watchFrom.Equal(before); counted != (sessions == 1) || c.failure != nil {
			t.Errorf("%d sessions: from %v, %v", sessions, c.watchFrom, c.failure)
		}
		box.close()
	}
}

// Master is said to have gone where it has.
func TestUsedUpVerbose(t *testing.T) {
	s := newService(t, Inet)
	done := s.start(func(c *Config) { c.MaxUse, c.Log = 1, c.Log.WithVerbose(1) })
	quit(t, s.dial())
	exitsZero(t, done)
	s.wantLog("q: connection established\nq: master_notify: status 0\nq: master_notify: status 1\nq: connection closed\n")
}

// The baton that comes when it is wanted no more is given back, unless the process has
// it anyway.
func TestGranted(t *testing.T) {
	lockDir(t)
	other := openLock(t)
	for _, tt := range []struct {
		name          string
		waiting, held bool
		err           error
		free, has     bool
	}{
		{"wanted", true, false, nil, false, true},
		{"late", false, false, nil, true, false},
		{"late, and held", false, true, nil, false, true},
		{"late failure", false, false, unix.ENOLCK, false, false},
	} {
		lock := openLock(t)
		if ok, err := lock.tryBaton(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		lock.writeNote(note{until: time.Now().Add(stressTime / 2)})
		c := &child{Config: Config{Lock: lock, Stress: &Stress{}}, waiting: tt.waiting, held: tt.held}
		c.granted(tt.err)
		if c.Stress.On != tt.waiting { // what comes with it
			t.Errorf("%s: stress mode %v", tt.name, c.Stress.On)
		}
		free, err := other.tryBaton()
		if free != tt.free || err != nil || c.held != tt.has || c.waiting || c.failure != nil {
			t.Errorf("%s: free %v, held %v, waiting %v, %v, %v", tt.name, free, c.held, c.waiting, c.failure, err)
		}
		if free {
			if err := other.releaseBaton(); err != nil {
				t.Fatal(err)
			}
		}
		_ = lock.Close()
	}
}

// A baton that is not to be had leaves the process waiting, and one that cannot be passed
// on ends it, before the client that it has just taken is served.
func TestBatonOfOthers(t *testing.T) {
	s, _ := many(t, 4)
	lock, other := openLock(t), openLock(t)
	if ok, err := other.tryBaton(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	box, err := newMailbox(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer box.close()
	c := &child{Config: s.config, box: box}
	c.Lock = lock
	c.takeBaton()
	if c.held || !c.waiting || c.failure != nil {
		t.Errorf("held %v, waiting %v, %v", c.held, c.waiting, c.failure)
	}
	lock.forgetBaton()
	if err := other.releaseBaton(); err != nil {
		t.Fatal(err)
	}

	broken := openLock(t)
	if err := broken.file.Close(); err != nil {
		t.Fatal(err)
	}
	broken.fd = -1
	c = &child{Config: s.config, box: box, held: true, single: true}
	c.Lock = broken
	s.dial()
	for c.failure == nil { // until the client is there
		c.held = true
		c.acceptFrom(s.listener)
	}
	wantFailure(t, c.failure, "select unlock: Bad file descriptor")
	if c.sessions != 0 {
		t.Error("a session began")
	}
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

// A process looks neither at a status channel that has ended nor at clients that it may
// not take: they are there all the time.
func TestWaitsWithoutSpinning(t *testing.T) {
	still := func(what string) {
		t.Helper()
		const pause, tries = 100 * time.Millisecond, 5
		var busy time.Duration
		for range tries { // the runtime may have its own work in one of them
			before := processorTime(t)
			time.Sleep(pause)
			// On a busy machine a process that spins has no more than its share.
			if busy = processorTime(t) - before; busy <= pause/10 {
				return
			}
		}
		t.Errorf("%s: %v of the processor in %v, %d times", what, busy, pause, tries)
	}
	s, start := many(t, 2)
	worker := start()
	one, two := s.dial(), s.dial()
	say(t, one, "x")
	say(t, two, "x")
	s.dial() // waits
	still("full")
	spare := start()
	still("full, with a spare")
	s.masterEnds()
	exitsZero(t, spare)
	still("without a master")
	quit(t, one)
	quit(t, two)
	exitsZero(t, worker)

	// The sessions of others fill the limit.
	s, start = many(t, 2)
	other := openLock(t)
	for range 2 {
		if _, ok := other.takeSlot(2, false); !ok {
			t.Fatal("no slot")
		}
	}
	worker = start(func(c *Config) { c.Stress = &Stress{} })
	late := s.dial()
	still("others are full")
	other.releaseSlot(0, false)
	quit(t, late)
	s.masterEnds()
	exitsZero(t, worker)
	s.wantLog("q: warning: service \"\" () has reached its process limit \"2\": new clients may experience noticeable delays\n" +
		"q: warning: to avoid this condition, increase the process count in master.cf or reduce the service time per client\n" +
		"q: warning: see https://www.postfix.org/STRESS_README.html for examples of stress-adapting configuration settings\n")
}

// What is posted while a client comes goes first: no client is taken by a process that
// is about to end.
func TestNoClientAtTheEnd(t *testing.T) {
	s := newService(t, Inet)
	s.dial()
	for range 40 { // either may be seen first
		for _, end := range []func(*child){
			func(c *child) { c.done = true },
			func(c *child) { c.failure = errors.New("x") },
			func(c *child) { c.draining = true },
		} {
			box, err := newMailbox(nil)
			if err != nil {
				t.Fatal(err)
			}
			c := &child{Config: s.config, ctx: t.Context(), box: box, single: true, held: true, dog: time.NewTimer(time.Hour), idleSince: time.Now()}
			c.Sessions = 1
			c.channel = channel{s.status[1], 1, 1, c.Log}
			if err := box.watch([]int{c.Status, s.listener}); err != nil {
				t.Fatal(err)
			}
			for len(box.poller.Ready()) == 0 {
				time.Sleep(time.Millisecond)
			}
			box.post(func() { end(c) })
			c.step()
			if c.sessions != 0 {
				t.Fatal("a client was accepted")
			}
			box.close()
		}
	}
	s.noRecord()
}

// A process that cannot hear any more ends.
func TestPollerEnds(t *testing.T) {
	for _, sessions := range []int{0, 1} {
		s := newService(t, Inet)
		p, err := poll.New()
		if err != nil {
			t.Fatal(err)
		}
		if sessions == 0 {
			p.Close()
		}
		release := make(chan struct{})
		done := s.start(func(c *Config) {
			c.Poller = p
			c.Handler = func(context.Context, net.Conn, time.Time) error { <-release; return nil }
		})
		if sessions == 1 {
			s.dial()
			s.records(1) // it has begun to wait
			p.Close()
		}
		wantFailure(t, exits(t, done), "event_loop: poll: file already closed")
		close(release)
		if sessions == 1 {
			s.records(1) // by the session, which must not outlive the descriptor
		}
	}
}

func TestPatience(t *testing.T) {
	const far = time.Hour
	now := time.Now()
	for _, tt := range []struct {
		name     string
		sessions int
		maxIdle  time.Duration
		idle     time.Duration
		pause    time.Duration
		want     time.Duration // rounded up
	}{
		{"for ever", 0, 0, far, 0, -1},
		{"idle", 0, 10 * far, far, 0, 9 * far},
		{"idle too long", 0, far, 2 * far, 0, 0},
		{"busy", 1, 10 * far, far, 0, -1},
		{"pause", 1, 10 * far, far, 2 * far, 2 * far},
		{"pause is over", 1, 10 * far, far, -far, -1},
		{"idle before pause", 0, 2 * far, far, 2 * far, far},
		{"pause before idle", 0, 4 * far, far, 2 * far, 2 * far},
	} {
		c := child{sessions: tt.sessions, idleSince: now.Add(-tt.idle), pause: now.Add(tt.pause)}
		c.MaxIdle = tt.maxIdle
		if got := c.patience(); got > tt.want || tt.want > 0 && got < tt.want-time.Minute {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Too many errors under sessions end the process when they have ended.
func TestErrorsUnderSessions(t *testing.T) {
	s := newService(t, Inet)
	for n := range maillog.MaxErrors + 1 {
		for _, sessions := range []int{0, 1} {
			logger := maillog.New(time.Now)
			for range n {
				logger.Errorf("x")
			}
			c := &child{Config: s.config, sessions: sessions}
			c.Log = logger
			c.countErrors()
			over := n >= maillog.MaxErrors
			if c.draining != (over && sessions > 0) || (c.failure != nil) != (over && sessions == 0) {
				t.Errorf("%d errors, %d sessions: draining %v, %v", n, sessions, c.draining, c.failure)
			}
		}
	}
}

// Somebody else who was faster is not told of, and a failure under sessions once until
// there is a success, not in the words for a listener that nobody is served on.
func TestAcceptTold(t *testing.T) {
	for _, transport := range []Transport{Inet, Pass} {
		s := newService(t, transport)
		box, err := newMailbox(nil)
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		c := &child{Config: s.config, ctx: t.Context(), box: box, single: true, held: true}
		c.Handler = func(context.Context, net.Conn, time.Time) error { <-release; return nil }
		c.channel = channel{s.status[1], 2786, 15, c.Log}
		c.acceptFrom(s.listener)
		s.wantLog("")
		c.single, c.sessions = false, 1
		const told = "q: warning: accept connection: Invalid argument\n"
		bad := deaf(t)
		c.acceptFrom(bad)
		c.acceptFrom(bad)
		s.wantLog(told)
		if transport == Inet {
			s.dial()
		} else {
			s.dial().Close() // and passes nothing
		}
		c.acceptFrom(s.listener)
		c.acceptFrom(bad)
		if got := s.log.String(); strings.Count(got, told) != 2 || strings.Contains(got, "cannot accept") {
			t.Error(got)
		}
		if c.sessions != 2 {
			t.Errorf("%d sessions", c.sessions)
		}
		box.close()
		close(release)
		for _, w := range c.workers {
			close(w) // with Pass, the session may have ended before the mailbox
		}
	}
}

// A process that ends at the moment at which it is granted the baton gives it back, though
// it does not read of it any more.
func TestBatonGrantedAtTheEnd(t *testing.T) {
	lockDir(t)
	before, lock, after := openLock(t), openLock(t), openLock(t)
	if ok, err := before.tryBaton(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s := newService(t, Inet)
	s.config.Lock = lock
	box, err := newMailbox(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Config: s.config, ctx: t.Context(), box: box, dog: time.NewTimer(time.Hour), idleSince: time.Now()}
	if c.takeBaton(); !c.waiting {
		t.Fatal("baton taken from its holder")
	}
	if err := before.releaseBaton(); err != nil {
		t.Fatal(err)
	}
	<-box.wake // there is a message: granted
	c.draining = true
	if err := c.live(); err != nil || c.held {
		t.Errorf("held: %t, %v", c.held, err)
	}
	if ok, err := after.tryBaton(); !ok || err != nil {
		t.Errorf("the next process gets the baton: %t, %v", ok, err)
	}
}
