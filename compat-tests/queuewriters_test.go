package compat

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

const writersMain = postfix.DefaultMain + `in_flow_delay = 0s
smtpd_recipient_limit = 10000
smtpd_authorized_xforward_hosts = 127.0.0.0/8
smtpd_authorized_verp_clients = 127.0.0.0/8
virtual_alias_maps = inline:{{ alias@example.org = a1@example.net, a2@example.net }}
`

// testHead begins a message with the Subject.
func testHead(subject string) string {
	return "From: a@example.com\nTo: b@example.org\nSubject: " + subject + "\nDate: Sun, 22 Nov 2026 10:00:00 +0000\nMessage-ID: <1@x.example>\n"
}

// maildropEmpty returns when pickup(8) has taken everything.
func maildropEmpty(t *testing.T, pf *postfix.Instance) {
	t.Helper()
	// One that was called in vain looks again after a minute.
	for deadline := time.Now().Add(2 * patience); len(queueFilesIn(t, pf, "maildrop")) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("files are left in maildrop")
		}
	}
}

// TestQueueMilter: files that a Milter has edited, by pointers to what it put in, are
// read like all others.
func TestQueueMilter(t *testing.T) {
	t.Parallel()
	longer := strings.Repeat("a line of a longer body\r\n", 500)
	rows := []struct {
		name  string
		edits []standin.Edit
	}{
		{"nothing", nil},
		{"add", []standin.Edit{standin.AddHeader("X-Added", "value")}},
		{"add some", []standin.Edit{standin.AddHeader("X-A", "1"), standin.AddHeader("X-B", "2\n\tfolded"), standin.AddHeader("X-C", strings.Repeat("x", 3000))}},
		{"insert", []standin.Edit{standin.InsertHeader(0, "X-First", "v"), standin.InsertHeader(1, "X-Second", "v"), standin.InsertHeader(9, "X-Ninth", "v")}},
		{"shorter", []standin.Edit{standin.ChangeHeader(1, "From", "x")}},
		{"longer", []standin.Edit{standin.ChangeHeader(1, "From", strings.Repeat("long value ", 20)), standin.ChangeHeader(1, "To", "y")}},
		{"twice", []standin.Edit{standin.ChangeHeader(1, "From", "once"), standin.ChangeHeader(1, "From", "twice, and longer"), standin.ChangeHeader(1, "From", "z")}},
		{"remove", []standin.Edit{standin.ChangeHeader(1, "From", ""), standin.ChangeHeader(1, "To", "")}},
		{"remove all", []standin.Edit{standin.ChangeHeader(1, "Received", ""), standin.ChangeHeader(1, "From", ""), standin.ChangeHeader(1, "To", ""),
			standin.ChangeHeader(1, "Subject", ""), standin.ChangeHeader(1, "Date", ""), standin.ChangeHeader(1, "Message-ID", "")}},
		{"body shorter", []standin.Edit{standin.ReplaceBody("short\r\n")}},
		{"body empty", []standin.Edit{standin.ReplaceBody("")}},
		{"body without end", []standin.Edit{standin.ReplaceBody("no end of line")}},
		{"body longer", []standin.Edit{standin.ReplaceBody(longer)}},
		{"body in pieces", []standin.Edit{standin.ReplaceBody("one\r\ntw"), standin.ReplaceBody("o\r\n"), standin.ReplaceBody(strings.Repeat("y", 5000) + "\r\n")}},
		{"body of NULs", []standin.Edit{standin.ReplaceBody("a\x00b\xff\r\n" + strings.Repeat("z\x00", 2000))}},
		{"body like header", []standin.Edit{standin.ReplaceBody("Header: in the body\r\n\r\nx\r\n"), standin.AddHeader("X-Y", "x")}},
		{"recipient", []standin.Edit{standin.AddRecipient("added@example.net", "")}},
		{"recipients", []standin.Edit{standin.AddRecipient("added1@example.net", ""), standin.AddRecipient("added2@example.net", "NOTIFY=NEVER"),
			standin.AddRecipient("alias@example.org", "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y.example")}},
		{"recipient less", []standin.Edit{standin.DeleteRecipient("r1@example.org")}},
		{"other recipients", []standin.Edit{standin.DeleteRecipient("r1@example.org"), standin.DeleteRecipient("r2@example.org"), standin.DeleteRecipient("alias@example.org"),
			standin.AddRecipient("added@example.net", ""), standin.AddRecipient("r1@example.org", ""), standin.DeleteRecipient("added@example.net")}},
		{"sender", []standin.Edit{standin.ChangeSender("new@example.net", "")}},
		{"null sender", []standin.Edit{standin.ChangeSender("<>", "")}},
		{"long sender", []standin.Edit{standin.ChangeSender(strings.Repeat("long", 15)+"@example.net", "RET=HDRS ENVID=milter BODY=8BITMIME SIZE=10 SMTPUTF8")}},
		{"sender twice", []standin.Edit{standin.ChangeSender("new@example.net", "RET=HDRS ENVID=one"), standin.ChangeSender("newer@example.net", "RET=FULL ENVID=two")}},
		{"quarantine", []standin.Edit{standin.Quarantine("because"), standin.AddHeader("X-Q", "x")}},
		{"all", []standin.Edit{standin.ChangeSender("new@example.net", "RET=HDRS ENVID=one"), standin.AddRecipient("added1@example.net", ""), standin.DeleteRecipient("r2@example.org"),
			standin.ChangeHeader(1, "From", "someone much longer than before <x@y.example>"), standin.InsertHeader(0, "X-I", "1"), standin.AddHeader("X-Z", "2"),
			standin.ReplaceBody(longer), standin.ChangeHeader(1, "To", ""), standin.AddRecipient("added2@example.net", "NOTIFY=SUCCESS")}},
	}
	bodies := []string{"b\n", "", strings.Repeat("a line of the body\n", 200), strings.Repeat("x", 10000) + "\na\x00b\n"}

	milter := standin.ListenMilter(t)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t)))
	pf := postfix.New(t, postfix.Options{
		Main:   writersMain + "smtpd_milters = " + milter.Setting() + "\nnon_smtpd_milters = " + milter.Setting() + "\n",
		Master: masterWithoutQmgr + addr + " inet n - y - - smtpd\n",
	})
	pf.Start()
	for i, row := range rows {
		milter.For(row.name, row.edits...)
		for j := range 2 {
			m := smtpMail{
				mail:    []string{"<s@example.com>", "<long-sender-address@example.com> RET=FULL ENVID=original BODY=8BITMIME"}[j],
				rcpt:    []string{"<r1@example.org>", "<r2@example.org> NOTIFY=SUCCESS ORCPT=rfc822;o@p.example", "<alias@example.org>"},
				message: testHead(row.name) + "\n" + bodies[(i+2*j)%len(bodies)],
			}
			smtpSend(t, addr, m)
		}
		if i%3 == 0 {
			pf.RunInput([]byte(testHead(row.name)+"\n"+bodies[i%len(bodies)]), "/usr/sbin/sendmail", "-i", "-f", "s@example.com", "--", "r1@example.org", "r2@example.org")
		}
	}
	maildropEmpty(t, pf)
	pf.Stop()
	files := genuineFiles(t, pf)
	if want := 2*len(rows) + (len(rows)+2)/3; len(files) != want {
		t.Errorf("%d files, want %d", len(files), want)
	}
	checkGenuine(t, pf, files, "1w/")
}

// TestQueueWriters: files that sendmail(1), pickup(8) and smtpd(8) wrote, and what
// checks of cleanup(8) put into them.
func TestQueueWriters(t *testing.T) {
	t.Parallel()
	var addrs []string
	for range 3 {
		addrs = append(addrs, net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t))))
	}
	pf := postfix.New(t, postfix.Options{
		Main: writersMain + "delay_warning_time = 1h\nheader_checks = regexp:/etc/checks\nbody_checks = regexp:/etc/body\n",
		Master: masterWithoutQmgr + addrs[0] + " inet n - y - - smtpd\n" +
			addrs[1] + " inet n - y - - smtpd\n  -o cleanup_service_name=other\n  -o content_filter=scan:[127.0.0.1]:1\n" +
			"other unix n - y - 0 cleanup\n  -o always_bcc=archive@example.org\n  -o canonical_maps=static:canon@example.org\n  -o enable_long_queue_ids=yes\n" +
			addrs[2] + " inet n - y - - smtpd\n  -o smtpd_proxy_filter=" + addrs[0] + "\n",
	})
	pf.WriteFile("/etc/checks", `/^X-Prepend:/ PREPEND X-Prepended: before
/^X-Replace:/ REPLACE X-Replaced: something else
/^X-Filter:/ FILTER smtp:[127.0.0.1]:1
/^X-Hold:/ HOLD because
/^X-Redirect:/ REDIRECT redirected@example.net
/^X-Bcc:/ BCC bcc@example.net
/^X-Discard:/ DISCARD gone
/^X-Ignore:/ IGNORE
/^X-Info:/ INFO told
`, 0o644)
	pf.WriteFile("/etc/body", "/prepend/ PREPEND prepended\n/replace/ REPLACE replaced\n/ignore/ IGNORE\n/filter/ FILTER smtp:[127.0.0.1]:2\n", 0o644)

	for i, args := range [][]string{
		{"-f", "s@example.com", "r@example.org"},
		{"-F", "Full Name", "-f", "s@example.com", "r@example.org", "r2@example.org"},
		{"-f", "", "r@example.org"},
		{"-XV", "-f", "list-owner@example.com", "r@example.org"},
		{"-XV+=", "-f", "list-owner@example.com", "r@example.org"},
		{"-V", "envid+20x", "-N", "success,failure,delay", "-R", "hdrs", "-f", "s@example.com", "r@example.org", "r2@example.org"},
		{"-N", "never", "-R", "full", "-f", "s@example.com", "r@example.org"},
		{"-B", "8BITMIME", "-G", "-f", "s@example.com", "r@example.org"},
		{"-O", "smtputf8", "-f", "s@example.com", "\u00f6@example.org"},
		{"-t", "-f", "s@example.com"},
		{"-bv", "-f", "s@example.com", "r@example.org"},
	} {
		message := []string{testHead("s") + "\nbody\n", testHead("s") + "Bcc: hidden@example.net\n\n" + strings.Repeat("long", 3000) + "\nafter\x00nul\xff\nno end"}[i%2]
		if args[0] == "-f" {
			message = "no header, and no newline"
		}
		if r := pf.RunInput([]byte(message), "/usr/sbin/sendmail", append([]string{"-i"}, args...)...); r.Code != 0 {
			t.Errorf("sendmail %q: %+v", args, r)
		}
	}
	dropped := genuineFiles(t, pf)
	if len(dropped) != 11 {
		t.Errorf("%d files in maildrop", len(dropped))
	}

	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("<r%d@example.org>", i))
	}
	one := []string{"<r@example.org>"}
	mails := []smtpMail{
		{mail: "<s@example.com>", rcpt: one, message: testHead("s") + "\nb\n"},
		{before: []string{"XFORWARD NAME=spike.example ADDR=192.0.2.1 PORT=99 PROTO=ESMTP HELO=spike IDENT=ident SOURCE=REMOTE"},
			mail: "<s@example.com>", rcpt: one, message: testHead("s") + "\nb\n"},
		{mail: "<s@example.com> RET=HDRS ENVID=a+2Bb SIZE=100 BODY=8BITMIME", message: testHead("s") + "\n\xff\n",
			rcpt: []string{"<r@example.org> NOTIFY=NEVER", "<r2@example.org> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;x+2By@z.example"}},
		{mail: "<\u00f6@example.com> SMTPUTF8", rcpt: []string{"<\u00f6@example.org> ORCPT=utf-8;\u00f6@z.example", "<r@example.org>"}, message: "Subject: \u00f6\n\n\u00f6\n"},
		{mail: "<>", rcpt: one, message: ""},
		{mail: "<>", rcpt: []string{"<postmaster>"}, message: "\n"},
		{mail: "<s@example.com>", rcpt: one, message: testHead("s") + "TLS-Required: no\n\nb\n"},
		{mail: "<s@example.com>", rcpt: many, message: testHead("s") + "\nb\n"},
		{mail: "<s@example.com>", rcpt: one, message: testHead("s") + "X-Long: " + strings.Repeat("y", 200000) + "\n\n" + strings.Repeat("z", 100000) + "\n" + strings.Repeat("n\x00", 5000)},
		{mail: "<s@example.com>", rcpt: one, message: testHead("s") + "\nfilter\n"},
	}
	for _, x := range []string{"Prepend", "Replace", "Filter", "Hold", "Redirect", "Bcc", "Discard", "Ignore", "Info",
		"Bcc: a\nX-Redirect: a\nX-Filter: x\nX-Hold", "Hold: x\nX-Prepend: x\nX-Prepend", "Filter: x\nX-Filter", "Redirect: x\nX-Redirect"} {
		mails = append(mails, smtpMail{mail: "<s@example.com> RET=FULL", rcpt: []string{"<r@example.org>", "<alias@example.org>"},
			message: testHead("s") + "X-" + x + ": value\n\nprepend\nreplace\nignore\n"})
	}
	pf.Start()
	for _, addr := range addrs {
		for _, m := range mails {
			smtpSend(t, addr, m)
		}
	}
	smtpSend(t, addrs[0], smtpMail{mail: "<list@example.com> XVERP=+=", rcpt: one, message: testHead("s") + "\nb\n"})
	pf.MustRun("/usr/sbin/smtp-source", "-m", "3", "-r", "5", "-l", "10000", "-f", "s@example.com", "-t", "r@example.org", addrs[0])
	maildropEmpty(t, pf)
	pf.Stop()
	for i, id := range queueFilesIn(t, pf, "incoming") {
		switch i % 4 {
		case 1:
			pf.MustRun("/usr/sbin/postsuper", "-h", id)
		case 2: // writes "expired" into the mode of the file
			pf.MustRun("/usr/sbin/postsuper", "-e", id)
		case 3:
			pf.MustRun("/usr/sbin/postsuper", "-r", id)
		}
	}
	for name, b := range genuineFiles(t, pf) {
		dropped[name] = b
	}
	checkGenuine(t, pf, dropped, "FVLOW>A")
}

// TestQueueDeferred: files of messages that qmgr(8) and the delivery agents have worked
// on, in which some recipients are done and the delay has been warned of, and those that
// bounce(8) and local(8) wrote.
func TestQueueDeferred(t *testing.T) {
	t.Parallel()
	milter := standin.ListenMilter(t)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t)))
	pf := postfix.New(t, postfix.Options{
		Main: strings.Replace(writersMain, "texthash:/etc/aliases",
			"inline:{{ list = defer1@x.example, done2@x.example, bounce1@x.example }, { owner-list = defer-owner@x.example }}", 1) + `enable_long_queue_ids = yes
smtpd_milters = ` + milter.Setting() + `
transport_maps = regexp:{{ /^done/ discard: }, { /^bounce/ error:5.1.1 no such user }}
default_transport = smtp:[127.0.0.1]:1
smtpd_reject_unlisted_recipient = no
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
delay_warning_time = 1s
notify_classes = bounce, 2bounce, delay
qmgr_message_recipient_limit = 100
qmgr_message_recipient_minimum = 10
`,
		Master: postfix.DefaultMaster + addr + " inet n - y - - smtpd\n",
	})
	milter.For("edited", standin.ChangeSender("s@example.com", "RET=HDRS"), standin.ReplaceBody(strings.Repeat("new body\r\n", 300)), standin.AddHeader("X-A", "b"),
		standin.AddRecipient("defer9@x.example", ""), standin.AddRecipient("done9@x.example", "NOTIFY=SUCCESS"), standin.DeleteRecipient("defer2@x.example"))
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("<%s%d@x.example>", []string{"done", "done", "defer", "bounce"}[i%4], i))
	}
	pf.Start()
	for _, m := range []smtpMail{
		{mail: "<s@example.com>", rcpt: []string{"<done@x.example>", "<defer@x.example>", "<bounce@x.example>"}, message: testHead("mixed") + "\nb\n"},
		{mail: "<s@example.com> RET=HDRS ENVID=xyz", rcpt: []string{"<done@x.example> NOTIFY=SUCCESS", "<defer@x.example> NOTIFY=DELAY", "<bounce@x.example> NOTIFY=FAILURE"}, message: testHead("dsn") + "\nb\n"},
		{mail: "<s@example.com>", rcpt: many, message: testHead("many") + "\nb\n"},
		{mail: "<s@example.com>", rcpt: []string{"<list@localhost>"}, message: testHead("list") + "\nb\n"},
		{mail: "<s@example.com>", rcpt: []string{"<done1@x.example>", "<defer2@x.example>", "<defer3@x.example>", "<bounce4@x.example>"}, message: testHead("edited") + "\nb\n"},
	} {
		smtpSend(t, addr, m)
	}
	verp := pf.RunInput([]byte(testHead("verp")+"\nb\n"), "/usr/sbin/sendmail", "-f", "s@example.com", "-XV", "defer@x.example", "done@x.example", "bounce@x.example")
	if verp.Code != 0 {
		t.Errorf("sendmail: %+v", verp)
	}
	// By then most of the six messages have been deferred twice.
	warned := make(map[string]bool)
	pf.Log.WaitFor(t, 0, "of the fifth delay warning", func(l postfix.Line) bool {
		if id, _, ok := strings.Cut(l.Text, ": sender delay notification: "); ok {
			warned[id] = true
		}
		return len(warned) == 5
	})
	mark := pf.Log.Mark()
	pf.Log.Wait(t, mark, "status=deferred")
	pf.Stop()
	files := genuineFiles(t, pf)
	for i, name := range slices.Sorted(mapKeys(files)) {
		_, id, _ := strings.Cut(name, "-")
		pf.MustRun("/usr/sbin/postsuper", []string{"-r", "-h"}[i%2], id)
	}
	for name, b := range genuineFiles(t, pf) {
		files[name] = b
	}
	checkGenuine(t, pf, files, "1DWV/")
}
