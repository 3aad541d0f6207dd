package spool

import (
	"context"
	"errors"
	"fmt"
	"path"
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// Commit completes the file and returns once it is durable; then the queue
// manager is told. On any error, that of ctx included, the file is removed.
// An end of ctx during the work is ignored: half a commit is no answer.
//
// The last record must be RecEnd, and SetSize must have said what Measure
// says; anything else would send the message to corrupt/ after the client was
// told that it is safe.
func (f *File) Commit(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return ErrClosed
	}
	err := f.err
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = f.check()
	}
	if err == nil {
		err = f.complete()
	}
	if err != nil {
		return f.discard(err)
	}
	if !f.hold {
		f.spool.wake.wake()
	}
	f.spool.forget(f)
	return nil
}

// check compares the size record with the file.
func (f *File) check() error {
	var fault error
	switch {
	case f.first != queuefmt.RecSize || !f.set:
		fault = errors.New("no size record")
	case f.last != queuefmt.RecEnd:
		fault = errors.New("no end record")
	case f.given.DataOffset != f.size.DataOffset || f.given.DataSize != f.size.DataSize || f.given.Recipients != f.size.Recipients:
		fault = fmt.Errorf("size record %+v, file %+v", f.given, f.size)
	default:
		fault = f.given.Check()
	}
	if fault == nil {
		return nil
	}
	return &Error{Op: "commit", Path: f.path, Err: fmt.Errorf("unfinished queue file: %w", fault)}
}

// complete writes, marks, syncs and closes the file (Postfix mail_stream.c,
// mail_stream_finish_file).
func (f *File) complete() error {
	s := f.spool
	if err := f.flush(); err != nil {
		return err
	}
	var dirs []string // that change
	if f.hold {
		to := s.opts.Hashing.Path(QueueHold, f.id)
		if !f.unnamed {
			if err := s.rename(f.path, to); err != nil {
				return &Error{Op: "rename " + f.path + " to", Path: to, Err: err}
			}
			dirs = append(dirs, path.Dir(f.path))
		}
		f.path = to
	}
	dirs = append(dirs, path.Dir(f.path))
	if f.mode != modeReady {
		if err := f.h.Chmod(modeReady); err != nil {
			return &Error{Op: "chmod", Path: f.path, Err: err}
		}
	}
	if err := f.settle(dirs); err != nil {
		return err
	}
	stamp, err := f.checkClock()
	if err != nil {
		return err
	}
	if err := f.close(); err != nil {
		return err
	}
	if !stamp.IsZero() {
		// ENOENT: the queue manager was faster.
		if err := s.fs.SetTime(f.path, stamp); err != nil && !errors.Is(err, syscall.ENOENT) {
			return &Error{Op: "update file time stamps", Path: f.path, Err: err}
		}
	}
	return nil
}

// settle makes the file durable, under its name.
func (f *File) settle(dirs []string) error {
	g := &f.spool.group
	c := &commitFile{h: f.h, path: f.path, dirs: dirs, link: f.unnamed, begun: f.begun}
	if !c.link {
		return g.sync(c)
	}
	// The directory is made before the file joins others, for to make one waits for
	// the end of their sync.
	var syncErr error
	err := f.spool.name(f.path, func() error {
		syncErr = g.sync(c)
		if c.link {
			return c.linkErr
		}
		return nil
	})
	f.unnamed = c.link
	if err != nil {
		return &Error{Op: "link", Path: f.path, Err: err}
	}
	return syncErr
}

// checkClock compares the clock of the file system with ours until they were
// once found to agree: qmgr leaves a file alone whose time lies ahead. It
// returns the time that the file must be given, or the zero time.
func (f *File) checkClock() (time.Time, error) {
	s := f.spool
	if f.hold || s.clockGood.Load() {
		return time.Time{}, nil
	}
	info, err := f.h.Stat()
	if err != nil {
		return time.Time{}, &Error{Op: "stat", Path: f.path, Err: err}
	}
	now := unixSeconds(s.opts.Now())
	ahead := int64(unixSeconds(info.ModTime).Sub(now) / time.Second)
	if ahead > 0 {
		if s.clockWarned.CompareAndSwap(false, true) {
			s.opts.Warn(fmt.Sprintf("file system clock is %d seconds ahead of local clock", ahead))
			s.opts.Warn("resetting file time stamps - this hurts performance")
		}
		return now, nil
	}
	if ahead < -100 && s.clockGood.CompareAndSwap(false, true) {
		s.opts.Warn(fmt.Sprintf("file system clock is %d seconds behind local clock", -ahead))
	}
	s.clockGood.Store(true)
	return time.Time{}, nil
}
