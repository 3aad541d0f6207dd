package spool

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/hashicorp/go-multierror"
)

// StaleAge is how old an unfinished file must be before it is taken for
// abandoned (Postfix postsuper.c, MAX_TEMP_AGE). No session lasts that long.
const StaleAge = 7 * 24 * time.Hour

// RemoveStale removes the files that writers left unfinished in incoming/ and
// hold/, by the rules of "postsuper -p": regular files whose mode, in the bits
// of the owner, is not 0700 and which were last changed more than StaleAge ago.
// Everything else stays: younger files, which a living writer may hold, and,
// unlike with postsuper, what is neither file nor directory. It returns the
// paths removed, relative to the queue directory, also together with an error.
// A queue file that could not be removed does not keep it from the others.
func (s *Spool) RemoveStale(ctx context.Context) ([]string, error) {
	c := staleCleaner{s: s, ctx: ctx, errs: &multierror.Error{ErrorFormat: joinErrors}}
	for _, queue := range [...]string{QueueIncoming, QueueHold} {
		c.scan(queue, max(maxLevels, s.opts.Hashing.Depth))
	}
	return c.removed, c.errs.ErrorOrNil()
}

type staleCleaner struct {
	s       *Spool
	ctx     context.Context
	removed []string
	errs    *multierror.Error
}

// maxLevels is how many levels of subdirectories are looked through, or as many as
// Options.Hashing makes. Whoever can write to the queue can make directories in
// directories without end, and each costs more than the one above it.
const maxLevels = 16

// scan looks through one directory and, as postsuper does, through those
// below it whose names are one character long, down to so many levels.
func (c *staleCleaner) scan(dir string, levels int) {
	names, err := c.s.fs.List(dir)
	if err != nil {
		c.fail("list", dir, err)
		return
	}
	for _, name := range names {
		if err := c.ctx.Err(); err != nil {
			c.errs = multierror.Append(c.errs, err)
			return
		}
		path := dir + "/" + name
		info, err := c.s.fs.Stat(path)
		switch {
		case err != nil:
			c.fail("stat", path, err)
		case info.Mode.IsDir():
			if len(name) == 1 && levels > 0 {
				c.scan(path, levels-1)
			}
		case c.stale(info):
			if err := c.s.fs.Remove(path); err != nil {
				c.fail("remove", path, err)
			} else {
				c.removed = append(c.removed, path)
			}
		}
	}
}

func (c *staleCleaner) stale(info Info) bool {
	const ownerBits = fs.FileMode(0o700)
	return info.Mode.IsRegular() && info.Mode&ownerBits != modeReady &&
		unixSeconds(c.s.opts.Now()).After(unixSeconds(info.ModTime).Add(StaleAge))
}

// fail notes an error, but not that somebody else was faster.
func (c *staleCleaner) fail(op, path string, err error) {
	if !errors.Is(err, syscall.ENOENT) {
		c.errs = multierror.Append(c.errs, &Error{Op: op, Path: path, Err: err})
	}
}
