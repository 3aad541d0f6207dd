package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-multierror"
	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/params/errno"
)

// logDestination tells where messages go: with queue_via = auto that depends on what
// ran when the server started, and stays so.
func (s *server) logDestination() {
	switch s.via {
	case viaCleanup:
		s.log.Infof("%s = %s: messages go to %s", viaParameter, s.via, s.cleanupSocket())
	case viaDirect:
		s.log.Infof("%s = %s: messages become files in %s", viaParameter, s.via, s.tempDir())
	}
}

// tempDir is where large messages wait.
func (s *server) tempDir() string {
	if s.via != viaOpener {
		return filepath.Join(s.queue, spool.QueueIncoming)
	}
	return cmp.Or(s.Queue, os.TempDir())
}

// openQueue returns the opener of messages, and what to call when the last one
// is over. It closes the maps, then or when it fails.
func (s *server) openQueue(ctx context.Context, maps *openMaps, dial dialer) (mailstream.Opener, func(), error) {
	if !s.stores() {
		if err := checkWritable(s.tempDir()); err != nil {
			return nil, nil, err
		}
	}
	switch s.via {
	case viaOpener:
		return s.Opener, func() {}, nil
	case viaCleanup:
		opener, err := newCleanup(s.config, s.queue, dial, newGate())
		return opener, func() {}, err
	}
	sp, err := s.openSpool(ctx)
	if err != nil {
		maps.tables.Close()
		return nil, nil, err
	}
	open := func() (*openMaps, error) { return s.openMaps(ctx) }
	opener := newStoreOpener(s.incoming, sp, maps, open, s.cleanup.Duration("max_idle"))
	closeQueue := func() {
		defer opener.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := sp.Close(ctx); err != nil {
			s.log.Warningf("close queue: %v", err)
		}
	}
	return opener, closeQueue, nil
}

// openSpool makes what is missing of the queue directory, opens it, and removes
// what earlier servers left unfinished.
func (s *server) openSpool(ctx context.Context) (*spool.Spool, error) {
	if s.owners == nil && os.Geteuid() == 0 {
		s.log.Infof("there is no mail_owner: queue files belong to root")
	}
	if err := spool.MakeLayout(s.queue, s.owners); err != nil {
		return nil, err
	}
	incoming, hold := filepath.Join(s.queue, spool.QueueIncoming), filepath.Join(s.queue, spool.QueueHold)
	if err := checkWritable(incoming, hold); err != nil {
		return nil, err
	}
	if err := checkMovable(incoming, hold); err != nil {
		return nil, err
	}
	if s.owners != nil {
		s.spool.Owner = &s.owners.Mail
	}
	s.spool.WakeMissingOK = true
	s.spool.Warn = func(text string) { s.log.Warningf("%s", text) }
	sp, err := spool.Open(s.queue, s.spool)
	if err != nil {
		return nil, err
	}
	removed, err := sp.RemoveStale(ctx)
	for _, name := range removed {
		s.log.Infof("removed stale unfinished file %s", name)
	}
	if err != nil {
		s.log.Warningf("clear unfinished files: %v", err)
	}
	return sp, nil
}

// checkWritable returns an error for each directory in which we cannot make files:
// a server that can only put all clients off is better not started.
func checkWritable(dirs ...string) error {
	var errs *multierror.Error
	for _, path := range dirs {
		if err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
			errs = multierror.Append(errs, fmt.Errorf("write to %s: %s", path, errno.Text(err)))
		}
	}
	return errs.ErrorOrNil()
}

// checkMovable returns an error if files cannot be moved from one directory to
// another, where they get their names when they are complete.
func checkMovable(from, to string) error {
	var a, b unix.Stat_t
	if err := errors.Join(unix.Stat(from, &a), unix.Stat(to, &b)); err != nil {
		return err
	}
	// The kernel sees that two mounts are involved before it sees that this is
	// nothing to rename. They may be mounts of one file system; and a file system
	// may consist of several that have one mount.
	if a.Dev != b.Dev || unix.Rename(from+"/.", to+"/.") == unix.EXDEV {
		return fmt.Errorf("move files from %s to %s: %s", from, to, errno.Text(unix.EXDEV))
	}
	return nil
}

// openMaps opens the lookup tables that cleanup(8) would use.
func (s *server) openMaps(ctx context.Context) (*openMaps, error) {
	log := s.log.WithKeepUTF8(s.cleanup.Bool("smtputf8_enable"))
	loaded, err := loadedTables(s.cleanup.Effective, log)
	if err != nil {
		return nil, err
	}
	tables := newTables(ctx, s.cleanup.Effective, s.resolver, s.queue, log, loaded)
	maps, err := s.maps.open(tables, s.cleanup.common.Interfaces, s.cleanup.ProxyInterfaces)
	if err != nil {
		tables.Close()
		return nil, placed(s.cleanup.Effective, err)
	}
	return &openMaps{maps, tables}, nil
}
