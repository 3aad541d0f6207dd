package compat

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestMailScanner serves MailScanner's way: a UNIX-domain service public/qmqp,
// listed as 127.0.0.1 [::1], whose client sends and reads until the end
// without ever closing its half.
func TestMailScanner(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	sink := standin.ListenSMTP(t)
	pf.InstallOurs()
	pf.AppendMain("relayhost = "+sink.Relayhost(), "qmqpd_authorized_clients = 127.0.0.1 [::1]")
	pf.AppendMaster("qmqp unix n - n - - qmqpd")
	pf.Start()
	for n := range 3 {
		conn, err := postfix.DialUnix(pf.Path(postfix.QueueDir + "/public/qmqp"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(request(fmt.Sprintf("scanned %d", n)))); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(patience))
		reply := make([]byte, 4096)
		size, err := conn.Read(reply)
		if err != nil {
			t.Fatal(err)
		}
		wantOK(t, "MailScanner's client", string(reply[:size]))
		if size, err := conn.Read(reply); size != 0 || err == nil {
			t.Errorf("after the reply: %q, %v, want the end", reply[:size], err)
		}
		conn.Close()
	}
	s := &site{Instance: pf, sink: sink}
	s.wantDelivered(t, "scanned 0", "scanned 1", "scanned 2")
	s.wantQuiet(t)
}

// TestByteByByte sends a request one byte at a time, and never closes.
func TestByteByByte(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-o qmqpd_timeout=2s")
	c := s.dial(t)
	defer c.Close()
	if err := c.SendSlowly([]byte(request("slow")), 1, 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	wantOK(t, "slow client", readReply(t, c))
	s.wantDelivered(t, "slow")
	s.wantQuiet(t)
}

// TestManyVERPRecipients sends ezmlm's kind of message, with 10,000 recipients,
// and reads the queue file that the real cleanup(8) makes of it.
func TestManyVERPRecipients(t *testing.T) {
	t.Parallel()
	const recipients = 10000
	s := newSite(t, "", "header_checks = static:HOLD")
	var to []string
	for n := range recipients {
		to = append(to, fmt.Sprintf("reader%d@host%d.example", n, n%100))
	}
	c := s.dial(t)
	defer c.Close()
	if err := c.Send([]byte(standin.Request("Subject: list\n\nbody\n", "list-@lists.example-@[]", to...))); err != nil {
		t.Fatal(err)
	}
	reply := readReply(t, c)
	wantOK(t, "list message", reply)
	_, id, _ := strings.Cut(strings.TrimSuffix(reply, ","), "queued as ")
	file := s.MustRun("/usr/sbin/postcat", "-q", id)
	var got []string
	for _, line := range strings.Split(file, "\n") {
		if address, ok := strings.CutPrefix(line, "recipient: "); ok {
			got = append(got, address)
		}
	}
	if strings.Join(got, " ") != strings.Join(to, " ") {
		t.Errorf("the queue file has %d recipients, want the %d that were sent", len(got), recipients)
	}
	if want := "sender: list@lists.example\n"; !strings.Contains(file, want) {
		t.Errorf("the queue file lacks %q", want)
	}
	if want := "verp_delimiters: -=\n"; !strings.Contains(file, want) {
		t.Errorf("the queue file lacks %q", want)
	}
}

// TestResets lets many clients break off at every point of a request, and
// shows that none of them costs another client's session.
func TestResets(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	text := request("whole")
	for at := 0; at < len(text); at += 3 {
		c := s.dial(t)
		c.Send([]byte(text[:at]))
		if at%2 == 0 {
			c.Reset()
		} else {
			c.Close()
		}
	}
	wantOK(t, "client after the resets", s.send(t, "whole"))
	s.wantDelivered(t, "whole")
	s.Log.Sync(t)
	for _, line := range s.Log.Lines() {
		if line.Tag == "postfix/qmqpd" && line.Priority&7 <= 4 || strings.Contains(line.Text, "qmqpd pid") {
			t.Errorf("unexpected log line: %s", line.Raw)
		}
	}
}

// TestPflogsumm lets pflogsumm(1) read the logs of a Postfix with the stock
// qmqpd and of one with ours, after the same mail: its reports are the same.
func TestPflogsumm(t *testing.T) {
	t.Parallel()
	reports := map[bool]string{}
	for _, ours := range []bool{false, true} {
		reports[ours] = pflogsumm(t, ours)
	}
	// Lines that occur equally often stand in the order of their queue ids.
	inOrder := func(report string) []string { return slices.Sorted(strings.SplitSeq(report, "\n")) }
	if !slices.Equal(inOrder(reports[false]), inOrder(reports[true])) {
		t.Errorf("pflogsumm's report with the stock qmqpd:\n%s\nand with ours:\n%s", reports[false], reports[true])
	}
	// Its author never thought of qmqpd among the programs that receive mail.
	for _, want := range []string{"     0   received\n", "     4   delivered\n", "Error: Invalid VERP", "Error: no recipients specified"} {
		if !strings.Contains(reports[true], want) {
			t.Errorf("the report lacks %q:\n%s", want, reports[true])
		}
	}
}

var (
	// How long an id is depends on the file system's inode numbers.
	queueIDText = regexp.MustCompile(`^(?:warning: )?([0-9A-F]{6,}): `)
	delayText   = regexp.MustCompile(`delay=[0-9.]+, delays=[0-9./]+`)
	// The size counts the digits of the queue id.
	sizeText = regexp.MustCompile(`\bsize=\d+`)
	portText = regexp.MustCompile(`\]:\d+`)
)

// pflogsumm makes a report of some mail, good and bad, with what differs
// between any two runs masked.
func pflogsumm(t *testing.T, ours bool) string {
	t.Helper()
	pf := postfix.New(t, postfix.Options{})
	sink := standin.ListenSMTP(t)
	if ours {
		pf.InstallOurs()
	}
	s := &site{Instance: pf, sink: sink, port: postfix.FreePort(t)}
	s.addr = fmt.Sprintf("127.0.0.1:%d", s.port)
	pf.AppendMain("relayhost = "+sink.Relayhost(), "qmqpd_authorized_clients = 127.0.0.0/8", "qmqpd_error_delay = 0")
	pf.AppendMaster(s.service("-", ""))
	pf.Start()
	for _, text := range []string{
		request("one"), request("two"), "junk",
		standin.Request("Subject: three\n\n", "list-@lists.example-@[]", "r@a.example", "r@b.example"),
		standin.Request("m", "list*@lists.example-@[]", "r@a.example"),
		standin.Request("m", "s@a.example"),
		standin.Request(strings.Repeat("m", 3000), strings.Repeat("s", 3000), "r@a.example"),
	} {
		c := s.dial(t)
		c.Send([]byte(text))
		readReply(t, c)
		c.Close()
	}
	sink.Wait(4, patience)
	removed := 0
	s.Log.WaitFor(t, 0, "of three messages removed from the queue", func(line postfix.Line) bool {
		if strings.HasSuffix(line.Text, ": removed") {
			removed++
		}
		return removed == 3
	})
	s.Stop()
	s.Log.Sync(t)
	var log strings.Builder
	var ids []string
	for _, line := range s.Log.Lines() {
		if part := queueIDText.FindStringSubmatch(line.Text); part != nil {
			ids = append(ids, part[1], "QUEUEID")
		}
		text := delayText.ReplaceAllString(line.Text, "delay=1, delays=0/0/0/1")
		text = sizeText.ReplaceAllString(portText.ReplaceAllString(text, "]:25"), "size=300")
		fmt.Fprintf(&log, "Nov 22 10:00:00 mx %s[1]: %s\n", line.Tag, text)
	}
	if err := os.WriteFile(pf.Path("/tmp/mail.log"), []byte(log.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	report := pf.MustRun("/usr/sbin/pflogsumm", "/tmp/mail.log")
	return strings.NewReplacer(ids...).Replace(report)
}
