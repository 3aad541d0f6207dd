package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/daemon/sockpath"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/standalone"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// loopbackClients are who may send when there is no main.cf to say so.
const loopbackClients = "127.0.0.0/8, [::1]"

// program is one of the three whose work a stand-alone server does, with its own
// view of the settings: they can depend on its name and on its service's entry in
// master.cf.
type program struct {
	*params.Effective
	common params.Common // what it reads at start; the errors of that are Effective's
}

// configure reads the configuration. All faults are reported together. Where ctx has
// ended, a host name in the settings may be among them that nobody has looked up.
func (s *server) configure(ctx context.Context) error {
	files, err := readConfigDir(s.ConfigDir)
	if err != nil {
		return err
	}
	for _, w := range files.main.Warnings {
		s.warnings = append(s.warnings, w.String())
	}
	s.resolver = hostname.NewSystem(hostname.SystemOptions{})
	s.host = params.SystemHost(ctx, s.resolver)
	// Stand-alone, mail_owner need not exist; see findOwners.
	s.host.Accounts = nil
	s.qmqpd = s.readProgram(files, "qmqpd", "qmqpd")
	s.config = LoadConfig(s.qmqpd.Effective)
	s.cleanup = s.readProgram(files, "cleanup", s.config.CleanupService)
	s.rewriter = s.readProgram(files, "trivial-rewrite", s.cleanup.String("rewrite_service_name"))
	s.log.Identify(s.qmqpd.String("syslog_name")+"/qmqpd", os.Getpid(), s.config.Session.Hostname, s.qmqpd.common.SMTPUTF8)
	if s.queue, err = filepath.Abs(cmp.Or(s.Queue, s.config.QueueDirectory)); err != nil {
		return err
	}
	errs := appendNew(nil, s.checkOptions(), s.checkQueue(), placed(s.qmqpd.Effective, s.readFlags()), placed(s.qmqpd.Effective, s.readOwn()), s.readZone())
	s.incoming = loadIncoming(s.cleanup.Effective, s.rewriter.Effective, s.rewriter.common.MyOrigin, s.flags)
	s.incoming.Location = s.zone
	s.spool = loadSpool(s.cleanup.Effective)
	// What comes with program.common, and what is read when it is needed.
	s.qmqpd.Use("smtputf8_enable")
	if s.stores() {
		s.owners = findOwners(s.qmqpd.Effective)
		s.cleanup.Use("myorigin", "inet_interfaces", "proxy_interfaces")
		s.rewriter.Use("myorigin")
		var classErrs error
		s.maps, classErrs = loadStoreMaps(s.cleanup.Effective, s.cleanup.common.MyOrigin, s.flags)
		errs = appendNew(errs, placed(s.cleanup.Effective, classErrs), placed(s.cleanup.Effective, refuse(s.cleanup.Effective, s.flags)),
			refuseProgram(files, s.config.CleanupService, "cleanup", "cleanup_service_name"),
			refuseProgram(files, s.cleanup.String("rewrite_service_name"), "trivial-rewrite", "rewrite_service_name"))
		s.cleanup.Check(idleInCleanup...)
		s.rewriter.Check(idleInRewrite...)
	}
	// What the programs have in common is said once.
	for _, p := range []program{s.qmqpd, s.cleanup, s.rewriter} {
		errs = appendNew(errs, p.Errors())
		for _, w := range p.Warnings() {
			if !slices.Contains(s.warnings, w) {
				s.warnings = append(s.warnings, w)
			}
		}
	}
	return errs.ErrorOrNil()
}

// readProgram reads the settings as a program does that runs as a service.
func (s *server) readProgram(files configFiles, name, service string) program {
	p := params.Process{
		Profile:   imitated(),
		ConfigDir: s.ConfigDir,
		Main:      files.main,
		Name:      name,
		Service:   service,
		PID:       os.Getpid(),
		Host:      s.host,
		FollowUse: true,
	}
	if s.ConfigDir == "" {
		p.Overrides = append(p.Overrides, mainconf.Setting{Name: "qmqpd_authorized_clients", Value: loopbackClients})
	}
	// A qmqpd service of master(8) is another one than this.
	if name != "qmqpd" {
		p.Master = files.master
	}
	p.Overrides = append(p.Overrides, s.Overrides...)
	eff := params.New(p)
	common, _ := eff.ReadCommon()
	return program{eff, common}
}

// checkOptions checks what does not come from the files.
func (s *server) checkOptions() error {
	var errs *multierror.Error
	if len(s.Listen)+len(s.Listeners) == 0 {
		errs = multierror.Append(errs, errors.New("no address to listen on"))
	}
	if err := standalone.CheckAddrs(s.Listen); err != nil {
		errs = multierror.Append(errs, err)
	}
	for _, l := range s.Listeners {
		switch {
		case l == nil:
			errs = multierror.Append(errs, errors.New("listen on nothing: a nil listener"))
		case !standalone.CanServe(l):
			errs = multierror.Append(errs, fmt.Errorf("listen on %s: a %T has no descriptor", l.Addr(), l))
		}
	}
	if s.MaxSessions < 0 {
		errs = multierror.Append(errs, fmt.Errorf("bad number of sessions: %d", s.MaxSessions))
	}
	if s.Verbose < 0 {
		errs = multierror.Append(errs, fmt.Errorf("bad level of detail: %d", s.Verbose))
	}
	if s.Grace < 0 {
		errs = multierror.Append(errs, fmt.Errorf("bad time of grace: %v", s.Grace))
	}
	if bound := master.OpenFilesBound(); s.MaxSessions > bound {
		errs = multierror.Append(errs, fmt.Errorf("the limit of open files allows %d sessions at once, not %d", bound, s.MaxSessions))
	}
	return errs.ErrorOrNil()
}

// checkQueue returns an error if Overrides say that the queue is elsewhere than Queue
// does, unless that is no queue. What main.cf says is for others.
func (s *server) checkQueue() error {
	for _, o := range slices.Backward(s.Overrides) {
		if o.Name != "queue_directory" || s.Queue == "" || s.Opener != nil {
			continue
		}
		if dir, err := filepath.Abs(s.config.QueueDirectory); err != nil || dir != s.queue {
			return fmt.Errorf("-o %s=%s has no effect: the queue directory is %s", o.Name, o.Value, s.Queue)
		}
		break // the last one counts
	}
	return nil
}

// readFlags works out the cleanup flags of each message.
func (s *server) readFlags() error {
	var errs *multierror.Error
	var err error
	if s.flags, err = cleanupFlags(s.config.OverrideOptions); err != nil {
		errs = multierror.Append(errs, err)
	}
	on, _, err := autodetect(s.config.AutodetectClasses)
	if err != nil {
		errs = multierror.Append(errs, err)
	}
	if on {
		s.flags |= cleanup.FlagAutoUTF8
	}
	return errs.ErrorOrNil()
}

// readOwn reads the parameters that Postfix does not have.
func (s *server) readOwn() error {
	var errs *multierror.Error
	var err error
	if s.memory, err = messageMemory(s.qmqpd.Effective); err != nil {
		errs = multierror.Append(errs, err)
	}
	if s.Opener != nil {
		s.via = viaOpener
		return errs.ErrorOrNil()
	}
	switch s.via = cmp.Or(s.qmqpd.Expand("$"+viaParameter), viaAuto); s.via {
	case viaAuto:
		s.via = viaDirect
		if s.cleanupAnswers() {
			s.via = viaCleanup
		}
	case viaCleanup, viaDirect:
	default:
		errs = multierror.Append(errs, aboutSetting(viaParameter,
			fmt.Errorf("unknown %s value \"%s\": it may be %s, %s or %s", viaParameter, s.via, viaAuto, viaCleanup, viaDirect)))
	}
	return errs.ErrorOrNil()
}

// findOwners returns who the queue belongs to, if the process is root: mail_owner and
// setgid_group. Errors are eff's.
func findOwners(eff *params.Effective) *spool.LayoutOwners {
	if os.Geteuid() != 0 {
		return nil
	}
	owner, group := eff.CheckOwners(params.SystemAccounts())
	if owner == nil {
		return nil
	}
	owners := &spool.LayoutOwners{
		Mail:      spool.Owner{UID: int(owner.UID), GID: int(owner.GID)},
		SetgidGID: spool.OwnGroup,
	}
	if group != nil {
		owners.SetgidGID = int(group.GID)
	}
	return owners
}

// readZone finds the time zone that children of master(8) would have.
func (s *server) readZone() error {
	zone, err := importedZone(s.qmqpd.String("import_environment"), os.LookupEnv)
	if err == nil {
		s.zone = zone
	}
	return err
}

// appendNew appends the errors in lists that errs does not hold yet: programs
// that share a parameter share its faults.
func appendNew(errs *multierror.Error, lists ...error) *multierror.Error {
	seen := map[string]bool{}
	if errs != nil {
		for _, err := range errs.Errors {
			seen[err.Error()] = true
		}
	}
	for _, list := range lists {
		for _, err := range eachOf(list) {
			var e *params.Error
			if errors.As(err, &e) {
				err = e.Located()
			}
			if !seen[err.Error()] {
				seen[err.Error()] = true
				errs = multierror.Append(errs, err)
			}
		}
	}
	return errs
}

// viaParameter says where messages go.
const viaParameter = "queue_via"

// The values of queue_via, and what is none but stands for ServeOptions.Opener.
const (
	viaAuto    = "auto"
	viaCleanup = "cleanup"
	viaDirect  = "direct"
	viaOpener  = "\x00opener"
)

// cleanupSocket is where cleanup(8) listens.
func (s *server) cleanupSocket() string {
	return filepath.Join(s.queue, "public", s.config.CleanupService)
}

// cleanupAnswers tells whether a cleanup(8) listens in the queue directory.
func (s *server) cleanupAnswers() bool {
	err := sockpath.Short(s.cleanupSocket(), func(path string) error {
		conn, err := net.DialTimeout("unix", path, time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	})
	return err == nil
}
