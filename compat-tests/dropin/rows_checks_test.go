package dropin

import (
	"fmt"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
)

// refused is a row whose main.cf line keeps the server from starting, with
// the text after "fatal: ". In it "@F" stands for "file DIR/main.cf: ", whose
// directory differs from row to row: only what follows is looked for.
func refused(name string, text string, lines ...string) judges.Row {
	if name == "" {
		name = strings.ReplaceAll(strings.Join(lines, ", "), "/", "_")
	}
	if rest, ok := strings.CutPrefix(text, "@F"); ok {
		return judges.Row{Name: name, Main: lines, Want: []string{"log <18> postfix/qmqpd: fatal: file /rows/", "/conf/main.cf: " + rest + "\n", "exit 1 after a pause\n"}}
	}
	return judges.Row{Name: name, Main: lines, Want: fatal(text)}
}

// accepted is a row whose main.cf lines are no hindrance.
func accepted(lines ...string) judges.Row {
	return judges.Row{Name: strings.ReplaceAll(strings.Join(lines, ", "), "/", "_"), Main: lines, Clients: ok, Want: queued}
}

// oddUsers and oddGroups are what passwd(5) and group(5) do not have, some of
// which the C library takes.
const (
	oddUsers = "  \tblanks:x:5001:5001::/:/bin/false\n" +
		"noshell:x:5002:5002:info:/\n" +
		"nodir:x:5003:5003:info\n" +
		"togid:x:5004:5004\n" +
		"blankid:x: 5005:\t+5005:::\n" +
		"wraps:x:-18446744073709546610:5006:::\n" +
		"largest:x:4294967294:5007:::\n" +
		"touid:x:5008\n" +
		"#comment:x:5009:5009:::\n" +
		"negative:x:-1:5010:::\n" +
		"toolarge:x:4294967296:5012:::\n" +
		"+plus:x:5013:5013:::\n" +
		" last:x:5014:501"
	oddGroups = "  gblanks:x:6001:\n" +
		"gthree:x:6002\n" +
		"gblankid:x: 6003:\n" +
		"gempty:x::\n" +
		"#gcomment:x:6004:\n" +
		"+gplus:x:6005:\n" +
		"listed:x:7001:root, postfix\n" +
		"#listed:x:7002:postfix\n" +
		"  #listed:x:7003:postfix\n" +
		"+listed:x:7004:postfix\n" +
		"blank:x:7005:postfix \n" +
		"sum:x:7006x:postfix\n" +
		"hrfile:x:7777:hrmail\n"
)

// checkRows are about the checks that every daemon makes at its start:
// contract section 1.7.
var checkRows = append([]judges.Row{
	refused("", `malformed compatibility level syntax: "zz"`, "compatibility_level = zz"),
	refused("", "parent_domain_matches_subdomains: no pattern after '!'", "parent_domain_matches_subdomains = qmqpd_authorized_clients !", "qmqpd_authorized_clients = !"),
	refused("", `malformed compatibility level syntax: "3.x"`, "compatibility_level = 3.x"),
	accepted("compatibility_level = 9.9"),
	accepted("compatibility_level = 0"),
	accepted("compatibility_level = 3.10.2"),
	refused("", "@Fparameter syslog_facility: unrecognized value: foo", "syslog_facility = foo"),
	refused("", "@Fparameter syslog_facility: unrecognized value: MAIL", "syslog_facility = MAIL"),
	refused("syslog_facility empty", "bad string length 0 < 1: syslog_facility = ", "syslog_facility ="),
	refused("", "bad boolean configuration: smtputf8_enable = x", "smtputf8_enable = x"),
	refused("", "bad boolean configuration: smtputf8_enable = ", "smtputf8_enable ="),
	refused("", "bad boolean configuration: enable_idna2003_compatibility = x", "enable_idna2003_compatibility = x"),
	refused("", "bad boolean configuration: soft_bounce = maybe", "soft_bounce = maybe"),
	refused("", "bad boolean configuration: qmqpd_client_port_logging = 1", "qmqpd_client_port_logging = 1"),
	refused("", "bad boolean configuration: daemon_table_open_error_is_fatal = x", "daemon_table_open_error_is_fatal = x"),
	refused("", "bad boolean configuration: helpful_warnings = x", "helpful_warnings = x"),
	refused("", "bad boolean configuration: disable_dns_lookups = x", "disable_dns_lookups = x"),
	accepted("soft_bounce = YES"),
	accepted("soft_bounce = No"),
	refused("", `unknown inet_protocols value "foo" in "foo"`, "inet_protocols = foo"),
	refused("", `unknown inet_protocols value "foo" in "ipv4, foo"`, "inet_protocols = ipv4, foo"),
	accepted("inet_protocols = ipv4"),
	accepted("inet_protocols = ipv4, ipv6"),
	refused("", `unknown inet_protocols value "ALL" in "ALL"`, "inet_protocols = ALL"),
	refused("", "@Fparameter myhostname: bad parameter value: bad_host!", "myhostname = bad_host!"),
	refused("", "@Fparameter myhostname: bad parameter value: 1.2.3.4", "myhostname = 1.2.3.4"),
	refused("", "@Fparameter myhostname: bad parameter value: -x", "myhostname = -x"),
	refused("", "@Fparameter myhostname: bad parameter value: x-", "myhostname = x-"),
	refused("", "@Fparameter myhostname: bad parameter value: a..b", "myhostname = a..b"),
	refused("", "@Fparameter myhostname: bad parameter value: .a", "myhostname = .a"),
	refused("", "bad string length 0 < 1: mydomain = ", "myhostname = a."),
	refused("", "@Fparameter myhostname: bad parameter value: 1", "myhostname = 1"),
	refused("", "@Fparameter myhostname: bad parameter value: [1.2.3.4]", "myhostname = [1.2.3.4]"),
	refused("myhostname empty", "bad string length 0 < 1: myhostname = ", "myhostname ="),
	refused("myhostname too long label", "@Fparameter myhostname: bad parameter value: "+strings.Repeat("a", 64)+".example", "myhostname = "+strings.Repeat("a", 64)+".example"),
	refused("myhostname too long", "@Fparameter myhostname: bad parameter value: "+strings.Repeat("abcdefghi.", 26)+"example", "myhostname = "+strings.Repeat("abcdefghi.", 26)+"example"),
	{Name: "myhostname with UTF-8", Main: []string{"myhostname = m\u00fcller.example"}, Clients: ok, Want: []string{"exit"}},
	accepted("myhostname = single"),
	accepted("myhostname = Upper.Example.ORG"),
	accepted("myhostname = under_score.example"),
	refused("", "@Fparameter mydomain: bad parameter value: bad!", "mydomain = bad!"),
	refused("mydomain empty", "bad string length 0 < 1: mydomain = ", "mydomain ="),
	refused("mail_name empty", "bad string length 0 < 1: mail_name = ", "mail_name ="),
	refused("syslog_name empty", "bad string length 0 < 1: syslog_name = ", "syslog_name ="),
	refused("mail_version empty", "bad string length 0 < 1: mail_version = ", "mail_version ="),
	refused("cleanup_service_name empty", "bad string length 0 < 1: cleanup_service_name = ", "cleanup_service_name ="),
	refused("smtputf8_autodetect_classes empty", "bad string length 0 < 1: smtputf8_autodetect_classes = ", "smtputf8_autodetect_classes ="),
	refused("verp_delimiter_filter empty", "bad string length 0 < 1: verp_delimiter_filter = ", "verp_delimiter_filter ="),
	refused("queue_directory empty", "bad string length 0 < 1: queue_directory = ", "queue_directory ="),
	refused("mail_owner empty", "bad string length 0 < 1: mail_owner = ", "mail_owner ="),
	refused("default_privs empty", "bad string length 0 < 1: default_privs = ", "default_privs ="),
	refused("setgid_group empty", "bad string length 0 < 1: setgid_group = ", "setgid_group ="),
	accepted("inet_interfaces ="),
	refused("myorigin empty", "bad string length 0 < 1: myorigin = ", "myorigin ="),
	refused("default_verp_delimiters empty", "bad string length 0 < 2: default_verp_delimiters = ", "default_verp_delimiters ="),
	refused("default_verp_delimiters one", "bad string length 1 < 2: default_verp_delimiters = +", "default_verp_delimiters = +"),
	refused("default_verp_delimiters three", "bad string length 3 > 2: default_verp_delimiters = +=-", "default_verp_delimiters = +=-"),
	refused("", "invalid max_use parameter value 0 < 1", "max_use = 0"),
	refused("", "bad numerical configuration: max_use = ", "max_use ="),
	refused("", "bad numerical configuration: max_use = 1x", "max_use = 1x"),
	refused("", "bad numerical configuration: max_use = 9999999999", "max_use = 9999999999"),
	accepted("hopcount_limit = x"),
	refused("", "bad numerical configuration: message_size_limit = x", "message_size_limit = x"),
	refused("", "bad numerical configuration: message_size_limit = 99999999999999999999", "message_size_limit = 99999999999999999999"),
	refused("", "invalid line_length_limit parameter value 511 < 512", "line_length_limit = 511"),
	refused("", "bad numerical configuration: line_length_limit = x", "line_length_limit = x"),
	refused("", "invalid debug_peer_level parameter value 0 < 1", "debug_peer_level = 0"),
	refused("", "bad numerical configuration: debug_peer_level = x", "debug_peer_level = x"),
	accepted("duplicate_filter_limit = 0"),
	refused("", "parameter in_flow_delay: bad time value or unit: x", "in_flow_delay = x"),
	refused("", "invalid ipc_timeout: 0 (min 1)", "ipc_timeout = 0"),
	refused("", "parameter ipc_timeout: bad time value or unit: x", "ipc_timeout = x"),
	refused("", "parameter ipc_timeout: bad time value or unit: ", "ipc_timeout ="),
	refused("", "invalid ipc_idle: 0 (min 1)", "ipc_idle = 0"),
	refused("", "invalid ipc_ttl: 0 (min 1)", "ipc_ttl = 0"),
	refused("", "invalid trigger_timeout: 0 (min 1)", "trigger_timeout = 0"),
	refused("", "invalid fork_delay: 0 (min 1)", "fork_delay = 0"),
	refused("", "invalid max_idle: 0 (min 1)", "max_idle = 0"),
	refused("", "invalid daemon_timeout: 0 (min 1)", "daemon_timeout = 0"),
	refused("", "parameter daemon_timeout: bad time value or unit: 1y", "daemon_timeout = 1y"),
	refused("", "invalid qmqpd_timeout: 0 (min 1)", "qmqpd_timeout = 0"),
	refused("", "invalid qmqpd_timeout: 0 (min 1)", "qmqpd_timeout = 0s"),
	refused("", "parameter qmqpd_timeout: bad time value or unit: -1", "qmqpd_timeout = -1"),
	refused("", "parameter qmqpd_timeout: bad time value or unit: 10 s x", "qmqpd_timeout = 10 s x"),
	refused("", "parameter qmqpd_timeout: bad time value or unit: 99999999999", "qmqpd_timeout = 99999999999"),
	refused("", "parameter qmqpd_timeout: bad time value or unit: 99999w", "qmqpd_timeout = 99999w"),
	refused("", "parameter qmqpd_error_delay: bad time value or unit: -1", "qmqpd_error_delay = -1"),
	refused("", "parameter qmqpd_error_delay: bad time value or unit: x", "qmqpd_error_delay = x"),
	accepted("qmqpd_timeout = 1h"),
	accepted("qmqpd_timeout = 1m"),
	refused("", "parameter qmqpd_timeout: bad time value or unit: 2D", "qmqpd_timeout = 2D"),
	accepted("qmqpd_timeout = 1w"),
	accepted("qmqpd_timeout = 007"),
	refused("", "@Fparameter default_privs: unknown user name value: nosuch", "default_privs = nosuch"),
	refused("", "@Fparameter default_privs: user root has privileged user ID", "default_privs = root"),
	refused("", "@Fparameter mail_owner: unknown user name value: nosuch", "mail_owner = nosuch"),
	refused("", "@Fparameter mail_owner: user root has privileged user ID", "mail_owner = root"),
	refused("mail_owner is nobody", "@Fparameters default_privs and mail_owner specify the same user nobody", "mail_owner = nobody"),
	refused("default_privs is postfix", "@Fparameters default_privs and mail_owner specify the same user postfix", "default_privs = postfix"),
	refused("", "@Fparameter setgid_group: unknown group name: nosuch", "setgid_group = nosuch"),
	refused("", "@Fparameter setgid_group: group root has privileged group ID", "setgid_group = root"),
	refused("setgid_group is mail_owner's", "@Fparameters mail_owner and setgid_group: user postfix and group postfix have the same group ID: 101", "setgid_group = postfix"),
	refused("setgid_group is default_privs's", "@Fparameters default_privs and setgid_group: user nobody and group nogroup have the same group ID: 65534", "setgid_group = nogroup"),
	accepted("mail_owner = blanks"),
	accepted("mail_owner = noshell"),
	accepted("mail_owner = nodir"),
	accepted("mail_owner = togid"),
	accepted("mail_owner = blankid"),
	accepted("mail_owner = wraps"),
	accepted("mail_owner = largest"),
	refused("", "@Fparameter mail_owner: unknown user name value: touid", "mail_owner = touid"),
	refused("", "@Fparameter mail_owner: unknown user name value: #comment", "mail_owner = #comment"),
	refused("", "@Fparameter mail_owner: unknown user name value: comment", "mail_owner = comment"),
	refused("", "@Fparameter mail_owner: unknown user name value: negative", "mail_owner = negative"),
	refused("", "@Fparameter mail_owner: unknown user name value: toolarge", "mail_owner = toolarge"),
	refused("", "@Fparameter mail_owner: unknown user name value: +plus", "mail_owner = +plus"),
	refused("", "@Fparameter mail_owner: unknown user name value: plus", "mail_owner = plus"),
	hasGroup("mail_owner's entry without a newline", "5011", "mail_owner = last"),
	hasNotGroup("mail_owner's entry without a newline, as it is written", "501", "mail_owner = last"),
	accepted("setgid_group = gblanks"),
	accepted("setgid_group = gthree"),
	accepted("setgid_group = gblankid"),
	refused("", "@Fparameter setgid_group: unknown group name: gempty", "setgid_group = gempty"),
	refused("", "@Fparameter setgid_group: unknown group name: #gcomment", "setgid_group = #gcomment"),
	refused("", "@Fparameter setgid_group: unknown group name: +gplus", "setgid_group = +gplus"),
	hasGroup("mail_owner in a group's list", "7001"),
	hasGroup("mail_owner in the list of a comment", "7002"),
	hasGroup("mail_owner in the list of an indented comment", "7003"),
	hasGroup("mail_owner in the list of a NIS group", "7004"),
	hasNotGroup("mail_owner with a blank after it in a list", "7005"),
	hasNotGroup("mail_owner in the list of a group without a number", "7006"),
	{Name: "mail_owner in lower classes", Main: []string{"mail_owner = daemon"}, Clients: ok, Want: []string{"exit"}},
	refused("", `unknown mynetworks mask style value "foo" in "foo"`, "mynetworks_style = foo", "-mynetworks"),
	accepted("mynetworks_style = foo"),
	accepted("mynetworks_style = foo", "mynetworks ="),
	refused("", "parameter inet_interfaces: no local interface found for 10.1.2.3", "inet_interfaces = 10.1.2.3"),
	{Name: "inet_interfaces with a name that is none", Main: []string{"inet_interfaces = no.such.host"}, Want: []string{"exit"}},
	accepted("inet_interfaces = 127.0.0.1"),
	accepted("inet_interfaces = loopback-only"),
	withIPv6(accepted("inet_interfaces = localhost")),
	withIPv6(accepted("inet_interfaces = [::1]")),
	refused("", "myhostname and relayhost parameter settings must not be identical: mx.example.org", "relayhost = mx.example.org"),
	refused("", "myhostname and relayhost parameter settings must not be identical: mx.example.org", "relayhost = MX.example.org"),
	accepted("relayhost = [mx.example.org]"),
	refused("", "myorigin parameter setting must not contain multiple values: a, b", "myorigin = a, b"),
	refused("", "myorigin parameter setting must not contain multiple values: a b", "myorigin = a b"),
	refused("", "@Fparameters default_verp_delimiters and verp_delimiter_filter: bad first VERP delimiter character", "default_verp_delimiters = *="),
	refused("", "@Fparameters default_verp_delimiters and verp_delimiter_filter: bad second VERP delimiter character", "default_verp_delimiters = +*"),
	refused("", "@Fparameters default_verp_delimiters and verp_delimiter_filter: bad first VERP delimiter character", "verp_delimiter_filter = -="),
	refused("", "maillog_file value '/nowhere/x' does not match any prefix in maillog_file_prefixes", "maillog_file = /nowhere/x"),
	{Name: "maillog_file with no good prefix and syslog_name", Main: []string{"maillog_file = /nowhere/x", "syslog_name = other"}, Args: []string{"-V"}, Stderr: true, Want: []string{"log <18> other/qmqpd: fatal: maillog_file value '/nowhere/x'", `standard error: "other/qmqpd: fatal`}},
	{Name: "maillog_file with no good prefix after POSTLOG_SERVICE", Main: []string{"maillog_file = /nowhere/x", "syslog_name = other"}, Env: []string{"POSTLOG_SERVICE=@QUEUE/public/postlog", "POSTLOG_HOSTNAME=early"}, Postlog: true, Want: []string{"postlog early postfix/qmqpd: fatal: maillog_file value '/nowhere/x'"}},
	{Name: "process_id in main.cf is ignored", Main: []string{"process_id = x", "content_filter = p:$process_name"}, Clients: ok, Want: []string{`L "p:qmqpd"`}},
	{Name: "process_id in a macro", Main: []string{"content_filter = p:$process_id"}, MaskPID: true, Clients: ok, Want: []string{`L "p:`}},
	{Name: "process_name in main.cf", Main: []string{"process_name = x", "content_filter = p:$process_name"}, Clients: ok, Want: []string{`L "p:`}},
	accepted("message_size_limit = 0"),
	{Name: "message_size_limit = -1", Main: []string{"message_size_limit = -1"}, Clients: ok, Want: []string{"exit"}},
	{Name: "message_size_limit = 2147483648", Main: []string{"message_size_limit = 2147483648"}, Clients: ok, Want: []string{"exit"}},
	accepted("hopcount_limit = 0"),
	accepted("content_filter = $undefined_name"),
	{Name: "list with an exclamation mark alone", Main: []string{"qmqpd_authorized_clients = !"}, Clients: ok, Want: []string{"fatal: qmqpd_authorized_clients: no pattern after '!'"}},
	{Name: "list with a bare IPv6 address", Main: []string{"qmqpd_authorized_clients = ::1"}, Want: fatal(`open dictionary: expecting "type:name" form instead of "::1"`)},
	{Name: "list with a bare IPv6 network", Main: []string{"qmqpd_authorized_clients = ::1/128"}, Want: fatal(`open dictionary: expecting "type:name" form instead of "::1/128"`)},
	{Name: "missing table, fatal", Main: []string{"daemon_table_open_error_is_fatal = yes", "qmqpd_authorized_clients = hash:/nonexistent"}, Want: fatal("open database /nonexistent.db: No such file or directory")},
	{Name: "debug_peer_list with an exclamation mark alone", Main: []string{"debug_peer_list = !"}, Want: fatal("debug_peer_list: no pattern after '!'")},
	{Name: "debug_peer_list with a bare IPv6 address", Main: []string{"debug_peer_list = ::1"}, Want: []string{"exit"}},
	{Name: "missing table in mydestination", Main: []string{"mydestination = localhost, hash:/nonexistent"}, Clients: ok, Want: []string{"error: open database /nonexistent.db: No such file or directory", "KOk"}},
	{Name: "missing table in mydestination, fatal", Main: []string{"daemon_table_open_error_is_fatal = yes", "mydestination = hash:/nonexistent"}, Want: fatal("open database /nonexistent.db: No such file or directory")},
	{Name: "missing file in mydestination, after the clients' list", Main: []string{"mydestination = /nonexistent", "qmqpd_authorized_clients = 127.0.0.1, cidr:/nowhere"}, Clients: ok, Want: []string{"open /nowhere", "error: open file /nonexistent: No such file or directory"}},
	{Name: "sqlite table in mydestination", Main: []string{"mydestination = sqlite:/nonexistent"}, Clients: ok, Want: queued},
	{Name: "mydestination with an exclamation mark alone", Main: []string{"mydestination = !"}, Want: fatal("mydestination: no pattern after '!'")},
	{Name: "parent_domain_matches_subdomains unusable", Main: []string{"parent_domain_matches_subdomains = /nonexistent"}, Want: []string{"exit"}},
	{Name: "receive_override_options, unknown word", Main: []string{"receive_override_options = no_milters,foo"}, Want: fatal(`unknown receive_override_options value "foo" in "no_milters,foo"`)},
	{Name: "receive_override_options, other case", Main: []string{"receive_override_options = No_Milters"}, Want: fatal(`unknown receive_override_options value "No_Milters" in "No_Milters"`)},
	{Name: "queue_directory missing", Main: []string{"queue_directory = /nonexistent"}, Want: []string{"exit 1 after a pause"}},
	{Name: "queue_directory not in the jail", Open: true, Main: []string{"queue_directory = /nonexistent"}, Want: []string{"exit 1 after a pause"}},
	{Name: "daemon_timeout too small", Main: []string{"daemon_timeout = 2"}, Want: []string{"panic: watchdog_create: timeout 2 is too small", "signal 6"}},
	{Name: "import_environment in main.cf", Main: []string{"import_environment = TZ=Asia/Tokyo"}, Clients: ok, Want: queued},
	{Name: "first failure counts", Main: []string{"soft_bounce = x", "myhostname = -x"}, Want: []string{"fatal: "}},
	{Name: "two failures of different kinds", Main: []string{"qmqpd_timeout = x", "ipc_timeout = y"}, Want: []string{"fatal: "}},
	{Name: "parameter failure before the transport's", Argv: argv("-t", "fifo"), Main: []string{"qmqpd_timeout = x"}, Want: []string{"fatal: "}},
	{Name: "transport's failure before the generation's", Argv: argv("-t", "fifo"), Env: []string{"GENERATION=x"}, Want: fatal("unsupported transport type: fifo")},
	{Name: "generation's failure before the debugger's", Args: []string{"-D"}, Env: []string{"GENERATION=x"}, Want: fatal("bad generation: x")},
	{Name: "debugger's failure before the lock's", Argv: []string{"qmqpd", "-n", "a/b", "-t", "inet", "-D"}, Want: fatal("no debugger_command variable set up")},
	{Name: "lock's failure before the list's", Argv: []string{"qmqpd", "-n", "a/b", "-t", "inet"}, Main: []string{"qmqpd_authorized_clients = !"}, Want: []string{"fatal: open lock file"}},
	{Name: "list's failure before receive_override_options'", Main: []string{"qmqpd_authorized_clients = ::1", "receive_override_options = x"}, Want: []string{"fatal: open dictionary"}},
}, numberRows()...)

// numberRows go through the parameters that every daemon reads, with values
// at and beyond their bounds.
func numberRows() []judges.Row {
	var rows []judges.Row
	for _, value := range []string{"1", "0", "-1", "x", "", "2147483647", "2147483648", " 5 ", "5 5", "0x10", "010", "1.5"} {
		for _, name := range []string{"max_use", "line_length_limit", "hopcount_limit", "message_size_limit", "debug_peer_level"} {
			rows = append(rows, judges.Row{
				Name: fmt.Sprintf("integer %s = %q", name, value),
				Main: []string{name + " = " + value}, Clients: ok, Want: []string{"exit"},
			})
		}
	}
	for _, value := range []string{"7", "0", "5s", "5 s", "5m", "1h", "1d", "1w", "1x", "s", "", "5S", "1.5", "5ms", "2147483647", "2147483648s", "35791395m"} {
		for _, name := range []string{"qmqpd_timeout", "qmqpd_error_delay", "ipc_timeout", "max_idle"} {
			rows = append(rows, judges.Row{
				Name: fmt.Sprintf("time %s = %q", name, value),
				Main: []string{name + " = " + value}, Clients: ok, Lasts: time.Second, Want: []string{"exit"},
			})
		}
	}
	return rows
}
