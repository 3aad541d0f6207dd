package spool

import (
	"path"
	"sync"
)

// dirSyncer makes directory entries durable. Callers that come while a
// directory is being synced share the next sync of it.
type dirSyncer struct {
	fs     FS
	failed func(error) // told before anybody else can sync the directory

	mu   sync.Mutex
	dirs map[string]*syncDir

	// durable holds the subdirectories of hashed queues that are durable, as
	// are those above them. Nothing is put into others: should their sync fail,
	// nobody would write them again, and each message in them would be lost.
	durable map[string]bool
	making  sync.Mutex
}

// syncDir is one directory's queue of callers.
type syncDir struct {
	running sync.Mutex
	pending *syncBatch // the callers of the next sync
}

// syncBatch is the callers that share one sync.
type syncBatch struct {
	done chan struct{}
	err  *Error
}

// has tells whether a file may be put into the directory.
func (d *dirSyncer) has(dir string) bool {
	if path.Dir(dir) == "." {
		return true // a queue; it was there before us
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.durable[dir]
}

// gone notes that the directory, or one above it, is not there any more.
func (d *dirSyncer) gone(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; dir != "."; dir = path.Dir(dir) {
		delete(d.durable, dir)
	}
}

// settle makes a directory, which others may have made, and its entry durable.
func (d *dirSyncer) settle(dir string) *Error {
	for _, dir := range []string{dir, path.Dir(dir)} {
		if err := d.sync(dir); err != nil {
			return err
		}
	}
	return nil
}

// settled notes that a directory is durable.
func (d *dirSyncer) settled(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.durable == nil {
		d.durable = make(map[string]bool)
	}
	d.durable[dir] = true
}

// sync returns when every entry that the directory had at the time of the call
// is durable. Who wants the same shares it.
func (d *dirSyncer) sync(dir string) *Error {
	d.mu.Lock()
	q := d.dirs[dir]
	if q == nil {
		q = new(syncDir)
		if d.dirs == nil {
			d.dirs = make(map[string]*syncDir)
		}
		d.dirs[dir] = q
	}
	if b := q.pending; b != nil {
		d.mu.Unlock()
		<-b.done
		return b.err
	}
	b := &syncBatch{done: make(chan struct{})}
	q.pending = b
	d.mu.Unlock()

	q.running.Lock() // until the sync under way is over
	d.mu.Lock()
	q.pending = nil // who comes from here on is not covered by this one
	d.mu.Unlock()
	if err := d.fs.SyncDir(dir); err != nil {
		b.err = &Error{Op: "fsync directory", Path: dir, Err: err}
		d.failed(err)
	}
	q.running.Unlock()
	close(b.done)
	return b.err
}
