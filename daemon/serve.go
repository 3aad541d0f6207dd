package daemon

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/standalone"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// ServeOptions are the settings of a stand-alone server.
type ServeOptions struct {
	// ConfigDir is where main.cf and master.cf are. Empty means that there
	// are none: loopback clients are admitted, and everything else has
	// Postfix's defaults.
	ConfigDir string
	// Overrides replace settings of main.cf, later ones earlier ones.
	Overrides []mainconf.Setting
	// Listen are the addresses to listen on: HOST:PORT or unix:PATH. Hosts have
	// the addresses that inet_protocols allows; one that has none is an error.
	Listen []string
	// Listeners are more to listen on, such as those that systemd gives; there
	// must be one, or an address. Each must be the net package's for TCP or
	// UNIX-domain sockets, or have their method File; nil is an error. Serve
	// closes them, even if it fails.
	Listeners []net.Listener
	// Clients, if not nil, says who may send, in place of
	// qmqpd_authorized_clients.
	Clients Access
	// Opener, if not nil, takes the messages, in place of cleanup(8) and of a
	// queue: queue_via and what cleanup(8) does with a message have no effect
	// then, and no queue directory is made. Messages come as clients send them:
	// without recipients, too, and with addresses and headers that nobody has
	// looked at.
	Opener mailstream.Opener
	// Queue is the queue directory; it is made if it does not exist. Empty
	// means queue_directory, of which Overrides must not say anything else.
	// With an Opener it is the directory where large messages wait, in files
	// without a name, and has to exist; empty means os.TempDir.
	Queue string
	// MaxSessions bounds how many clients are served at once: others wait.
	// Zero means 1000, or as many as the limit of open files allows; more
	// than that is an error.
	MaxSessions int
	// Grace is how long sessions may go on after the context ended. Zero
	// means 10 seconds. After that their connections are closed and the context
	// that Opener and Clients have ends; Serve returns when they have returned.
	Grace time.Duration
	// Verbose is how much more than usual is logged: 0 to 3. More is as 3.
	Verbose int
	// Log takes the log lines, one with each call of Write, of which there is one at
	// a time. Nil drops them. An *os.File is not waited for; sessions wait while
	// another writer does.
	Log io.Writer
	// Ready, if not nil, is called with the addresses once clients can
	// connect.
	Ready func(addrs []net.Addr)
}

const defaultMaxSessions, defaultGrace = 1000, 10 * time.Second

// Serve runs a server without master(8) until ctx ends. It accepts clients,
// and hands their messages to a running cleanup(8) or writes queue files
// itself, as queue_via says: cleanup, direct, or auto (the default), which is
// cleanup where one answers and direct elsewhere. Or they go to an Opener. Nothing of
// the process is changed, which may do other things beside.
//
// An error before Ready is called means that nothing was served. It holds all faults
// of the first of these kinds that has any (see go-multierror), each with file and line
// if it has them: of syntax; of settings and options; of the tables that are named; of
// Overrides without effect; of the system, such as an address in use. A context that
// ends before Ready is no error; a start that waits for name servers or files then is
// left to itself, in a goroutine that ends with them.
func Serve(ctx context.Context, o ServeOptions) error {
	for _, l := range o.Listeners {
		if l != nil {
			defer l.Close()
		}
	}
	s := &server{ServeOptions: o, zone: time.Local}
	s.log = maillog.New(func() time.Time { return time.Now().In(s.zone) }).WithVerbose(o.Verbose)
	err, ok := awaited(ctx, func() error { return s.configure(ctx) }, nil)
	if !ok || ctx.Err() != nil {
		return nil
	}
	if o.Log != nil {
		s.log.AddFull(o.Log)
		defer s.log.Flush(flushTime)
		defer s.log.End()
	}
	// Some of them tell what an error is about.
	for _, w := range s.warnings {
		s.log.Warningf("%s", w)
	}
	if err != nil {
		return err
	}
	warnServices(s.resolver, s.log)
	poller, err := poll.New()
	if err != nil {
		return err
	}
	defer poller.Close()
	// First what may be wrong with the configuration: a start that is refused leaves
	// no queue behind.
	opened, ok := awaited(ctx, func() opened { return s.openSettings(ctx) }, opened.close)
	if !ok {
		return nil
	}
	if opened.err != nil {
		return unlessEnded(ctx, opened.err)
	}
	servers := opened.servers
	defer servers.Close()
	opener, closeQueue, err := s.openQueue(ctx, opened.maps, dialBy(poller))
	if err != nil {
		return unlessEnded(ctx, err)
	}
	defer closeQueue()
	s.policy = s.config.Policy(opener, newStorage(s.tempDir(), s.memory))
	servers.current.value.SetPolicy(s.policy)

	listeners, err := standalone.Listen(ctx, s.network(), o.Listen)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	listeners = append(listeners, o.Listeners...)
	s.logDestination()
	addrs := make([]net.Addr, len(listeners))
	for i, l := range listeners {
		addrs[i] = l.Addr()
		s.log.Infof("listening on %s", addrs[i])
	}
	if o.Ready != nil {
		o.Ready(addrs)
	}
	run := &standalone.Server{
		Handle: func(ctx context.Context, conn net.Conn, accepted time.Time) error {
			g := servers.acquire(s.log)
			defer servers.release(g)
			return g.value.ServeConn(ctx, conn, accepted.In(s.zone))
		},
		Poller:      poller,
		MaxSessions: s.maxSessions(),
		Grace:       cmp.Or(o.Grace, defaultGrace),
		MaxTime:     s.config.Watchdog,
		Log:         s.log,
	}
	return run.Serve(ctx, listeners)
}

// endPatience is how long a start that was told to end is waited for.
const endPatience = time.Second

// awaited returns the result of a part of the start. It reports false if ctx ends and
// the part does not: it may wait for what does not heed ctx, such as name servers, or
// a main.cf that is a FIFO. Nothing was accepted yet, so nobody else waits for it. What
// it gives in the end is given to discard.
func awaited[T any](ctx context.Context, part func() T, discard func(T)) (T, bool) {
	done := make(chan T, 1)
	go func() { done <- part() }()
	select {
	case result := <-done:
		return result, true
	case <-ctx.Done():
	}
	timer := time.NewTimer(endPatience)
	defer timer.Stop()
	select {
	case result := <-done:
		return result, true
	case <-timer.C:
	}
	if discard != nil {
		go func() { discard(<-done) }()
	}
	var none T
	return none, false
}

// opened is what openSettings has opened, or why it could not.
type opened struct {
	servers *renewed[*Server]
	maps    *openMaps
	err     error
}

func (o opened) close() {
	if o.servers != nil {
		o.servers.Close()
	}
	if o.maps != nil {
		o.maps.tables.Close()
	}
}

// openSettings opens what settings name: access lists, and the tables of cleanup(8)
// where its work is ours; nil where it is not. All that is wrong with them is reported
// together, and then what has no effect.
func (s *server) openSettings(ctx context.Context) opened {
	var o opened
	var err error
	o.servers, err = s.newServers(ctx)
	errs := appendNew(nil, err)
	if s.stores() {
		if o.maps, err = s.openMaps(ctx); err != nil {
			errs = appendNew(errs, err)
		}
	}
	var useless error
	if errs == nil {
		// Now all has been read that ever is.
		useless = s.refuseUseless()
	}
	if s.stores() {
		// To read these is no use of them.
		errs = appendNew(errs, placed(s.cleanup.Effective, checkTables(s.cleanup.Effective, cleanupTables())),
			placed(s.rewriter.Effective, checkTables(s.rewriter.Effective, idleTablesInRewrite)))
	}
	if errs == nil {
		errs = appendNew(nil, useless)
	}
	if errs == nil {
		return o
	}
	o.close()
	return opened{err: errs}
}

// newServers opens the access lists. Their tables are looked at before each
// client, as by a child of master(8), which restarts then. The first server lacks
// its policy; those that are opened later get s.policy.
func (s *server) newServers(ctx context.Context) (*renewed[*Server], error) {
	lookup := newPeer(s.config, s.qmqpd.Effective, s.resolver, anyOwner).Lookup
	config := *s.config
	if s.Clients != nil {
		config.Clients = ""
	}
	open := func() (*Server, *table.Set, error) {
		loaded, err := loadedTables(s.qmqpd.Effective, s.log)
		if err != nil {
			return nil, nil, err
		}
		tables := newTables(ctx, s.qmqpd.Effective, s.resolver, s.queue, s.log, loaded)
		server, err := newServer(ctx, &config, tables, s.log)
		if err != nil {
			tables.Close()
			return nil, nil, placed(s.qmqpd.Effective, err)
		}
		server.Peer = lookup
		if s.Clients != nil {
			server.Clients = s.Clients
		}
		server.SetPolicy(s.policy)
		return server, tables, nil
	}
	server, tables, err := open()
	if err != nil {
		return nil, err
	}
	servers := &renewed[*Server]{open: open, maxAge: s.config.MaxIdle, now: time.Now}
	servers.start(server, tables)
	return servers, nil
}

// network is that of inet_protocols, as package net names it. A socket for both families
// would bring clients of IPv4 as ones of IPv6, which a server for IPv4 refuses.
func (s *server) network() string {
	switch ipv4, ipv6 := s.qmqpd.Effective.Protocols(); {
	case ipv4 && !ipv6:
		return "tcp4"
	case ipv6 && !ipv4:
		return "tcp6"
	}
	return "tcp" // with neither, each client is told so
}

// maxSessions returns how many sessions there may be at once. A client that comes when
// descriptors are used up is one that is better off waiting: there would be none for
// its message.
func (s *server) maxSessions() int {
	if s.MaxSessions > 0 {
		return s.MaxSessions // it has been checked
	}
	bound := master.OpenFilesBound()
	if bound < defaultMaxSessions {
		s.log.Infof("the limit of open files allows %d sessions at once, not %d", bound, defaultMaxSessions)
	}
	return min(bound, defaultMaxSessions)
}

// unlessEnded returns the error of a start, unless it is the end of ctx, which ends
// a server as well before it is ready: others may keep it waiting.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// server is a stand-alone server that is starting.
type server struct {
	ServeOptions
	log      *maillog.Logger
	warnings []string // what reading the configuration gave

	resolver                 *hostname.System
	host                     params.Host // of all three
	qmqpd, cleanup, rewriter program

	config *Config
	queue  string         // the queue directory
	via    string         // queue_via, where cleanup or direct has taken the place of auto, or viaOpener
	flags  uint32         // the cleanup flags of each message
	memory int64          // qmqpd_message_memory
	zone   *time.Location // of dates in messages and log
	policy Policy         // once there is a queue

	// For writing queue files.
	incoming incoming.Config
	maps     storeMaps
	spool    spool.Options
	owners   *spool.LayoutOwners // nil: who started the server
}

// stores tells whether the work of cleanup(8) is ours.
func (s *server) stores() bool { return s.via != viaCleanup && s.via != viaOpener }
