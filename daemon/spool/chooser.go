package spool

import (
	"sync"
	"time"
)

// How many files go one way before the other way is tried again: fewer after a
// change, more each time that nothing changed. A trial is trialFiles long.
const (
	minTurn    = 64
	maxTurn    = 2048
	trialFiles = 32
)

// way is a way to make files durable.
type way int

const (
	shared way = iota // one syncfs(2) for a batch
	alone             // an fsync(2) for each file, at the same time
)

// chooser finds out which way costs less. That depends on the disk, on how many
// write at once, and on what others write to the same file system, which
// syncfs(2) has to wait for. The cost of a way is the time that it took divided
// by the number of files that were under way in it. The zero value is ready and
// begins with sharing.
type chooser struct {
	mu    sync.Mutex
	cost  [2]float64 // nanoseconds per file, a moving average; 0 when unknown
	best  way
	trial bool // the other way is being tried
	left  int  // files until the next decision
	turn  int  // how long the present turn is
}

// next says which way the next file goes.
func (c *chooser) next() way {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn == 0 {
		c.turn, c.left = minTurn, minTurn
	}
	if c.left == 0 {
		c.decide()
	}
	c.left--
	if c.trial {
		return 1 - c.best
	}
	return c.best
}

// decide ends a turn or a trial.
func (c *chooser) decide() {
	if c.trial = !c.trial; c.trial {
		c.left = trialFiles
		return
	}
	other := 1 - c.best
	if c.cost[other] > 0 && c.cost[other] < c.cost[c.best] {
		c.best, c.turn = other, minTurn
	} else {
		c.turn = min(2*c.turn, maxTurn)
	}
	c.left = c.turn
}

// took notes that files that were synced in one way at the same time took so
// long. A file by itself says nothing of the cost of many.
func (c *chooser) took(w way, d time.Duration, files int) {
	if files < 2 || d <= 0 {
		return
	}
	cost := float64(d) / float64(files)
	c.mu.Lock()
	if c.cost[w] == 0 {
		c.cost[w] = cost
	} else {
		c.cost[w] += (cost - c.cost[w]) / 4
	}
	c.mu.Unlock()
}
