// Package standalone accepts clients without master(8): its own listeners,
// many sessions at once, and an orderly end.
package standalone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
)

// Listen opens a listener for each address: HOST:PORT, where an empty host
// means all, or unix:PATH. A socket that an earlier server left behind is
// replaced. All failures are reported together, and nothing is left open then.
func Listen(addrs []string) ([]net.Listener, error) {
	var listeners []net.Listener
	var errs *multierror.Error
	for _, addr := range addrs {
		l, err := listen(addr)
		if err != nil {
			errs = multierror.Append(errs, fmt.Errorf("listen on %s: %w", addr, err))
			continue
		}
		listeners = append(listeners, l)
	}
	if err := errs.ErrorOrNil(); err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return nil, err
	}
	return listeners, nil
}

func listen(addr string) (net.Listener, error) {
	path, unix := strings.CutPrefix(addr, "unix:")
	// For package net, an empty address is one that the kernel chooses.
	if path == "" {
		return nil, errors.New("empty address")
	}
	if !unix {
		return net.Listen("tcp", addr)
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode().Type() == os.ModeSocket {
		if err := removeAbandoned(path); err != nil {
			return nil, err
		}
	}
	return net.Listen("unix", path)
}

// removeAbandoned removes a socket that nobody listens on. Only a refused
// connection says so: a server whose queue of clients is full gives EAGAIN.
func removeAbandoned(path string) error {
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		fallthrough
	case errors.Is(err, syscall.EAGAIN):
		return errors.New("another server is listening there")
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return err
}

// Server runs sessions.
type Server struct {
	// Handle serves one client that was accepted at the given time. The
	// connection is closed after it. The context ends when sessions are to
	// be cut short.
	Handle func(ctx context.Context, conn net.Conn, accepted time.Time) error
	// Poller waits for the clients' data.
	Poller *poll.Poller
	// MaxSessions bounds how many run at once; further clients wait to be
	// accepted. It must be positive.
	MaxSessions int
	// Grace is how long sessions may go on after Serve was told to end.
	Grace time.Duration
	// MaxTime is how long one session may take in all. daemon_timeout.
	MaxTime time.Duration
	// Log takes what goes wrong outside the sessions.
	Log *maillog.Logger

	// accept, if not nil, stands in for accept(2) on a listener's
	// descriptor, for tests.
	accept func(listener int) (fd int, e syscall.Errno)
}

// Serve accepts clients on all listeners until ctx ends. It then closes the
// listeners, of which there must be one, waits for the sessions for at most Grace,
// cuts the rest short, and returns when the last is over. The error is that of a
// listener that failed. Idle connections are not probed (SO_KEEPALIVE): each read
// and write has its time limit.
func (s *Server) Serve(ctx context.Context, listeners []net.Listener) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	sessions := newSessions(s, work)
	a, err := newAcceptor(listeners, sessions)
	if err == nil {
		err = a.run(ctx)
		a.close()
	}
	for _, l := range listeners {
		l.Close()
	}
	sessions.finish(s.Grace, cut)
	return err
}
