package spool

import (
	"sync"
	"time"
)

// How many files go one way before the other way is tried again: fewer after a
// change, more each time that nothing changed. A trial is at most trialFiles
// long, and is broken off when it costs twice as much.
const (
	minTurn    = 64
	maxTurn    = 16384
	trialFiles = 32
)

// way is a way to make files durable.
type way int

const (
	shared way = iota // one syncfs(2) for a batch
	alone             // an fsync(2) for each file, at the same time
)

// worthIt is how much of the other way's time a way may take to be preferred.
// Sharing saves processor time too, of which the disk's times say nothing: only
// a disk that is busy with other things is a reason to do without.
var worthIt = [...]float64{shared: 0.9, alone: 0.3}

// chooser finds out which way costs less. That depends on the disk, on how many
// write at once, and above all on what others write to the same file system,
// for which syncfs(2) has to wait: on a quiet disk it saves a third, on a busy
// one it can cost ten times as much. The cost of a way is the time that it took
// divided by the number of files that were under way in it. The zero value is
// ready and begins with sharing.
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
	if c.cost[other] > 0 && c.cost[other] < worthIt[other]*c.cost[c.best] {
		c.best, c.turn = other, minTurn
	} else {
		c.turn = min(2*c.turn, maxTurn)
	}
	c.left = c.turn
}

// took notes that files that were synced in one way at the same time took so
// long. A file by itself says nothing of the cost of many. A single hiccup
// counts as no more than four times the usual.
func (c *chooser) took(w way, d time.Duration, files int) {
	if files < 2 || d <= 0 {
		return
	}
	cost := float64(d) / float64(files)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cost[w] == 0 {
		c.cost[w] = cost
	} else {
		c.cost[w] += (min(cost, 4*c.cost[w]) - c.cost[w]) / 4
	}
	if c.trial && w != c.best && c.cost[w] > 2*c.cost[c.best] {
		c.left = 0
	}
}
