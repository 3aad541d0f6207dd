package spool

import (
	"context"
	"errors"
	"path"
	"strconv"
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// maxTries bounds the attempts to find a free name (Postfix mail_queue.c,
// mail_queue_enter).
const maxTries = 1000

// Create makes a new queue file for incoming/. Where the file system allows
// that, it has no name until Commit; else it has its final name at once. Where
// Postfix would wait and try again for ever, because the disk is full or no
// descriptor is left, Create gives up with an error: a client that is told so
// keeps its message.
func (s *Spool) Create(ctx context.Context) (*File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f := &File{spool: s, unnamed: s.unnamed, begun: s.group.begin()}
	var err error
	if f.unnamed {
		f.path = QueueIncoming
		// Nobody sees it until Commit, so it can be ready from the start.
		if f.h, err = s.fs.CreateUnnamed(QueueIncoming, modeReady); err != nil {
			err = &Error{Op: "create", Path: f.path, Err: err}
		}
	} else {
		f.h, f.path, err = s.createTemp()
	}
	if err != nil {
		return nil, err
	}
	s.group.unfinished.Add(1) // until f.close
	if err := f.enter(); err != nil {
		return nil, f.discard(err)
	}
	if err := s.register(f); err != nil {
		return nil, f.discard(err)
	}
	f.buf = getBuffer()
	return f, nil
}

// createTemp makes the file under its temporary name, USEC.PID.
func (s *Spool) createTemp() (Handle, string, error) {
	for try := 0; ; try++ {
		// The clock moves on between two tries. Should it not, the
		// number of the try does.
		usec := (s.opts.Now().Nanosecond()/1000 + try) % 1e6
		b := make([]byte, 0, 32)
		b = append(b, QueueIncoming+"/"...)
		b = strconv.AppendInt(b, int64(usec), 10)
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(s.opts.PID), 10)
		name := string(b)
		h, err := s.fs.Create(name, modeUnfinished)
		if err == nil {
			return h, name, nil
		}
		if (errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.EISDIR)) && try < maxTries {
			continue
		}
		return nil, "", &Error{Op: "create", Path: name, Err: err}
	}
}

// enter gives the new file its owner, its queue id and, unless that is left to
// Commit, its final name, and removes what an earlier message with that name
// may have left. No other file of the file system has the id as long as this one
// is open, for its inode number is in it. In a queue that was copied from
// elsewhere the name may be taken all the same; without a name so far, the file
// then fails in Commit.
func (f *File) enter() error {
	s := f.spool
	if o := s.opts.Owner; o != nil {
		if err := f.h.Chown(o.UID, o.GID); err != nil {
			return &Error{Op: "chown", Path: f.path, Err: err}
		}
	}
	info, err := f.h.Stat()
	if err != nil {
		return &Error{Op: "stat", Path: f.path, Err: err}
	}
	f.mode = info.Mode.Perm()
	for try := 0; ; try++ {
		now := s.opts.Now()
		f.created = now
		f.id = queuefmt.QueueID{
			Long:  s.opts.LongIDs,
			Sec:   now.Unix(),
			Usec:  now.Nanosecond() / 1000,
			Inode: info.Inode,
		}.String()
		path := s.opts.Hashing.Path(QueueIncoming, f.id)
		if f.unnamed {
			f.path = path
			break
		}
		err := s.rename(f.path, path)
		if err == nil {
			f.path = path
			break
		}
		if try >= maxTries || !(errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EISDIR)) {
			return &Error{Op: "rename " + f.path + " to", Path: path, Err: err}
		}
	}
	return s.logs.remove(s, f.id)
}

// rename moves a file, making the directories that its new name needs.
func (s *Spool) rename(old, new string) error {
	return s.name(new, func() error { return s.fs.Rename(old, new) })
}

// name gives a file the name file, in a directory that is made if need be.
func (s *Spool) name(file string, give func() error) error {
	dir := path.Dir(file)
	if err := s.makeDirs(dir); err != nil {
		return err
	}
	err := give()
	if errors.Is(err, syscall.ENOENT) { // somebody has removed it
		s.dirs.gone(dir)
		if err := s.makeDirs(dir); err != nil {
			return err
		}
		err = give()
	}
	return err
}

// makeDirs makes a directory below a queue, and those above it, durably.
func (s *Spool) makeDirs(dir string) error {
	if s.dirs.has(dir) {
		return nil
	}
	if err := s.makeDirs(path.Dir(dir)); err != nil {
		return err
	}
	s.dirs.making.Lock()
	defer s.dirs.making.Unlock()
	if s.dirs.has(dir) {
		return nil
	}
	made, begun := true, s.group.begin()
	switch err := s.fs.Mkdir(dir, modeSubdir); {
	case errors.Is(err, syscall.EEXIST):
		made = false
	case err != nil:
		return err
	case s.opts.Owner != nil:
		if err := s.fs.Chown(dir, s.opts.Owner.UID, s.opts.Owner.GID); err != nil {
			_ = s.fs.RemoveDir(dir) // the next one would take it as it is
			return err
		}
	}
	var err error
	if failure := s.group.beside(func(int) *Error { return s.dirs.settle(dir) }); failure != nil {
		err = failure.Err
	} else {
		err = s.group.since(begun)
	}
	if err != nil {
		if made {
			_ = s.fs.RemoveDir(dir) // so that the next one makes it anew
		}
		return err
	}
	s.dirs.settled(dir)
	return nil
}

// unixSeconds is the time in whole seconds, as time(2) gives it.
func unixSeconds(t time.Time) time.Time { return t.Truncate(time.Second) }
