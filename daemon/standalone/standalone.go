// Package standalone accepts clients without master(8): its own listeners,
// many sessions at once, and an orderly end.
package standalone

import (
	"context"
	"net"
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
)

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
	// MaxTime is how long one session may take in all. daemon_timeout. Zero
	// means no bound.
	MaxTime time.Duration
	// Log takes what goes wrong outside the sessions.
	Log *maillog.Logger

	// accept, if not nil, stands in for accept(2) on a listener's
	// descriptor, for tests.
	accept func(listener int) (fd int, e syscall.Errno)
}

// Serve accepts clients on all listeners until ctx ends. It then closes the
// listeners, of which there must be one (see CanServe), waits for the sessions for at most Grace,
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
