package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// renewed is something with lookup tables that follows changes of their files.
// A Postfix daemon looks before each client or message and begins anew when a
// table has changed; a stand-alone server cannot, so what is under way finishes
// with the tables that it began with, and what comes later gets new ones.
//
// Tables and files that are read into memory are not watched, by Postfix
// neither; but its processes do not live long, and so everything is opened
// again after a while.
type renewed[T any] struct {
	open   func() (T, *table.Set, error)
	maxAge time.Duration // of a generation
	now    func() time.Time

	mu      sync.Mutex
	current *generation[T]
	opening bool      // a new generation
	failed  time.Time // when that failed
}

// generation is a value with its open tables.
type generation[T any] struct {
	value  T
	tables *table.Set
	opened time.Time
	users  int // those who hold it, and one for being the current one
}

// start makes what open has returned the current generation.
func (r *renewed[T]) start(value T, tables *table.Set) {
	r.current = &generation[T]{value: value, tables: tables, opened: r.now(), users: 1}
}

// acquire returns the current generation, after opening a new one if a file has
// changed or it is old. If that fails, the old one stays in use, and so it does for
// others as long as it takes. It must be released.
//
// Source: Postfix 3.10 qmqpd.c and cleanup.c, pre_accept.
func (r *renewed[T]) acquire(log *maillog.Logger) *generation[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opening && r.due(log) {
		if value, tables, err := r.openUnlocked(); err != nil {
			// At the end of the server nobody waits for the new one.
			for _, err := range eachOf(err) {
				if !errors.Is(err, context.Canceled) {
					log.Warningf("%s", err)
				}
			}
			r.failed = r.now()
			r.current.opened = r.failed
		} else {
			old := r.current
			r.start(value, tables)
			r.drop(old)
		}
	}
	r.current.users++
	return r.current
}

// due tells whether a new generation is to be opened. What could not be opened is
// left alone for as long as a Postfix process sleeps that could not start.
func (r *renewed[T]) due(log *maillog.Logger) bool {
	if r.now().Sub(r.failed) < master.FailurePause {
		return false
	}
	name := changed(r.current.tables, log)
	if name != "" {
		log.Infof("table %s has changed -- restarting", name)
	}
	return name != "" || r.now().Sub(r.current.opened) > r.maxAge
}

// openUnlocked opens a new generation without r.mu, which the caller holds: that
// may take long.
func (r *renewed[T]) openUnlocked() (T, *table.Set, error) {
	r.opening = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.opening = false
	}()
	return r.open()
}

func (r *renewed[T]) release(g *generation[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(g)
}

// drop closes tables that nobody uses any more. The caller holds r.mu.
func (r *renewed[T]) drop(g *generation[T]) {
	if g.users--; g.users == 0 {
		g.tables.Close()
	}
}

// Close lets go of the current generation. What is under way keeps its own.
func (r *renewed[T]) Close() { r.release(r.current) }
