package daemon

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/jail"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/dynamicmaps"
	"github.com/qmqpd/qmqpd/params/errno"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// Child is what a child of master(8) is started with.
type Child struct {
	// Argv0 is the command's name as in master.cf.
	Argv0 string
	// Options are the command-line options in order, up to the first that
	// is wrong.
	Options []Option
	// InvalidOption is the letter of an unknown option, or of one without
	// its argument; 0 if there is none.
	InvalidOption byte
	// Operands are the words after the options.
	Operands []string
	// Environ is the environment, as NAME=VALUE.
	Environ []string
}

// Option is one command-line option.
type Option struct {
	Letter byte
	Value  string
}

// memoryBeside is how much memory a process of many sessions may hold beside what
// qmqpd_message_memory allows its messages, in bytes, before its successor takes
// over.
const memoryBeside = 160 << 20

// flushTime bounds the wait, at the end, for a log daemon that takes no line.
const flushTime = 5 * time.Second

// Run is the life of a child of master(8). It returns the exit status; after
// what Postfix calls a panic it does not return, but ends the process by
// SIGABRT.
//
// The process is to do nothing else: as the options say, Run changes its working
// directory, its root directory, its user and groups, for good; it sets signals as
// master(8) expects them, takes the descriptors that are open for those that master gives,
// and may start a debugger.
func Run(c Child) int {
	master.DefaultSignals()
	r := &run{Child: c, env: master.ReadEnviron(c.lookup), inherited: master.Inherited()}
	err := r.run()
	if err != nil {
		r.log.Last(err)
	}
	r.log.Flush(flushTime)
	if err == nil {
		return 0
	}
	time.Sleep(master.FailurePause)
	var failure *maillog.Failure
	if errors.As(err, &failure) && failure.Severity == maillog.Panic {
		master.Abort()
	}
	return 1
}

func (c *Child) lookup(name string) (string, bool) {
	for _, s := range c.Environ {
		if value, ok := strings.CutPrefix(s, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// run is a child that is starting.
type run struct {
	Child
	env master.Environ
	// inherited is how many descriptors came from master(8).
	inherited int

	args *master.Args
	zone *jail.Zone
	log  *maillog.Logger

	resolver  *hostname.System
	settings  params.Process // main.cf and overrides
	told      []told         // in reading the parameters, not yet logged
	effective *params.Effective
	loaded    dynamicmaps.Tables
	config    *Config
	owner     params.User
	stderr    bool // option -V was seen

	transport  master.Transport
	generation uint32
	lock       *master.Lock // nil without a master(8)

	limits  limits
	name    string // of the service in warnings; the port's number may not be known in the jail
	memory  int64  // qmqpd_message_memory
	tables  *table.Set
	server  *Server
	other   *lists // the access lists under stress, or without; nil if they are the same
	poller  *poll.Poller
	gate    *cleanup.Gate
	storage qmqp.Storage
}

// now is the clock in local time, for log lines; localtime looks for another
// time zone before, as the original does for each Received header.
func (r *run) now() time.Time       { return time.Now().In(r.zone.Location()) }
func (r *run) localtime() time.Time { return time.Now().In(r.zone.Renew()) }

// run takes the steps of start-up in Postfix's order (single_server.c,
// single_server_main), since each may be the one that fails, and then serves.
func (r *run) run() error {
	r.args = master.NewArgs(r.Argv0)
	r.zone = jail.NewZone(r.env.TimeZone, r.env.HasTimeZone, r.env.TimeZoneDir)
	for _, step := range []func() error{
		r.startLog,
		r.readSettings,
		r.readParameters,
		r.meetMaster,
		r.readLimits,
		r.openServer,
		r.enterJail,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return r.serve()
}

// readSettings reads main.cf and then the command line.
func (r *run) readSettings() error {
	dir := r.env.ConfigDir
	if !r.env.HasConfigDir {
		dir = params.DefaultConfigDir
	}
	main, err := readMain(dir+"/main.cf", params.Presets(r.args.Process, dir), r.log)
	if err != nil {
		return err
	}
	for _, o := range r.Options {
		if err := r.args.Set(o.Letter, o.Value); err != nil {
			return err
		}
		switch o.Letter {
		case 'v':
			r.log = r.log.WithVerbose(r.log.Verbose() + 1)
		case 'V':
			if !r.stderr {
				r.stderr = true
				r.log.AddPlain(os.Stderr, "")
			}
		}
	}
	if r.InvalidOption != 0 {
		return master.InvalidOption(r.InvalidOption)
	}
	r.args.Operands = r.Operands
	r.resolver = hostname.NewSystem(hostname.SystemOptions{})
	r.settings = params.Process{
		Profile:   imitated(),
		ConfigDir: dir,
		Main:      main,
		Name:      r.args.Process,
		Service:   r.args.Service,
		PID:       os.Getpid(),
		Host:      params.SystemHost(context.Background(), r.resolver), // a signal ends the process itself
	}
	for _, o := range r.args.Overrides {
		r.settings.Overrides = append(r.settings.Overrides, mainconf.Setting{Name: o.Name, Value: o.Value})
	}
	if r.log.Verbose() > 0 {
		r.settings.Info = r.tell
	}
	return nil
}

// readParameters reads and checks what all Postfix daemons read, sets up the
// log again, and reads the parameters of qmqpd.
func (r *run) readParameters() error {
	eff := params.New(r.settings)
	r.effective = eff
	common, _ := eff.ReadCommon()
	r.owner = common.Owner
	if facility, ok := maillog.ParseFacility(common.SyslogFacility); ok {
		r.log.SetFacility(facility)
	}
	r.log.SetKeepUTF8(common.SMTPUTF8)
	warned, err := r.report(0)
	if err != nil {
		return err
	}
	if r.env.PostlogService == "" {
		r.log.SetTag(r.tag()) // of lines to postlogd the original has a copy
	}
	if err := eff.CheckMaillogFile(); err != nil {
		return maillog.FatalError("%w", err)
	}
	if err := r.configureLog(common); err != nil {
		return err
	}
	if r.loaded, err = loadedTables(eff, r.log); err != nil {
		return err
	}
	if !r.args.Foreground && !r.args.Stdin && isTerminal(0) {
		r.log.AddPlain(os.Stderr, r.args.Process)
		return maillog.FatalError("do not run this command by hand")
	}
	r.config = LoadConfig(eff)
	_, err = r.report(warned)
	return err
}

// meetMaster checks what master(8) says of this process, and opens the lock file.
func (r *run) meetMaster() error {
	var err error
	if !r.args.Stdin {
		if r.transport, err = r.args.ParseTransport(); err != nil {
			return err
		}
	}
	if r.generation, err = master.ParseGeneration(r.env); err != nil {
		return err
	}
	if r.env.HasGeneration && r.log.Verbose() > 0 {
		r.log.Infof("process generation: %s (%o)", r.env.Generation, r.generation)
	}
	if r.args.Debug || r.env.Debug {
		if err := r.debug(); err != nil {
			return err
		}
	}
	if !r.args.Stdin && !r.args.Alone {
		r.lock, err = master.OpenLock(r.args.Transport, r.args.Service)
	}
	return err
}

// readLimits finds out how many sessions there may be, under which name to say that
// they are too many, and how much memory they may have.
func (r *run) readLimits() (err error) {
	if r.limits, err = r.findLimits(); err != nil {
		return err
	}
	if aware, _ := r.stressAware(); aware {
		r.name = r.internalName()
	}
	r.memory, err = messageMemory(r.effective)
	return err
}

// openServer opens the access lists and all else that the jail does not have.
func (r *run) openServer() error {
	if err := os.Chdir(r.config.QueueDirectory); err != nil {
		return maillog.FatalError("chdir(\"%s\"): %s", r.config.QueueDirectory, errno.Text(err))
	}
	ctx := context.Background()
	r.tables = newTables(ctx, r.effective, r.resolver, "", r.log, r.loaded)
	var err error
	if r.server, err = newServer(ctx, r.config, r.tables, r.log); err != nil {
		return err
	}
	if err := openDestinations(r.effective.String("mydestination"), r.tables); err != nil {
		return asFailure(err)
	}
	r.server.Peer = newPeer(r.config, r.effective, r.resolver, int(r.owner.UID)).Lookup
	r.other = r.otherLists(ctx)
	return nil
}

// enterJail gives up privileges, and sets up what needs none.
func (r *run) enterJail() error {
	confined := r.jail()
	if err := jail.Enter(confined); err != nil {
		return err
	}
	if r.log.Verbose() > 1 {
		user := "(none)"
		if confined.User != nil {
			user = confined.User.Name
		}
		r.log.Infof("chroot %s user %s", cmp.Or(confined.Root, "(none)"), user)
	}
	warnServices(r.resolver, r.log)
	var err error
	if r.poller, err = poll.New(); err != nil {
		return maillog.FatalError("epoll_create: %s", errno.Text(err))
	}
	if r.log.Verbose() > 0 {
		logWords(r.log, r.config.OverrideOptions, overrideOptions)
	}
	r.gate = newGate()
	opener, err := newCleanup(r.config, "", dialBy(r.poller), r.gate)
	if err != nil {
		return maillog.FatalError("%w", err)
	}
	r.storage = newStorage(spool.QueueIncoming, r.memory)
	r.server.SetPolicy(r.config.Policy(opener, r.storage))
	return nil
}

// jail says which privileges to give up.
func (r *run) jail() jail.Config {
	var c jail.Config
	if r.args.Chroot {
		c.Root = r.config.QueueDirectory
	}
	if r.args.Unprivileged {
		c.User = &jail.User{Name: r.owner.Name, UID: int(r.owner.UID), GID: int(r.owner.GID)}
		if r.owner.Foreign {
			// To the C library a name service that fails has no groups; then
			// those of the file are left.
			c.User.Groups, _, _ = params.ForeignGroups(r.owner.Name)
		}
	}
	return c
}

// serve serves clients until the life of the process is over.
func (r *run) serve() error {
	ctx := context.Background()
	if r.args.Stdin {
		return r.serveClient(ctx, master.StdinConn(0, 1), r.localtime())
	}
	master.WarnOpenFiles(r.log)
	if err := master.CheckInherited(r.inherited, r.args.Sockets); err != nil {
		return err
	}
	bounds := r.config.bounds()
	return master.Serve(ctx, master.Config{
		Log:           r.log,
		Now:           r.localtime,
		PID:           os.Getpid(),
		Generation:    r.generation,
		Status:        master.StatusFD,
		Poller:        r.poller,
		Listeners:     master.Listeners(r.args.Sockets),
		Transport:     r.transport,
		Lock:          r.lock,
		MaxUse:        bounds.MaxUse,
		UseEach:       bounds.UseEach,
		MaxIdle:       bounds.MaxIdle,
		DaemonTimeout: bounds.DaemonTimeout,
		Sessions:      r.limits.sessions,
		Limit:         r.limits.service,
		Stress:        r.stress(),
		Changed:       func() string { return changed(r.tables, r.log) },
		Drain:         master.MemoryBound(memoryBeside + uint64(r.memory)),
		Handler:       r.serveClient,
	})
}

// serveClient serves one client. It is a client that meets what is wrong with the
// operands, as in Postfix.
func (r *run) serveClient(ctx context.Context, conn net.Conn, accepted time.Time) error {
	if err := r.args.OperandFailure(); err != nil {
		return err
	}
	return r.server.ServeConn(ctx, conn, accepted)
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
