package spool

import (
	"testing"
	"time"
)

// TestChooser: the cheaper way is found, kept, and left when it becomes the
// dearer one; the other one is tried seldom.
func TestChooser(t *testing.T) {
	var c chooser
	cost := map[way]time.Duration{shared: time.Millisecond, alone: 3 * time.Millisecond}
	run := func(files int) map[way]int {
		count := make(map[way]int)
		for range files {
			w := c.next()
			count[w]++
			c.took(w, cost[w]*10, 10)
		}
		return count
	}
	if c.next() != shared {
		t.Error("does not begin with sharing")
	}
	if n := run(20000); n[shared] < 18500 {
		t.Errorf("sharing is cheaper: %v", n)
	}
	cost[shared] = 100 * time.Millisecond
	run(3 * maxTurn)
	if n := run(20000); n[alone] < 19000 {
		t.Errorf("sharing is dearer: %v", n)
	}
	cost[alone] = 1000 * time.Millisecond
	run(3 * maxTurn)
	if n := run(20000); n[shared] < 19000 {
		t.Errorf("sharing is cheaper again: %v", n)
	}
}

// TestChooserKnowsNothing keeps to sharing while nothing is known.
func TestChooserKnowsNothing(t *testing.T) {
	var c chooser
	n := 0
	for range 10000 {
		w := c.next()
		c.took(w, 0, 10)          // a clock that stands still
		c.took(w, time.Second, 1) // a file by itself
		if w == shared {
			n++
		}
	}
	if n < 9000 || c.cost != [2]float64{} {
		t.Errorf("shared %d times, %v", n, c.cost)
	}
}
