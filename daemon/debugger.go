package daemon

import (
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params"
)

// debug runs debugger_command, whose purpose is to attach a debugger to this
// process.
func (r *run) debug() error {
	command := r.effective.Expand("$debugger_command")
	if command == "" {
		return maillog.FatalError("no debugger_command variable set up")
	}
	r.log.Infof("running: %s", command)
	shell := exec.Command("/bin/sh", "-c", command)
	shell.Args[0] = "sh" // as system(3) has it: the shell puts it before what it says
	shell.Env = childEnviron(r.Environ, r.effective)
	shell.Stdin, shell.Stdout, shell.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Postfix does not look at the outcome either.
	_ = shell.Run()
	return nil
}

// childEnviron returns the environment that Postfix hands on: with what a Postfix
// program needs to log before it has read main.cf. Source: Postfix 3.10
// mail_params.c, maillog_client.c.
func childEnviron(environ []string, e *params.Effective) []string {
	environ = slices.Clone(environ)
	set := func(name, value string) {
		unset(&environ, name)
		environ = append(environ, name+"="+value)
	}
	set("MAIL_LOGTAG", e.String("syslog_name"))
	if socket := postlogSocket(e); socket != "" {
		set("POSTLOG_SERVICE", socket)
		set("POSTLOG_HOSTNAME", e.String("myhostname"))
	} else {
		unset(&environ, "POSTLOG_SERVICE")
		unset(&environ, "POSTLOG_HOSTNAME")
	}
	return environ
}

// postlogSocket returns the path of the socket of postlogd(8), or nothing if
// the log goes to syslog.
func postlogSocket(e *params.Effective) string {
	if e.String("maillog_file") == "" {
		return ""
	}
	return e.String("queue_directory") + "/public/" + e.String("postlog_service_name")
}

// unset removes a variable from an environment.
func unset(environ *[]string, name string) {
	*environ = slices.DeleteFunc(*environ, func(s string) bool { return strings.HasPrefix(s, name+"=") })
}
