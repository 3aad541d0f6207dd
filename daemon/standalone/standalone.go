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
	"sync"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/maillog"
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
	if !unix {
		// No probes on idle connections: each read and write has its time
		// limit, and to set them up takes four system calls a client.
		config := net.ListenConfig{KeepAlive: -1}
		return config.Listen(context.Background(), "tcp", addr)
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode().Type() == os.ModeSocket {
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			return nil, errors.New("another server is listening there")
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return net.Listen("unix", path)
}

// Server runs sessions.
type Server struct {
	// Handle serves one client that was accepted at the given time. The
	// connection is closed after it. The context ends when sessions are to
	// be cut short.
	Handle func(ctx context.Context, conn net.Conn, accepted time.Time) error
	// MaxSessions bounds how many run at once; further clients wait to be
	// accepted. It must be positive.
	MaxSessions int
	// Grace is how long sessions may go on after Serve was told to end.
	Grace time.Duration
	// MaxTime is how long one session may take in all. daemon_timeout.
	MaxTime time.Duration
	// Log takes what goes wrong outside the sessions.
	Log *maillog.Logger
}

// Serve accepts clients on all listeners until ctx ends. It then closes the
// listeners, waits for the sessions for at most Grace, cuts the rest short, and
// returns when the last is over. The error is that of a listener that failed.
func (s *Server) Serve(ctx context.Context, listeners []net.Listener) error {
	sessions := &sessions{
		server: s,
		slots:  make(chan struct{}, s.MaxSessions),
		idle:   make(chan client),
		conns:  make(map[net.Conn]struct{}),
	}
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()

	accepting, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			err := sessions.accept(accepting, work, l)
			stop()
			failed <- err
		}()
	}
	<-accepting.Done()
	for _, l := range listeners {
		l.Close()
	}
	var errs *multierror.Error
	for range listeners {
		if err := <-failed; err != nil {
			errs = multierror.Append(errs, err)
		}
	}
	done := make(chan struct{})
	go func() {
		sessions.wg.Wait()
		close(done)
	}()
	grace := time.NewTimer(s.Grace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		cut()
		sessions.closeAll()
		<-done
	}
	return errs.ErrorOrNil()
}

// idleTime is how long a goroutine waits for another client.
const idleTime = time.Second

// client is a connection and when it was accepted.
type client struct {
	conn     net.Conn
	accepted time.Time
}

// sessions is what runs at a time.
type sessions struct {
	server *Server
	slots  chan struct{}
	idle   chan client // to goroutines that have nothing to do
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func (r *sessions) accept(ctx, work context.Context, l net.Listener) error {
	for {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		conn, err := l.Accept()
		if err != nil {
			<-r.slots
			switch {
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, net.ErrClosed):
				return err
			}
			// Out of descriptors, or a client that gave up: neither is
			// a reason to stop serving the others.
			r.server.Log.Errorf("accept connection: %v", err)
			pause(ctx, 100*time.Millisecond)
			continue
		}
		c := client{conn, time.Now()}
		r.add(conn)
		r.wg.Add(1)
		select {
		case r.idle <- c:
		default:
			go r.serve(work, c)
		}
	}
}

// serve serves a client, and those that come soon after it: a goroutine that
// has done so has the stack that it takes.
func (r *sessions) serve(ctx context.Context, c client) {
	timer := time.NewTimer(idleTime)
	defer timer.Stop()
	for {
		r.run(ctx, c.conn, c.accepted)
		<-r.slots
		r.wg.Done()
		timer.Reset(idleTime)
		select {
		case c = <-r.idle:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// run serves one client. Whatever happens in there stays there.
func (r *sessions) run(ctx context.Context, conn net.Conn, accepted time.Time) {
	defer func() {
		if p := recover(); p != nil {
			r.server.Log.Panicf("session: %v", p)
		}
		r.remove(conn)
		conn.Close()
	}()
	if limit := r.server.MaxTime; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
		// Reads and writes do not see the context.
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		defer stop()
	}
	if err := r.server.Handle(ctx, conn, accepted); err != nil {
		r.server.Log.Errorf("session: %v", err)
	}
}

func (r *sessions) add(conn net.Conn) {
	r.mu.Lock()
	r.conns[conn] = struct{}{}
	r.mu.Unlock()
}

func (r *sessions) remove(conn net.Conn) {
	r.mu.Lock()
	delete(r.conns, conn)
	r.mu.Unlock()
}

func (r *sessions) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		conn.Close()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
