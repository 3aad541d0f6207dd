package spool

import (
	"context"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// Names of the queues that a Spool touches (Postfix mail_queue.h).
const (
	QueueIncoming = "incoming"
	QueueHold     = "hold"
)

// Modes of a queue file (Postfix mail_queue.h). The group's execute bit must
// never be set: it makes qmgr return the message as expired.
const (
	modeUnfinished = fs.FileMode(0o600)
	modeReady      = fs.FileMode(0o700)
	modeSubdir     = fs.FileMode(0o700)
)

// Options are the settings of a Spool. The zero value writes short ids into
// an unhashed queue without a size limit, as the owner of the process, and
// wakes nobody.
type Options struct {
	// LongIDs makes long queue ids. enable_long_queue_ids, default no.
	LongIDs bool

	// Hashing spreads queues over subdirectories. hash_queue_names and
	// hash_queue_depth.
	Hashing queuefmt.Hashing

	// MaxSize limits a queue file, all of it, in bytes; 0 is no limit.
	// message_size_limit.
	MaxSize int64

	// Owner, if not nil, is who gets the files and directories that are
	// made: mail_owner, when the process runs as root.
	Owner *Owner

	// Wake is the socket or FIFO, relative to the queue directory, that
	// is told of new mail: "public/" and queue_service_name. "" tells
	// nobody.
	Wake string

	// WakeMissingOK leaves out the warning about a Wake that does not
	// exist, for a queue that no Postfix is looking after.
	WakeMissingOK bool

	// WakeTimeout bounds the connection to Wake and the write.
	// trigger_timeout, default 10s; that is used for 0.
	WakeTimeout time.Duration

	// PID goes into the temporary names; 0 is this process's.
	PID int

	// Now is the clock; nil is time.Now.
	Now func() time.Time

	// Warn, if not nil, takes the warnings that cleanup(8) logs in the
	// same situation, without "warning: ". It may be called by several
	// goroutines at once.
	Warn func(text string)

	// FS, if not nil, stands in for the file system, for tests. The
	// directory given to Open then only serves to find Wake.
	FS FS
}

// Owner is a user and a group.
type Owner struct {
	UID, GID int
}

// Spool is an open queue directory.
type Spool struct {
	fs   FS
	opts Options
	dirs dirSyncer
	wake waker

	group groupCommit

	logs logs

	unnamed bool // files get their names when they are complete

	// clockGood is set once the file system's clock is known to agree
	// with ours; clockWarned, once the opposite was said.
	clockGood, clockWarned atomic.Bool

	mu     sync.Mutex
	closed bool
	open   map[*File]struct{}
}

// Open prepares for writing into the queue directory dir, which must exist
// with its queues: see MakeLayout. Nothing in it is changed.
func Open(dir string, opts Options) (*Spool, error) {
	if opts.PID == 0 {
		opts.PID = os.Getpid()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.WakeTimeout == 0 {
		opts.WakeTimeout = 10 * time.Second
	}
	if opts.Warn == nil {
		opts.Warn = func(string) {}
	}
	fsys := opts.FS
	if fsys == nil {
		var err error
		if fsys, err = OpenFS(dir, opts.Owner); err != nil {
			return nil, err
		}
	}
	if info, err := fsys.Stat(QueueIncoming); err != nil || !info.Mode.IsDir() {
		if err == nil {
			err = syscall.ENOTDIR
		}
		if opts.FS == nil {
			fsys.Close()
		}
		return nil, &Error{Op: "open", Path: dir + "/" + QueueIncoming, Err: err}
	}
	s := &Spool{fs: fsys, opts: opts, open: make(map[*File]struct{})}
	s.dirs.fs, s.dirs.failed = fsys, s.group.failed
	s.group.fs, s.group.dirs, s.group.now = fsys, &s.dirs, opts.Now
	s.unnamed = fsys.CanCreateUnnamed(QueueIncoming)
	s.group.share = fsys.CanSyncAll()
	s.wake = waker{dir: dir, opts: &s.opts, fs: fsys}
	return s, nil
}

// Close removes the files that are neither committed nor discarded, waits
// until the queue manager has been told of the last message, or ctx ends, and
// closes the directory. A Commit under way is waited for, a Create fails.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	files := make([]*File, 0, len(s.open))
	for f := range s.open {
		files = append(files, f)
	}
	s.mu.Unlock()
	var errs *multierror.Error
	for _, f := range files {
		if err := f.Discard(); err != nil {
			errs = multierror.Append(errs, err)
		}
	}
	if err := s.wake.wait(ctx); err != nil {
		errs = multierror.Append(errs, err)
	}
	if s.opts.FS == nil {
		if err := s.fs.Close(); err != nil {
			errs = multierror.Append(errs, err)
		}
	}
	return errs.ErrorOrNil()
}

// register notes an unfinished file for Close.
func (s *Spool) register(f *File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.open[f] = struct{}{}
	return nil
}

// forget is for a file that Close need not wait for any more.
func (s *Spool) forget(f *File) {
	s.mu.Lock()
	delete(s.open, f)
	s.mu.Unlock()
}
