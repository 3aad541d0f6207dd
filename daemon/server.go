package daemon

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/matchlist"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// Access says whether a client is one of some. The client's Name is "unknown" unless
// it was verified. Lines about it go to log, which is that of one session; an error goes
// there without its doing. It may be called by several goroutines at once.
type Access func(ctx context.Context, client peer.Client, log *maillog.Logger) (bool, error)

// listed returns the access that a list gives.
func listed(l *matchlist.List) Access {
	return func(ctx context.Context, client peer.Client, log *maillog.Logger) (bool, error) {
		ok, err := l.WithLog(log).Match(ctx, client.Name, client.Addr)
		if err != nil {
			err = loggedError{err}
		}
		return ok, err
	}
}

// loggedError is an error of a list, which has logged it in Postfix's words, or one
// that is fatal, which its reader logs.
type loggedError struct{ error }

func (e loggedError) Unwrap() error { return e.error }

// logAccess logs an error of an Access, unless that is done elsewhere.
func logAccess(log *maillog.Logger, client, what string, err error) {
	var logged loggedError
	if err != nil && !errors.As(err, &logged) {
		log.Warningf("%s: cannot tell whether %s: %v", client, what, err)
	}
}

// Server serves clients, whoever accepted them. It is safe for concurrent use.
// Peer must be set.
type Server struct {
	// Peer finds out who a client is. Lines about it go to log. An error
	// ends the session without a reply.
	Peer func(ctx context.Context, conn net.Conn, log *maillog.Logger) (peer.Client, error)
	// Clients says who may send; nil for nobody. After an error the client is
	// told to try again later.
	Clients Access
	// DebugPeers says whose sessions are logged in more detail; nil for
	// none. An error counts as no.
	DebugPeers Access
	// Log takes all lines; nil drops them.
	Log *maillog.Logger

	policy atomic.Pointer[Policy]
}

// Policy is what may change between sessions: the parameters that can depend
// on stress, and where messages go. Session and Opener must be set; Config.Policy
// makes one of parameters.
type Policy struct {
	// Session is what all sessions share.
	Session *qmqp.Config
	// DebugLevel is how much more detail DebugPeers give.
	DebugLevel int
	// Opener begins messages.
	Opener mailstream.Opener
	// lists, if not nil, take the place of the server's Clients and
	// DebugPeers.
	lists *lists
}

// SetPolicy sets the policy for sessions from now on. It must be called before
// the first one.
func (s *Server) SetPolicy(p Policy) { s.policy.Store(&p) }

// ServeConn serves the client at the other end of conn, which was accepted at
// the given time, and leaves closing conn to the caller. The context is for what the
// session waits for besides the client: look-ups, the Opener, the pause before bad
// news. A session that waits for its client does so for the Timeout of its
// qmqp.Config; to end it before that, close conn. An error means that the session
// ended early for a reason on our side, which has not been logged: a
// *maillog.Failure where Postfix would have ended the process. A panic, of an Opener
// for one, is the caller's to recover from; the message has been given up then.
// Source: Postfix 3.10 qmqpd.c, qmqpd_service.
func (s *Server) ServeConn(ctx context.Context, conn net.Conn, accepted time.Time) error {
	policy, log := s.policy.Load(), s.Log
	clients, debugPeers := s.Clients, s.DebugPeers
	if l := policy.lists; l != nil {
		clients, debugPeers = l.clients, l.debugPeers
	}
	client, err := s.Peer(ctx, conn, log)
	if err != nil {
		return err
	}
	name := client.NameAddr(policy.Session.PortLogging)
	if debugPeers != nil {
		debug, err := debugPeers(ctx, client, log)
		if isFatal(err) {
			return asFailure(err)
		}
		logAccess(log, name, "to log more of it", err)
		if debug && err == nil {
			log = log.WithVerbose(log.Verbose() + policy.DebugLevel)
		}
	}
	log.Infof("connect from %s", name)
	session := policy.Session.NewSession(conn, client, accepted, log)
	defer session.Close()
	ok := false
	if clients != nil {
		ok, err = clients(ctx, client, log)
	}
	switch {
	case isFatal(err):
		return asFailure(err)
	case err != nil:
		logAccess(log, name, "it may send", err)
		session.RefuseConfiguration(ctx)
	case !ok:
		session.RefuseUnauthorized(ctx)
	default:
		if err := session.Receive(ctx, policy.Opener); err != nil {
			return err
		}
	}
	log.Infof("disconnect from %s", name)
	return nil
}

// newServer opens the access lists and returns a server that lacks Peer and
// policy. It must be called before the process enters its jail.
func newServer(ctx context.Context, c *Config, tables *table.Set, log *maillog.Logger) (*Server, error) {
	l, err := openLists(ctx, c, tables)
	if err != nil {
		return nil, asFailure(err)
	}
	return &Server{Clients: l.clients, DebugPeers: l.debugPeers, Log: log}, nil
}

// Policy returns the policy that the parameters make. Storage is shared by the
// sessions of all policies.
func (c *Config) Policy(opener mailstream.Opener, storage qmqp.Storage) Policy {
	session := c.Session
	session.Storage = storage
	return Policy{Session: &session, DebugLevel: c.DebugLevel, Opener: opener}
}

// newStorage keeps large messages in files without a name in a directory, and all
// others too once messages hold so many bytes in memory.
func newStorage(dir string, memory int64) qmqp.Storage {
	return qmqp.Storage{
		MemoryPerMessage: memoryPerMessage,
		Budget:           qmqp.NewBudget(memory),
		TempFile:         qmqp.TempFileIn(dir),
	}
}

// What messages hold in memory before they go on to a file in the queue's file
// system: each one, and all together unless qmqpd_message_memory says otherwise, in
// bytes.
const (
	memoryPerMessage     = 1 << 20
	defaultMessageMemory = 32 << 20
)
