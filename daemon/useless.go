package daemon

import (
	"fmt"
	"os"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/mainconf"
)

// unobeyed are parameters that are read, and that say nothing to a stand-alone server.
var unobeyed = map[string]bool{
	"in_flow_delay": true, // but for 0
	"max_use":       true, // one process is all there is
}

// forOpener are those that say how cleanup(8) is reached, or what it does.
var forOpener = map[string]bool{
	"cleanup_service_name":        true,
	"receive_override_options":    true,
	"smtputf8_autodetect_classes": true,
}

// refuseUseless returns an error for each of the server's own settings that it does
// not obey: main.cf is for all Postfix programs, but these are for it alone, and
// whoever wrote them waits for their effect. Everything that is read at start has
// been read.
func (s *server) refuseUseless() error {
	programs := []program{s.qmqpd}
	if s.stores() {
		programs = append(programs, s.cleanup, s.rewriter)
	}
	var errs *multierror.Error
	for _, o := range s.Overrides {
		if o.Name == "in_flow_delay" && s.stores() && s.cleanup.Duration(o.Name) == 0 {
			continue // that is what we do, whatever main.cf has
		}
		replaced := s.Opener != nil && forOpener[o.Name] || s.Clients != nil && o.Name == "qmqpd_authorized_clients"
		if used(programs, o.Name) && !unobeyed[o.Name] && !replaced {
			continue
		}
		errs = multierror.Append(errs, fmt.Errorf("-o %s=%s has no effect%s", o.Name, o.Value, s.whyUseless(o)))
	}
	return errs.ErrorOrNil()
}

func used(programs []program, override string) bool {
	for _, p := range programs {
		if p.Used(override) {
			return true
		}
	}
	return false
}

// whyUseless says why a setting has no effect, if that is known.
func (s *server) whyUseless(o mainconf.Setting) string {
	if _, known := s.qmqpd.Profile().Lookup(o.Name); !known && o.Name != sessionsParameter && o.Name != viaParameter {
		return ": there is no such parameter"
	}
	switch {
	case s.Clients != nil && o.Name == "qmqpd_authorized_clients":
		return " beside ServeOptions.Clients"
	case s.via == viaOpener:
		return " beside ServeOptions.Opener"
	case s.via == viaCleanup && s.leftToCleanup(o.Name):
		return " with queue_via = cleanup, since cleanup(8) reads main.cf"
	}
	if o.Name == "mail_owner" || o.Name == "setgid_group" {
		if os.Geteuid() != 0 {
			return " unless root starts the server"
		}
		if s.owners == nil {
			return " without the account of mail_owner"
		}
	}
	return " in stand-alone mode"
}

// leftToCleanup tells whether cleanup(8) would obey a setting, or trivial-rewrite(8)
// behind it. What they read shows when it is read here as if we did their work.
func (s *server) leftToCleanup(name string) bool {
	_, _ = loadStoreMaps(s.cleanup.Effective, s.cleanup.common.MyOrigin, s.flags)
	_ = refuse(s.cleanup.Effective, s.flags)
	s.cleanup.Use("myorigin", "inet_interfaces", "proxy_interfaces", "mail_owner", "setgid_group")
	return used([]program{s.cleanup, s.rewriter}, name)
}
