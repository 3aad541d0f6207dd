package daemon

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/errno"
	"github.com/qmqpd/qmqpd/daemon/jail"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/dynamicmaps"
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

// failurePause keeps a broken service from spinning: Postfix sleeps as long
// after a fatal error.
const failurePause = time.Second

// memoryBeside is how much memory a process of many sessions may hold beside what
// qmqpd_message_memory allows its messages, in bytes, before its successor takes
// over.
const memoryBeside = 160 << 20

// flushTime bounds the wait for the log at the end.
const flushTime = 5 * time.Second

// Run is the life of a child of master(8). It returns the exit status; after
// what Postfix calls a panic it does not return, but ends the process by
// SIGABRT.
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
	time.Sleep(failurePause)
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
	zone *time.Location
	log  *maillog.Logger

	settings  params.Process // main.cf and overrides
	told      []told         // in reading the parameters, not yet logged
	effective *params.Effective
	loaded    dynamicmaps.Tables
	config    *Config
	owner     params.User
	stderr    bool // option -V was seen
	dial      dialer
	gate      *cleanup.Gate
}

// told is a line of verbose level 1, and the number of warnings before it.
type told struct {
	text     string
	warnings int
}

// now is the clock in local time; the time zone was loaded before the jail.
func (r *run) now() time.Time { return time.Now().In(r.zone) }

// run takes the steps of start-up in Postfix's order (single_server.c,
// single_server_main), since each may be the one that fails, and then serves.
func (r *run) run() error {
	r.args = master.NewArgs(r.Argv0)
	r.zone = jail.Location(r.env.TimeZone, r.env.HasTimeZone)
	r.startLog()
	if err := r.readSettings(); err != nil {
		return err
	}
	if err := r.readParameters(); err != nil {
		return err
	}
	var transport master.Transport
	var err error
	if !r.args.Stdin {
		if transport, err = r.args.ParseTransport(); err != nil {
			return err
		}
	}
	generation, err := master.ParseGeneration(r.env)
	if err != nil {
		return err
	}
	if r.env.HasGeneration && r.log.Verbose() > 0 {
		r.log.Infof("process generation: %s (%o)", r.env.Generation, generation)
	}
	if r.args.Debug || r.env.Debug {
		if err := r.debug(); err != nil {
			return err
		}
	}
	var lock *master.Lock
	if !r.args.Stdin && !r.args.Alone {
		if lock, err = master.OpenLock(r.args.Transport, r.args.Service); err != nil {
			return err
		}
	}
	limits, err := r.limits()
	if err != nil {
		return err
	}
	memory, err := messageMemory(r.effective)
	if err != nil {
		return err
	}
	if err := os.Chdir(r.config.QueueDirectory); err != nil {
		return maillog.FatalError("chdir(\"%s\"): %s", r.config.QueueDirectory, errno.Text(err))
	}
	ctx := context.Background()
	tables := newTables(r.effective, r.log, r.loaded)
	server, err := newServer(ctx, r.config, tables, r.log)
	if err != nil {
		return err
	}
	if err := openDestinations(r.effective.String("mydestination"), tables); err != nil {
		return asFailure(err)
	}
	server.Peer = newPeer(r.config, r.effective, int(r.owner.UID)).Lookup
	other := r.otherLists(ctx, limits, tables)
	if err := jail.Enter(r.jail()); err != nil {
		return err
	}
	poller, err := poll.New()
	if err != nil {
		return maillog.FatalError("epoll_create: %s", errno.Text(err))
	}
	if r.log.Verbose() > 0 {
		logWords(r.log, r.config.OverrideOptions, overrideOptions)
	}
	r.dial, r.gate = dialBy(poller), newGate()
	opener, err := newCleanup(r.config, "", r.dial, r.gate)
	if err != nil {
		return maillog.FatalError("%w", err)
	}
	storage := newStorage("", memory)
	server.SetPolicy(r.config.policy(opener, storage))
	serve := r.serveFirst(server)
	if r.args.Stdin {
		return master.ServeStdin(ctx, master.StdinConn(0, 1), r.now, serve)
	}
	if err := master.CheckInherited(r.inherited, r.args.Sockets); err != nil {
		return err
	}
	setStress := func(on bool) *master.Bounds { return r.setStress(on, server, storage, other) }
	bounds := r.config.bounds()
	return master.Serve(ctx, master.Config{
		Log:           r.log,
		Now:           r.now,
		PID:           os.Getpid(),
		Generation:    generation,
		Status:        master.StatusFD,
		Poller:        poller,
		Listeners:     master.Listeners(r.args.Sockets),
		Transport:     transport,
		Lock:          lock,
		MaxUse:        bounds.MaxUse,
		UseEach:       bounds.UseEach,
		MaxIdle:       bounds.MaxIdle,
		DaemonTimeout: bounds.DaemonTimeout,
		Sessions:      limits.sessions,
		Limit:         limits.service,
		Stress:        r.stress(limits, setStress),
		Changed:       changed(tables, r.log),
		Drain:         master.MemoryBound(memoryBeside + uint64(memory)),
		Handler:       serve,
	})
}

// startLog sets up the log from what the environment says: the parameters are
// not known yet.
func (r *run) startLog() {
	r.log = maillog.New(r.now)
	if r.env.Verbose {
		r.log = r.log.WithVerbose(1)
	}
	name := r.env.LogTag
	if !r.env.HasLogTag {
		name = "postfix"
	}
	r.log.Configure(maillog.Config{
		Tag:     name + "/" + r.args.Process,
		PID:     os.Getpid(),
		Postlog: r.env.PostlogService,
		Host:    r.env.PostlogHostname,
	})
	if r.log.Verbose() > 0 {
		r.log.Infof("daemon started")
	}
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
	r.settings = params.Process{
		Profile:   imitated(),
		ConfigDir: dir,
		Main:      main,
		Name:      r.args.Process,
		Service:   r.args.Service,
		PID:       os.Getpid(),
		Host:      params.SystemHost(),
	}
	for _, o := range r.args.Overrides {
		r.settings.Overrides = append(r.settings.Overrides, mainconf.Setting{Name: o.Name, Value: o.Value})
	}
	if r.log.Verbose() > 0 {
		r.settings.Info = r.tell
	}
	return nil
}

// tell keeps a line for report: where it goes and in which order with the warnings
// is only known then. After the error that ends the start, Postfix tells nothing.
func (r *run) tell(text string) {
	if r.effective.Err() == nil {
		r.told = append(r.told, told{text, len(r.effective.Warnings())})
	}
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
	warned, err := r.report(eff, 0)
	if err != nil {
		return err
	}
	if err := eff.CheckMaillogFile(); err != nil {
		return maillog.FatalError("%w", err)
	}
	r.configureLog(eff, common)
	if r.loaded, err = loadedTables(eff, r.log); err != nil {
		return err
	}
	if !r.args.Foreground && !r.args.Stdin && isTerminal(0) {
		r.log.AddPlain(os.Stderr, r.args.Process)
		return maillog.FatalError("do not run this command by hand")
	}
	r.config = LoadConfig(eff)
	_, err = r.report(eff, warned)
	return err
}

// report logs the warnings of reading parameters from number start on, up to
// the first error, which it returns, and between them what was told.
func (r *run) report(eff *params.Effective, start int) (int, error) {
	warnings, failure := eff.Warnings(), eff.Err()
	var e *params.Error
	if errors.As(failure, &e) {
		warnings = warnings[:e.Warnings]
	}
	for i, w := range warnings[start:] {
		r.logTold(start + i)
		r.log.Warningf("%s", w)
	}
	r.logTold(len(warnings))
	if failure != nil {
		return 0, maillog.FatalError("%w", failure)
	}
	return len(warnings), nil
}

// logTold logs what was told after so many warnings or fewer.
func (r *run) logTold(warnings int) {
	for len(r.told) > 0 && r.told[0].warnings <= warnings {
		r.log.Infof("%s", r.told[0].text)
		r.told = r.told[1:]
	}
}

// configureLog sets up the log by the parameters.
func (r *run) configureLog(eff *params.Effective, common params.Common) {
	c := maillog.Config{
		Tag:      eff.String("syslog_name") + "/" + r.args.Process,
		PID:      os.Getpid(),
		KeepUTF8: common.SMTPUTF8,
	}
	c.Facility, _ = maillog.ParseFacility(common.SyslogFacility)
	if eff.String("maillog_file") != "" {
		c.Postlog = eff.String("queue_directory") + "/public/" + eff.String("postlog_service_name")
		c.Host = eff.String("myhostname")
	}
	r.log.Configure(c)
}

// debug runs debugger_command, whose purpose is to attach a debugger to this
// process.
func (r *run) debug() error {
	command := r.effective.Expand("$debugger_command")
	if command == "" {
		return maillog.FatalError("no debugger_command variable set up")
	}
	r.log.Infof("running: %s", command)
	shell := exec.Command("/bin/sh", "-c", command)
	shell.Env = r.Environ
	shell.Stdin, shell.Stdout, shell.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Postfix does not look at the outcome either.
	_ = shell.Run()
	return nil
}

// jail says which privileges to give up.
func (r *run) jail() jail.Config {
	var c jail.Config
	if r.args.Chroot {
		c.Root = r.config.QueueDirectory
	}
	if r.args.Unprivileged {
		c.User = r.config.MailOwner
		c.Account = &jail.User{Name: r.owner.Name, UID: int(r.owner.UID), GID: int(r.owner.GID)}
	}
	return c
}

// serveFirst wraps the server: what only the first client meets in Postfix.
func (r *run) serveFirst(server *Server) master.Handler {
	return func(ctx context.Context, conn net.Conn, accepted time.Time) error {
		if err := r.args.OperandFailure(); err != nil {
			return err
		}
		return server.ServeConn(ctx, conn, accepted)
	}
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
