package dropin

import (
	"os"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// plain is a request that everything is right with.
var plain = standin.Request("a: b\n\nx\n", "s@x", "r@x")

// one is one client that sends a request.
func one(send string) []judges.Client { return []judges.Client{{Send: send}} }

// ok is one client that sends a good request.
var ok = one(plain)

// fatal is what the stock program writes when it cannot start.
func fatal(text string) []string {
	return []string{"log <18> postfix/qmqpd: fatal: " + text + "\n", "exit 1 after a pause\n"}
}

// queued is what a good session has.
var queued = []string{`"26:KOk: queued as ABCDEF12345,"`, "exit 0"}

// argv is a command line of master(8) with other words after it.
func argv(words ...string) []string {
	return append([]string{"qmqpd", "-n", "628", "-u", "-c"}, words...)
}

// optionRows are about the command line: contract section 1.2.
var optionRows = []judges.Row{
	{Name: "master's own", Clients: ok, Want: queued},
	{Name: "stress empty", Args: []string{"-o", "stress="}, Clients: ok, Want: queued},
	{Name: "stress yes", Args: []string{"-o", "stress=yes", "-o", "qmqpd_error_delay=${stress?{0}:{bad}}s"}, Clients: ok, Want: queued},
	{Name: "stress no", Args: []string{"-o", "stress=", "-o", "qmqpd_error_delay=${stress?{0}:{bad}}s"}, Want: fatal("parameter qmqpd_error_delay: bad time value or unit: bads")},
	{Name: "clusters", Argv: []string{"qmqpd", "-ucn628", "-tinet"}, Clients: ok, Want: queued},
	{Name: "cluster ends with an argument's option", Argv: []string{"qmqpd", "-uct", "inet", "-n628"}, Clients: ok, Want: queued},
	{Name: "any order", Argv: []string{"qmqpd", "-o", "soft_bounce=yes", "-c", "-t", "inet", "-u", "-n", "628"}, Clients: one("x"), Want: []string{"Znetstring format error"}},
	{Name: "two dashes end the options", Argv: argv("-t", "inet", "--"), Clients: ok, Want: queued},
	{Name: "no -n", Argv: []string{"qmqpd", "-t", "inet", "-u", "-c"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.qmqpd"}, Want: queued},
	{Name: "-c missing", Argv: []string{"qmqpd", "-n", "628", "-t", "inet", "-u"}, Clients: ok, Want: queued},
	{Name: "-u missing", Argv: []string{"qmqpd", "-n", "628", "-t", "inet", "-c"}, Clients: ok, Want: []string{"error: incorrect QMQP server privileges: uid=0 euid=0", "fatal: the Postfix QMQP server must run with $mail_owner privileges", "exit 1"}},
	{Name: "-u missing, socket of its own", Argv: []string{"qmqpd", "-n", "qmqp", "-t", "unix", "-c"}, Listen: []string{"unix"}, Clients: ok, Want: queued},
	{Name: "-d", Args: []string{"-d"}, Clients: ok, Want: queued},
	{Name: "-d at a terminal", Args: []string{"-d"}, Terminal: true, Stderr: true, Clients: ok, Want: queued},
	{Name: "terminal", Terminal: true, Stderr: true, Want: append(fatal("do not run this command by hand"), `standard error: "qmqpd: fatal: do not run this command by hand\n"`)},
	{Name: "-D without a debugger", Args: []string{"-D"}, Want: fatal("no debugger_command variable set up")},
	{Name: "-D with an empty debugger", Args: []string{"-D", "-o", "debugger_command="}, Want: fatal("no debugger_command variable set up")},
	{Name: "-D with a debugger", Main: []string{"debugger_command = echo config $config_directory process $process_name service $service_name >@CONF/debugger"}, Args: []string{"-D"}, Clients: ok, Look: []string{"@CONF/debugger"}, Want: queued},
	{Name: "-D with a debugger that is no command", Main: []string{"debugger_command = ((("}, Args: []string{"-D"}, Stderr: true, Clients: ok, Want: []string{`standard error: "sh: `}},
	{Name: "-i 0", Args: []string{"-i", "0"}, Want: fatal("invalid max_idle: 0 (min 1)")},
	{Name: "-i bad", Args: []string{"-i", "x"}, Want: fatal("parameter max_idle: bad time value or unit: x")},
	{Name: "-i 1", Args: []string{"-i", "1"}, Lasts: time.Minute, Want: []string{"exit 0"}},
	{Name: "-i over main.cf", Main: []string{"max_idle = bad"}, Args: []string{"-i", "2s"}, Clients: ok, Want: queued},
	{Name: "-i and -o, the last wins", Args: []string{"-i", "2s", "-o", "max_idle=bad"}, Want: fatal("parameter max_idle: bad time value or unit: bad")},
	{Name: "-l", Args: []string{"-l"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.628"}, Want: []string{"file inet.628: missing"}},
	{Name: "-z", Args: []string{"-z"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.628"}, Want: []string{"file inet.628: -rw-------, 0 bytes"}},
	{Name: "-z, failure in a session", Args: []string{"-z"}, Main: []string{"inet_protocols = ipv4"}, Listen: []string{"::1"}, Clients: ok, Want: []string{`fatal: cannot handle socket type AF_INET6`, "exit 1"}},
	{Name: "-m 0", Args: []string{"-m", "0"}, Want: fatal("invalid max_use parameter value 0 < 1")},
	{Name: "-m negative", Args: []string{"-m", "-1"}, Want: fatal("invalid max_use parameter value -1 < 1")},
	{Name: "-m bad", Args: []string{"-m", "x"}, Want: fatal("bad numerical configuration: max_use = x")},
	{Name: "-m 1", Args: []string{"-m1"}, Clients: ok, Want: queued},
	{Name: "-n odd", Argv: []string{"qmqpd", "-n", "[::1]:628", "-t", "inet", "-u", "-c"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.[::1]:628"}, Want: []string{"file inet.[::1]:628: -rw-------"}},
	{Name: "-n twice", Args: []string{"-n", "other"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.other", "@QUEUE/pid/inet.628"}, Want: []string{"file inet.628: missing"}},
	{Name: "-o no equals sign", Args: []string{"-o", "foo"}, Want: fatal(`invalid "-o foo" option value: missing '=' after attribute name`)},
	{Name: "-o no name", Args: []string{"-o", "=x"}, Want: fatal(`invalid "-o =x" option value: missing attribute name`)},
	{Name: "-o empty", Args: []string{"-o", ""}, Want: []string{"exit 1 after a pause"}},
	{Name: "-o blank in the name", Args: []string{"-o", "a b = c"}, Want: fatal(`invalid "-o a b = c" option value: missing '=' after attribute name`)},
	{Name: "-o blanks round name and value", Args: []string{"-o", "  soft_bounce =  yes  "}, Clients: one("x"), Want: []string{"Znetstring"}},
	{Name: "-o attached", Args: []string{"-osoft_bounce=yes"}, Clients: one("x"), Want: []string{"Znetstring"}},
	{Name: "-o the last wins", Args: []string{"-o", "soft_bounce=yes", "-o", "soft_bounce=no"}, Clients: one("x"), Want: []string{"Dnetstring"}},
	{Name: "-o over main.cf", Main: []string{"soft_bounce = no"}, Args: []string{"-o", "soft_bounce=yes"}, Clients: one("x"), Want: []string{"Znetstring"}},
	{Name: "-o value with equals sign", Args: []string{"-o", "content_filter=a=b"}, Clients: ok, Want: []string{`L "a=b"`}},
	{Name: "-o value with macro", Main: []string{"mine = scan"}, Args: []string{"-o", "content_filter=$mine:x"}, Clients: ok, Want: []string{`L "scan:x"`}},
	{Name: "-o value in braces", Args: []string{"-o", "{content_filter = a b}"}, Want: []string{"exit"}},
	{Name: "-o for a parameter that nobody knows", Args: []string{"-o", "not_a_parameter=1"}, Clients: ok, Want: queued},
	{Name: "-o empty value", Args: []string{"-o", "mail_name="}, Want: fatal("bad string length 0 < 1: mail_name = ")},
	{Name: "-o over service_name", Args: []string{"-o", "service_name=x", "-o", "content_filter=$service_name:"}, Clients: ok, Want: []string{`L "628:"`}},
	{Name: "-r 0", Args: []string{"-r", "0"}, Want: fatal("invalid retirement time: 0")},
	{Name: "-r negative", Args: []string{"-r", "-5"}, Want: fatal("invalid retirement time: -5")},
	{Name: "-r word", Args: []string{"-r", "x"}, Want: fatal("invalid retirement time: x")},
	{Name: "-r 1x has no effect", Args: []string{"-r", "1x"}, Play: func(s *judges.Scene) {
		// A process that retired would be gone after the time.
		if s.Child.Wait(1500 * time.Millisecond) {
			s.Note("gone")
		}
		s.Client("client", judges.Client{Send: plain})
		s.WaitSession()
	}, Want: queued},
	{Name: "-s 0", Args: []string{"-s", "0"}, Want: fatal("invalid socket_count: 0")},
	{Name: "-s word", Args: []string{"-s", "x"}, Want: fatal("invalid socket_count: x")},
	{Name: "-s negative", Args: []string{"-s", "-2"}, Want: fatal("invalid socket_count: -2")},
	{Name: "-s 1x", Args: []string{"-s", "1x"}, Clients: ok, Want: queued},
	{Name: "-s 2", Listen: []string{"127.0.0.1", "::1"}, Clients: []judges.Client{{Send: plain}, {Send: plain, Listener: 1}, {Send: "x"}}, Want: []string{"log_client_address=127.0.0.1", "log_client_address=IPv6:::1"}},
	{Name: "-n empty", Args: []string{"-n", ""}, Clients: ok, Look: []string{"@QUEUE/pid/inet."}, Want: []string{"file inet.: -rw-------"}},
	{Name: "-n with a blank", Args: []string{"-n", "a b"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.a b"}, Want: []string{"file inet.a b: -rw-------"}},
	{Name: "-n very long", Args: []string{"-n", strings.Repeat("n", 251)}, Want: []string{"fatal: open lock file pid/inet.nnnn", "File name too long"}},
	{Name: "-S pipe", Stdin: "pipe", Clients: ok, Want: []string{`standard output: "26:KOk`, "client_address_type=0"}},
	{Name: "-S file", Stdin: "file", Clients: ok, Want: []string{`standard output: "26:KOk`}},
	{Name: "-S socket", Stdin: "socket", Clients: ok, Want: []string{`standard output: "26:KOk`}},
	{Name: "-S TCP", Stdin: "127.0.0.1", Main: []string{"qmqpd_client_port_logging = yes"}, Clients: ok, Want: []string{`standard output: "26:KOk`, "connect from localhost[127.0.0.1]:PORT0"}},
	{Name: "-S TCP, IPv6", Stdin: "::1", Clients: ok, Want: []string{`standard output: "26:KOk`, "connect from localhost[::1]"}},
	{Name: "-S TCP, protocol disabled", Stdin: "::1", Main: []string{"inet_protocols = ipv4"}, Clients: ok, Want: []string{"fatal: cannot handle socket type AF_INET6", "exit 1"}},
	{Name: "-S TCP, -u missing", Stdin: "127.0.0.1", Root: true, Clients: ok, Want: []string{"error: incorrect QMQP server privileges: uid=0 euid=0", "exit 1"}},
	{Name: "-S TCP, silent client", Stdin: "127.0.0.1", Main: []string{"qmqpd_timeout = 1"}, Clients: one("20:"), Want: []string{"read/write timeout while receiving message content"}},
	{Name: "-S unprivileged in the jail", Stdin: "pipe", Args: []string{"-u", "-c"}, Clients: ok, Want: []string{`standard output: "26:KOk`}},
	{Name: "-S with -o", Stdin: "pipe", Args: []string{"-o", "soft_bounce=yes"}, Clients: one("x"), Want: []string{`standard output: "58:Znetstring`}},
	{Name: "-S not authorised", Stdin: "pipe", Args: []string{"-o", "qmqpd_authorized_clients="}, Clients: ok, Want: []string{"is not authorized"}},
	{Name: "-S end of file", Stdin: "pipe", Clients: one(plain[:20]), Want: []string{`standard output: ""`, "lost connection"}},
	{Name: "-S end of file at the comma", Stdin: "pipe", Clients: one("50:3:abc"), Want: []string{"netstring format error"}},
	{Name: "-S leaves the lock alone", Stdin: "pipe", Clients: ok, Look: []string{"@QUEUE/pid/inet.628", "@QUEUE/pid"}, Want: []string{"file inet.628: missing"}},
	{Name: "-S with a word too many", Stdin: "pipe", Args: []string{"word"}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: word"}},
	{Name: "no -t", Argv: argv(), Want: fatal("no transport type specified")},
	{Name: "-t upper case", Argv: argv("-t", "INET"), Clients: ok, Look: []string{"@QUEUE/pid/INET.628"}, Want: []string{"file INET.628: -rw-------"}},
	{Name: "-t mixed case", Argv: []string{"qmqpd", "-n", "qmqp", "-t", "Unix", "-u", "-c"}, Listen: []string{"unix"}, Clients: ok, Want: queued},
	{Name: "-t fifo", Argv: argv("-t", "fifo"), Want: fatal("unsupported transport type: fifo")},
	{Name: "-t unix-dgram", Argv: argv("-t", "unix-dgram"), Want: fatal("unsupported transport type: unix-dgram")},
	{Name: "-t empty", Argv: argv("-t", ""), Want: fatal("unsupported transport type: ")},
	{Name: "-t twice", Argv: argv("-t", "fifo", "-t", "inet"), Clients: ok, Want: queued},
	{Name: "-v", Args: []string{"-v"}, Clients: ok, Want: []string{"name_mask: all"}},
	{Name: "-vv", Args: []string{"-vv"}, Verbose: true, Clients: ok, Want: []string{"verbose: true"}},
	{Name: "-v three times", Args: []string{"-v", "-v", "-v"}, Verbose: true, Clients: ok, Want: []string{"verbose: true"}},
	{Name: "-V", Args: []string{"-V"}, Stderr: true, Clients: ok, Want: []string{`standard error: "postfix/qmqpd: connect from localhost[127.0.0.1]\n`}},
	{Name: "-V twice", Args: []string{"-V", "-V"}, Stderr: true, Clients: ok, Want: []string{`standard error: "postfix/qmqpd: connect from localhost[127.0.0.1]\n`}},
	{Name: "-V with a failure", Args: []string{"-V", "-o", "max_use=0"}, Stderr: true, Want: []string{`standard error: "postfix/qmqpd: fatal: invalid max_use`}},
	{Name: "-V with a failure before it", Args: []string{"-o", "foo", "-V"}, Stderr: true, Want: []string{`standard error: ""`}},
	{Name: "unknown option", Args: []string{"-x"}, Want: fatal("invalid option: x")},
	{Name: "unknown option in a cluster", Args: []string{"-vk"}, Want: []string{"fatal: invalid option: k"}},
	{Name: "long option", Args: []string{"--help"}, Want: fatal("invalid option: -")},
	{Name: "-h", Args: []string{"-h"}, Want: fatal("invalid option: h")},
	{Name: "-?", Args: []string{"-?"}, Want: fatal("invalid option: ?")},
	{Name: "-W", Args: []string{"-W", "x"}, Want: fatal("invalid option: W")},
	{Name: "-8", Args: []string{"-8"}, Want: fatal("invalid option: 8")},
	{Name: "option of two bytes", Args: []string{"-\u00e9"}, Want: []string{"fatal: invalid option: ", "exit 1 after a pause"}},
	{Name: "-n without argument", Args: []string{"-n"}, Want: fatal("invalid option: n")},
	{Name: "-o without argument", Args: []string{"-o"}, Want: fatal("invalid option: o")},
	{Name: "-t without argument", Args: []string{"-t"}, Want: fatal("invalid option: t")},
	{Name: "-m without argument", Args: []string{"-cm"}, Want: fatal("invalid option: m")},
	{Name: "first error counts", Args: []string{"-o", "foo", "-x"}, Want: fatal(`invalid "-o foo" option value: missing '=' after attribute name`)},
	{Name: "word", Args: []string{"word"}, Clients: ok, Want: []string{"status record: TAKEN", "fatal: unexpected command-line argument: word", "exit 1"}},
	{Name: "options after a word are words", Args: []string{"word", "-o", "soft_bounce=yes"}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: word"}},
	{Name: "option error after a word", Args: []string{"word", "-x"}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: word"}},
	{Name: "single dash is a word", Args: []string{"-", "-x"}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: -\n"}},
	{Name: "word after two dashes", Args: []string{"--", "-o"}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: -o"}},
	{Name: "empty word", Args: []string{""}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: \n"}},
	{Name: "word and an unauthorised client", Main: []string{"qmqpd_authorized_clients ="}, Args: []string{"word"}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: word"}},
	{Name: "word serve", Args: []string{"serve"}, Clients: ok, Want: []string{"fatal: unexpected command-line argument: serve"}},
	{Name: "program by another name", Argv: []string{"/a/b/other", "-n", "628", "-t", "inet", "-u", "-c"}, Clients: ok, Want: []string{"postfix/other: connect from"}},
	{Name: "program by another name, early failure", Argv: []string{"/a/b/other", "-x"}, Want: []string{"postfix/other: fatal: invalid option: x"}},
	{Name: "program by another name at a terminal", Argv: []string{"/a/b/other", "-n", "628", "-t", "inet"}, Terminal: true, Stderr: true, Want: []string{"fatal: do not run this command by hand"}},
}

// hostEnvironment is a row about a variable that the C library looks at for the name of
// the client with that address.
func hostEnvironment(setting, addr, want string) judges.Row {
	return judges.Row{
		Name: setting + " for " + addr, Env: []string{setting}, Clients: []judges.Client{{From: addr, Send: plain}},
		Files: map[string]string{
			"@QUEUE/etc/other":   "# c\n Trim .org,.x # .y\nmulti off\n",
			"@QUEUE/etc/aliases": "else elsewhere.example\nELSEWHERE.\t elsewhere.example. x\nelsewhere localhost\n",
		},
		Want: []string{want},
	}
}

// farZone is a row about a time zone that is almost 25 hours away. Near midnight its date
// is two days away, which does not show: the panic is only expected at other times.
func farZone(name, setting string) judges.Row {
	row := judges.Row{Name: "TZ more than a day away, " + name, Env: []string{setting}, Clients: ok, Want: []string{"panic: UTC time offset ", "signal 6"}}
	if hour := time.Now().UTC().Hour(); hour == 23 || hour == 0 {
		row.Want = nil
	}
	return row
}

// searchExample puts a search list into the jail's resolv.conf.
const searchExample = `/usr/bin/sed -i s/^options/search\texample\noptions/ @QUEUE/etc/resolv.conf`

// environmentRows are about the environment: contract section 1.3, and the
// early steps of 1.6.
var environmentRows = []judges.Row{
	{Name: "MAIL_CONFIG without main.cf", Env: []string{"MAIL_CONFIG=/nonexistent"}, Want: fatal("open /nonexistent/main.cf: No such file or directory")},
	{Name: "MAIL_CONFIG is not a folder", Env: []string{"MAIL_CONFIG=/etc/hosts"}, Want: fatal("open /etc/hosts/main.cf: Not a directory")},
	{Name: "MAIL_CONFIG absent", Env: []string{"MAIL_CONFIG"}, Clients: ok, Want: []string{"is not authorized to use this service"}},
	{Name: "MAIL_CONFIG empty", Env: []string{"MAIL_CONFIG="}, Want: fatal("open /main.cf: No such file or directory")},
	{Name: "MAIL_CONFIG and config_directory", Main: []string{"config_directory = /nonexistent", "content_filter = x:$config_directory"}, Clients: ok, Want: []string{"overriding earlier entry: config_directory=", `L "x:/nonexistent"`}},
	{Name: "MAIL_CONFIG in a macro", Main: []string{"content_filter = x:$config_directory"}, Clients: ok, Want: []string{`/conf"`}},
	{Name: "MAIL_CONFIG with blanks", Env: []string{"MAIL_CONFIG=@CONF/a b"}, Files: map[string]string{"@CONF/a b/main.cf": "soft_bounce = x\n"}, Want: fatal("bad boolean configuration: soft_bounce = x")},
	{Name: "MAIL_VERBOSE empty", Env: []string{"MAIL_VERBOSE="}, Clients: ok, Want: []string{"daemon started"}},
	{Name: "MAIL_VERBOSE set", Env: []string{"MAIL_VERBOSE=1"}, Clients: ok, Want: []string{"daemon started"}},
	{Name: "MAIL_VERBOSE absent", Clients: ok, Want: queued},
	{Name: "MAIL_DEBUG", Env: []string{"MAIL_DEBUG=1"}, Want: fatal("no debugger_command variable set up")},
	{Name: "MAIL_DEBUG empty", Env: []string{"MAIL_DEBUG="}, Want: fatal("no debugger_command variable set up")},
	{Name: "MAIL_LOGTAG before main.cf", Env: []string{"MAIL_LOGTAG=abc", "MAIL_CONFIG=/nonexistent"}, Want: []string{"abc/qmqpd: fatal: open /nonexistent"}},
	{Name: "MAIL_LOGTAG at an option's error", Env: []string{"MAIL_LOGTAG=abc"}, Main: []string{"syslog_name = def"}, Args: []string{"-x"}, Want: []string{"abc/qmqpd: fatal: invalid option: x"}},
	{Name: "MAIL_LOGTAG at a parameter's error", Env: []string{"MAIL_LOGTAG=abc"}, Main: []string{"syslog_name = def"}, Args: []string{"-m", "0"}, Want: []string{"fatal: invalid max_use parameter value 0 < 1"}},
	{Name: "MAIL_LOGTAG after main.cf", Env: []string{"MAIL_LOGTAG=abc"}, Main: []string{"syslog_name = def"}, Clients: ok, Want: []string{"def/qmqpd: connect from"}},
	{Name: "MAIL_LOGTAG absent", Env: []string{"MAIL_LOGTAG"}, Args: []string{"-x"}, Want: []string{"/qmqpd: fatal: invalid option: x"}},
	{Name: "MAIL_LOGTAG empty", Env: []string{"MAIL_LOGTAG="}, Args: []string{"-x"}, Want: []string{"qmqpd: fatal: invalid option: x"}},
	{Name: "GENERATION octal", Env: []string{"GENERATION=17"}, Clients: ok, Want: []string{"TAKEN generation 15"}},
	{Name: "GENERATION absent", Env: []string{"GENERATION"}, Clients: ok, Want: []string{"TAKEN generation 0"}},
	{Name: "GENERATION empty", Env: []string{"GENERATION="}, Want: fatal("bad generation: ")},
	{Name: "GENERATION 9x", Env: []string{"GENERATION=9x"}, Want: fatal("bad generation: 9x")},
	{Name: "GENERATION negative", Env: []string{"GENERATION=-1"}, Want: fatal("bad generation: -1")},
	{Name: "GENERATION 8", Env: []string{"GENERATION=8"}, Lasts: 2 * time.Second, Want: []string{"exit"}},
	{Name: "GENERATION 189", Env: []string{"GENERATION=189"}, Clients: ok, Want: []string{"generation"}},
	{Name: "GENERATION large", Env: []string{"GENERATION=37777777777"}, Clients: ok, Want: []string{"TAKEN generation 4294967295"}},
	{Name: "POSTLOG_SERVICE before main.cf", Env: []string{"POSTLOG_SERVICE=@QUEUE/public/postlog", "POSTLOG_HOSTNAME=early", "MAIL_CONFIG=/nonexistent"}, Postlog: true, Want: []string{"postlog early postfix/qmqpd: fatal: open /nonexistent/main.cf"}},
	{Name: "POSTLOG_SERVICE without a host name", Env: []string{"POSTLOG_SERVICE=@QUEUE/public/postlog", "MAIL_CONFIG=/nonexistent"}, Postlog: true, Want: []string{"postlog amnesiac postfix/qmqpd: fatal: open /nonexistent/main.cf"}},
	{Name: "POSTLOG_SERVICE empty", Env: []string{"POSTLOG_SERVICE=", "POSTLOG_HOSTNAME=early", "MAIL_CONFIG=/nonexistent"}, Postlog: true, Want: []string{"log <18> postfix/qmqpd: fatal: open /nonexistent/main.cf"}},
	{Name: "POSTLOG_HOSTNAME empty", Env: []string{"POSTLOG_SERVICE=@QUEUE/public/postlog", "POSTLOG_HOSTNAME=", "MAIL_CONFIG=/nonexistent"}, Postlog: true, Want: []string{"postlog amnesiac postfix/qmqpd: fatal: open /nonexistent/main.cf"}},
	{Name: "POSTLOG_SERVICE and an option's error", Env: []string{"POSTLOG_SERVICE=@QUEUE/public/postlog", "POSTLOG_HOSTNAME=early"}, Main: []string{"maillog_file = /var/log/x"}, Args: []string{"-x"}, Postlog: true, Want: []string{"postlog early postfix/qmqpd: fatal: invalid option: x"}},
	{Name: "POSTLOG_SERVICE of another program", Env: []string{"POSTLOG_SERVICE=/nonexistent", "POSTLOG_HOSTNAME=early"}, Main: []string{"maillog_file = /var/log/x"}, Args: []string{"-x"}, Postlog: true, Want: []string{"exit 1 after a pause"}},
	{Name: "POSTLOG_SERVICE of another program, and a session", Env: []string{"POSTLOG_SERVICE=/nonexistent", "POSTLOG_HOSTNAME=early"}, Main: []string{"maillog_file = /var/log/x"}, Clients: ok, Postlog: true, Want: []string{"postlog mx postfix/qmqpd: connect from"}},
	{Name: "POSTLOG_SERVICE too long", Env: []string{"POSTLOG_SERVICE=/" + strings.Repeat("x", 107)}, Args: []string{"-V"}, Stderr: true, Want: []string{`standard error: ""`, "exit 1 after a pause"}},
	{Name: "POSTLOG_SERVICE as long as may be", Env: []string{"POSTLOG_SERVICE=/" + strings.Repeat("x", 106)}, Args: []string{"-V"}, Stderr: true, Clients: ok, Want: queued},
	{Name: "postlog_service_name too long", Main: []string{"postlog_service_name = " + strings.Repeat("x", 108), "maillog_file = /var/log/x", "syslog_name = other", "syslog_facility = local3"}, Args: []string{"-V"}, Stderr: true, Want: []string{"log <154> other/qmqpd: fatal: unix_dgram_connect: unix-domain name too long: /rows/", `standard error: "other/qmqpd: fatal: unix_dgram_connect`, "exit 1 after a pause"}},
	{Name: "postlog_service_name too long, no maillog_file", Main: []string{"postlog_service_name = " + strings.Repeat("x", 108), "maillog_file ="}, Clients: ok, Want: queued},
	{Name: "postlog_service_name too long after POSTLOG_SERVICE", Main: []string{"postlog_service_name = " + strings.Repeat("x", 108), "maillog_file = /var/log/x"}, Env: []string{"POSTLOG_SERVICE=@QUEUE/public/postlog"}, Args: []string{"-V"}, Postlog: true, Stderr: true, Want: []string{`standard error: ""`, "exit 1 after a pause"}},
	postlogEnvironment("of nobody", "maillog_file ="),
	postlogEnvironment("of postlog", "maillog_file = /var/log/x"),
	postlogEnvironment("of postlog, given", "maillog_file = /var/log/x", "POSTLOG_SERVICE=/x", "POSTLOG_HOSTNAME=y"),
	postlogEnvironment("of nobody, given", "maillog_file =", "POSTLOG_SERVICE=/x", "POSTLOG_HOSTNAME=y"),
	{Name: "POSTLOG_SERVICE without maillog_file", Env: []string{"POSTLOG_SERVICE=@QUEUE/public/postlog", "POSTLOG_HOSTNAME=early"}, Postlog: true, Clients: ok, Want: []string{"log <22> postfix/qmqpd: connect from"}},
	{Name: "TZ", Env: []string{"TZ=America/New_York"}, Clients: ok, Want: []string{newYork}},
	{Name: "TZ by rule", Env: []string{"TZ=XYZ-5:30"}, Clients: ok, Want: []string{"DATE +0530 (XYZ)"}},
	{Name: "TZ with a colon", Env: []string{"TZ=:Asia/Tokyo"}, Clients: ok, Want: []string{"DATE +0900 (JST)"}},
	{Name: "TZ by a quoted rule", Env: []string{"TZ=<+03>-3"}, Clients: ok, Want: []string{"DATE +0300 (+03)"}},
	{Name: "TZ unknown", Env: []string{"TZ=No/Where"}, Clients: ok, Want: []string{"DATE +0000 ()"}},
	{Name: "TZ empty", Env: []string{"TZ="}, Clients: ok, Want: []string{"DATE +0000 (U"}},
	{Name: "TZ by a quoted rule with a blank", Env: []string{"TZ=<a b>3"}, Clients: ok, Want: []string{"DATE +0000 ()"}},
	{Name: "TZ a day away", Env: []string{"TZ=ABC-24"}, Clients: ok, Want: []string{"DATE +2400 (ABC)"}},
	farZone("east", "TZ=ABC-24:59"),
	farZone("west", "TZ=ABC24:59"),
	{Name: "TZ more than a day away, a message that is refused", Env: []string{"TZ=ABC-24:59"}, Clients: one(standin.Request("m", "list*@e-@[]", "r")), Want: []string{"DError: Invalid VERP delimiters"}},
	{Name: "TZ with two dots", Env: []string{"TZ=Asia/../America/New_York"}, Clients: ok, Want: []string{newYork}},
	{Name: "TZDIR", Env: []string{"TZDIR=/usr/share/zoneinfo/America", "TZ=New_York"}, Clients: ok, Want: []string{newYork}},
	{Name: "TZDIR without zones", Env: []string{"TZDIR=/nonexistent", "TZ=America/New_York"}, Clients: ok, Want: []string{"DATE +0000 (America)"}},
	{Name: "TZDIR and a whole path", Env: []string{"TZDIR=/nonexistent", "TZ=/usr/share/zoneinfo/America/New_York"}, Clients: ok, Want: []string{newYork}},
	{Name: "TZDIR empty", Env: []string{"TZDIR=", "TZ=America/New_York"}, Clients: ok, Want: []string{newYork}},
	{Name: "TZDIR without TZ", Env: []string{"TZDIR=/nonexistent"}, Clients: ok, Want: []string{"DATE +0000 (UTC)"}},
	{Name: "RES_OPTIONS absent", Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"connect from Good.DNS.example["}},
	{Name: "RES_OPTIONS", Env: []string{"RES_OPTIONS=\tedns0 use-vc"}, Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"connect from unknown["}},
	{Name: "RES_OPTIONS with more after an option", Env: []string{"RES_OPTIONS=use-vcx"}, Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"connect from unknown["}},
	{Name: "RES_OPTIONS with a newline", Env: []string{"RES_OPTIONS=edns0\nuse-vc"}, Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"connect from Good.DNS.example["}},
	{Name: "RES_OPTIONS, ndots", Env: []string{"RES_OPTIONS=ndots:3x", "LOCALDOMAIN=example"}, Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"connect from Good.DNS.example["}},
	{Name: "LOCALDOMAIN absent", Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname elsewhere does not resolve to address 127.0.0.49: "}},
	{Name: "LOCALDOMAIN", Env: []string{"LOCALDOMAIN=example"}, Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname 127.0.0.49 does not resolve to address elsewhere\n"}},
	{Name: "LOCALDOMAIN, second domain", Env: []string{"LOCALDOMAIN=nowhere\t example."}, Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname 127.0.0.49 does not resolve to address elsewhere\n"}},
	{Name: "LOCALDOMAIN, blank first", Env: []string{"LOCALDOMAIN= example"}, Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname 127.0.0.49 does not resolve to address elsewhere\n"}},
	{Name: "LOCALDOMAIN, after a newline", Env: []string{"LOCALDOMAIN=nowhere\nexample"}, Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname elsewhere does not resolve to address 127.0.0.49: "}},
	{Name: "LOCALDOMAIN empty, over resolv.conf", Env: []string{"LOCALDOMAIN="}, Commands: []string{searchExample}, Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname elsewhere does not resolve to address 127.0.0.49: "}},
	{Name: "search list in resolv.conf", Commands: []string{searchExample}, Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname 127.0.0.49 does not resolve to address elsewhere\n"}},
	hostEnvironment("RESOLV_MULTI=off", "127.0.0.33", "hostname 127.0.0.33 does not resolve to address three.test"),
	hostEnvironment("RESOLV_MULTI=on", "127.0.0.33", "connect from three.test["),
	hostEnvironment("RESOLV_MULTI=ONE", "127.0.0.33", "connect from three.test["),
	hostEnvironment("RESOLV_MULTI=x", "127.0.0.33", "connect from three.test["),
	hostEnvironment("RESOLV_HOST_CONF=/etc/other", "127.0.0.33", "hostname 127.0.0.33 does not resolve to address three.test"),
	hostEnvironment("RESOLV_HOST_CONF=/etc/other", "127.0.0.2", "does not resolve to address Two.Example\n"),
	hostEnvironment("RESOLV_HOST_CONF=", "127.0.0.33", "hostname 127.0.0.33 does not resolve to address three.test"),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS=.org", "127.0.0.2", "does not resolve to address Two.Example\n"),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS=.dns.example", "127.0.0.20", "hostname Good does not resolve"),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS=.a:.b,.c .d .ORG", "127.0.0.2", "does not resolve to address Two.Example\n"),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS=.a,.b,.c,.d,.org", "127.0.0.2", "connect from Two.Example.org["),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS=.a ; .ORG # x", "127.0.0.2", "does not resolve to address Two.Example\n"),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS=.a #.org", "127.0.0.2", "connect from Two.Example.org["),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS= .org", "127.0.0.2", "connect from Two.Example.org["),
	hostEnvironment("RESOLV_ADD_TRIM_DOMAINS=Two.Example.org", "127.0.0.2", "connect from Two.Example.org["),
	hostEnvironment("RESOLV_OVERRIDE_TRIM_DOMAINS=.test", "127.0.0.3", "hostname three does not resolve"),
	{Name: "RESOLV_OVERRIDE_TRIM_DOMAINS over host.conf", Env: []string{"RESOLV_HOST_CONF=/etc/other", "RESOLV_OVERRIDE_TRIM_DOMAINS=.b"}, Files: map[string]string{"@QUEUE/etc/other": "trim .org\n"}, Clients: []judges.Client{{From: "127.0.0.2", Send: plain}}, Want: []string{"connect from Two.Example.org["}},
	hostEnvironment("HOSTALIASES=/etc/aliases", "127.0.0.49", "hostname 127.0.0.49 does not resolve to address elsewhere\n"),
	hostEnvironment("HOSTALIASES=/nonexistent", "127.0.0.49", "hostname elsewhere does not resolve to address 127.0.0.49: "),
	{Name: "HOSTALIASES with an end", Env: []string{"HOSTALIASES=/etc/aliases"}, Files: map[string]string{"@QUEUE/etc/aliases": "a\nend"}, Clients: []judges.Client{{From: "127.0.0.49", Send: plain}}, Want: []string{"hostname elsewhere does not resolve to address 127.0.0.49: "}},
	{Name: "no services in the jail", Main: []string{"qmqpd_authorized_clients = socketmap:inet:127.0.0.1:qmqp:m"}, Files: map[string]string{"@QUEUE/etc/services": judges.Absent}, Clients: ok, Want: []string{"server configuration error"}},
	{Name: "other localtime in the jail", Commands: []string{"/usr/bin/cp /usr/share/zoneinfo/Asia/Tokyo @QUEUE/etc/localtime"}, Clients: ok, Want: []string{"DATE +0900 (JST)"}},
	{Name: "localtime in the jail alone, on standard input", Stdin: "pipe", Args: []string{"-u", "-c"}, Commands: []string{"/usr/bin/cp /usr/share/zoneinfo/Asia/Tokyo @QUEUE/etc/localtime"}, Clients: ok, Want: []string{"DATE +0900 (JST)"}},
	{Name: "localtime changes", Play: localtimeChanges, Want: []string{"DATE +0900 (JST)", newYork, "DATE +0000 (UTC)", "DATE +0530 (IST)"}},
	{Name: "hot main.cf", Hot: true, Clients: ok, Want: queued},
	{Name: "main.cf with a line that is none", Files: map[string]string{"@CONF/main.cf": "soft_bounce\n"}, Want: []string{"exit"}},
	{Name: "main.cf begins with a blank", Files: map[string]string{"@CONF/main.cf": " soft_bounce = yes\n"}, Lasts: time.Second, Want: []string{"exit"}},
	{Name: "main.cf with warnings and an error", Main: []string{"soft_bounce = no", "soft_bounce = yes", "nonsense", "max_use = 1", "max_use = 2"}, Want: []string{"overriding earlier entry: soft_bounce=no", "fatal: "}},
	{Name: "main.cf from the future", Hot: true, Commands: []string{"/usr/bin/touch -d +1hour @CONF/main.cf"}, Clients: ok, Want: queued},
	{Name: "main.cf with a name twice", Main: []string{"soft_bounce = no", "soft_bounce = yes"}, Clients: one("x"), Want: []string{"overriding earlier entry: soft_bounce=no", "Znetstring"}},
	{Name: "main.cf without the last newline", Main: []string{"content_filter = x:y\\"}, Clients: ok, Want: []string{"L "}},
	{Name: "main.cf with a blank in a name", Main: []string{"soft bounce = yes"}, Want: []string{"exit"}},
	{Name: "main.cf is a folder", Commands: []string{"/usr/bin/rm @CONF/main.cf", "/usr/bin/mkdir @CONF/main.cf"}, Want: []string{"fatal: "}},
	{Name: "main.cf is empty", Files: map[string]string{"@CONF/main.cf": ""}, Lasts: time.Second, Want: []string{"exit"}},
	{Name: "main.cf with NUL", Files: map[string]string{"@CONF/main.cf": "queue_directory = @QUEUE\x00x\nmyhostname = a.example\x00b\nsoft_bounce = yes\x00\nqmqpd_authorized_clients = 127.0.0.1\n"}, Clients: one("x"), Want: []string{"exit"}},
	{Name: "main.cf with carriage returns", Files: map[string]string{"@CONF/main.cf": "queue_directory = @QUEUE\r\nmyhostname = a.example\r\nsoft_bounce = yes\r\nqmqpd_authorized_clients = 127.0.0.1\r\n"}, Clients: one("x"), Want: []string{"exit"}},
	{Name: "main.cf with a line of 300000 bytes", Main: []string{"content_filter = " + strings.Repeat("x", 300000)}, Clients: ok, Want: queued},
	{Name: "queue_directory relative", Main: []string{"queue_directory = ."}, Clients: ok, Want: []string{"exit"}},
	{Name: "queue_directory is a file", Main: []string{"queue_directory = /etc/hosts"}, Want: fatal("chdir(\"/etc/hosts\"): Not a directory")},
	{Name: "queue_directory with a slash too many", Main: []string{"queue_directory = @QUEUE//"}, Clients: ok, Want: queued},
	{Name: "main.cf with a loop", Main: []string{"content_filter = $mine", "mine = $content_filter"}, Want: []string{"exit"}},
	{Name: "main.cf with a bad macro", Main: []string{"content_filter = ${mine"}, Want: []string{"exit"}},
	{Name: "main.cf continued", Main: []string{"content_filter =", "    x:", "# comment", "  y"}, Clients: ok, Want: []string{"L "}},
}

// newYork begins a date there, in winter and in summer.
const newYork = "DATE -0"

// localtimeChanges is a scene in which each client comes to another time zone file
// in the jail, or to none.
func localtimeChanges(s *judges.Scene) {
	for n, zone := range []string{"Asia/Tokyo", "America/New_York", "", "Asia/Kolkata"} {
		file := s.Path("@QUEUE/etc/localtime")
		os.Remove(file)
		if zone != "" {
			data, err := os.ReadFile(s.Path("/usr/share/zoneinfo/" + zone))
			if err == nil {
				err = os.WriteFile(file, data, 0o644)
			}
			if err != nil {
				s.Note("%v", err)
			}
			// It may have the number of the last one.
			then := time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC)
			os.Chtimes(file, then, then)
		}
		s.Client("client with "+zone, judges.Client{Send: plain})
		s.WaitSession()
	}
}

// postlogEnvironment is a row about what a debugger gets as environment.
func postlogEnvironment(name, setting string, env ...string) judges.Row {
	const debugger = `debugger_command = echo ${POSTLOG_SERVICE-none} ${POSTLOG_HOSTNAME-none} $MAIL_LOGTAG $MAIL_CONFIG ${MAIL_VERBOSE-none} $GENERATION >@CONF/debugger`
	return judges.Row{
		Name: "environment " + name, Main: []string{setting, "syslog_name = other", strings.ReplaceAll(debugger, "$", "$$")},
		Env: env, Args: []string{"-D"}, Postlog: true, Clients: ok, Look: []string{"@CONF/debugger"}, Want: []string{"file debugger: -rw"},
	}
}

// lockRows are about the accept lock: contract section 1.8.
var lockRows = []judges.Row{
	{Name: "file", Clients: ok, Look: []string{"@QUEUE/pid/inet.628"}, Want: []string{"file inet.628: -rw-------, 0 bytes"}},
	{Name: "unix", Listen: []string{"unix"}, Clients: ok, Look: []string{"@QUEUE/pid/unix.qmqp"}, Want: []string{"file unix.qmqp: -rw-------"}},
	{Name: "not process_id_directory", Main: []string{"process_id_directory = elsewhere"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.628"}, Want: []string{"file inet.628: -rw-------"}},
	{Name: "no folder", Argv: []string{"qmqpd", "-n", "a/b", "-t", "inet", "-u", "-c"}, Want: fatal("open lock file pid/inet.a/b: cannot create file exclusively: No such file or directory")},
	{Name: "symbolic link", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Commands: []string{"/usr/bin/ln -s /etc/hosts @QUEUE/pid/inet.link"}, Clients: ok, Want: queued},
	{Name: "symbolic link of another user", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Commands: []string{"/usr/bin/ln -s /etc/hosts @QUEUE/pid/inet.link", "/usr/bin/chown -h postfix @QUEUE/pid/inet.link"}, Want: []string{"fatal: open lock file pid/inet.link: ", "exit 1 after a pause"}},
	{Name: "dangling symbolic link", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Commands: []string{"/usr/bin/ln -s /nonexistent @QUEUE/pid/inet.link"}, Want: []string{"fatal: open lock file pid/inet.link: ", "exit 1 after a pause"}},
	{Name: "two links", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Files: map[string]string{"@QUEUE/pid/inet.link": ""}, Commands: []string{"/usr/bin/ln @QUEUE/pid/inet.link @QUEUE/pid/second"}, Want: []string{"fatal: open lock file pid/inet.link: ", "exit 1 after a pause"}},
	{Name: "folder", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Commands: []string{"/usr/bin/mkdir @QUEUE/pid/inet.link"}, Want: []string{"fatal: open lock file pid/inet.link: ", "exit 1 after a pause"}},
	{Name: "file of another user", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Files: map[string]string{"@QUEUE/pid/inet.link": "text"}, Commands: []string{"/usr/bin/chown postfix @QUEUE/pid/inet.link"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.link"}, Want: []string{"exit"}},
	{Name: "writable file", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Files: map[string]string{"@QUEUE/pid/inet.link": "text"}, Commands: []string{"/usr/bin/chmod 666 @QUEUE/pid/inet.link"}, Clients: ok, Look: []string{"@QUEUE/pid/inet.link"}, Want: []string{"exit"}},
	{Name: "named pipe", Argv: []string{"qmqpd", "-n", "link", "-t", "inet", "-u", "-c"}, Commands: []string{"/usr/bin/mkfifo @QUEUE/pid/inet.link"}, Clients: ok, Want: queued},
}

// transportRows are about what the server accepts from: contract section 1.9.
var transportRows = []judges.Row{
	{Name: "unix", Listen: []string{"unix"}, Clients: ok, Want: []string{"client_address_type=0", `client_port=0"`, "connect from localhost[127.0.0.1]"}},
	{Name: "unix with port logging", Listen: []string{"unix"}, Main: []string{"qmqpd_client_port_logging = yes"}, Clients: ok, Want: []string{"connect from localhost[127.0.0.1]:0"}},
	{Name: "unix not authorised", Listen: []string{"unix"}, Main: []string{"qmqpd_authorized_clients = 127.0.0.2"}, Clients: ok, Want: []string{"is not authorized"}},
	{Name: "unix by name", Listen: []string{"unix"}, Main: []string{"qmqpd_authorized_clients = localhost"}, Clients: ok, Want: queued},
	{Name: "unix without network protocols", Listen: []string{"unix"}, Main: []string{"inet_protocols = ipv6"}, Clients: ok, Want: []string{"exit"}},
	{Name: "unix, MailScanner's list", Listen: []string{"unix"}, Main: []string{"qmqpd_authorized_clients = 127.0.0.1 [::1]"}, Clients: []judges.Client{{Send: plain}, {Send: plain}, {Send: plain}}, Want: queued},
	{Name: "unix and inet", Listen: []string{"unix", "127.0.0.1"}, Clients: []judges.Client{{Send: plain}, {Send: plain, Listener: 1}}, Want: queued},
	{Name: "unix, gone before accept", Listen: []string{"unix"}, Clients: []judges.Client{{Hangup: true}, {Send: plain}}, Want: queued},
	{Name: "pass, empty list", Listen: []string{"unix"}, Transport: "pass", Play: pass("\x00", plain), Want: queued},
	{Name: "pass, empty list in braces", Listen: []string{"unix"}, Transport: "pass", Play: pass("{\x00}\x00\x00", plain), Want: queued},
	{Name: "pass, attributes", Listen: []string{"unix"}, Transport: "pass", Play: pass("client_name\x00x\x00client_address\x001.2.3.4\x00\x00", plain), Want: []string{"client_address=127.0.0.1"}},
	{Name: "pass, attributes in braces", Listen: []string{"unix"}, Transport: "pass", Play: pass("{\x00a\x00b\x00}\x00\x00", plain), Want: queued},
	{Name: "pass, format error", Listen: []string{"unix"}, Transport: "pass", Play: pass("\x00", "x"), Want: []string{"Dnetstring format error"}},
	{Name: "pass, list cut short", Listen: []string{"unix"}, Transport: "pass", Play: pass("a\x00b", plain), Want: []string{"warning: "}},
	{Name: "pass, no descriptor", Listen: []string{"unix"}, Transport: "pass", Play: func(s *judges.Scene) {
		s.Client("client", judges.Client{Send: "x"})
		s.Client("client without a byte", judges.Client{HalfClose: true})
		s.Pass("client with a descriptor", "\x00", plain)
		s.Child.WaitRecords(2, 5*time.Second)
	}, Want: []string{"warning: "}},
	passAfter("one session", 1, plain, "No such file or directory"),
	passAfter("two sessions", 2, plain, "Application error"),
	passAfter("two format errors", 2, "x", "Application error"),
	{Name: "three sockets", Listen: []string{"127.0.0.1", "127.0.0.2", "::1"}, Clients: []judges.Client{{Send: plain, Listener: 2}, {Send: plain, Listener: 1}, {Send: plain}}, Want: queued},
	{Name: "reset before accept", Play: resetBeforeAccept, Want: []string{"exit 0"}},
	{Name: "reset before accept, list has unknown", Main: []string{"qmqpd_authorized_clients = unknown"}, Play: resetBeforeAccept, Want: []string{"exit 0"}},
}

// resetBeforeAccept is a scene in which the server stands still until the client has come
// and gone, and so has its reset, which a thread of the kernel may take over under load.
func resetBeforeAccept(s *judges.Scene) {
	s.Freeze()
	s.Client("client", judges.Client{Send: plain, Reset: true})
	time.Sleep(200 * time.Millisecond)
	s.Thaw()
	s.WaitSession()
}

// passAfter is a scene with a connection that is not passed as it should be, after so
// many that were: its error has no number, and what is told is an older one.
func passAfter(name string, sessions int, send, want string) judges.Row {
	return judges.Row{Name: "pass, broken after " + name, Listen: []string{"unix"}, Transport: "pass", Play: func(s *judges.Scene) {
		for range sessions {
			s.Pass("passed client", "\x00", send)
			s.Child.WaitRecords(2, 5*time.Second)
		}
		s.Pass("client with a broken list", "a\x00b", send)
		s.WaitLog("error: accept connection: ")
	}, Want: []string{"cannot receive connection attributes: " + want, "error: accept connection: " + want}}
}

// pass is a scene with one client whose connection another process passes on.
func pass(attributes, send string) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		s.Pass("passed client", attributes, send)
		s.Child.WaitRecords(2, 5*time.Second)
	}
}
