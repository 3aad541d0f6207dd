package spool

import (
	"path"
	"sync"
)

// dirSyncer makes directory entries durable. Callers that come while a
// directory is being synced share the next sync of it.
type dirSyncer struct {
	fs FS

	mu   sync.Mutex
	dirs map[string]*syncDir

	// durable holds the subdirectories of hashed queues whose own entries
	// are known to be durable.
	durable map[string]bool
}

// syncDir is one directory's queue of callers.
type syncDir struct {
	running sync.Mutex
	pending *syncBatch // the callers of the next sync
}

// syncBatch is the callers that share one sync.
type syncBatch struct {
	done chan struct{}
	err  error
}

// made notes that a directory was made: its entry is not yet durable.
func (d *dirSyncer) made(dir string) {
	d.mu.Lock()
	delete(d.durable, dir)
	d.mu.Unlock()
}

// sync returns when every entry that the directory had at the time of the
// call is durable, and so are the entries that lead to it from its queue.
func (d *dirSyncer) sync(dir string) error {
	if err := d.syncOne(dir); err != nil {
		return err
	}
	parent := path.Dir(dir)
	if parent == "." {
		return nil // a queue; it was there before us
	}
	d.mu.Lock()
	known := d.durable[dir]
	d.mu.Unlock()
	if known {
		return nil
	}
	if err := d.sync(parent); err != nil {
		return err
	}
	d.mu.Lock()
	if d.durable == nil {
		d.durable = make(map[string]bool)
	}
	d.durable[dir] = true
	d.mu.Unlock()
	return nil
}

// syncOne syncs one directory, together with others who want the same.
func (d *dirSyncer) syncOne(dir string) error {
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
	}
	q.running.Unlock()
	close(b.done)
	return b.err
}
