package spool

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Syncing a whole file system waits for everybody's unwritten data, and fails
// because of anybody's. Once it failed, or took longer than slowShare, files are
// synced one by one for a while: for shareBackoff at first, then for twice as
// long each time.
const (
	slowShare       = 200 * time.Millisecond
	shareBackoff    = 10 * time.Second
	maxShareBackoff = 5 * time.Minute
)

// gatherTurns bounds how often the leader of a batch steps aside for the
// goroutines that are about to join it.
const gatherTurns = 20

// groupCommit makes files and their directory entries durable. Files that are
// ready together share one syncfs(2) where FS.CanSyncAll says that it keeps what
// sync(2) says of it, to be as good as an fsync(2) of every file. A file that is
// alone is synced alone, and so are all while that costs less: see chooser.
//
// A sync covers a file only if it begins after the file's last change. Hence
// a file joins a batch when it is complete, and a batch is closed before its
// sync begins. A file that has no name yet gets it at the last moment: a name that
// stands there during somebody else's sync can become durable long before the
// file's content, and a power cut then leaves a message without its end.
//
// A sync that fails may have met any file that was open: it writes what is
// there of the unfinished ones, too, and the kernel tells of a lost block once.
// Who asks again, even by fsync(2), hears that all is well: of a block of inodes
// the loss is not even noted with the files. So no file counts as durable that
// was there when a sync failed, whosever sync it was: see begin and failed.
type groupCommit struct {
	fs    FS
	dirs  *dirSyncer
	now   func() time.Time
	share bool

	// unfinished counts the files that are open: so many may yet join.
	unfinished atomic.Int64

	choose chooser

	failures atomic.Int64 // failed syncs
	failure  atomic.Pointer[error]

	mu      sync.Mutex
	pending *commitBatch
	apart   map[chan struct{}]bool // what is being synced beside batches: closed at its end

	running sync.Mutex // held by the batch that is being synced
	current atomic.Pointer[commitBatch]
	pause   time.Time // no sharing before
	backoff time.Duration
}

// commitBatch is the files that share a sync.
type commitBatch struct {
	files []*commitFile
	done  chan struct{}
	alone bool // every file shall sync itself
	err   error
}

// commitFile is one file's part in a batch.
type commitFile struct {
	h    Handle
	path string
	dirs []string // that lead to it, and have changed or will by link
	link bool     // path is still to be given, once
	// begun is what begin said before the file's first byte.
	begun int64

	linkErr error // why that failed
}

// name gives the file its name, if that is still to be done.
func (f *commitFile) name() error {
	if f.link {
		f.linkErr = f.h.Link(f.path)
		f.link = f.linkErr != nil
	}
	return f.linkErr
}

// begin tells how many syncs have failed. It is asked when a file is made.
func (g *groupCommit) begin() int64 { return g.failures.Load() }

// failed notes a failed sync. A directory that could not even be opened for it is
// nobody's loss but its own.
func (g *groupCommit) failed(err error) {
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.EACCES):
		return
	}
	g.failure.Store(&err)
	g.failures.Add(1)
}

// sync returns when the file and the entries that lead to it are durable. When the
// file could not be named, f.link is left set and f.linkErr is the error.
func (g *groupCommit) sync(f *commitFile) error {
	f.linkErr = nil
	if err := g.syncOwn(f); err != nil {
		return err
	}
	if err := g.since(f.begun); err != nil {
		return &Error{Op: "fsync", Path: f.path, Err: err}
	}
	return nil
}

// since returns the error of a sync that failed since begin said begun.
func (g *groupCommit) since(begun int64) error {
	if g.failures.Load() != begun {
		return *g.failure.Load()
	}
	return nil
}

// syncOwn syncs the file with a batch, or alone.
func (g *groupCommit) syncOwn(f *commitFile) error {
	if !g.share || g.unfinished.Load() < 2 || g.choose.next() == alone {
		return g.syncAlone(f)
	}
	g.mu.Lock()
	if b := g.pending; b != nil {
		b.files = append(b.files, f)
		g.mu.Unlock()
		<-b.done
		return g.ended(b, f)
	}
	b := &commitBatch{done: make(chan struct{}), files: []*commitFile{f}}
	g.pending = b
	g.mu.Unlock()

	g.running.Lock() // meanwhile others join
	g.gather(b)
	g.mu.Lock()
	g.pending = nil // who comes from here on joins the next batch
	g.mu.Unlock()
	g.syncBatch(b)
	g.running.Unlock()
	close(b.done)
	return g.ended(b, f)
}

// ended is what the end of its batch means for a file.
func (g *groupCommit) ended(b *commitBatch, f *commitFile) error {
	if f.linkErr != nil {
		return f.linkErr
	}
	if b.alone {
		return g.syncAlone(f)
	}
	if b.err != nil {
		return &Error{Op: "fsync", Path: f.path, Err: b.err}
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

// syncBatch syncs the files of a closed batch together, or has them sync
// themselves.
func (g *groupCommit) syncBatch(b *commitBatch) {
	start := g.now()
	if start.Before(g.pause) {
		b.alone = true
		return
	}
	g.current.Store(b)
	defer g.current.Store(nil)
	for _, f := range b.files {
		_ = f.name() // ended tells
	}
	start = g.now()
	err := g.fs.SyncAll()
	if errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EPERM) {
		b.alone = true // a jail without the call: nothing was done
		g.rest()
		return
	}
	if err != nil {
		b.err = err
		g.failed(err)
		g.rest()
		return
	}
	took := g.now().Sub(start)
	g.choose.took(shared, took, len(b.files))
	g.waitBeside()
	if took > slowShare {
		g.rest()
	} else {
		g.backoff = 0
	}
}

// beside syncs something while batches may be synced. Whichever fails may do so
// because of a block that the other needs, too, so each waits for the other's
// end. It is told how many others there are.
func (g *groupCommit) beside(sync func(others int) *Error) *Error {
	end := make(chan struct{})
	g.mu.Lock()
	if g.apart == nil {
		g.apart = make(map[chan struct{}]bool)
	}
	g.apart[end] = true
	others := len(g.apart)
	g.mu.Unlock()
	err := sync(others)
	if err != nil {
		g.failed(err.Err)
	}
	g.mu.Lock()
	delete(g.apart, end)
	g.mu.Unlock()
	close(end)
	if b := g.current.Load(); b != nil {
		<-b.done
	}
	return err
}

// waitBeside waits for the end of what is being synced beside a batch.
func (g *groupCommit) waitBeside() {
	g.mu.Lock()
	ends := slices.Collect(maps.Keys(g.apart))
	g.mu.Unlock()
	for _, end := range ends {
		<-end
	}
}

// rest keeps files apart for a while. g.running is held.
func (g *groupCommit) rest() {
	g.backoff = min(max(2*g.backoff, shareBackoff), maxShareBackoff)
	g.pause = g.now().Add(g.backoff)
}

// syncAlone syncs one file and, at the same time, its directories: a journal
// takes both in one transaction.
func (g *groupCommit) syncAlone(f *commitFile) error {
	if err := f.name(); err != nil {
		return err
	}
	err := g.beside(func(others int) *Error {
		start := g.now()
		err := g.syncFile(f)
		g.choose.took(alone, g.now().Sub(start), others)
		return err
	})
	if err != nil {
		return err
	}
	return nil
}

func (g *groupCommit) syncFile(f *commitFile) *Error {
	results := make(chan *Error, len(f.dirs))
	for _, dir := range f.dirs {
		go func() { results <- g.dirs.sync(dir) }()
	}
	var first *Error
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
