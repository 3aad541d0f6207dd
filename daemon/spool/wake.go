package spool

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/sockpath"
	"github.com/qmqpd/qmqpd/params/errno"
)

// wakeRequest tells qmgr(8) that mail came in (Postfix mail_proto.h,
// TRIGGER_REQ_WAKEUP). On a socket a NUL follows it, as on every trigger.
const wakeRequest = 'W'

// wakeLinger is how much longer than the time limit a connection is kept for
// the queue manager to close.
const wakeLinger = 100 * time.Second

// waker tells the queue manager of new mail. One message is under way at a
// time; who comes meanwhile shares the next. No session waits for it, for the
// message is safe either way, and failures are not even errors.
type waker struct {
	dir  string
	opts *Options
	fs   FS

	mu      sync.Mutex
	running bool
	again   bool
	group   sync.WaitGroup
}

// wake arranges for the queue manager to be told after this call.
func (w *waker) wake() {
	if w.opts.Wake == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running {
		w.again = true
		return
	}
	w.running = true
	w.group.Add(1)
	go w.run()
}

func (w *waker) run() {
	defer w.group.Done()
	for {
		w.send()
		w.mu.Lock()
		if !w.again {
			w.running = false
			w.mu.Unlock()
			return
		}
		w.again = false
		w.mu.Unlock()
	}
}

// wait returns when nothing is left to be told.
func (w *waker) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { w.group.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send tells once (Postfix mail_trigger.c; unix_trigger.c; fifo_trigger.c). A
// connection that fails is no news: the queue manager scans the queue when it
// starts.
func (w *waker) send() {
	path := w.opts.Wake
	info, err := w.fs.Stat(path)
	switch {
	case w.opts.WakeMissingOK && errors.Is(err, syscall.ENOENT):
	case err != nil:
		w.opts.Warn("unable to look up " + path + ": " + errno.Text(err))
	case info.Mode&fs.ModeNamedPipe != 0:
		w.sendFIFO(filepath.Join(w.dir, path))
	case info.Mode&fs.ModeSocket != 0 && w.opts.Owner != nil:
		_ = w.sendOwnSocket(filepath.Join(w.dir, path))
	case info.Mode&fs.ModeSocket != 0:
		_ = sockpath.Short(filepath.Join(w.dir, path), w.sendSocket)
	default:
		w.opts.Warn(path + " is not a socket or a fifo")
	}
}

// sendOwnSocket connects to what it has looked at: by now the name may be a link to a
// socket that only root may connect to. Without a /proc there is no way but by name.
func (w *waker) sendOwnSocket(path string) error {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := retryErr(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return unix.ENOTSOCK
	}
	err = w.sendSocket("/proc/self/fd/" + strconv.Itoa(fd))
	if errors.Is(err, unix.ENOENT) {
		return sockpath.Short(path, w.sendSocket)
	}
	return err
}

func (w *waker) sendSocket(path string) error {
	conn, err := net.DialTimeout("unix", path, w.opts.WakeTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(w.opts.WakeTimeout))
	if _, err := conn.Write([]byte{wakeRequest, 0}); err != nil {
		return err
	}
	// The server closes; until then the descriptor stays open.
	_ = conn.SetReadDeadline(time.Now().Add(w.opts.WakeTimeout + wakeLinger))
	var b [1]byte
	_, _ = conn.Read(b[:])
	return nil
}

// sendFIFO looks again at what it has opened: by now the name may be another file's,
// one that only root may write to.
func (w *waker) sendFIFO(path string) {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if retryErr(func() error { return unix.Fstat(fd, &st) }) != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return
	}
	_, _ = retry(func() (int, error) { return unix.Write(fd, []byte{wakeRequest}) })
}
