package dropin

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// logReplaced is a scene in which another log socket takes the place of the first
// after a session. It notes which of them hears of its client.
func logReplaced(s *judges.Scene) {
	for _, socket := range []string{"first", "second"} {
		l, err := s.ListenPostlog()
		if err != nil {
			s.Note("%v", err)
			return
		}
		s.Client("client of the "+socket, judges.Client{Send: plain})
		s.WaitSession()
		time.Sleep(300 * time.Millisecond)
		heard := slices.ContainsFunc(s.Lines(l), func(line postfix.Line) bool {
			return strings.Contains(line.Raw, "]: connect from localhost[")
		})
		s.Note("%s socket hears of its client: %v", socket, heard)
		l.Close()
		os.Remove(s.Path("@QUEUE/public/postlog"))
	}
}

// killed is a scene in which an idle server gets a signal.
func killed(sig syscall.Signal) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		// A log that is slow would cost ours the last lines, which is said of it.
		s.WaitLog("disconnect from")
		s.Child.Signal(sig)
		s.WaitEnd()
	}
}

// killedTwice is a scene in which an idle server gets a signal, and another that
// ends it if the first did not.
func killedTwice(first, second syscall.Signal) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		s.WaitLog("disconnect from")
		s.Child.Signal(first)
		if !s.Child.Wait(300 * time.Millisecond) {
			s.Child.Signal(second)
			s.Child.Wait(5 * time.Second)
		}
	}
}

// killedInSession is a scene in which the server gets a signal after half a
// request.
func killedInSession(sig syscall.Signal) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain[:15]})
		s.WaitLog("client=")
		s.Child.Signal(sig)
		s.Reply("client", c)
	}
}

// harmless is a scene in which a signal that means nothing comes before a
// session, and in it.
func harmless(sig syscall.Signal) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		// A log that is slow would cost ours the last lines, which is said of it.
		s.WaitLog("disconnect from")
		s.Child.Signal(sig)
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain[:15]})
		s.WaitTaken(2)
		s.Child.Signal(sig)
		s.Send(c, judges.Client{Send: plain[15:]})
		s.Reply("client", c)
		s.WaitSession()
	}
}

// tableChange is a scene in which a table's source is replaced and indexed
// again between two sessions, and is made to look younger. change, if not nil,
// does something else with the file.
func tableChange(kind, suffix string, change func(s *judges.Scene, file string)) judges.Row {
	name := "@CONF/clients"
	row := judges.Row{
		Name:  "table " + kind + " changes",
		Main:  []string{"qmqpd_authorized_clients = " + kind + ":" + name},
		Files: map[string]string{name: "127.0.0.1 x\n"},
		Want:  []string{"exit 0"},
	}
	if suffix != "" {
		row.Commands = []string{"/usr/sbin/postmap -c /etc/postfix " + kind + ":" + name}
	}
	if change == nil {
		change = younger
	}
	row.Play = func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		change(s, s.Path(name+suffix))
		// A server that goes away leaves this client to the next one.
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		s.Reply("client after", c)
		select {
		case <-s.Child.Done():
		default:
			s.WaitSession()
		}
	}
	return row
}

// statusEnds closes the status channel in the midst of a session, which goes on.
func statusEnds(s *judges.Scene) {
	c := s.Dial(judges.Client{})
	defer c.Close()
	s.Send(c, judges.Client{Send: plain[:20]})
	s.WaitTaken(1)
	s.WaitLog("client=")
	s.Child.CloseStatus()
	s.Send(c, judges.Client{Send: plain[20:]})
	s.Reply("client", c)
	s.WaitEnd()
}

// changing looks, between two clients, as if a table's file had changed. The second
// client may find no server.
func changing(file string) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		younger(s, s.Path(file))
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Reply("client after", c)
	}
}

// younger makes a file look as if it was changed later.
func younger(_ *judges.Scene, file string) {
	later := time.Now().Add(10 * time.Second)
	os.Chtimes(file, later, later)
}

// otherTableChange is a scene in which a table of another parameter than
// qmqpd_authorized_clients changes.
func otherTableChange(param string) judges.Row {
	return judges.Row{
		Name:     "table of " + param + " changes",
		Main:     []string{param + " = hash:@CONF/list"},
		Files:    map[string]string{"@CONF/list": "10.0.0.1 x\n"},
		Commands: []string{"/usr/sbin/postmap -c /etc/postfix hash:@CONF/list"},
		Play:     changing("@CONF/list.db"),
		Want:     []string{"table hash:", "has changed -- restarting"},
	}
}

func removeFile(_ *judges.Scene, file string) { os.Remove(file) }

func replaceFile(_ *judges.Scene, file string) {
	info, err := os.Stat(file)
	if err != nil {
		return
	}
	data, _ := os.ReadFile(file)
	os.WriteFile(file+".new", data, 0o644)
	os.Chtimes(file+".new", info.ModTime(), info.ModTime())
	os.Rename(file+".new", file)
}

func named(name string, row judges.Row) judges.Row {
	row.Name = name
	return row
}

// lifeRows are about how long a server lives: contract section 2.
var lifeRows = []judges.Row{
	{Name: "max_use 2", Main: []string{"max_use = 2"}, Play: func(s *judges.Scene) {
		s.Client("client 0", judges.Client{Send: plain})
		s.WaitSession()
		s.Client("client 1", judges.Client{Send: plain})
		s.WaitEnd()
	}, Want: []string{"exit 0"}},
	{Name: "max_use counts unauthorised sessions", Main: []string{"max_use = 2", "qmqpd_authorized_clients = 127.0.0.2"}, Play: func(s *judges.Scene) {
		s.Client("client 0", judges.Client{Send: plain})
		s.WaitSession()
		s.Client("client 1", judges.Client{Send: plain, From: "127.0.0.2"})
		s.WaitEnd()
	}, Want: []string{"exit 0"}},
	{Name: "max_use counts broken sessions", Main: []string{"max_use = 3"}, Play: func(s *judges.Scene) {
		s.Client("client 0", judges.Client{Send: "x"})
		s.WaitSession()
		s.Client("client 1", judges.Client{Send: "5", HalfClose: true})
		s.WaitSession()
		s.Client("client 2", judges.Client{Hangup: true})
		s.WaitEnd()
	}, Want: []string{"exit 0"}},
	{Name: "max_use 1 by -m", Args: []string{"-m", "1"}, Play: func(s *judges.Scene) {
		s.Client("client 0", judges.Client{Send: plain})
		s.WaitEnd()
	}, Want: []string{"status record: AVAIL generation 7", "exit 0"}},
	{Name: "max_idle 1 without a session", Main: []string{"max_idle = 1"}, Lasts: time.Minute, Want: []string{"exit 0"}},
	{Name: "max_idle 4 after a session", Main: []string{"max_idle = 4"}, Play: func(s *judges.Scene) {
		start := time.Now()
		s.Client("client", judges.Client{Send: plain})
		s.WaitSession()
		s.WaitEnd()
		if took := time.Since(start); took < 3*time.Second || took > 20*time.Second {
			s.Note("idle for %v", took)
		}
	}, Want: []string{"exit 0"}},
	{Name: "max_idle does not count in a session", Main: []string{"max_idle = 4"}, Clients: []judges.Client{{Send: plain, Piece: 8, Pause: 900 * time.Millisecond}}, Want: queued},
	{Name: "idle at the end of the status channel", Play: func(s *judges.Scene) {
		s.Client("client", judges.Client{Send: plain})
		s.WaitSession()
		s.Child.CloseStatus()
		s.WaitEnd()
	}, Want: queued},
	{Name: "no session before the end of the status channel", Play: func(s *judges.Scene) {
		time.Sleep(300 * time.Millisecond)
		s.Child.CloseStatus()
		s.WaitEnd()
	}, Want: []string{"exit 0"}},
	{Name: "status channel ends in a session", Play: statusEnds, Want: queued},
	{Name: "status channel ends before a byte is sent", Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.WaitTaken(1)
		s.Child.CloseStatus()
		s.Send(c, judges.Client{Send: plain})
		s.Reply("client", c)
		s.WaitEnd()
	}, Want: queued},
	{Name: "status channel ends during the error delay", Main: []string{"qmqpd_error_delay = 3"}, Cleanup: []standin.Verdict{{Status: 2}}, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		s.WaitLog("queue file write error")
		s.Child.CloseStatus()
		s.Reply("client", c)
		s.WaitEnd()
	}, Want: []string{writeError, "exit 0"}},
	{Name: "SIGTERM idle", Play: killed(syscall.SIGTERM), Want: []string{"signal 15"}},
	{Name: "SIGINT idle", Play: killed(syscall.SIGINT), Want: []string{"signal 2"}},
	{Name: "SIGHUP idle", Play: killed(syscall.SIGHUP), Want: []string{"signal 1\n"}},
	{Name: "SIGQUIT idle", Play: killed(syscall.SIGQUIT), Want: []string{"signal 3"}},
	{Name: "SIGUSR1 idle", Play: killed(syscall.SIGUSR1), Want: []string{"signal 10"}},
	{Name: "SIGXCPU idle", Play: killed(syscall.SIGXCPU), Want: []string{"signal 24"}},
	{Name: "SIGSYS idle", Play: killed(syscall.SIGSYS), Want: []string{"signal 31"}},
	{Name: "SIGSEGV idle", Play: killed(syscall.SIGSEGV)},
	{Name: "SIGSTKFLT idle", Play: killed(syscall.SIGSTKFLT)},
	{Name: "SIGPROF and SIGTERM idle", Play: killedTwice(syscall.SIGPROF, syscall.SIGTERM)},
	{Name: "signal 40 and SIGTERM idle", Play: killedTwice(40, syscall.SIGTERM)}, // a real-time one
	{Name: "SIGXCPU in a session", Play: killedInSession(syscall.SIGXCPU), Want: []string{"signal 24", `reply ""`}},
	{Name: "SIGTERM in a session", Play: killedInSession(syscall.SIGTERM), Want: []string{"signal 15", `reply ""`}},
	{Name: "SIGINT in a session", Play: killedInSession(syscall.SIGINT), Want: []string{"signal 2"}},
	{Name: "SIGHUP in a session", Play: killedInSession(syscall.SIGHUP), Want: []string{"signal 1\n"}},
	{Name: "SIGKILL in a session", Play: killedInSession(syscall.SIGKILL), Want: []string{"signal 9"}},
	{Name: "SIGPIPE", Play: harmless(syscall.SIGPIPE), Want: queued},
	{Name: "SIGXFSZ", Play: harmless(syscall.SIGXFSZ), Want: queued},
	{Name: "SIGALRM", Play: harmless(syscall.SIGALRM), Want: queued},
	{Name: "SIGCHLD", Play: harmless(syscall.SIGCHLD), Want: queued},
	{Name: "SIGCONT", Play: harmless(syscall.SIGCONT), Want: queued},
	{Name: "SIGWINCH", Play: harmless(syscall.SIGWINCH), Want: queued},
	{Name: "daemon_timeout 3 in a session", Main: []string{"daemon_timeout = 3"}, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		start := time.Now()
		s.Reply("client", c)
		if took := time.Since(start); took < 2*time.Second || took > 20*time.Second {
			s.Note("cut after %v", took)
		}
		s.WaitEnd()
	}, Want: []string{"fatal: watchdog timeout", "exit 1"}},
	{Name: "daemon_timeout 3 counts the client's bytes, too", Main: []string{"daemon_timeout = 3"}, Play: func(s *judges.Scene) {
		s.Client("client", judges.Client{Send: strings.Repeat("0", 60), Piece: 1, Pause: 120 * time.Millisecond})
		s.WaitEnd()
	}, Want: []string{"fatal: watchdog timeout", "exit 1"}},
	{Name: "daemon_timeout 3 idle", Main: []string{"daemon_timeout = 3"}, Play: func(s *judges.Scene) {
		if s.Child.Wait(4500 * time.Millisecond) {
			s.Note("gone")
		}
		s.Client("client", judges.Client{Send: plain})
		s.WaitSession()
	}, Want: queued},
	tableChange("hash", ".db", nil),
	tableChange("btree", ".db", nil),
	tableChange("cdb", ".cdb", nil),
	tableChange("lmdb", ".lmdb", nil),
	tableChange("texthash", "", nil),
	named("table hash is removed", tableChange("hash", ".db", removeFile)),
	named("table hash is replaced by an equal one", tableChange("hash", ".db", replaceFile)),
	named("table cdb is removed", tableChange("cdb", ".cdb", removeFile)),
	named("table cdb is replaced by an equal one", tableChange("cdb", ".cdb", replaceFile)),
	named("table lmdb is removed", tableChange("lmdb", ".lmdb", removeFile)),
	named("source of table hash changes", tableChange("hash", ".db", func(s *judges.Scene, file string) {
		source := strings.TrimSuffix(file, ".db")
		later := time.Now().Add(10 * time.Second)
		os.Chtimes(source, later, later)
	})),
	named("source of table hash is removed", tableChange("hash", ".db", func(s *judges.Scene, file string) {
		os.Remove(strings.TrimSuffix(file, ".db"))
	})),
	{Name: "list file changes", Main: []string{"qmqpd_authorized_clients = @CONF/list"}, Files: map[string]string{"@CONF/list": "127.0.0.1\n"}, Play: func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		os.WriteFile(s.Path("@CONF/list"), []byte("127.0.0.2\n"), 0o644)
		s.Client("client after", judges.Client{Send: plain})
		s.WaitSession()
	}, Want: queued},
	{Name: "cidr table changes", Main: []string{"qmqpd_authorized_clients = cidr:@CONF/list"}, Files: map[string]string{"@CONF/list": "127.0.0.1 x\n"}, Play: func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		os.Remove(s.Path("@CONF/list"))
		s.Client("client after", judges.Client{Send: plain})
		s.WaitSession()
	}, Want: queued},
	otherTableChange("debug_peer_list"),
	otherTableChange("mydestination"),
	{Name: "main.cf changes", Play: func(s *judges.Scene) {
		s.Client("client before", judges.Client{Send: plain})
		s.WaitSession()
		os.Remove(s.Path("@CONF/main.cf"))
		s.Client("client after", judges.Client{Send: plain})
		s.WaitSession()
	}, Want: queued},
	{Name: "twenty sessions", Clients: func() []judges.Client {
		var clients []judges.Client
		for n := range 20 {
			clients = append(clients, judges.Client{Send: standin.Request(fmt.Sprintf("Subject: %d\n\n", n), "s@x", "r@x")})
		}
		return clients
	}(), Want: queued},
	{Name: "second client waits for the first", Play: func(s *judges.Scene) {
		first := s.Dial(judges.Client{})
		defer first.Close()
		s.WaitLog("client=")
		second := s.Dial(judges.Client{})
		defer second.Close()
		s.Send(second, judges.Client{Send: plain})
		time.Sleep(200 * time.Millisecond)
		s.Send(first, judges.Client{Send: plain})
		s.Reply("first client", first)
		s.Reply("second client", second)
		s.WaitSession()
	}, Want: queued},
}

// logRows are about log lines: contract section 3.
var logRows = []judges.Row{
	{Name: "facility local3", Main: []string{"syslog_facility = local3"}, Clients: ok, Want: []string{"log <158> postfix/qmqpd: connect from"}},
	{Name: "facility before main.cf counts", Main: []string{"syslog_facility = local3"}, Args: []string{"-x"}, Want: []string{"log <18> postfix/qmqpd: fatal: invalid option: x"}},
	{Name: "facility at a later failure", Main: []string{"syslog_facility = local3"}, Argv: argv("-t", "fifo"), Want: []string{"log <154> postfix/qmqpd: fatal: unsupported"}},
	{Name: "facility by -o", Args: []string{"-o", "syslog_facility=user"}, Clients: ok, Want: []string{"log <14> postfix/qmqpd: connect from"}},
	{Name: "name with a slash", Args: []string{"-o", "syslog_name=postfix/q"}, Clients: ok, Want: []string{"postfix/q/qmqpd: connect from"}},
	{Name: "name with the service", Args: []string{"-o", "syslog_name=postfix/$service_name"}, Clients: ok, Want: []string{"postfix/628/qmqpd: connect from"}},
	{Name: "name of the instance", Main: []string{"multi_instance_name = postfix-out"}, Clients: ok, Want: []string{"postfix-out/qmqpd: connect from"}},
	{Name: "warning", Cleanup: []standin.Verdict{{Status: 2}}, Clients: ok, Want: []string{"log <20> postfix/qmqpd: warning: ABCDEF12345: localhost[127.0.0.1]: Error: queue file write error"}},
	{Name: "text of 1990 bytes", Cleanup: []standin.Verdict{{Status: 8, Reason: strings.Repeat("0123456789", 199)}}, Clients: ok, Want: []string{"warning: "}},
	{Name: "text of 2100 bytes is cut", Cleanup: []standin.Verdict{{Status: 8, Reason: strings.Repeat("0123456789", 210)}}, Clients: ok, Want: []string{"warning: "}},
	{Name: "text cut inside a UTF-8 sequence", Cleanup: []standin.Verdict{{Status: 8, Reason: "a" + strings.Repeat("\u00e9", 1100)}}, Clients: ok, Want: []string{"warning: "}},
	{Name: "text cut inside a UTF-8 sequence, other side", Cleanup: []standin.Verdict{{Status: 8, Reason: "ab" + strings.Repeat("\u00e9", 1100)}}, Clients: ok, Want: []string{"warning: "}},
	{Name: "unprintable bytes", Cleanup: []standin.Verdict{{Status: 8, Reason: "a\tb\nc\rd\x01e\x7ff\x1bg"}}, Clients: ok, Want: []string{"Error: a?b?c?d?e?f?g"}},
	{Name: "UTF-8 is kept", Cleanup: []standin.Verdict{{Status: 8, Reason: "a\nb\u00e9\xff\u20ac\U0001f600\xc3"}}, Clients: ok, Want: []string{"Error: a?b\u00e9?"}},
	{Name: "UTF-8 is not kept", Main: []string{"smtputf8_enable = no"}, Cleanup: []standin.Verdict{{Status: 8, Reason: "a\nb\u00e9\xff"}}, Clients: ok, Want: []string{"Error: a?b???\n"}},
	{Name: "overlong UTF-8", Cleanup: []standin.Verdict{{Status: 8, Reason: "\xc0\x80 \xe0\x80\x80 \xf8\x88\x80\x80\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \x80"}}, Clients: ok, Want: []string{"warning: "}},
	{Name: "percent signs", Cleanup: []standin.Verdict{{Status: 8, Reason: "100%s %d %n %%"}}, Clients: ok, Want: []string{"Error: 100%s %d %n %%"}},
	{Name: "queue id as cleanup gave it", Cleanup: []standin.Verdict{{QueueID: "3zX0bQ1nNqz5xQ"}}, Clients: ok, Want: []string{"log <22> postfix/qmqpd: 3zX0bQ1nNqz5xQ: client=", "KOk: queued as 3zX0bQ1nNqz5xQ"}},
	{Name: "postlog", Main: []string{"maillog_file = /var/log/mail.log"}, Postlog: true, Clients: ok, Want: []string{"postlog mx postfix/qmqpd: connect from localhost[127.0.0.1]"}},
	{Name: "postlog in the jail is the same", Open: true, Main: []string{"maillog_file = /var/log/mail.log"}, Postlog: true, Clients: one("x"), Want: []string{"postlog mx postfix/qmqpd: ABCDEF12345: localhost[127.0.0.1]: netstring format error"}},
	{Name: "postlog warning", Main: []string{"maillog_file = /var/log/mail.log"}, Postlog: true, Cleanup: []standin.Verdict{{Status: 2}}, Clients: ok, Want: []string{"postlog mx postfix/qmqpd: warning: ABCDEF12345"}},
	{Name: "postlog failure", Main: []string{"maillog_file = /var/log/mail.log"}, Postlog: true, Argv: argv("-t", "fifo"), Want: []string{"postlog mx postfix/qmqpd: fatal: unsupported"}},
	{Name: "postlog with MAIL_LOGTAG and name", Main: []string{"maillog_file = /var/log/mail.log", "syslog_name = q"}, Postlog: true, Clients: ok, Want: []string{"postlog mx q/qmqpd: connect"}},
	{Name: "postlog whose socket is replaced", Open: true, Main: []string{"maillog_file = /var/log/mail.log"}, Play: logReplaced, Want: []string{"first socket hears of its client: true"}},
	{Name: "postlog without its socket", Main: []string{"maillog_file = /var/log/mail.log"}, Clients: ok, Want: queued},
	{Name: "postlog by another service name", Main: []string{"maillog_file = /var/log/mail.log", "postlog_service_name = elsewhere"}, Postlog: true, Clients: ok, Want: queued},
	{Name: "postlog to standard output", Main: []string{"maillog_file = /dev/stdout"}, Postlog: true, Clients: ok, Want: []string{"postlog mx postfix/qmqpd: connect"}},
	{Name: "postlog file with other prefixes", Main: []string{"maillog_file = /srv/log", "maillog_file_prefixes = /var, /srv"}, Postlog: true, Clients: ok, Want: []string{"postlog mx"}},
	{Name: "postlog, host name without a dot", Main: []string{"maillog_file = /var/log/x", "myhostname = single"}, Postlog: true, Clients: ok, Want: []string{"postlog single postfix"}},
	{Name: "postlog with -V", Main: []string{"maillog_file = /var/log/x"}, Postlog: true, Args: []string{"-V"}, Stderr: true, Clients: ok, Want: []string{"postlog mx", `standard error: "postfix/qmqpd: connect`}},
	{Name: "-v at start", Args: []string{"-v"}, Lasts: 500 * time.Millisecond, Want: []string{"process generation: 7 (7)"}},
	{Name: "debug_peer_list matches", Main: []string{"debug_peer_list = 127.0.0.1"}, Clients: ok, Want: []string{"name_mask: sendmail"}},
	{Name: "debug_peer_list does not match", Main: []string{"debug_peer_list = 127.0.0.2"}, Clients: ok, Want: queued},
	{Name: "debug_peer_list by name", Main: []string{"debug_peer_list = localhost"}, Clients: ok, Want: []string{"name_mask: sendmail"}},
	{Name: "debug_peer_list by network", Main: []string{"debug_peer_list = 127.0.0.0/8"}, Clients: ok, Want: []string{"name_mask: sendmail"}},
	{Name: "debug_peer_list negated", Main: []string{"debug_peer_list = !127.0.0.1, 127.0.0.0/8"}, Clients: ok, Want: queued},
	{Name: "debug_peer_list by parent domain", Main: []string{"debug_peer_list = allowed.example"}, Clients: []judges.Client{{From: "127.0.0.5", Send: plain}}, Want: []string{"name_mask: sendmail"}},
	{Name: "debug_peer_list with a broken table", Main: []string{"debug_peer_list = hash:/nonexistent"}, Clients: ok, Want: queued},
	{Name: "debug_peer_list, bad request", Main: []string{"debug_peer_list = 127.0.0.1"}, Clients: one("20:3:a\x00b,1:sx"), Want: []string{"read netstring data a\n", "read netstring data s\n"}},
	{Name: "debug_peer_list, refused message", Main: []string{"debug_peer_list = 127.0.0.1"}, Cleanup: []standin.Verdict{{Status: 8, Reason: "5.7.1 no"}}, Clients: ok, Want: []string{"input attribute value: 5.7.1 no"}},
	{Name: "debug_peer_list, bad greeting", Main: []string{"debug_peer_list = 127.0.0.1"}, Cleanup: []standin.Verdict{{Greeting: []byte("protocol\x00x\x00\x00")}}, Clients: ok, Want: []string{"input attribute value: x", noService}},
	{Name: "debug_peer_list and the flags", Main: []string{"debug_peer_list = 127.0.0.1", "receive_override_options = no_milters, no_address_mappings, no_header_body_checks", "smtputf8_autodetect_classes = qmqpd"}, Clients: ok, Want: []string{"after input_transp_cleanup: cleanup flags = none", "name_mask: qmqpd"}},
	{Name: "debug_peer_list and an unknown class", Main: []string{"debug_peer_list = 127.0.0.1", "smtputf8_autodetect_classes = verify, foo"}, Clients: ok, Want: []string{"name_mask: verify", "fatal: unknown smtputf8_autodetect_classes value"}},
	{Name: "debug_peer_list and tables of rules", Main: []string{"debug_peer_list = 127.0.0.1", "qmqpd_authorized_clients = cidr:{{10.0.0.1 x}}, regexp:{{/x/ y}}, pcre:{{/^127/ y}}"}, Clients: ok, Want: []string{"dict_cidr_lookup: ", "dict_regexp_lookup: ", "dict_pcre_lookup: "}},
	{Name: "debug_peer_level 1", Main: []string{"debug_peer_list = 127.0.0.1", "debug_peer_level = 1"}, Clients: ok, Want: []string{"name_mask: sendmail"}},
	{Name: "debug_peer_list and long strings", Main: []string{"debug_peer_list = 127.0.0.1"}, Clients: one(standin.Request(strings.Repeat("m\n", 40), strings.Repeat("s", 40), strings.Repeat("r", 2040))), Want: []string{"read netstring data"}},
	{Name: "debug_peer_list, unauthorised", Main: []string{"debug_peer_list = 127.0.0.1", "qmqpd_authorized_clients ="}, Clients: ok, Want: []string{"is not authorized"}},
}
