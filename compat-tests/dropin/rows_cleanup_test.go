package dropin

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// verdict is a row with one good request and this behaviour of cleanup(8).
func verdict(name string, v standin.Verdict, want ...string) judges.Row {
	return judges.Row{Name: name, Cleanup: []standin.Verdict{v}, Clients: ok, Want: want}
}

// status is a row with one good request that cleanup(8) answers so.
func status(bits int, reason string, want string) judges.Row {
	return verdict(fmt.Sprintf("status %d %q", bits, reason), standin.Verdict{Status: bits, Reason: reason},
		want, "log <20> postfix/qmqpd: warning: ABCDEF12345: localhost[127.0.0.1]: ")
}

// greeted is a row in which cleanup(8) greets with these bytes.
func greeted(name, greeting string, want ...string) judges.Row {
	return verdict("greeting "+name, standin.Verdict{Greeting: []byte(greeting)}, want...)
}

// finished is a row in which cleanup(8) ends with these bytes.
func finished(name, final string, want ...string) judges.Row {
	return verdict("final "+name, standin.Verdict{Final: []byte(final)}, want...)
}

const writeError = `"30:ZError: queue file write error,"`

// noService is what the stock program says when the greeting is bad.
const noService = "fatal: unable to connect to the public cleanup service"

// cleanupRows are about the talk with cleanup(8): contract sections 4.4, 5.1,
// 5.2, 5.3 and 5.5.
var cleanupRows = []judges.Row{
	status(1, "", `ZError: internal error 1,`),
	status(1, "reason", `ZError: internal error 1,`),
	status(2, "", writeError),
	status(2, "reason", writeError),
	status(4, "", `"25:DError: message too large,"`),
	status(8, "", `"8:DError: ,"`),
	status(8, "5.7.1 no thanks", `DError: 5.7.1 no thanks,`),
	status(8, "4.7.1 retry", `ZError: 4.7.1 retry,`),
	status(8, "4", `ZError: 4,`),
	status(8, "text without a code", `DError: text without a code,`),
	status(8, " 4.7.1 after a blank", `DError:  4.7.1 after a blank,`),
	status(8, "2.0.0 strange", `DError: 2.0.0 strange,`),
	status(16, "", `"21:DError: too many hops,"`),
	status(32, "x", `ZError: internal error 32,`),
	status(64, "", `DError: no recipients specified,`),
	status(128, "x", `ZError: internal error 128,`),
	status(256, "", `ZError: ,`),
	status(256, "4.3.0 later", `ZError: 4.3.0 later,`),
	status(256, "5.0.0 never", `ZError: 5.0.0 never,`),
	status(512, "x", `ZError: internal error 512,`),
	status(1024, "x", `ZError: internal error 1024,`),
	status(65536, "x", `ZError: internal error 65536,`),
	status(2147483647, "x", `ZError: x,`),
	status(1073741824, "x", `ZError: internal error 1073741824,`),
	status(3, "x", `ZError: internal error 3,`),
	status(5, "x", `ZError: internal error 5,`),
	status(6, "x", `DError: message too large,`),
	status(10, "x", `DError: x,`),
	status(12, "x", `DError: message too large,`),
	status(17, "x", `ZError: internal error 17,`),
	status(20, "x", `DError: message too large,`),
	status(24, "x", `DError: too many hops,`),
	status(26, "x", `DError: too many hops,`),
	status(66, "x", writeError),
	status(68, "x", `DError: message too large,`),
	status(72, "x", `DError: x,`),
	status(80, "x", `DError: too many hops,`),
	status(192, "x", `DError: no recipients specified,`),
	status(257, "x", `ZError: x,`),
	status(260, "x", `ZError: x,`),
	status(264, "x", `ZError: x,`),
	status(320, "x", `ZError: x,`),
	status(640, "x", `ZError: internal error 640,`),
	status(576, "x", `DError: no recipients specified,`),
	status(8, "line\nfeed", "DError: line\\nfeed,"),
	status(8, "\xff\xfe\x80", "DError: \\xff\\xfe\\x80,"),
	verdict("status 0 with a reason", standin.Verdict{Reason: "5.0.0 ignored"}, "KOk: queued as"),
	verdict("other queue id", standin.Verdict{QueueID: "4bQz1x2y3zz"}, "KOk: queued as 4bQz1x2y3zz", "QMQP id 4bQz1x2y3zz"),
	verdict("very long queue id", standin.Verdict{QueueID: "ABCDEF0123456789ABCDEF0123456789"}, "KOk: queued as ABCDEF0123456789"),
	verdict("queue id of 3000 bytes", standin.Verdict{QueueID: strings.Repeat("0123456789", 300)}, "KOk: queued as 0123456789"),
	verdict("queue id of 300000 bytes", standin.Verdict{QueueID: strings.Repeat("0123456789", 30000)}),
	verdict("queue id with strange bytes", standin.Verdict{QueueID: "A\x01%s \xff\u00e9\n,B"}, "KOk: queued as A"),
	verdict("queue id with strange bytes, error", standin.Verdict{QueueID: "A\x01%s \xff\u00e9\n,B", Status: 2}, "queue file write error"),
	verdict("reason of 300000 bytes", standin.Verdict{Status: 8, Reason: strings.Repeat("0123456789", 30000)}, "DError: 0123456789"),
	{Name: "several messages, several verdicts", Cleanup: []standin.Verdict{{QueueID: "A1"}, {QueueID: "A2", Status: 8, Reason: "no"}, {QueueID: "A3", HangupFinal: true}, {QueueID: "A4"}}, Clients: []judges.Client{{Send: plain}, {Send: plain}, {Send: plain}, {Send: plain}}, Want: []string{"KOk: queued as A1", "DError: no", writeError, "KOk: queued as A4"}},

	hangup(greeted("empty, then closed", "", noService)),
	hangup(greeted("good, then closed", string(standin.Greeting("GONE")), writeError)),
	{Name: "greeting good, then closed, format error", Cleanup: []standin.Verdict{{Greeting: standin.Greeting("GONE"), Hangup: true}}, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.WaitLog("client=")
		s.Messages() // cleanup(8) is gone
		s.Send(c, judges.Client{Send: "x"})
		s.Reply("client", c)
		s.WaitSession()
	}, Want: []string{"disconnect from localhost[127.0.0.1]\nlog <20> postfix/qmqpd: warning: mail_stream_cleanup: close error"}},
	// More than any buffer holds, so that writing fails before the end.
	leaves("content", 0, standin.Request(strings.Repeat(strings.Repeat("x", 99)+"\n", 10000), "s@x", "r@x"), writeError),
	leaves("content with From lines", 0, standin.Request(strings.Repeat("From x\n", 200000), "s@x", "r@x"), writeError),
	leaves("recipients", 0, standin.Request("m", "s@x", strings.Split(strings.Repeat("someone@example.net,", 9999)+"last@x", ",")...), writeError),
	leaves("sender", 0, standin.Request("m", strings.Repeat("s", 2000)+"@x", "r@x"), writeError),
	leaves("VERP", 0, standin.Request("m", "list-@e-@[]", "r@x"), writeError),
	leaves("VERP refused", 0, standin.Request("m", "list*@e-@[]", "r@x"), "DError: Invalid VERP delimiters"),
	leaves("recipients, then a format error", 0, strings.TrimSuffix(standin.Request("m", "s@x", strings.Split(strings.Repeat("someone@example.net,", 9999)+"last@x", ",")...), ",")+"x", formatError+"receiving recipient address"),
	leaves("content, after some of it", 300000, standin.Request(strings.Repeat(strings.Repeat("x", 99)+"\n", 20000), "s@x", "r@x"), writeError),
	leaves("recipients, after some of them", 40000, standin.Request("m", "s@x", strings.Split(strings.Repeat("someone@example.net,", 99999)+"last@x", ",")...), writeError),
	greeted("wrong protocol", "protocol\x00foo\x00queue_id\x00Q\x00\x00", "warning: unexpected protocol foo from public/cleanup socket (expected: cleanup_protocol)", noService),
	greeted("no protocol", "queue_id\x00Q\x00\x00", noService),
	greeted("wrong first name", "prot\x00cleanup_protocol\x00queue_id\x00Q\x00\x00", noService),
	greeted("wrong second name", "protocol\x00cleanup_protocol\x00id\x00Q\x00\x00", noService),
	greeted("only the protocol", "protocol\x00cleanup_protocol\x00\x00", noService),
	greeted("empty list", "\x00", noService),
	greeted("one more attribute", "protocol\x00cleanup_protocol\x00queue_id\x00Q\x00extra\x00x\x00\x00", "unexpected attribute extra from public/cleanup socket (expecting: (list terminator))"),
	greeted("in the other order", "queue_id\x00Q\x00protocol\x00cleanup_protocol\x00\x00", noService),
	greeted("empty queue id", "protocol\x00cleanup_protocol\x00queue_id\x00\x00\x00", ""),
	asking(greeted("empty queue id, format error", "protocol\x00cleanup_protocol\x00queue_id\x00\x00\x00", "qmqpd: : localhost[127.0.0.1]: netstring format error"), "x"),
	hangup(greeted("cut in the name", "proto", noService)),
	hangup(greeted("cut in the value", "protocol\x00cleanup", noService)),
	hangup(greeted("cut in the queue id", "protocol\x00cleanup_protocol\x00queue_id\x00AB", noService)),
	hangup(greeted("without the terminator", "protocol\x00cleanup_protocol\x00queue_id\x00AB\x00", noService)),
	hangup(greeted("of an SMTP server", "220 mx ESMTP\r\n", noService)),
	hangup(greeted("with a value of 5000 bytes", "protocol\x00"+strings.Repeat("x", 5000)+"\x00", noService)),
	{Name: "greeting withheld", Main: []string{"ipc_timeout = 1"}, Cleanup: []standin.Verdict{{NoGreeting: true}}, Clients: ok, Want: []string{noService}},
	{Name: "greeting cut and withheld", Main: []string{"ipc_timeout = 1"}, Cleanup: []standin.Verdict{{Greeting: []byte("protocol\x00cleanup_prot")}}, Clients: ok, Want: []string{noService}},

	finished("wrong first name", "foo\x000\x00reason\x00\x00\x00", "warning: unexpected attribute foo from public/cleanup socket (expecting: status)", writeError),
	finished("no reason", "status\x000\x00\x00", "warning: missing attribute reason in input from public/cleanup socket", writeError),
	finished("no status", "reason\x00x\x00\x00", writeError),
	finished("bad number", "status\x00zz\x00reason\x00\x00\x00", "warning: malformed numerical data from public/cleanup socket while reading input attribute value: zz", writeError),
	finished("negative number", "status\x00-1\x00reason\x00x\x00\x00", "Error"),
	finished("number with a plus", "status\x00+8\x00reason\x00x\x00\x00", "Error"),
	finished("number with a blank", "status\x00 8\x00reason\x00x\x00\x00", "Error"),
	finished("number with a trailing blank", "status\x008 \x00reason\x00x\x00\x00", "Error"),
	finished("hexadecimal number", "status\x000x8\x00reason\x00x\x00\x00", "Error"),
	finished("number with leading zeros", "status\x00008\x00reason\x00x\x00\x00", "DError: x"),
	finished("number with letters after it", "status\x008x\x00reason\x00x\x00\x00", "Error"),
	finished("empty number", "status\x00\x00reason\x00x\x00\x00", "Error"),
	finished("number too large", "status\x004294967304\x00reason\x00x\x00\x00", "Error"),
	finished("number far too large", "status\x0099999999999999999999\x00reason\x00x\x00\x00", "Error"),
	finished("one more attribute", "status\x000\x00reason\x00\x00extra\x00x\x00\x00", "warning: unexpected attribute extra from public/cleanup socket (expecting: (list terminator))", "KOk"),
	finished("one more attribute, error", "status\x008\x00reason\x00x\x00extra\x00x\x00\x00", "DError: x"),
	finished("status twice", "status\x000\x00status\x000\x00reason\x00\x00\x00", writeError),
	finished("empty list", "\x00", writeError),
	finished("of base64", "status\x00MA==\x00reason\x00\x00\x00", writeError),
	hangup(finished("cut in the name", "sta", writeError)),
	hangup(finished("cut in the value", "status\x000", writeError)),
	hangup(finished("cut in the reason", "status\x000\x00reason\x00ab", writeError)),
	hangup(finished("without the terminator", "status\x000\x00reason\x00\x00", "Error")),
	verdict("final missing", standin.Verdict{HangupFinal: true}, writeError),
	{Name: "final withheld", Main: []string{"ipc_timeout = 2"}, Cleanup: []standin.Verdict{{NoFinal: true}}, Clients: ok, Want: []string{writeError}},
	{Name: "final cut and withheld", Main: []string{"ipc_timeout = 2"}, Cleanup: []standin.Verdict{{Final: []byte("status\x000")}}, Clients: ok, Want: []string{writeError}},
	{Name: "long reason", Cleanup: []standin.Verdict{{Status: 8, Reason: string(make3000())}}, Clients: ok, Want: []string{"DError: "}},

	{Name: "socket comes late", NoCleanup: true, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		s.WaitLog("connect #1 to subsystem public/cleanup")
		s.ListenCleanup()
		s.Reply("client", c)
		s.WaitSession()
	}, Want: []string{"warning: connect #1 to subsystem public/cleanup: No such file or directory", "KOk"}},
	{Name: "socket that nobody listens to", NoCleanup: true, Play: func(s *judges.Scene) {
		s.ListenCleanup()
		s.CloseCleanup()
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		s.WaitLog("connect #1 to subsystem public/cleanup")
		standin.RemoveSocket(s.Path("@QUEUE/public/cleanup"))
		s.ListenCleanup()
		s.Reply("client", c)
		s.WaitSession()
	}, Want: []string{"warning: connect #1 to subsystem public/cleanup: Connection refused", "KOk"}},
	{Name: "socket without permission", Play: func(s *judges.Scene) {
		path := s.Path("@QUEUE/public/cleanup")
		os.Chmod(path, 0)
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		s.WaitLog("connect #1 to subsystem public/cleanup")
		os.Chmod(path, 0o666)
		s.Reply("client", c)
		s.WaitSession()
	}, Want: []string{"warning: connect #1 to subsystem public/cleanup: Permission denied", "KOk"}},
	{Name: "socket missing while the client gives up", NoCleanup: true, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		s.Send(c, judges.Client{Send: plain})
		s.WaitLog("connect #1 to subsystem public/cleanup")
		c.Close()
		s.ListenCleanup()
		s.WaitSession()
	}, Want: []string{"warning: connect #1 to subsystem public/cleanup: No such file or directory"}},
	{Name: "cleanup_service_name", Main: []string{"cleanup_service_name = other"}, Clients: ok, Want: queued},
	{Name: "cleanup_service_name too long", Main: []string{"cleanup_service_name = " + strings.Repeat("x", 108-len("public/"))}, NoCleanup: true, Clients: ok, Want: []string{"fatal: unix-domain name too long: public/xxx"}},
	{Name: "cleanup_service_name, error", Main: []string{"cleanup_service_name = other"}, Cleanup: []standin.Verdict{{Final: []byte("x\x00")}}, Clients: ok, Want: []string{"public/other socket", writeError}},

	overrides("", "114"),
	overrides("no_address_mappings", "66"),
	overrides("no_header_body_checks", "112"),
	overrides("no_milters", "50"),
	overrides("no_unknown_recipient_checks", "114"),
	overrides("no_address_mappings no_header_body_checks no_milters no_unknown_recipient_checks", "0"),
	overrides("no_address_mappings,no_milters", "2"),
	overrides(",, no_milters ,\tno_header_body_checks,", "48"),
	overrides("no_milters no_milters", "50"),
	classes("sendmail, verify", "114"),
	classes("qmqpd", "626"),
	classes("all", "626"),
	classes("qmqpd, all", "626"),
	classes("sendmail smtpd qmqpd forward bounce notify verify", "626"),
	classes("smtpd", "114"),
	{Name: "smtputf8_autodetect_classes, only a comma", Main: []string{"smtputf8_autodetect_classes = ,"}, Clients: ok, Want: []string{"warning: smtputf8_autodetect_classes: bad input: ,", "KOk"}},
	{Name: "smtputf8_autodetect_classes, other case", Main: []string{"smtputf8_autodetect_classes = QMQPD"}, Clients: ok, Want: []string{`fatal: unknown smtputf8_autodetect_classes value "QMQPD" in "QMQPD"`, "exit 1"}},
	{Name: "smtputf8_autodetect_classes, unknown", Main: []string{"smtputf8_autodetect_classes = sendmail, foo"}, Clients: ok, Want: []string{`fatal: unknown smtputf8_autodetect_classes value "foo" in "sendmail, foo"`, "exit 1"}},
	{Name: "smtputf8_autodetect_classes, unknown, unauthorised client", Main: []string{"smtputf8_autodetect_classes = foo", "qmqpd_authorized_clients ="}, Clients: ok, Want: []string{"is not authorized"}},
	{Name: "smtputf8_autodetect_classes with smtputf8_enable = no", Main: []string{"smtputf8_autodetect_classes = all", "smtputf8_enable = no"}, Clients: ok, Want: []string{`flags\x00626`}},
	{Name: "flags of both", Main: []string{"smtputf8_autodetect_classes = all", "receive_override_options = no_milters"}, Clients: ok, Want: []string{`flags\x00562`}},
	{Name: "smtputf8_enable by compatibility_level", Main: []string{"compatibility_level = 0"}, Cleanup: []standin.Verdict{{Status: 8, Reason: "\u00e9"}}, Clients: ok, Want: []string{"Error: ??"}},
	{Name: "content_filter", Main: []string{"content_filter = scan:[127.0.0.1]:10025"}, Clients: ok, Want: []string{`L "scan:[127.0.0.1]:10025"`}},
	{Name: "content_filter with blanks", Main: []string{"content_filter =   scan: x y   "}, Clients: ok, Want: []string{`L "scan: x y"`}},
	{Name: "content_filter, long", Main: []string{"content_filter = scan:" + string(make3000())}, Clients: ok, Want: []string{`L "scan:`}},
	{Name: "myhostname and mail_name", Main: []string{"myhostname = Other.Example", "mail_name = My Mail"}, Clients: ok, Want: []string{`\tby Other.Example (My Mail) with QMQP id ABCDEF12345`}},
	{Name: "mail_name with a macro", Main: []string{"mail_name = $mydomain mail"}, Clients: ok, Want: []string{"(example.org mail)"}},
}

// hangup makes cleanup(8) close after the bytes that it says.
func hangup(row judges.Row) judges.Row {
	v := &row.Cleanup[0]
	if v.Greeting != nil {
		v.Hangup = true
	} else {
		v.HangupFinal = true
	}
	return row
}

// leaves is a row in which cleanup(8) is gone when the client begins to send, or
// goes when it has had so many bytes. A record with content_filter fills most of
// a buffer before the client's own records come.
func leaves(name string, after int, send, want string) judges.Row {
	row := judges.Row{Name: "cleanup leaves, " + name, Main: []string{"content_filter = " + strings.Repeat("f", 3000)}, Want: []string{want, "warning: mail_stream_cleanup: close error"}}
	v := standin.Verdict{StopAfter: after}
	if after == 0 {
		v.Greeting, v.Hangup = standin.Greeting("GONE"), true
	}
	row.Cleanup = []standin.Verdict{v}
	row.Play = func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.WaitLog("client=")
		if after == 0 {
			s.Messages() // cleanup(8) is gone
		}
		s.Send(c, judges.Client{Send: send})
		s.Reply("client", c)
		s.WaitSession()
	}
	return row
}

// asking makes the client of a row send something else.
func asking(row judges.Row, send string) judges.Row {
	row.Clients = one(send)
	return row
}

// make3000 is a text of 3000 bytes.
func make3000() []byte {
	b := make([]byte, 3000)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}

// overrides is a row about receive_override_options.
func overrides(value, flags string) judges.Row {
	return judges.Row{Name: "receive_override_options " + value, Main: []string{"receive_override_options = " + value}, Clients: ok, Want: []string{`attributes "flags\x00` + flags + `"`}}
}

// classes is a row about smtputf8_autodetect_classes.
func classes(value, flags string) judges.Row {
	return judges.Row{Name: "smtputf8_autodetect_classes " + value, Main: []string{"smtputf8_autodetect_classes = " + value}, Clients: ok, Want: []string{`attributes "flags\x00` + flags + `"`}}
}

// slowCleanupRows take long: contract section 5.1.
var slowCleanupRows = []judges.Row{
	{Name: "socket never comes", NoCleanup: true, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		if !s.Child.Wait(150 * time.Second) {
			s.Note("still running")
		}
		s.Reply("client", c)
	}, Want: []string{"warning: connect #10 to subsystem public/cleanup: No such file or directory", "fatal: connect #11 to subsystem public/cleanup: No such file or directory", "exit 1"}},
}
