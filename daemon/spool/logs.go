package spool

import (
	"errors"
	"sync"
	"syscall"
	"time"
)

// logQueues are the queues of per-message logs, in the order in which
// cleanup(8) removes them.
var logQueues = [...]string{"bounce", "defer", "trace"}

// logs removes the delivery logs of earlier messages with the same queue ids as
// new ones. There hardly ever are any, so it remembers which of the queues
// have no entries at all: to see that one has not changed costs less than to look for
// a name.
type logs struct {
	mu     sync.Mutex
	queues [len(logQueues)]logQueue
}

// logQueue is what a queue was like when it was last listed.
type logQueue struct {
	inode   uint64
	modTime time.Time
	empty   bool
}

// settled is how old a change of a directory must be for the next one to be sure
// to show in its time stamp.
const settled = 2 * time.Second

// listedSize is how large a directory may be to be listed, in bytes: one that is
// larger has had many entries, and likely has some now.
const listedSize = 64 << 10

// remove removes the logs of a message that begins: mailq would show them as
// its own (Postfix cleanup_api.c, cleanup_open).
func (l *logs) remove(s *Spool, id string) error {
	for i, queue := range logQueues {
		if l.empty(s, i) {
			continue
		}
		path := s.opts.Hashing.Path(queue, id)
		switch err := s.fs.Remove(path); {
		case err == nil:
			s.opts.Warn(queue + ": removed spurious " + id + " log")
		case !errors.Is(err, syscall.ENOENT):
			return &Error{Op: "remove", Path: path, Err: err}
		}
	}
	return nil
}

// empty reports that a queue is known to have no entries. Trouble is left to
// whoever looks closer.
func (l *logs) empty(s *Spool, i int) bool {
	info, err := s.fs.Stat(logQueues[i])
	if err != nil || !info.Mode.IsDir() || info.Size > listedSize {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q := &l.queues[i]
	if q.inode == info.Inode && q.modTime.Equal(info.ModTime) {
		return q.empty
	}
	if s.opts.Now().Sub(info.ModTime) < settled {
		return false
	}
	names, err := s.fs.List(logQueues[i])
	if err != nil {
		return false
	}
	*q = logQueue{info.Inode, info.ModTime, len(names) == 0}
	return q.empty
}
