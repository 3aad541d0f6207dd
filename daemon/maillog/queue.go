package maillog

import (
	"slices"
	"sync"
	"time"
)

// The bounds of one sink's queue. A line is at most some 2100 bytes.
const (
	maxQueuedLines = 16384
	maxQueuedBytes = 4 << 20
)

// A sink takes whole lines.
type sink interface {
	// try hands a line over without waiting. It returns false if that
	// is not possible now and the line should be kept.
	try(line []byte) bool
	// wait hands a line over, waiting as long as it takes. A line that
	// can't be delivered at all is lost.
	wait(line []byte)
	close()
}

// queue holds the lines that its sink does not take yet.
type queue struct {
	sink sink

	mu      sync.Mutex
	lines   [][]byte
	bytes   int
	taken   int           // lines that waited and were handed over, ever
	stalled bool          // a caller has waited for room in vain, and no line was taken since
	room    chan struct{} // closed when the queue is half empty; nil if nobody waits for that
	dropped int
	done    chan struct{} // closed when the goroutine has sent all; nil when none runs
	closing bool
}

func newQueue(s sink) *queue { return &queue{sink: s} }

// put sends or queues a line, in order, and does not keep it. It returns false
// when the line had to be dropped.
func (q *queue) put(line []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done == nil && q.sink.try(line) {
		return true
	}
	if len(q.lines) >= maxQueuedLines || q.bytes+len(line) > maxQueuedBytes {
		q.dropped++
		return false
	}
	q.lines = append(q.lines, slices.Clone(line))
	q.bytes += len(line)
	if q.done == nil {
		q.done = make(chan struct{})
		go q.run(q.done)
	}
	return true
}

// run sends what is queued and ends when nothing is left.
func (q *queue) run(done chan struct{}) {
	defer close(done)
	for {
		q.mu.Lock()
		if len(q.lines) == 0 {
			q.lines = nil
			q.done = nil
			if q.closing {
				q.sink.close()
			}
			q.mu.Unlock()
			return
		}
		line := q.lines[0]
		q.lines[0] = nil
		q.lines = q.lines[1:]
		q.bytes -= len(line)
		if q.room != nil && !q.halfFull() {
			close(q.room)
			q.room = nil
		}
		q.mu.Unlock()
		q.sink.wait(line)
		q.mu.Lock()
		q.taken++
		q.stalled = false
		q.mu.Unlock()
	}
}

func (q *queue) halfFull() bool {
	return len(q.lines) >= maxQueuedLines/2 || q.bytes >= maxQueuedBytes/2
}

// waitRoom returns when half of the queue is free, or when none of its lines has been
// handed over for the time that stall gives; in the latter case, until one is, the
// next call returns at once.
func (q *queue) waitRoom(stall time.Duration) {
	room, before := q.wantRoom()
	if room == nil {
		return
	}
	timer := time.NewTimer(stall)
	defer timer.Stop()
	for {
		select {
		case <-room:
			return
		case <-timer.C:
		}
		q.mu.Lock()
		if q.taken == before {
			q.stalled = true
			q.mu.Unlock()
			return
		}
		before = q.taken
		q.mu.Unlock()
		timer.Reset(stall)
	}
}

// wantRoom returns what is closed when there is room, or nil if a caller should not
// wait for that, and how many lines have left the queue.
func (q *queue) wantRoom() (<-chan struct{}, int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stalled || !q.halfFull() {
		return nil, 0
	}
	if q.room == nil {
		q.room = make(chan struct{})
	}
	return q.room, q.taken
}

// lost returns how many lines were dropped and not yet reported.
func (q *queue) lost() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dropped > 0 && (len(q.lines) >= maxQueuedLines || q.bytes > maxQueuedBytes-maxText-512) {
		return 0 // still full
	}
	return q.dropped
}

func (q *queue) forgive(n int) {
	q.mu.Lock()
	q.dropped -= n
	q.mu.Unlock()
}

// drained returns a channel that is closed when the queue is empty, or nil if
// it is empty now.
func (q *queue) drained() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.done
}

// handed returns how many lines have left the queue.
func (q *queue) handed() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken
}

// waitEmpty returns true when the queue is empty, and false when none of its lines
// has been handed over for the time that stall gives.
func (q *queue) waitEmpty(stall time.Duration) bool {
	before := q.handed()
	timer := time.NewTimer(stall)
	defer timer.Stop()
	for {
		done := q.drained()
		if done == nil {
			return true
		}
		select {
		case <-done:
		case <-timer.C:
			now := q.handed()
			if now == before {
				return false
			}
			before = now
			timer.Reset(stall)
		}
	}
}

// closeWhenEmpty closes the sink once all is sent. Nothing may be put
// afterwards.
func (q *queue) closeWhenEmpty() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closing = true
	if q.done == nil {
		q.sink.close()
	}
}
