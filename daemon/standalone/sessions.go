package standalone

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/poll"
)

// idleTime is how long a goroutine waits for another client.
const idleTime = time.Second

// client is a connection and when it was accepted.
type client struct {
	conn     *poll.Conn
	accepted time.Time
}

// sessions is what runs at a time.
type sessions struct {
	server *Server
	ctx    context.Context // of all sessions
	idle   chan client     // to workers that have nothing to do
	room   chan struct{}   // there is room again
	wg     sync.WaitGroup

	mu      sync.Mutex
	running int
	workers map[*worker]struct{}
}

// worker is a goroutine that serves one client after the other: its stack, which
// sessions make grow, is used again.
type worker struct {
	sessions *sessions

	mu   sync.Mutex
	conn *poll.Conn // nil between two sessions
}

func newSessions(s *Server, ctx context.Context) *sessions {
	return &sessions{
		server:  s,
		ctx:     ctx,
		idle:    make(chan client),
		room:    make(chan struct{}, 1),
		workers: make(map[*worker]struct{}),
	}
}

// full reports that no other session may begin; room then tells when one has
// ended.
func (r *sessions) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running >= r.server.MaxSessions
}

// begin starts a session with a client that was just accepted.
func (r *sessions) begin(fd int) {
	c := client{r.server.Poller.NewConn(fd), time.Now()}
	r.wg.Add(1)
	r.mu.Lock()
	r.running++
	r.mu.Unlock()
	select {
	case r.idle <- c:
	default:
		w := &worker{sessions: r}
		r.mu.Lock()
		r.workers[w] = struct{}{}
		r.mu.Unlock()
		go w.work(c)
	}
}

// end follows each session.
func (r *sessions) end() {
	r.mu.Lock()
	wasFull := r.running >= r.server.MaxSessions
	r.running--
	r.mu.Unlock()
	if wasFull {
		select {
		case r.room <- struct{}{}:
		default:
		}
	}
	r.wg.Done()
}

// finish waits for the sessions for at most so long, cuts the rest short, and
// returns when the last is over.
func (r *sessions) finish(grace time.Duration, cut func()) {
	done := make(chan struct{})
	go func() {
		r.wg.Wait()
		close(done)
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		cut()
		r.closeAll()
		<-done
	}
	close(r.idle)
}

func (r *sessions) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for w := range r.workers {
		w.mu.Lock()
		if w.conn != nil {
			_ = w.conn.Close()
		}
		w.mu.Unlock()
	}
}

// work serves a client, and those that come soon after it.
func (w *worker) work(c client) {
	r := w.sessions
	timer := time.NewTimer(idleTime)
	defer func() {
		timer.Stop()
		r.mu.Lock()
		delete(r.workers, w)
		r.mu.Unlock()
	}()
	for {
		w.serve(c)
		r.end()
		timer.Reset(idleTime)
		select {
		case next, open := <-r.idle:
			if !open {
				return
			}
			c = next
		case <-timer.C:
			return
		}
	}
}

// serve serves one client. Whatever happens in there stays there.
func (w *worker) serve(c client) {
	r := w.sessions
	w.hold(c.conn)
	defer func() {
		if p := recover(); p != nil {
			r.server.Log.Panicf("session%s: %v: %s", of(c.conn.RemoteAddr()), p, maillog.Callers())
		}
		w.hold(nil)
		_ = c.conn.Close()
	}()
	ctx := r.ctx
	if ctx.Err() != nil {
		return // it began when all others were cut short
	}
	if limit := r.server.MaxTime; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		// Reads and writes do not see the context.
		timer := time.AfterFunc(limit, func() {
			// The session will take it for a connection that its client has lost.
			r.server.Log.Warningf("watchdog timeout: a session takes longer than %v", limit)
			cancel()
			_ = c.conn.Close()
		})
		defer timer.Stop()
	}
	if err := r.server.Handle(ctx, c.conn, c.accepted); err != nil {
		r.server.Log.Errorf("session%s: %v", of(c.conn.RemoteAddr()), err)
	}
}

// of names the client of a session, since many of them have one process id. One that
// is gone, or comes by a UNIX-domain socket, has no address.
func of(addr net.Addr) string {
	if addr == nil || addr.String() == "" {
		return ""
	}
	return " of " + addr.String()
}

func (w *worker) hold(conn *poll.Conn) {
	w.mu.Lock()
	w.conn = conn
	w.mu.Unlock()
}
