package daemon

import (
	"errors"
	"os"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/sockpath"
	"github.com/qmqpd/qmqpd/params"
)

// startLog sets up the log from what the environment says: the parameters are
// not known yet.
func (r *run) startLog() error {
	r.log = maillog.New(r.now)
	if err := checkPostlog(r.env.PostlogService); err != nil {
		return err // of which nobody hears
	}
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
	return nil
}

// configureLog sets up the log by the parameters.
func (r *run) configureLog(common params.Common) error {
	socket := postlogSocket(r.effective)
	if err := checkPostlog(socket); err != nil {
		if r.env.PostlogService != "" {
			// The original dies of the same once more as it logs this, before
			// standard error has its turn.
			r.log = maillog.New(r.now)
		}
		return err
	}
	c := maillog.Config{
		Tag:      r.tag(),
		PID:      os.Getpid(),
		Postlog:  socket,
		KeepUTF8: common.SMTPUTF8,
	}
	c.Facility, _ = maillog.ParseFacility(common.SyslogFacility)
	if socket != "" {
		c.Host = r.effective.String("myhostname")
	}
	r.log.Configure(c)
	return nil
}

// tag is what lines begin with when the parameters are known.
func (r *run) tag() string { return r.effective.String("syslog_name") + "/" + r.args.Process }

// checkPostlog refuses a path of postlogd's socket that no address has room for;
// one that leads nowhere is no error. Source: Postfix 3.10 unix_dgram_connect.c.
func checkPostlog(path string) error {
	if sockpath.Fits(path) {
		return nil
	}
	return maillog.FatalError("unix_dgram_connect: unix-domain name too long: %s", path)
}

// told is a line of verbose level 1, and the number of warnings before it.
type told struct {
	text     string
	warnings int
}

// tell keeps a line for report: where it goes and in which order with the warnings
// is only known then. After the error that ends the start, Postfix tells nothing.
func (r *run) tell(text string) {
	if r.effective.Err() == nil {
		r.told = append(r.told, told{text, len(r.effective.Warnings())})
	}
}

// report logs the warnings of reading parameters from number start on, up to
// the first error, which it returns, and between them what was told.
func (r *run) report(start int) (int, error) {
	warnings, failure := r.effective.Warnings(), r.effective.Err()
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
