package compat

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// patience bounds a wait for what should come soon.
const patience = 60 * time.Second

// site is a private Postfix with our qmqpd in the place of the stock one, as
// Debian's master.cf has it (chroot, unprivileged), whose mail all goes to a
// sink.
type site struct {
	*postfix.Instance
	sink *standin.SMTPSink
	// addr is the QMQP server's host:port.
	addr string
	port int
}

// newSite makes a site and starts its master. options follow "qmqpd" in
// master.cf.
func newSite(t *testing.T, options string, main ...string) *site {
	t.Helper()
	s := &site{Instance: postfix.New(t, postfix.Options{}), sink: standin.ListenSMTP(t), port: postfix.FreePort(t)}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	s.InstallOurs()
	s.AppendMain("relayhost = "+s.sink.Relayhost(), "smtputf8_enable = no")
	s.AppendMain(main...)
	if !strings.Contains(strings.Join(main, "\n"), "qmqpd_authorized_clients") {
		s.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8")
	}
	s.AppendMaster(s.service("-", options))
	s.Start()
	return s
}

// service returns the line of master.cf for the QMQP server.
func (s *site) service(limit, options string) string {
	return fmt.Sprintf("%s inet n - y - %s qmqpd %s", s.addr, limit, options)
}

// send delivers one message whose subject is id, and returns the reply.
func (s *site) send(t *testing.T, id string) string {
	t.Helper()
	c := s.dial(t)
	defer c.Close()
	if err := c.Send([]byte(request(id))); err != nil {
		t.Fatalf("send %s: %v", id, err)
	}
	return readReply(t, c)
}

func (s *site) dial(t *testing.T) *standin.Client {
	t.Helper()
	c, err := standin.DialTCP("", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(id string) string {
	return standin.Request("Subject: "+id+"\n\nbody of "+id+"\n", "from@a.example", "to@b.example")
}

func readReply(t *testing.T, c *standin.Client) string {
	t.Helper()
	reply, err := c.ReadAll(patience)
	if err != nil {
		t.Fatalf("read the reply: %v (so far %q)", err, reply)
	}
	return string(reply)
}

func wantOK(t *testing.T, what, reply string) {
	t.Helper()
	if !strings.Contains(reply, ":KOk: queued as ") {
		t.Errorf("%s: reply %q, want K", what, reply)
	}
}

// wantDelivered checks that the sink gets each subject exactly once.
func (s *site) wantDelivered(t *testing.T, subjects ...string) {
	t.Helper()
	counts := map[string]int{}
	for _, d := range s.sink.Wait(len(subjects), patience) {
		counts[d.Header("Subject")]++
	}
	for _, subject := range subjects {
		if counts[subject] != 1 {
			t.Errorf("message %q was delivered %d times", subject, counts[subject])
		}
		delete(counts, subject)
	}
	if len(counts) != 0 {
		t.Errorf("delivered, but never sent: %v", counts)
	}
}

// wantQuiet checks that nobody has warned or worse.
func (s *site) wantQuiet(t *testing.T) {
	t.Helper()
	s.Log.Sync(t)
	const warning = 4
	for _, line := range s.Log.Lines() {
		if line.Priority&7 <= warning && !(line.Tag == "postfix/cleanup" && isClockLine(line.Text)) {
			t.Errorf("unexpected log line: %s", line.Raw)
		}
	}
}

// TestFiveHundredMessages sends 500 messages by ten clients at once through
// the real master(8), cleanup(8) and qmgr(8), and counts what is delivered.
func TestFiveHundredMessages(t *testing.T) {
	t.Parallel()
	const messages = 500
	s := newSite(t, "")
	s.MustRun("/usr/sbin/qmqp-source", "-s", "10", "-m", strconv.Itoa(messages),
		"-f", "from@a.example", "-t", "to@b.example", s.addr)
	deliveries := s.sink.Wait(messages, patience)
	s.wantQuiet(t)
	accepted := map[string]int{}
	for _, line := range s.Log.Lines() {
		if id, _, ok := strings.Cut(line.Text, ": client=localhost[127.0.0.1]"); ok && line.Tag == "postfix/qmqpd" {
			accepted[id]++
		}
	}
	delivered := map[string]int{}
	for _, d := range deliveries {
		// All messages of qmqp-source are the same but for this line.
		_, rest, _ := strings.Cut(d.Data, " with QMQP id ")
		id, _, _ := strings.Cut(rest, "\n")
		delivered[id]++
	}
	if len(deliveries) != messages || len(accepted) != messages {
		t.Errorf("%d messages accepted, %d delivered, want %d", len(accepted), len(deliveries), messages)
	}
	if diff := cmp.Diff(accepted, delivered); diff != "" {
		t.Errorf("queue ids accepted and delivered differ:\n%s", diff)
	}
}

// TestNullmailer lets nullmailer's QMQP client deliver one message.
func TestNullmailer(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	file := s.Path("/tmp/mail")
	mail := "from@a.example\nto@b.example\n\nSubject: by nullmailer\n\nbody\n"
	if err := os.WriteFile(file, []byte(mail), 0o644); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := s.Command("/opt/nullmailer/usr/lib/nullmailer/qmqp")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("host=127.0.0.1\nport=%d\n\n", s.port))
	cmd.ExtraFiles = []*os.File{in}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nullmailer's qmqp: %v\n%s", err, out)
	}
	s.wantDelivered(t, "by nullmailer")
	s.wantQuiet(t)
}

// TestReloadDuringSessions reloads while one session has sent half its
// request and another has sent nothing: both are finished, and a client that
// comes afterwards is served meanwhile.
func TestReloadDuringSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	mark := s.Log.Mark()
	half, silent := s.dial(t), s.dial(t)
	text := request("half")
	if err := half.Send([]byte(text[:len(text)/2])); err != nil {
		t.Fatal(err)
	}
	first := s.waitSessions(t, mark, 2)
	s.Reload()
	wantOK(t, "new client after the reload", s.send(t, "new"))
	if err := half.Send([]byte(text[len(text)/2:])); err != nil {
		t.Fatal(err)
	}
	wantOK(t, "session with half a request at the reload", readReply(t, half))
	if err := silent.Send([]byte(request("silent"))); err != nil {
		t.Fatal(err)
	}
	wantOK(t, "session without a byte at the reload", readReply(t, silent))
	s.wantDelivered(t, "half", "silent", "new")
	for pid := range first {
		s.waitGone(t, pid)
	}
	s.wantQuiet(t)
}

// waitSessions waits for n sessions that got a queue id since mark, and
// returns the processes that serve them.
func (s *site) waitSessions(t *testing.T, mark, n int) map[int]bool {
	t.Helper()
	pids := map[int]bool{}
	seen := 0
	s.Log.WaitFor(t, mark, fmt.Sprintf("of %d sessions", n), func(line postfix.Line) bool {
		if strings.Contains(line.Text, ": client=") {
			pids[line.PID] = true
			seen++
		}
		return seen == n
	})
	return pids
}

// waitGone waits until a process of the site has ended.
func (s *site) waitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		alive := false
		for _, p := range s.Processes() {
			alive = alive || p.PID == pid
		}
		if !alive {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestStop stops master with an idle server process and an open session: no
// process is left, and the port is free.
func TestStop(t *testing.T) {
	s := newSite(t, "")
	wantOK(t, "first message", s.send(t, "first"))
	s.wantDelivered(t, "first")
	mark := s.Log.Mark()
	open := s.dial(t)
	text := request("never")
	if err := open.Send([]byte(text[:len(text)-1])); err != nil {
		t.Fatal(err)
	}
	s.waitSessions(t, mark, 1)
	start := time.Now()
	s.Stop()
	// The last thread of a process that has ended may still be closing files.
	ln, err := net.Listen("tcp", s.addr)
	for err != nil && time.Since(start) < patience {
		time.Sleep(time.Millisecond)
		ln, err = net.Listen("tcp", s.addr)
	}
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	ln.Close()
	if reply := readReply(t, open); reply != "" {
		t.Errorf("open session at the stop: reply %q, want none", reply)
	}
	t.Logf("no process and a free port after %v", time.Since(start))
}

// TestBadStart shows what master(8) makes of a server that cannot start: it
// logs the reason, and throttles the service.
func TestBadStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-o qmqpd_timeout=bad", "service_throttle_time = 2s")
	mark := s.Log.Mark()
	c := s.dial(t)
	defer c.Close()
	if line := s.Log.Wait(t, mark, "bad time value or unit"); line.Tag != "postfix/qmqpd" || line.Text != "fatal: parameter qmqpd_timeout: bad time value or unit: bad" {
		t.Errorf("log line %s", line.Raw)
	}
	s.Log.Wait(t, mark, "exit status 1")
	s.Log.Wait(t, mark, "bad command startup -- throttling")
	// The administrator repairs it: the client that waited is served.
	s.WriteMaster(postfix.DefaultMaster + s.service("-", "") + "\n")
	s.Reload()
	if err := c.Send([]byte(request("late"))); err != nil {
		t.Fatal(err)
	}
	wantOK(t, "client that waited", readReply(t, c))
	s.wantDelivered(t, "late")
}

// TestMaxUse shows that a process ends after max_use sessions, and that
// master starts another without a warning.
func TestMaxUse(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-o max_use=2")
	mark := s.Log.Mark()
	var pids []int
	for _, id := range []string{"one", "two", "three"} {
		wantOK(t, id, s.send(t, id))
		line := s.Log.WaitFor(t, mark, "disconnect", func(l postfix.Line) bool {
			return strings.HasPrefix(l.Text, "disconnect from ")
		})
		pids = append(pids, line.PID)
		mark = s.Log.Mark()
		if id == "two" {
			s.waitGone(t, line.PID)
		}
	}
	if pids[0] != pids[1] || pids[1] == pids[2] {
		t.Errorf("sessions were served by processes %v, want two by one and the third by another", pids)
	}
	s.wantDelivered(t, "one", "two", "three")
	s.wantQuiet(t)
}

// TestTableChange shows that a server process makes way for a new one when
// an indexed access table has changed, without losing the waiting client.
func TestTableChange(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", "qmqpd_authorized_clients = hash:/etc/postfix/clients")
	build := func(text string) {
		s.WriteFile("/etc/postfix/clients", text, 0o644)
		s.MustRun("/usr/sbin/postmap", "hash:/etc/postfix/clients")
	}
	build("127.0.0.1 ok\n")
	s.Reload()
	wantOK(t, "listed client", s.send(t, "listed"))
	// A table's age counts in whole seconds.
	later := time.Now().Add(5 * time.Second)
	build("127.0.0.2 ok\n")
	if err := os.Chtimes(s.Path("/etc/postfix/clients.db"), later, later); err != nil {
		t.Fatal(err)
	}
	mark := s.Log.Mark()
	if got, want := s.send(t, "unlisted"), standin.Netstring("DError: localhost[127.0.0.1] is not authorized to use this service"); got != want {
		t.Errorf("after the change: reply %q, want %q", got, want)
	}
	if line := s.Log.Wait(t, mark, "has changed -- restarting"); line.Text != "table hash:/etc/postfix/clients(0,lock|utf8_request) has changed -- restarting" {
		t.Errorf("log line %s", line.Raw)
	}
	s.wantDelivered(t, "listed")
}
