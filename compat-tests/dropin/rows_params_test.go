package dropin

import (
	"strings"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// paramRows are the experiments of the manual page's parameters that no other
// table has: contract section 7.
var paramRows = []judges.Row{
	{Name: "max_use 1", Main: []string{"max_use = 1"}, Clients: ok, Want: queued},
	{Name: "service_name in other values", Main: []string{"content_filter = $service_name:x", "syslog_name = postfix/$service_name"}, Clients: ok, Want: []string{`L "628:x"`, "postfix/628/qmqpd"}},
	{Name: "process_name in other values", Main: []string{"content_filter = $process_name:x"}, Clients: ok, Want: []string{`L "qmqpd:x"`}},
	{Name: "process_name by argv", Argv: []string{"other", "-n", "628", "-t", "inet", "-u", "-c"}, Main: []string{"content_filter = $process_name:x"}, Clients: ok, Want: []string{`L "other:x"`}},
	{Name: "mail_version in other values", Main: []string{"content_filter = x:${{$mail_version} > {3.9}?{text}:{text less}}"}, Clients: ok, Want: []string{`L "x:text`}},
	{Name: "config_directory in other values", Main: []string{"content_filter = x:$config_directory"}, Clients: ok, Want: []string{`L "x:/rows/`}},
	{Name: "queue_directory in other values", Main: []string{"content_filter = x:$queue_directory"}, Clients: ok, Want: []string{`L "x:/rows/`}},
	{Name: "mydomain in other values", Main: []string{"content_filter = x:$mydomain"}, Clients: ok, Want: []string{`L "x:example.org"`}},
	{Name: "mydomain of a single name", Main: []string{"myhostname = single", "content_filter = x:$mydomain"}, Clients: ok, Want: []string{`L "x:`}},
	{Name: "myhostname of the machine", Main: []string{"-myhostname", "content_filter = x:$myhostname,$mydomain,$myorigin"}, Clients: ok, Want: []string{`L "x:`}},
	{Name: "mynetworks of the machine", Main: []string{"-mynetworks", "content_filter = x:$mynetworks"}, Clients: ok, Want: []string{`L "x:`}},
	{Name: "mynetworks of the machine, class", Main: []string{"-mynetworks", "mynetworks_style = class", "content_filter = x:$mynetworks"}, Clients: ok, Want: []string{`L "x:`}},
	{Name: "mynetworks of the machine, subnet", Main: []string{"-mynetworks", "mynetworks_style = subnet", "content_filter = x:$mynetworks"}, Clients: ok, Want: []string{`L "x:`}},
	{Name: "mynetworks of the machine, IPv4 only", Main: []string{"-mynetworks", "inet_protocols = ipv4", "mynetworks_style = subnet", "content_filter = x:$mynetworks"}, Clients: ok, Want: []string{`L "x:`}},
	{Name: "parameters of other programs", Main: []string{"content_filter = x:$smtpd_banner,$default_privs,$hash_queue_names,$mydestination,$relay_domains"}, Clients: ok, Want: []string{`L "x:`}},
	{Name: "compatibility_level in a condition", Main: []string{"content_filter = ${{$compatibility_level} >=level {3.6} ? {new} : {old}}:x"}, Clients: ok, Want: []string{`L "new:x"`}},
	{Name: "nested macros", Main: []string{"a = b", "b = $c", "c = deep", "content_filter = ${a?{$b}}:${nothing?{x}:{y}}"}, Clients: ok, Want: []string{`L "deep:y"`}},
	{Name: "dollar sign", Main: []string{"content_filter = a$$b:x"}, Clients: ok, Want: []string{`L "a$b:x"`}},
	{Name: "verp_delimiter_filter all", Main: []string{"verp_delimiter_filter = -=+*#"}, Clients: one(standin.Request("m", "list#@e-@[]", "r")), Want: []string{`V "#="`}},
	{Name: "line_length_limit 513", Main: []string{"line_length_limit = 513"}, Clients: one(standin.Request(strings.Repeat("x", 513)+"\n"+strings.Repeat("y", 514)+"\n", "s", "r")), Want: queued},
	{Name: "ipc_timeout is for one operation", Main: []string{"ipc_timeout = 2"}, Clients: []judges.Client{{Send: plain, Piece: 8, Pause: 400e6}}, Want: queued},
	{Name: "qmqpd_timeout 1 and a silent cleanup", Main: []string{"qmqpd_timeout = 1", "ipc_timeout = 3"}, Cleanup: []standin.Verdict{{NoFinal: true}}, Clients: ok, Want: []string{writeError}},
	{Name: "timeouts of stress", Args: []string{"-o", "stress=yes", "-o", "qmqpd_timeout=${stress?{1}:{300}}s"}, Clients: one("1"), Want: []string{"read/write timeout"}},
	{Name: "inet_interfaces all", Main: []string{"inet_interfaces = all"}, Clients: ok, Want: queued},
	{Name: "proxy_interfaces", Main: []string{"proxy_interfaces = 192.0.2.1"}, Clients: ok, Want: queued},
	{Name: "proxy_interfaces with a name that is none", Main: []string{"proxy_interfaces = no.such.host"}, Clients: ok, Want: []string{"exit"}},
	hasNotGroup("mail_owner's groups", "postdrop"),
	{Name: "multi_instance_name in a macro", Main: []string{"multi_instance_name = postfix-in", "content_filter = $multi_instance_name:x"}, Clients: ok, Want: []string{`L "postfix-in:x"`}},
	{Name: "unused parameter", Main: []string{"nobody_knows_this = 1"}, Clients: ok, Want: queued},
	{Name: "smtpd parameter with a bad value", Main: []string{"smtpd_timeout = bad"}, Clients: ok, Want: queued},
	{Name: "parameter of all programs with a bad value", Main: []string{"header_size_limit = bad"}, Want: fatal("bad numerical configuration: header_size_limit = bad")},
	{Name: "cleanup parameter with a bad value", Main: []string{"header_checks = bad", "queue_minfree = bad"}, Clients: ok, Want: queued},
	{Name: "enable_long_queue_ids", Main: []string{"enable_long_queue_ids = yes"}, Clients: ok, Want: queued},
	{Name: "enable_long_queue_ids bad", Main: []string{"enable_long_queue_ids = 1"}, Want: []string{"exit"}},
	{Name: "nonsense in tls_ parameters", Main: []string{"tls_high_cipherlist ="}, Clients: ok, Want: []string{"exit"}},
	{Name: "long value", Main: []string{"content_filter = x:" + strings.Repeat("0123456789", 1000)}, Clients: ok, Want: []string{`L "x:0123`}},
	{Name: "8-bit value", Main: []string{"content_filter = x:\xe9\u20ac"}, Clients: ok, Want: []string{`L "x:`}},
	entries("no master.cf", judges.Absent),
	entries("master.cf of nonsense", "junk\n\x00\xff\n"),
	entries("master.cf with another service", "smtp inet n - y - - smtpd\n"),
	entries("master.cf with another transport", "628 unix n - y - - qmqpd\n"),
	entries("master.cf with a limit that is no number", "628 inet n - y - x qmqpd\n"),
	entries("master.cf with a negative limit", "628 inet n - y - -1 qmqpd\n"),
	entries("master.cf with a limit that is too large", "628 inet n - y - 99999999999999999999 qmqpd\n"),
	entries("master.cf with another limit than the options say", "628 inet n - y - 1 qmqpd\n"),
	entries("master.cf with an entry cut short", "628 inet n\n"),
	entries("master.cf with an open brace", "628 inet n - y - - qmqpd {\n"),
	entries("master.cf of a megabyte", strings.Repeat("x", 1<<20)),
	{Name: "master.cf that is a folder", Files: map[string]string{"@CONF/master.cf": judges.Absent}, Commands: []string{"/usr/bin/mkdir @CONF/master.cf"}, Clients: ok, Want: queued},
	{Name: "many clients of one process", Clients: []judges.Client{{Send: plain}, {Send: "x"}, {Send: plain, From: "127.0.0.2"}, {Send: "1:", HalfClose: true}, {Send: standin.Request("m", "list*@e-@[]", "r")}, {Send: plain}}, Want: queued},
}

// entries is a row with that master.cf, which the original does not read, and ours
// for the process limit alone.
func entries(name, text string) judges.Row {
	return judges.Row{Name: name, Files: map[string]string{"@CONF/master.cf": text}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: queued}
}

// hasGroup is a row in which only a member of the group may look for cleanup's
// socket.
func hasGroup(name, group string, lines ...string) judges.Row {
	return judges.Row{Name: name, Main: lines, Commands: []string{"/usr/bin/chgrp " + group + " @QUEUE/public", "/usr/bin/chmod 710 @QUEUE/public"}, Clients: ok, Want: queued}
}

// hasNotGroup is a row in which mail_owner is no member of the group that may.
func hasNotGroup(name, group string, lines ...string) judges.Row {
	row := hasGroup(name, group, lines...)
	row.Clients, row.Play, row.Want = nil, func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		s.WaitLog("connect #1 to subsystem")
		s.Chmod("@QUEUE/public", 0o755)
		s.Reply("client", c)
		s.WaitSession()
	}, []string{"connect #1 to subsystem"}
	return row
}
