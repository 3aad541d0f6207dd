package cleanup

import (
	"slices"
	"sync"
	"time"
)

// A Gate lets a few messages at a time on to what cleanup(8) does when all of a
// message is there. The others wait here, first come, first served, instead of
// there, where as many processes as there are messages take turns on a few
// processors, so that each message is late, and qmgr(8), which must get its
// turns too, is behind.
//
// A message that has passed and takes long, since cleanup(8) itself waits for
// something (a Milter, a table, in_flow_delay), counts no more after a while.
// So the gate never bounds how many messages wait for others, only how fast they
// begin to, and nobody waits for ever.
//
// A nil Gate is always open. It is safe for concurrent use.
type Gate struct {
	most int
	long time.Duration

	mu      sync.Mutex
	inside  []*pass // who counts, in order of passing
	waiting []*pass
	timer   *time.Timer // runs while somebody waits
}

// pass is one message's.
type pass struct {
	at   time.Time     // when it was let in
	open chan struct{} // closed then; nil if it need not wait
}

// NewGate returns a gate that lets in at most so many messages that have been
// inside for less than long.
func NewGate(most int, long time.Duration) *Gate {
	return &Gate{most: max(most, 1), long: long}
}

// enter waits for the message's turn. The pass is for leave.
func (g *Gate) enter() *pass {
	if g == nil {
		return nil
	}
	p := &pass{}
	g.mu.Lock()
	now := time.Now()
	if len(g.waiting) == 0 && len(g.inside) < g.most {
		p.at = now
		g.inside = append(g.inside, p)
		g.mu.Unlock()
		return p
	}
	p.open = make(chan struct{})
	g.waiting = append(g.waiting, p)
	g.advance(now)
	g.mu.Unlock()
	<-p.open
	return p
}

// leave makes room for the next, if there is a pass.
func (g *Gate) leave(p *pass) {
	if p == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.inside, p); i >= 0 {
		g.inside = slices.Delete(g.inside, i, i+1)
	}
	if len(g.waiting) > 0 {
		g.advance(time.Now())
	}
}

// advance lets in those for whom there is room, and has itself called again
// when the next one inside will have taken long. g.mu is held.
func (g *Gate) advance(now time.Time) {
	slow := 0
	for slow < len(g.inside) && now.Sub(g.inside[slow].at) >= g.long {
		slow++
	}
	g.inside = slices.Delete(g.inside, 0, slow)
	n := min(len(g.waiting), g.most-len(g.inside))
	for _, p := range g.waiting[:n] {
		p.at = now
		g.inside = append(g.inside, p)
		close(p.open)
	}
	g.waiting = slices.Delete(g.waiting, 0, n)
	if len(g.waiting) == 0 {
		if g.timer != nil {
			g.timer.Stop()
		}
		return
	}
	// Somebody waits, so somebody is inside.
	next := g.inside[0].at.Add(g.long).Sub(now)
	if g.timer == nil {
		g.timer = time.AfterFunc(next, g.elapsed)
	} else {
		g.timer.Reset(next)
	}
}

func (g *Gate) elapsed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		g.advance(time.Now())
	}
}
