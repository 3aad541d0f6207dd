package master

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
)

// many makes children of a service have up to limit sessions, with a lock file
// that all share.
func many(t *testing.T, limit int) (s *service, start func(...func(*Config)) <-chan error) {
	lockDir(t)
	s = newService(t, Inet)
	s.config.Sessions, s.config.Limit = limit, limit
	return s, func(change ...func(*Config)) <-chan error {
		lock := openLock(t)
		return s.start(append([]func(*Config){func(c *Config) { c.Lock = lock }}, change...)...)
	}
}

// silentFor checks that a client that has sent something hears nothing.
func silentFor(t *testing.T, c net.Conn, d time.Duration) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(d))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("client is served: %v", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
}

func hear(t *testing.T, c net.Conn, word string) {
	t.Helper()
	b := make([]byte, len(word)+1)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != word+"\n" {
		t.Fatalf("heard %q %v", b, err)
	}
}

func TestManySessions(t *testing.T) {
	s, start := many(t, 10)
	done := start()
	var clients []net.Conn
	for i := range 10 {
		c := s.dial()
		say(t, c, fmt.Sprint(i))
		clients = append(clients, c)
	}
	if got := s.records(1); got != "T" {
		t.Error(got)
	}
	for _, c := range clients {
		s.noRecord()
		quit(t, c)
	}
	if got := s.records(1); got != "A" {
		t.Error(got)
	}
	quit(t, s.dial())
	if got := s.records(2); got != "TA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, done)
	s.wantLog("")
}

func TestReloadWithManySessions(t *testing.T) {
	s, start := many(t, 10)
	worker := start()
	var clients []net.Conn
	for i := range 3 {
		c := s.dial()
		if i > 0 { // one has sent nothing yet
			say(t, c, "x")
		}
		clients = append(clients, c)
	}
	if got := s.records(1); got != "T" {
		t.Error(got)
	}
	say(t, clients[0], "accepted")
	spare := start()
	s.masterEnds()
	exitsZero(t, spare) // idle
	running(t, worker)
	late := s.dial()
	if _, err := io.WriteString(late, "late\n"); err != nil {
		t.Fatal(err)
	}
	silentFor(t, late, 50*time.Millisecond) // the worker does not take it
	// The next generation has another status channel.
	pair := newService(t, Inet)
	successor := start(func(c *Config) { c.Status = pair.status[1] })
	hear(t, late, "late") // at once, though old sessions are open
	running(t, worker)
	for _, c := range clients {
		quit(t, c)
	}
	exitsZero(t, worker)
	quit(t, late)
	if got := pair.records(2); got != "TA" {
		t.Error(got)
	}
	pair.masterEnds()
	exitsZero(t, successor)
}

func TestMaxUseWithManySessions(t *testing.T) {
	s, start := many(t, 10)
	worker := start(func(c *Config) { c.MaxUse = 3 })
	clients := []net.Conn{s.dial(), s.dial(), s.dial()}
	for _, c := range clients {
		say(t, c, "x")
	}
	if got := s.records(1); got != "T" {
		t.Error(got)
	}
	fourth := s.dial()
	if _, err := io.WriteString(fourth, "x\n"); err != nil {
		t.Fatal(err)
	}
	silentFor(t, fourth, 50*time.Millisecond)
	spare := start(func(c *Config) { c.MaxUse = 3 })
	hear(t, fourth, "x")
	for _, c := range clients {
		quit(t, c)
	}
	exitsZero(t, worker)
	quit(t, fourth)
	if got := s.records(3); got != "TAA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, spare)
}

// With UseEach sessions that are open at once share a use: 1 + 1/2 + 1/3 + 1/4 is
// more than two.
func TestUseEach(t *testing.T) {
	s, start := many(t, 10)
	worker := start(func(c *Config) { c.MaxUse, c.UseEach = 2, true })
	var clients []net.Conn
	for range 4 {
		c := s.dial()
		say(t, c, "x")
		clients = append(clients, c)
	}
	fifth := s.dial()
	if _, err := io.WriteString(fifth, "x\n"); err != nil {
		t.Fatal(err)
	}
	silentFor(t, fifth, 50*time.Millisecond)
	for _, c := range clients {
		quit(t, c)
	}
	exitsZero(t, worker)
	if got := s.records(2); got != "TA" {
		t.Error(got)
	}
}

// One after the other is worth no more than MaxUse, whatever was before.
func TestUseEachAlone(t *testing.T) {
	s, start := many(t, 10)
	worker := start(func(c *Config) { c.MaxUse, c.UseEach = 4, true })
	one, two := s.dial(), s.dial() // 1 + 1/2
	say(t, one, "x")
	say(t, two, "x")
	quit(t, one)
	quit(t, two)
	for range 3 {
		if got := s.records(2); got != "TA" {
			t.Fatal(got)
		}
		c := s.dial()
		say(t, c, "x")
		quit(t, c)
	}
	exitsZero(t, worker)
}

func TestTableChangedWithManySessions(t *testing.T) {
	s, start := many(t, 10)
	var changed atomic.Bool
	change := func(c *Config) {
		c.Changed = func() string {
			if changed.Load() {
				return "hash:/am(0,lock)"
			}
			return ""
		}
	}
	worker := start(change)
	one := s.dial()
	say(t, one, "x")
	changed.Store(true)
	two := s.dial()
	if _, err := io.WriteString(two, "x\n"); err != nil {
		t.Fatal(err)
	}
	silentFor(t, two, 50*time.Millisecond)
	spare := start() // has opened the new table
	hear(t, two, "x")
	quit(t, one)
	exitsZero(t, worker)
	s.wantLog("q: table hash:/am(0,lock) has changed -- restarting\n")
	quit(t, two)
	s.masterEnds()
	exitsZero(t, spare)
}

func TestDrainReason(t *testing.T) {
	s, start := many(t, 10)
	done := start(func(c *Config) { c.Drain = func() string { return "memory in use 200000000 bytes" } })
	s.dial()
	exitsZero(t, done)
	s.wantLog("q: memory in use 200000000 bytes -- restarting\n")
	s.noRecord()
}

// The limit bounds sessions of all processes together.
func TestLimitOfAllProcesses(t *testing.T) {
	s, start := many(t, 3)
	old := start(func(c *Config) { c.MaxUse = 2 })
	one, two := s.dial(), s.dial()
	say(t, one, "x")
	say(t, two, "x") // the old process drains now
	young := start()
	three := s.dial()
	say(t, three, "x")
	four := s.dial()
	if _, err := io.WriteString(four, "x\n"); err != nil {
		t.Fatal(err)
	}
	silentFor(t, four, 150*time.Millisecond)
	quit(t, one)
	hear(t, four, "x")
	for _, c := range []net.Conn{two, three, four} {
		quit(t, c)
	}
	exitsZero(t, old)
	s.masterEnds()
	exitsZero(t, young)
}

func TestLimitReached(t *testing.T) {
	s, start := many(t, 2)
	var modes []bool
	done := start(func(c *Config) {
		c.Stress = &Stress{Service: "127.0.0.1:628", Name: "[127.0.0.1]:628",
			Set: func(on bool) *Bounds { modes = append(modes, on); return nil }}
	})
	for range 2 {
		one, two := s.dial(), s.dial()
		say(t, one, "x")
		say(t, two, "x")
		three := s.dial()
		if _, err := io.WriteString(three, "x\n"); err != nil {
			t.Fatal(err)
		}
		silentFor(t, three, 20*time.Millisecond)
		quit(t, two)
		hear(t, three, "x")
		quit(t, three)
		quit(t, one)
		if got := s.records(2); got != "TA" {
			t.Error(got)
		}
	}
	s.masterEnds()
	exitsZero(t, done)
	s.wantLog("q: warning: service \"127.0.0.1:628\" ([127.0.0.1]:628) has reached its process limit \"2\": new clients may experience noticeable delays\n" +
		"q: warning: to avoid this condition, increase the process count in master.cf or reduce the service time per client\n" +
		"q: warning: see https://www.postfix.org/STRESS_README.html for examples of stress-adapting configuration settings\n")
	if len(modes) != 1 || !modes[0] {
		t.Errorf("stress modes %v", modes)
	}
}

func TestStressPeriods(t *testing.T) {
	t0 := time.Now()
	var modes []bool
	s := Stress{Set: func(on bool) *Bounds { modes = append(modes, on); return nil }}
	s.expire(t0)
	s.begin(t0)
	s.expire(t0.Add(1000 * time.Second))
	s.begin(t0.Add(1000 * time.Second))
	s.expire(t0.Add(1999 * time.Second))
	s.expire(t0.Add(2001 * time.Second))
	s.expire(t0.Add(2002 * time.Second))
	if fmt.Sprint(modes) != "[true false]" {
		t.Error(modes)
	}
	modes = nil
	s = Stress{On: true, Set: s.Set} // as master started it
	s.expire(t0)
	s.expire(t0.Add(999 * time.Second))
	s.expire(t0.Add(1001 * time.Second))
	if fmt.Sprint(modes) != "[false]" {
		t.Error(modes)
	}
}

// Stress mode and the time of its warning pass to the process that takes over, as
// they stay with master(8) when the original's processes come and go.
func TestStressGoesOn(t *testing.T) {
	s, start := many(t, 2)
	var modes [2]atomic.Int32
	var changed atomic.Bool
	stressed := func(i int) func(*Config) {
		return func(c *Config) {
			c.Stress = &Stress{Service: "628", Name: "628", Set: func(on bool) *Bounds {
				if on {
					modes[i].Add(1)
				}
				return nil
			}}
			if i == 0 {
				c.Changed = func() string {
					if changed.Load() {
						return "hash:x"
					}
					return ""
				}
			}
		}
	}
	first := start(stressed(0))
	one, two := s.dial(), s.dial()
	say(t, one, "x")
	say(t, two, "x")
	quit(t, two)
	changed.Store(true)
	three := s.dial()
	if _, err := io.WriteString(three, "x\n"); err != nil {
		t.Fatal(err)
	}
	silentFor(t, three, 20*time.Millisecond)
	second := start(stressed(1))
	hear(t, three, "x")
	quit(t, one)
	exitsZero(t, first)
	if modes[0].Load() != 1 || modes[1].Load() != 1 {
		t.Errorf("stress mode began %d times in the first process, %d times in the second", modes[0].Load(), modes[1].Load())
	}
	four := s.dial()
	say(t, four, "x") // the limit again, but the warning is fresh
	quit(t, three)
	quit(t, four)
	s.masterEnds()
	exitsZero(t, second)
	s.wantLog("q: warning: service \"628\" (628) has reached its process limit \"2\": new clients may experience noticeable delays\n" +
		"q: warning: to avoid this condition, increase the process count in master.cf or reduce the service time per client\n" +
		"q: warning: see https://www.postfix.org/STRESS_README.html for examples of stress-adapting configuration settings\n" +
		"q: table hash:x has changed -- restarting\n")
}

// Under another master, or by a clock that was wrong, a note counts for nothing.
func TestOldNote(t *testing.T) {
	s, start := many(t, 2)
	lock := openLock(t)
	now := time.Now()
	lock.writeNote(note{until: now.Add(stressTime + time.Hour), warned: now.Add(-time.Second)})
	if n, ok := lock.readNote(); !ok || !n.warned.Equal(now.Add(-time.Second)) {
		t.Fatalf("read back: %v %v", n, ok)
	}
	begun := false
	done := start(func(c *Config) {
		c.Stress = &Stress{Set: func(bool) *Bounds { begun = true; return nil }}
	})
	quit(t, s.dial())
	s.masterEnds()
	exitsZero(t, done)
	if begun {
		t.Error("a note from another time began stress mode")
	}
	if _, err := lock.file.WriteAt([]byte{0xff}, 0); err != nil {
		t.Fatal(err)
	}
	if _, ok := lock.readNote(); ok {
		t.Error("the note of another master is read")
	}
}

// The bounds that stress mode changes are those of sessions from then on.
func TestStressBounds(t *testing.T) {
	s, start := many(t, 2)
	done := start(func(c *Config) {
		c.MaxUse = 100
		c.Stress = &Stress{Set: func(bool) *Bounds { return &Bounds{MaxUse: 3, MaxIdle: time.Hour, DaemonTimeout: 3 * time.Second} }}
	})
	began := time.Now()
	one, two := s.dial(), s.dial()
	say(t, one, "x")
	say(t, two, "x")
	quit(t, one)
	// Daemon_timeout ends the session that began under stress.
	if _, err := two.Read(make([]byte, 1)); err == nil || time.Since(began) < 3*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	quit(t, s.dial())
	exitsZero(t, done) // three sessions
	s.wantLog("q: warning: service \"\" () has reached its process limit \"2\": new clients may experience noticeable delays\n" +
		"q: warning: to avoid this condition, increase the process count in master.cf or reduce the service time per client\n" +
		"q: warning: see https://www.postfix.org/STRESS_README.html for examples of stress-adapting configuration settings\n" +
		"q: fatal: watchdog timeout\n")
}

// Stress mode that comes with the baton may use a process up: it leaves the baton to
// others then, though it has just taken it.
func TestStressUsesUp(t *testing.T) {
	s, start := many(t, 4)
	inherited := make(chan struct{})
	first := start(func(c *Config) {
		c.Sessions, c.MaxUse = 2, 100
		c.Stress = &Stress{Set: func(bool) *Bounds {
			close(inherited)
			return &Bounds{MaxUse: 2, MaxIdle: time.Hour, DaemonTimeout: time.Hour}
		}}
	})
	one, two := s.dial(), s.dial()
	say(t, one, "x")
	say(t, two, "x")
	lock := openLock(t)
	passed := make(chan error)
	lock.awaitBaton(func(err error) bool {
		passed <- err
		return true
	})
	if err := <-passed; err != nil {
		t.Fatal(err)
	}
	lock.writeNote(note{until: time.Now().Add(stressTime / 2)})
	if err := lock.releaseBaton(); err != nil {
		t.Fatal(err)
	}
	quit(t, two)
	<-inherited
	second := start()
	three := s.dial()
	say(t, three, "x")
	quit(t, three)
	quit(t, one)
	exitsZero(t, first)
	s.masterEnds()
	exitsZero(t, second)
	s.wantLog("")
}

// With fewer sessions in a process than the limit, the next process takes over
// when the first is full.
func TestFewSessionsPerProcess(t *testing.T) {
	s, start := many(t, 4)
	two := func(c *Config) { c.Sessions = 2 }
	first, second := start(two), start(two)
	var clients []net.Conn
	for range 4 {
		c := s.dial()
		say(t, c, "x")
		clients = append(clients, c)
	}
	if got := s.records(2); got != "TT" {
		t.Error(got)
	}
	for _, c := range clients {
		quit(t, c)
	}
	if got := s.records(2); got != "AA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, first)
	exitsZero(t, second)
}

// With one session per process, siblings take turns.
func TestSiblings(t *testing.T) {
	s, start := many(t, 4)
	one := func(c *Config) { c.Sessions = 1 }
	first, second := start(one), start(one)
	a, b := s.dial(), s.dial()
	say(t, a, "x")
	say(t, b, "x")
	c := s.dial()
	if _, err := io.WriteString(c, "x\n"); err != nil {
		t.Fatal(err)
	}
	silentFor(t, c, 20*time.Millisecond)
	quit(t, b)
	hear(t, c, "x")
	quit(t, c)
	quit(t, a)
	if got := s.records(6); got != "TTATAA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, first)
	exitsZero(t, second)
}

func TestFailureEndsOneSessionOfMany(t *testing.T) {
	s, start := many(t, 10)
	done := start(func(c *Config) {
		c.Handler = func(ctx context.Context, c net.Conn, now time.Time) error {
			b := make([]byte, 1)
			if _, err := c.Read(b); err == nil && b[0] == 'f' {
				return maillog.FatalError("unable to connect to the public cleanup service")
			}
			return echo(ctx, c, now)
		}
	})
	good, bad := s.dial(), s.dial()
	if _, err := io.WriteString(good, " "); err != nil {
		t.Fatal(err)
	}
	say(t, good, "x")
	begun := time.Now()
	if _, err := io.WriteString(bad, "f"); err != nil {
		t.Fatal(err)
	}
	if _, err := bad.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	if d := time.Since(begun); d < FailurePause {
		t.Errorf("closed after %v", d)
	}
	quit(t, good)
	if got := s.records(2); got != "TA" {
		t.Error(got)
	}
	s.masterEnds()
	exitsZero(t, done)
	s.wantLog("q: fatal: unable to connect to the public cleanup service\n")
}

// An accept that gives no client gives its slot back. Under sessions it is tried again
// after a pause, and complained of once; somebody else who was faster is no reason for either.
func TestAcceptFailsUnderSessions(t *testing.T) {
	s, _ := many(t, 3)
	deaf := deaf(t)
	const complaint = "q: warning: accept connection: Invalid argument\n"
	for _, tt := range []struct {
		name   string
		fd     int
		greedy bool
		paused bool
		log    string
	}{
		{name: "nobody", fd: s.listener},
		{name: "nobody, greedy", fd: s.listener, greedy: true},
		{name: "deaf", fd: deaf, paused: true, log: complaint},
		{name: "deaf, greedy", fd: deaf, greedy: true, paused: true, log: complaint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log safeBuffer
			logger := maillog.New(time.Now)
			logger.AddPlain(&log, "q")
			lock, other := openLock(t), openLock(t)
			c := &child{Config: s.config, sessions: 1, held: tt.greedy}
			c.Log, c.Lock = logger, lock
			begun := time.Now()
			for range 3 {
				c.acceptFrom(tt.fd)
			}
			if log.String() != tt.log || c.failure != nil || c.draining || c.pause.Before(begun.Add(descriptorRetry)) == tt.paused {
				t.Errorf("log %q, failure %v, draining %v, pause until %v", log.String(), c.failure, c.draining, c.pause)
			}
			lock.releaseSpare()
			if slot, ok := other.takeSlot(3, false); !ok || slot != 0 {
				t.Errorf("slot %d, %v for somebody else", slot, ok)
			}
		})
	}
}

func TestOverdueSessionOfMany(t *testing.T) {
	s, start := many(t, 10)
	cause := make(chan error, 1)
	done := start(func(c *Config) {
		c.DaemonTimeout = 3 * time.Second
		c.Handler = func(ctx context.Context, c net.Conn, now time.Time) error {
			err := echo(ctx, c, now)
			if ctx.Err() != nil {
				cause <- context.Cause(ctx)
			}
			return err
		}
	})
	long := s.dial()
	say(t, long, "x")
	for range 5 {
		short := s.dial()
		say(t, short, "x")
		time.Sleep(500 * time.Millisecond) // sessions shorter than the bound
		quit(t, short)
	}
	other := s.dial()
	say(t, other, "x")
	if _, err := long.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	wantFailure(t, <-cause, "watchdog timeout")
	quit(t, other)
	running(t, done)
	s.masterEnds()
	exitsZero(t, done)
	s.wantLog("q: fatal: watchdog timeout\n")
}

// A watchdog that barks while its session ends concerns nobody any more: neither the
// only session that a process can have nor the count of those that are stuck.
func TestOverdueAfterEnd(t *testing.T) {
	for _, single := range []bool{true, false} {
		var log safeBuffer
		logger := maillog.New(time.Now)
		logger.AddPlain(&log, "q")
		box, err := newMailbox(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer box.close()
		c := &child{Config: Config{Log: logger}, box: box, single: single, sessions: 2}
		_, cancel := context.WithCancelCause(t.Context())
		s := &session{slot: -1, cancel: cancel, dog: time.NewTimer(time.Hour)}
		c.end(s, nil)
		c.overdue(s)
		c.givenUp(s)
		if c.failure != nil || c.stuck != 0 || c.allStuck() {
			t.Errorf("single %v: failure %v, %d of %d stuck", single, c.failure, c.stuck, c.sessions)
		}
		if log.String() != "" {
			t.Errorf("single %v: logged %q", single, log.String())
		}
	}
}

// Sessions come and go while generations of processes change, and none is
// lost.
func TestManyGenerations(t *testing.T) {
	s, start := many(t, 8)
	const clients, each = 8, 40
	finished := make(chan error, clients)
	for range clients {
		go func() {
			for i := range each {
				c, err := net.Dial(s.address.Network(), s.address.String())
				if err != nil {
					finished <- err
					return
				}
				_ = c.SetDeadline(time.Now().Add(patience))
				word := fmt.Sprintf("%d\nquit\n", i)
				_, err = io.WriteString(c, word)
				b, err2 := io.ReadAll(c)
				_ = c.Close()
				if err = errors.Join(err, err2); err != nil || string(b) != word {
					finished <- fmt.Errorf("%q %w", b, err)
					return
				}
			}
			finished <- nil
		}()
	}
	// A worker and a spare, always.
	exited := make(chan error)
	run := func() {
		done := start(func(c *Config) { c.MaxUse = 7 })
		go func() { exited <- <-done }()
	}
	run()
	run()
	left := clients
	for left > 0 {
		// Nobody else reads the status records, and the channel holds a
		// few hundred at most.
		for ready := true; ready; {
			if ready, _ = pollOne(s.status[0], unix.POLLIN, 0); ready {
				s.records(1)
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case err := <-finished:
			if err != nil {
				t.Error(err)
			}
			left--
		case err := <-exited:
			if err != nil {
				t.Error(err)
			}
			run()
		}
	}
	s.masterEnds()
	for range 2 {
		if err := <-exited; err != nil {
			t.Error(err)
		}
	}
	if log := s.log.String(); log != "" {
		t.Error(strings.TrimSpace(log))
	}
}
