package compat

import (
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestPostconfBounce shows what the bounce daemon, which prints the templates, is
// started with: arguments and environment.
func TestPostconfBounce(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	dir := pair.configure(t, map[string]string{
		"main.cf":   "daemon_directory = @\nsyslog_name = tag\n",
		"master.cf": "",
	})
	if err := postfix.WriteProgram(pair.root.Path(dir+"/bounce"), []byte("#!/bin/sh\nfor a; do echo \"$a\"; done\nenv | sort\n")); err != nil {
		t.Fatal(err)
	}
	pair.sameAs(t, 0, dir, []string{
		"postconf -t", "postconf -b file other", "A=b MAIL_LOGTAGS=x MAIL_LOGTAG=y MAIL_CONFIG=/z MAIL= postconf -t",
		"! MAIL_CONFIG=@ MAIL_LOGTAG= A=b=c postconf -b", "MAIL_VERBOSE=1 postconf -t", "postconf -o syslog_name=other -t",
	})
}
