package master

import "time"

// Stress is the stress mode of a service that remote clients reach. Master enters
// it when it starts the last process that the limit allows, and logs a warning when
// all of them are busy. One process with all the sessions keeps master from
// seeing that, so it does the same for sessions.
// Source: Postfix 3.10 master_avail.c.
type Stress struct {
	// On is whether master started the process in stress mode.
	On bool
	// Set is called before the session for which the mode changes, in the
	// goroutine that accepts. Settings such as ${stress?{10}:{300}}s take
	// their other value for sessions from then on. It returns the values of
	// those that Serve obeys, or nil if they stay.
	Set func(on bool) *Bounds
	// Service is the service name in master.cf, and Name what master makes of it,
	// for instance "628" or "[127.0.0.1]:628"; see the warning.
	Service, Name string

	until  time.Time // stress mode lasts at least
	warned time.Time
	noted  time.Time // when others were told of this
	bounds *Bounds   // what Set returned, if it is news
}

// Bounds are the settings of Config that stress mode may change.
type Bounds struct {
	MaxUse        int
	UseEach       bool
	MaxIdle       time.Duration
	DaemonTimeout time.Duration
}

// stressTime is both how long stress mode lasts and how long the warning is not
// repeated.
const stressTime = 1000 * time.Second

// fills reports whether a session that has slot makes the limit full. Slots
// are taken from the lowest on.
func (c *child) fills(sessions, slot int) bool {
	return !c.single && c.Limit > 0 && (sessions >= c.Limit || slot == c.Limit-1)
}

// reached is called before a session begins.
func (c *child) reached(slot int) {
	if c.Stress == nil || c.single {
		return
	}
	now := time.Now()
	if c.fills(c.sessions+1, slot) {
		c.Stress.begin(now)
		if now.Sub(c.Stress.noted) >= time.Second {
			c.noteStress(now)
		}
	} else {
		c.Stress.expire(now)
	}
	c.rebound()
}

// rebound obeys what stress mode has changed.
func (c *child) rebound() {
	b := c.Stress.bounds
	if b == nil {
		return
	}
	c.Stress.bounds = nil
	c.MaxUse, c.UseEach, c.MaxIdle = b.MaxUse, b.UseEach, b.MaxIdle
	if watchdogStep(b.DaemonTimeout) == 0 {
		// No reason to panic under running sessions.
		c.Log.Warningf("watchdog_create: timeout %d is too small", b.DaemonTimeout/time.Second)
		return
	}
	c.DaemonTimeout = b.DaemonTimeout
}

// noteStress tells the processes that come after this one how things stand.
// Master, which outlives its children, would know by itself.
func (c *child) noteStress(now time.Time) {
	if c.Lock != nil {
		c.Stress.noted = now
		c.Lock.writeNote(note{until: c.Stress.until, warned: c.Stress.warned})
	}
}

// inheritStress goes on where the process that had the baton before has left off.
func (c *child) inheritStress() {
	if c.Stress == nil || c.single {
		return
	}
	n, ok := c.Lock.readNote()
	now := time.Now()
	if !ok || n.until.Sub(now) > stressTime || n.warned.After(now) {
		return // by another clock
	}
	if n.warned.After(c.Stress.warned) {
		c.Stress.warned = n.warned
	}
	if n.until.After(now) && n.until.After(c.Stress.until) {
		c.Stress.until = n.until
		c.Stress.change(true)
		c.rebound()
	}
}

// warnIfFull is called when a session has begun.
func (c *child) warnIfFull(slot int) {
	if c.fills(c.sessions, slot) {
		c.limitReached()
	}
}

// limitReached logs that clients have to wait.
func (c *child) limitReached() {
	if c.Stress == nil {
		return
	}
	now := time.Now()
	if !c.Stress.warned.IsZero() && now.Sub(c.Stress.warned) <= stressTime {
		return
	}
	c.Stress.warned = now
	c.noteStress(now)
	c.Log.Warningf("service \"%s\" (%s) has reached its process limit \"%d\": "+
		"new clients may experience noticeable delays", c.Stress.Service, c.Stress.Name, c.Limit)
	c.Log.Warningf("to avoid this condition, increase the process count " +
		"in master.cf or reduce the service time per client")
	c.Log.Warningf("see https://www.postfix.org/STRESS_README.html for " +
		"examples of stress-adapting configuration settings")
}

func (s *Stress) begin(now time.Time) {
	s.until = now.Add(stressTime)
	s.change(true)
}

func (s *Stress) expire(now time.Time) {
	// The zero time has passed: a process that master started in stress
	// mode gets a full period.
	if s.On && s.until.IsZero() {
		s.until = now.Add(stressTime)
	}
	if now.After(s.until) {
		s.change(false)
	}
}

func (s *Stress) change(on bool) {
	if s.On != on {
		s.On = on
		if s.Set != nil {
			s.bounds = s.Set(on)
		}
	}
}
