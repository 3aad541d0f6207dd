package qmqp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// memoryOpener is an Opener whose streams remember their records.
type memoryOpener struct {
	status mailstream.Status
	why    string
	fail   error // what Open returns
	after  int   // the record that cannot be written, counted from 1; 0 = none

	records  []string
	finished bool
	aborted  bool
}

func (o *memoryOpener) Open(context.Context, *maillog.Logger) (mailstream.Stream, error) {
	if o.fail != nil {
		return nil, o.fail
	}
	return (*memoryStream)(o), nil
}

type memoryStream memoryOpener

func (s *memoryStream) QueueID() string { return "QUEUEID" }

func (s *memoryStream) WriteRecord(t queuefmt.RecordType, data []byte) error {
	if s.after > 0 && len(s.records)+1 >= s.after {
		return errors.New("broken pipe")
	}
	s.records = append(s.records, fmt.Sprintf("%c %s", t, data))
	return nil
}

func (s *memoryStream) Finish(context.Context) (mailstream.Status, string) {
	s.finished = true
	return s.status, s.why
}

func (s *memoryStream) Abort() { s.aborted = !s.finished }

var testClient = peer.Client{Name: "localhost", Addr: "127.0.0.1", RFCAddr: "127.0.0.1", Port: "55864", Family: 2}

func testConfig() *Config {
	return &Config{
		Timeout:          300 * time.Second,
		ErrorDelay:       time.Second,
		MessageSizeLimit: 10240000,
		LineLengthLimit:  2048,
		VERPFilter:       "-=+",
		Hostname:         "mx.example.org",
		MailName:         "Postfix",
	}
}

// converse sends input to a session, half-closes, and returns the reply bytes
// and the log. It runs in a bubble where time costs nothing.
func converse(t *testing.T, cfg *Config, opener *memoryOpener, input string) (reply, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		logger := maillog.New(time.Now)
		logger.AddPlain(&lines, "t")
		conn := &script{in: strings.NewReader(input)}
		arrival := time.Unix(1795343349, 469969000).UTC()
		session := cfg.NewSession(conn, testClient, arrival, logger)
		err := session.Receive(t.Context(), opener)
		session.Close()
		if err != nil && opener.fail == nil {
			t.Errorf("Receive: %v", err)
		}
		reply, log = conn.out.String(), lines.String()
	})
	return reply, log
}

// script is a connection to a client that has sent everything already.
type script struct {
	net.Conn
	in       *strings.Reader
	timeout  bool // silence instead of the end of the input
	writeErr error
	out      bytes.Buffer
}

func (c *script) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	if err == io.EOF && c.timeout {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (c *script) Write(p []byte) (int, error) {
	if c.writeErr != nil {
		return 0, c.writeErr
	}
	return c.out.Write(p)
}

func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

// request encodes a QMQP request.
func request(message, sender string, recipients ...string) string {
	body := ns(message) + ns(sender)
	for _, r := range recipients {
		body += ns(r)
	}
	return ns(body)
}

func ns(s string) string { return fmt.Sprintf("%d:%s,", len(s), s) }

// The dump of the contract, seen on the wire between stock qmqpd and
// cleanup(8).
func TestRecords(t *testing.T) {
	opener := new(memoryOpener)
	reply, log := converse(t, testConfig(), opener, request("Subject: hi\n\nbody\n", "from@a.example", "to@b.example"))
	want := []string{
		"T 1795343349 469969",
		"S from@a.example",
		"A log_client_name=localhost",
		"A log_client_address=127.0.0.1",
		"A log_client_port=55864",
		"A log_message_origin=localhost[127.0.0.1]",
		"A log_protocol_name=QMQP",
		"A client_name=localhost",
		"A client_address=127.0.0.1",
		"A client_port=55864",
		"A client_address_type=2",
		"A protocol_name=QMQP",
		"R to@b.example",
		"M ",
		"N Received: from localhost (localhost [127.0.0.1])",
		"N \tby mx.example.org (Postfix) with QMQP id QUEUEID",
		"N \tfor <to@b.example>; Sun, 22 Nov 2026 10:29:09 +0000 (UTC)",
		"N Subject: hi",
		"N ",
		"N body",
		"X ",
		"E ",
	}
	if d := cmp.Diff(want, opener.records); d != "" {
		t.Error(d)
	}
	if want := "22:KOk: queued as QUEUEID,"; reply != want {
		t.Errorf("reply %q", reply)
	}
	if want := "t: QUEUEID: client=localhost[127.0.0.1]\n"; log != want {
		t.Errorf("log %q", log)
	}
}

// TestEnvelope: what stands before the client's attributes, and the recipients. After
// a sender with bad VERP delimiters nothing of the envelope is passed on.
func TestEnvelope(t *testing.T) {
	for _, row := range []struct{ filter, sender, want string }{
		{"", "s@x", "S s@x|R r@x"},
		{"smtp:next", "s@x", "L smtp:next|S s@x|R r@x"},
		{"", "list-@x-@[]", "S list@x|V -=|R r@x"},
		{"smtp:next", "list*@x-@[]", "L smtp:next"},
	} {
		cfg, opener := testConfig(), new(memoryOpener)
		cfg.ContentFilter = row.filter
		converse(t, cfg, opener, request("x", row.sender, "r@x"))
		var got []string
		for _, r := range opener.records {
			if strings.Contains("LSVR", r[:1]) && r != "L x" { // x is the content
				got = append(got, r)
			}
		}
		if strings.Join(got, "|") != row.want {
			t.Errorf("%q, %s: %q, want %q", row.filter, row.sender, got, row.want)
		}
	}
}

func TestSeveralRecipients(t *testing.T) {
	opener := new(memoryOpener)
	converse(t, testConfig(), opener, request("x", "s@x", "r@x", "r@x"))
	got := opener.records[len(opener.records)-6 : len(opener.records)-2]
	want := []string{
		"N Received: from localhost (localhost [127.0.0.1])",
		"N \tby mx.example.org (Postfix) with QMQP",
		"N \tid QUEUEID; Sun, 22 Nov 2026 10:29:09 +0000 (UTC)",
		"L x",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReplies(t *testing.T) {
	good := request("x", "s@x", "r@x")
	const logged = "t: warning: QUEUEID: localhost[127.0.0.1]: "
	const noted = "t: QUEUEID: localhost[127.0.0.1]: "
	tests := []struct {
		name   string
		input  string
		change func(*Config, *memoryOpener)
		reply  string
		log    string // after the line client=
	}{
		{"queued", good, nil, "KOk: queued as QUEUEID", ""},
		{"letter in the length", "abc:", nil, "Dnetstring format error while receiving QMQP packet header",
			noted + "netstring format error while receiving QMQP packet header\n"},
		{"soft bounce", "abc:", func(c *Config, _ *memoryOpener) { c.SoftBounce = true },
			"Znetstring format error while receiving QMQP packet header",
			noted + "netstring format error while receiving QMQP packet header\n"},
		{"silence at once", "", nil, "", noted + "lost connection while receiving QMQP packet header\n"},
		{"cut in the message", "10:5:ab", nil, "", noted + "lost connection while receiving message content\n"},
		{"cut at a comma", "10:2:ab", nil, "Dnetstring format error while receiving message content",
			noted + "netstring format error while receiving message content\n"},
		{"message over the limit", "10:11:", func(c *Config, _ *memoryOpener) { c.MessageSizeLimit = 10 },
			"Dnetstring length exceeds storage limit while receiving message content",
			noted + "netstring length exceeds storage limit while receiving message content\n"},
		{"sender over the limit", "0:0:,513:", func(c *Config, _ *memoryOpener) { c.LineLengthLimit = 512 },
			"Dnetstring length exceeds storage limit while receiving sender address",
			noted + "netstring length exceeds storage limit while receiving sender address\n"},
		{"cut before a recipient", "0:0:,0:,", nil, "", noted + "lost connection while receiving recipient address\n"},
		{"wrong outer length", "1:1:x,3:s@x,3:r@x,,", nil, "KOk: queued as QUEUEID", ""},
		{"junk after the request", good + "junk", nil, "KOk: queued as QUEUEID", ""},
		{"VERP delimiters", request("x", "list*@example.org-@[]", "r@x"), nil,
			`DError: Invalid VERP delimiters: "*=". Need two characters from "-=+"`,
			logged + `Error: Invalid VERP delimiters: "*=". Need two characters from "-=+"` + "\n"},
		{"too large", good, verdict(mailstream.StatusSize|mailstream.StatusHops, ""),
			"DError: message too large", logged + "Error: message too large\n"},
		{"deferred", good, verdict(mailstream.StatusDefer|mailstream.StatusBad, "later"),
			"ZError: later", logged + "Error: later\n"},
		{"internal", good, verdict(mailstream.StatusBad, "x"),
			"ZError: internal error 1", logged + "Error: internal error 1\n"},
		{"negative status", good, verdict(0xfffffeff, "x"),
			"ZError: internal error -257", logged + "Error: internal error -257\n"},
		{"hops", good, verdict(mailstream.StatusHops|mailstream.StatusContent|mailstream.StatusWrite, "x"),
			"DError: too many hops", logged + "Error: too many hops\n"},
		{"rejected", good, verdict(mailstream.StatusContent, "5.7.1 no thanks"),
			"DError: 5.7.1 no thanks", logged + "Error: 5.7.1 no thanks\n"},
		{"rejected for now", good, verdict(mailstream.StatusContent, "4.7.1 retry"),
			"ZError: 4.7.1 retry", logged + "Error: 4.7.1 retry\n"},
		{"rejected without reason", good, verdict(mailstream.StatusContent, ""),
			"DError: ", logged + "Error: \n"},
		{"write error", good, verdict(mailstream.StatusWrite|mailstream.StatusRecipients, ""),
			"ZError: queue file write error", logged + "Error: queue file write error\n"},
		{"no recipients", request("x", "s@x"), verdict(mailstream.StatusRecipients, ""),
			"DError: no recipients specified", logged + "Error: no recipients specified\n"},
		{"permission", good, verdict(mailstream.StatusNoPerm, ""),
			"ZError: internal error 512", logged + "Error: internal error 512\n"},
		{"record lost", good, func(_ *Config, o *memoryOpener) { o.after = 5 },
			"ZError: queue file write error", logged + "Error: queue file write error\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, opener := testConfig(), new(memoryOpener)
			if tt.change != nil {
				tt.change(cfg, opener)
			}
			reply, log := converse(t, cfg, opener, tt.input)
			want := ""
			if tt.reply != "" {
				want = ns(tt.reply)
			}
			if reply != want {
				t.Errorf("reply %q, want %q", reply, want)
			}
			if want := "t: QUEUEID: client=localhost[127.0.0.1]\n" + tt.log; log != want {
				t.Errorf("log %q, want %q", log, want)
			}
			if opener.finished == opener.aborted {
				t.Errorf("finished %v, aborted %v", opener.finished, opener.aborted)
			}
		})
	}
}

func verdict(status mailstream.Status, why string) func(*Config, *memoryOpener) {
	return func(_ *Config, o *memoryOpener) { o.status, o.why = status, why }
}

// The reply code K must come from a finished stream with status zero, and from
// nothing else.
func TestSuccessNeedsFinish(t *testing.T) {
	for status := mailstream.Status(1); status != 0; status <<= 1 {
		if r := statusReply(status, "", "Q"); r.Code == success {
			t.Errorf("status %d gives %v", status, r)
		}
	}
}

func TestTrouble(t *testing.T) {
	tests := []struct {
		name  string
		conn  *script
		log   string
		delay time.Duration
	}{
		{"silent client", &script{in: strings.NewReader(""), timeout: true},
			"t: QUEUEID: localhost[127.0.0.1]: read/write timeout while receiving QMQP packet header\n", 0},
		{"silent at a comma", &script{in: strings.NewReader("9:1:x"), timeout: true},
			"t: QUEUEID: localhost[127.0.0.1]: netstring format error while receiving message content\n", time.Second},
		{"gone before the reply", &script{in: strings.NewReader(request("x", "", "r@x")), writeErr: io.ErrClosedPipe},
			"t: QUEUEID: localhost[127.0.0.1]: lost connection while sending completion status\n", 0},
		{"not taking the reply", &script{in: strings.NewReader(request("x", "", "r@x")), writeErr: os.ErrDeadlineExceeded},
			"t: QUEUEID: localhost[127.0.0.1]: read/write timeout while sending completion status\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines bytes.Buffer
				logger := maillog.New(time.Now)
				logger.AddPlain(&lines, "t")
				start := time.Now()
				opener := new(memoryOpener)
				if err := testConfig().NewSession(tt.conn, testClient, start, logger).Receive(t.Context(), opener); err != nil {
					t.Error(err)
				}
				if d := time.Since(start); d != tt.delay {
					t.Errorf("took %v, want %v", d, tt.delay)
				}
				if _, log, _ := strings.Cut(lines.String(), "\n"); log != tt.log {
					t.Errorf("log %q, want %q", log, tt.log)
				}
				if tt.conn.out.Len() != 0 {
					t.Errorf("reply %q", tt.conn.out.String())
				}
			})
		})
	}
}

func TestRefuse(t *testing.T) {
	tests := []struct {
		name     string
		refuse   func(*Session, context.Context)
		writeErr error
		reply    string
		log      string
	}{
		{"unauthorized", (*Session).RefuseUnauthorized, nil,
			"DError: localhost[127.0.0.1]:55864 is not authorized to use this service", ""},
		{"bad list", (*Session).RefuseConfiguration, nil, "ZError: server configuration error", ""},
		{"client gone", (*Session).RefuseUnauthorized, io.ErrClosedPipe, "",
			"t: NOQUEUE: localhost[127.0.0.1]:55864: lost connection while initializing client connection\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines bytes.Buffer
				logger := maillog.New(time.Now)
				logger.AddPlain(&lines, "t")
				cfg := testConfig()
				cfg.PortLogging = true
				conn := &script{in: strings.NewReader("unread"), writeErr: tt.writeErr}
				start := time.Now()
				tt.refuse(cfg.NewSession(conn, testClient, start, logger), t.Context())
				if d := time.Since(start); d != time.Second {
					t.Errorf("took %v", d)
				}
				want := ""
				if tt.reply != "" {
					want = ns(tt.reply)
				}
				if got := conn.out.String(); got != want {
					t.Errorf("reply %q, want %q", got, want)
				}
				if lines.String() != tt.log {
					t.Errorf("log %q, want %q", lines.String(), tt.log)
				}
			})
		})
	}
}

func TestOpenFails(t *testing.T) {
	opener := &memoryOpener{fail: maillog.FatalError("no cleanup")}
	reply, log := converse(t, testConfig(), opener, request("x", "", "r@x"))
	if reply != "" || log != "" {
		t.Errorf("reply %q, log %q", reply, log)
	}
}

// Whatever comes in, there is one well-formed reply or none, and K only for a
// complete request.
func FuzzSession(f *testing.F) {
	f.Add([]byte(request("Subject: x\n\nbody\n", "list-@example.org-@[]", "a@b", "c@d")))
	f.Add([]byte("abc:"))
	f.Add([]byte("0:99999999999:x"))
	f.Add([]byte(request(">From x\n y", "", "")))
	f.Fuzz(func(t *testing.T, in []byte) {
		cfg := testConfig()
		cfg.ErrorDelay = 0
		cfg.LineLengthLimit = 16
		opener := new(memoryOpener)
		conn := &script{in: strings.NewReader(string(in))}
		if err := cfg.NewSession(conn, testClient, time.Unix(0, 0), nil).Receive(t.Context(), opener); err != nil {
			t.Fatal(err)
		}
		out := conn.out.String()
		var n int
		if out != "" {
			if _, err := fmt.Sscanf(out, "%d:", &n); err != nil || ns(out[strings.Index(out, ":")+1:len(out)-1]) != out {
				t.Errorf("malformed reply %q", out)
			}
		}
		if strings.Contains(out, ":K") != opener.finished {
			t.Errorf("reply %q, finished %v", out, opener.finished)
		}
		if opener.finished && opener.records[len(opener.records)-1] != "E " {
			t.Errorf("last record %q", opener.records[len(opener.records)-1])
		}
	})
}

// deadlines is a script that remembers the time limit of the last read.
type deadlines struct {
	script
	read time.Time
}

func (c *deadlines) SetReadDeadline(t time.Time) error {
	c.read = t
	return nil
}

// The limits that a Config leaves out are Postfix's defaults.
func TestConfigDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 2048
		opener := new(memoryOpener)
		conn := &deadlines{script: script{in: strings.NewReader(request(strings.Repeat("x", 2*limit)+"\n", "from@a.example", "to@b.example"))}}
		session := new(Config).NewSession(conn, testClient, time.Now(), nil)
		if err := session.Receive(t.Context(), opener); err != nil {
			t.Error(err)
		}
		session.Close()
		if want := time.Now().Add(300 * time.Second); !conn.read.Equal(want) {
			t.Errorf("reads end at %v, want %v", conn.read, want)
		}
		var pieces []int
		for _, r := range opener.records {
			if strings.Contains(r, " xxx") {
				pieces = append(pieces, len(r)-len("L "))
			}
		}
		if diff := cmp.Diff([]int{limit, limit}, pieces); diff != "" {
			t.Error(diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		conn := &script{in: strings.NewReader(request("", strings.Repeat("a", 2049)))}
		session := new(Config).NewSession(conn, testClient, time.Now(), nil)
		if err := session.Receive(t.Context(), new(memoryOpener)); err != nil {
			t.Error(err)
		}
		session.Close()
		if !strings.Contains(conn.out.String(), "netstring length exceeds storage limit") {
			t.Errorf("%q", conn.out.String())
		}
	})
}

// forgetful is a stream that knows what was forgotten.
type forgetful struct {
	*memoryStream
	forgotten bool
}

func (s *forgetful) Forget() { s.forgotten = true }

type forgetfulOpener struct{ stream *forgetful }

func (o forgetfulOpener) Open(context.Context, *maillog.Logger) (mailstream.Stream, error) {
	return o.stream, nil
}

// A time zone of more than a day is the end of the session, as it is of Postfix's
// process: no reply, and what was not sent to cleanup(8) yet never is.
func TestFarZone(t *testing.T) {
	for _, tt := range []struct {
		seconds int
		want    string
	}{{86400, ""}, {-86400, ""}, {86460, "UTC time offset 1441 is larger than one day"}, {-86460, "UTC time offset -1441 is larger than one day"}} {
		stream := &forgetful{memoryStream: (*memoryStream)(&memoryOpener{})}
		conn := &script{in: strings.NewReader("20:1:m,1:s,1:r,,")}
		arrival := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC).In(time.FixedZone("X", tt.seconds))
		session := testConfig().NewSession(conn, testClient, arrival, maillog.New(time.Now))
		err := session.Receive(t.Context(), forgetfulOpener{stream})
		session.Close()
		got := ""
		var failure *maillog.Failure
		if errors.As(err, &failure) {
			got = failure.Text
			if failure.Severity != maillog.Panic || conn.out.Len() > 0 {
				t.Errorf("%d: severity %v, reply %q", tt.seconds, failure.Severity, conn.out.String())
			}
		}
		died := tt.want != ""
		if got != tt.want || stream.forgotten != died || stream.aborted != died {
			t.Errorf("%d: %q, forgotten %v, aborted %v", tt.seconds, got, stream.forgotten, stream.aborted)
		}
	}
}
