package spool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Syncing a whole file system waits for everybody's unwritten data. Once that
// took longer than slowShare, files are synced one by one for a while: for
// shareBackoff at first, then for twice as long each time.
const (
	slowShare       = 200 * time.Millisecond
	shareBackoff    = 10 * time.Second
	maxShareBackoff = 5 * time.Minute
)

// gatherTurns bounds how often the leader of a batch steps aside for the
// goroutines that are about to join it.
const gatherTurns = 20

// groupCommit makes files and their directory entries durable. Files that are
// ready together share one syncfs(2) where FS.CanSyncAll says that it holds
// what fsync(2) does: "sync() or syncfs() provide the same guarantees as
// fsync() called on every file in the system or filesystem respectively"
// (sync(2)). A file that is alone is synced alone, and so are all while that
// costs less: see chooser.
//
// A sync covers a file only if it begins after the file's last change. Hence
// a file joins a batch when it is complete, and a batch is closed before its
// sync begins.
type groupCommit struct {
	fs    FS
	dirs  *dirSyncer
	now   func() time.Time
	share bool

	// unfinished counts the files that are open: so many may yet join.
	unfinished atomic.Int64

	choose chooser
	apart  atomic.Int64 // files that are being synced alone

	mu      sync.Mutex
	pending *commitBatch

	running sync.Mutex // held by the batch that is being synced
	pause   time.Time  // no sharing before
	backoff time.Duration
}

// commitBatch is the files that share a sync.
type commitBatch struct {
	files []*commitFile
	done  chan struct{}
	alone bool // every file shall sync itself
}

// commitFile is one file's part in a batch: the directories that lead to it.
type commitFile struct {
	h    Handle
	path string
	dirs []string
}

// sync returns when the file and the entries that lead to it are durable.
func (g *groupCommit) sync(f *commitFile) error {
	if !g.share || g.unfinished.Load() < 2 || g.choose.next() == alone {
		return g.syncAlone(f)
	}
	g.mu.Lock()
	if b := g.pending; b != nil {
		b.files = append(b.files, f)
		g.mu.Unlock()
		<-b.done
		if b.alone {
			return g.syncAlone(f)
		}
		return nil
	}
	b := &commitBatch{done: make(chan struct{}), files: []*commitFile{f}}
	g.pending = b
	g.mu.Unlock()

	g.running.Lock() // meanwhile others join
	g.gather(b)
	g.mu.Lock()
	g.pending = nil // who comes from here on joins the next batch
	g.mu.Unlock()
	b.alone = !g.syncBatch(b)
	g.running.Unlock()
	close(b.done)
	if b.alone {
		return g.syncAlone(f)
	}
	return nil
}

// gather lets goroutines run that have a file to finish. It waits for no
// client: when nobody is ready to run, it is over at once.
func (g *groupCommit) gather(b *commitBatch) {
	for range gatherTurns {
		g.mu.Lock()
		n := len(b.files)
		g.mu.Unlock()
		if int64(n) >= g.unfinished.Load() {
			return
		}
		runtime.Gosched()
	}
}

// syncBatch syncs the files of a closed batch together and says whether that
// was done.
func (g *groupCommit) syncBatch(b *commitBatch) bool {
	start := g.now()
	if start.Before(g.pause) {
		return false
	}
	if err := g.fs.SyncAll(); err != nil {
		// Whose error it is, one's own fsync will tell.
		return false
	}
	took := g.now().Sub(start)
	g.choose.took(shared, took, len(b.files))
	if took > slowShare {
		g.backoff = min(max(2*g.backoff, shareBackoff), maxShareBackoff)
		g.pause = g.now().Add(g.backoff)
	} else {
		g.backoff = 0
	}
	return true
}

// syncAlone syncs one file and, at the same time, its directories: a journal
// takes both in one transaction.
func (g *groupCommit) syncAlone(f *commitFile) error {
	start, others := g.now(), g.apart.Add(1)
	defer func() {
		g.apart.Add(-1)
		g.choose.took(alone, g.now().Sub(start), int(others))
	}()
	results := make(chan error, len(f.dirs))
	for _, dir := range f.dirs {
		go func() { results <- g.dirs.sync(dir) }()
	}
	var first error
	if err := f.h.Sync(); err != nil {
		first = &Error{Op: "fsync", Path: f.path, Err: err}
	}
	for range f.dirs {
		if err := <-results; err != nil && first == nil {
			first = err
		}
	}
	return first
}
