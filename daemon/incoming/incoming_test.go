package incoming

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

var envelopeRecords = []string{
	"T 1795343700 239654", "S sender@example.com", "A log_client_name=localhost", "A log_message_origin=localhost[127.0.0.1]", "A log_protocol_name=QMQP",
}

const received = "N Received: from localhost (localhost [127.0.0.1])"

// TestFile shows a whole file.
func TestFile(t *testing.T) {
	b := newBench(t, stock(), spool.Options{})
	s := b.open(t)
	write(t, s, envelopeRecords...)
	write(t, s, "R user", "R user", "M", received, "N \tby mx", "N To: joe, ann", "N", "N body", "X", "E")
	status, reason := s.Finish(context.Background())
	if status != 0 || reason != "" {
		t.Errorf("Finish: %v %q", status, reason)
	}
	s.Abort()
	want := []string{
		"C             237             323               1               0             237               0",
		"T 1795343700 239654",
		"A create_time=1795343700",
		"S sender@example.com",
		"A log_client_name=localhost",
		"A log_message_origin=localhost[127.0.0.1]",
		"A log_protocol_name=QMQP",
		"A dsn_orig_rcpt=rfc822;user@mx.example.org",
		"O user",
		"R user@mx.example.org",
		"M",
		received,
		"N \tby mx",
		"N To: joe@mx.example.org, ann@mx.example.org",
		"N Message-Id: <20261122103500.3F86FCC9DF@mx.example.org>",
		"N Date: Sun, 22 Nov 2026 10:35:00 +0000 (UTC)",
		"N From: sender@example.com",
		"N",
		"N body",
		"X",
		"A message_id=<20261122103500.3F86FCC9DF@mx.example.org>",
		"E",
	}
	got := b.files(t)["incoming/3F86FCC9DF"]
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("file:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := b.log.String(), "x: 3F86FCC9DF: message-id=<20261122103500.3F86FCC9DF@mx.example.org>\n"; got != want {
		t.Errorf("log %q, want %q", got, want)
	}
}

// TestLineLengthLimitDefault: long lines are cut where no limit was given, too.
func TestLineLengthLimitDefault(t *testing.T) {
	cfg := stock()
	cfg.LineLengthLimit = 0
	b := newBench(t, cfg, spool.Options{})
	s := b.open(t)
	write(t, s, envelopeRecords...)
	write(t, s, "R user", "M", received, "N", "N "+strings.Repeat("x", 2049), "X", "E")
	if status, reason := s.Finish(context.Background()); status != 0 {
		t.Fatalf("Finish: %v %q", status, reason)
	}
	for path, records := range b.files(t) {
		text := strings.Join(records, "\n")
		if !strings.Contains(text, "\nL "+strings.Repeat("x", 2048)+"\nN x\n") {
			t.Errorf("%s:\n%s", path, text)
		}
	}
}

// TestHeaderVectors replays headers that Postfix 3.10.2 rewrote.
func TestHeaderVectors(t *testing.T) {
	data, err := os.ReadFile("../rewrite/testdata/rewrite-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Headers []struct {
			In      string
			Records []string
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	latin1 := func(s string) string {
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return string(b)
	}
	if len(vectors.Headers) != 72 {
		t.Errorf("%d vectors, want 72", len(vectors.Headers))
	}
	b := newBench(t, stock(), spool.Options{})
	for _, v := range vectors.Headers {
		s := b.open(t)
		write(t, s, envelopeRecords...)
		write(t, s, "R user", "M", received)
		for _, line := range strings.Split("Date: x\nMessage-ID: <a@b>\n"+latin1(v.In)+"\n\nb", "\n") {
			for ; len(line) > 2048; line = line[2048:] {
				write(t, s, "L "+line[:2048])
			}
			write(t, s, "N "+line)
		}
		write(t, s, "X", "E")
		if status, reason := s.Finish(context.Background()); status != 0 {
			t.Errorf("%q: %v %q", v.In, status, reason)
			continue
		}
		var got, want []string
		for _, r := range b.files(t)["incoming/"+s.QueueID()] {
			text, ok := strings.CutPrefix(r, "N ")
			if r == "N" {
				text, ok = "", true
			}
			if ok && r != received && !strings.HasPrefix(text, "Date: ") && !strings.HasPrefix(text, "Message-Id: ") && !strings.HasPrefix(text, "Resent-Date: ") && !strings.HasPrefix(text, "Resent-Message-Id: ") {
				got = append(got, text)
			}
		}
		for _, r := range v.Records {
			if !strings.HasPrefix(r, "Resent-Date: ") && !strings.HasPrefix(r, "Resent-Message-Id: ") {
				want = append(want, strings.TrimRight(latin1(r), " "))
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q:\ngot  %q\nwant %q", v.In, got, want)
		}
		delete(b.memory.files, "incoming/"+s.QueueID())
	}
}

// TestRefused shows streams that leave no file.
func TestRefused(t *testing.T) {
	envelope := strings.Join(envelopeRecords, "|")
	for _, tt := range []struct {
		name    string
		change  func(*Config)
		records string // joined by |
		status  mailstream.Status
		reason  string
		log     string // lines, without the queue id
	}{
		{"no recipients", nil, envelope + "|M|" + received + "|X|E", mailstream.StatusRecipients, "", "message-id=<ID>\nremoved (canceled)"},
		{"no sender", nil, "T 1 2|R a|M|X|E", mailstream.StatusBad, "", "warning: message rejected: missing sender envelope record\nremoved (canceled)"},
		{"no time", nil, "S a|R a|M|X|E", mailstream.StatusBad, "", "warning: message rejected: missing time envelope record\nremoved (canceled)"},
		{"two senders", nil, "T 1 2|S a|S b", mailstream.StatusBad, "", "warning: message rejected: multiple envelope sender records\nremoved (canceled)"},
		{"no end", nil, envelope + "|R a|M|" + received + "|X", mailstream.StatusBad, "", "message-id=<ID>\nremoved (canceled)"},
		{"after the end", nil, envelope + "|R a|M|" + received + "|X|E|R b", mailstream.StatusBad, "", "message-id=<ID>\nwarning: message rejected: unexpected record type 82 after the end\nremoved (canceled)"},
		{"recipient after the content", nil, envelope + "|R a|M|" + received + "|X|R b|E", mailstream.StatusBad, "", "message-id=<ID>\nwarning: message rejected: unexpected record type 82 in extracted envelope\nremoved (canceled)"},
		{"unknown record", nil, envelope + "|W 1", mailstream.StatusBad, "", "warning: message rejected: unexpected record type 87 in envelope\nremoved (canceled)"},
		{"record that is not content", nil, envelope + "|R a|M|S b", mailstream.StatusBad, "", "warning: cleanup_message_headerbody: message rejected: unexpected record type 83 in message content\nremoved (canceled)"},
		{"no Received", nil, envelope + "|R a|M|N To: a|X|E", mailstream.StatusBad, "", "warning: message rejected: no Received: header\nremoved (canceled)"},
		{"malformed attribute", nil, "T 1 2|A =x", mailstream.StatusBad, "", "warning: message rejected: malformed attribute: missing attribute name: =x\nremoved (canceled)"},
		{"attribute without =", nil, "T 1 2|A x y", mailstream.StatusBad, "", "warning: message rejected: malformed attribute: missing '=' after attribute name: x y\nremoved (canceled)"},
		{"remote context", nil, "T 1 2|A rewrite_context=remote", mailstream.StatusBad, "", "warning: message rejected: bad rewriting context: remote\nremoved (canceled)"},
		{"DSN attribute", nil, "T 1 2|A notify_flags=1", mailstream.StatusBad, "", "warning: message rejected: unexpected record type 65 (notify_flags) in envelope\nremoved (canceled)"},
		{"hops", func(c *Config) { c.HopcountLimit = 2 }, envelope + "|R a|M|" + received + "|N received: x|N|X|E", mailstream.StatusHops, "", "warning: message rejected: hopcount exceeded\nremoved (canceled)"},
		{"size", func(c *Config) { c.MessageSizeLimit = 300 }, envelope + "|R a|M|" + received + "|N|N x|X|E", mailstream.StatusSize, "", "message-id=<ID>\nwarning: queue file size limit exceeded\nwarning: mail_stream_cleanup: close error\nremoved (canceled)"},
		{"characters", func(c *Config) { c.RejectCharacters = []byte("\a") }, envelope + "|R a|M|" + received + "|N|N x\ax|N y|X|E", mailstream.StatusContent, "5.7.1 disallowed character",
			"message-id=<ID>\nreject: content x?x from localhost[127.0.0.1]; from=<sender@example.com> to=<a@mx.example.org> proto=QMQP: 5.7.1 disallowed character\nremoved (canceled)"},
		{"8-bit header", func(c *Config) { c.Strict7BitHeaders = true }, envelope + "|R a|M|" + received + "|N X: \u00e4|N|X|E", mailstream.StatusContent, "5.6.0 improper use of 8-bit data in message header",
			"reject: mime-error improper use of 8-bit data in message header: X: \u00e4 from localhost[127.0.0.1]; from=<sender@example.com> to=<a@mx.example.org>\nmessage-id=<ID>\nremoved (canceled)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := stock()
			if tt.change != nil {
				tt.change(&cfg)
			}
			b := newBench(t, cfg, spool.Options{})
			s := b.open(t)
			write(t, s, strings.Split(tt.records, "|")...)
			status, reason := s.Finish(context.Background())
			if status != tt.status || reason != tt.reason {
				t.Errorf("Finish: %v %q, want %v %q", status, reason, tt.status, tt.reason)
			}
			if len(b.memory.files) != 0 {
				t.Errorf("files are left: %v", b.files(t))
			}
			var lines []string
			for _, l := range strings.Split(strings.TrimSuffix(b.log.String(), "\n"), "\n") {
				l = strings.TrimPrefix(l, "x: ")
				l = strings.ReplaceAll(l, s.QueueID()+": ", "")
				l = strings.ReplaceAll(l, "20261122103500."+s.QueueID()+"@mx.example.org", "ID")
				lines = append(lines, strings.ReplaceAll(l, "19700101000001."+s.QueueID()+"@mx.example.org", "ID"))
			}
			if got := strings.Join(lines, "\n"); got != tt.log {
				t.Errorf("log:\n%s\nwant:\n%s", got, tt.log)
			}
		})
	}
}

// TestVERP: the first record with two delimiters of the filter is passed on; the
// others are told of, unless one has been.
func TestVERP(t *testing.T) {
	for _, row := range []struct{ name, records, want, log string }{
		{"two delimiters", "S s@d|V -=", "-=", ""},
		{"a second record", "S s@d|V +=|V -=|V x", "+=", ""},
		{"one delimiter", "S s@d|V -", "", `warning: ignoring bad VERP request: "-"`},
		{"none", "S s@d|V", "", `warning: ignoring bad VERP request: ""`},
		{"three delimiters", "S s@d|V -=+", "", `warning: ignoring bad VERP request: "-=+"`},
		{"the first not of the filter", "S s@d|V !=|V -+", "-+", `warning: ignoring bad VERP request: "!="`},
		{"the second not of the filter", "S s@d|V -!", "", `warning: ignoring bad VERP request: "-!"`},
		{"null sender", "S|V -=", "", "warning: ignoring VERP request for null sender"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, stock(), spool.Options{})
			s := b.open(t)
			write(t, s, strings.Split("T 1 2|"+row.records+"|R u@d|M|"+received+"|N Message-Id: <i@d>|N|X|E", "|")...)
			if status, reason := s.Finish(context.Background()); status != 0 {
				t.Fatalf("Finish: %v %q", status, reason)
			}
			got := ""
			for _, r := range b.files(t)["incoming/"+s.QueueID()] {
				if r[0] == 'V' {
					got += strings.TrimPrefix(r, "V ")
				}
			}
			log := strings.ReplaceAll(strings.ReplaceAll(b.log.String(), "x: ", ""), s.QueueID()+": ", "")
			if log = strings.TrimSuffix(strings.TrimSuffix(log, "message-id=<i@d>\n"), "\n"); got != row.want || log != row.log {
				t.Errorf("%q, %q; want %q, %q", got, log, row.want, row.log)
			}
		})
	}
}

// TestTrouble shows what becomes of a message when the file system fails.
func TestTrouble(t *testing.T) {
	whole := append(append([]string{}, envelopeRecords...), "R a", "M", received, "N", "N x", "X", "E")
	t.Run("create", func(t *testing.T) {
		b := newBench(t, stock(), spool.Options{})
		b.memory.fail["create"] = syscall.ENOSPC
		s := b.open(t)
		write(t, s, whole...)
		if status, _ := s.Finish(context.Background()); status != mailstream.StatusWrite {
			t.Errorf("status %v", status)
		}
		s.Abort()
		if s.QueueID() != "NOQUEUE" || !strings.Contains(b.log.String(), "x: warning: mail_queue_enter: create file incoming/") || !strings.Contains(b.log.String(), ": No space left on device\n") {
			t.Errorf("queue id %s, log %s", s.QueueID(), b.log)
		}
	})
	for _, op := range []string{"write", "sync"} {
		t.Run(op, func(t *testing.T) {
			b := newBench(t, stock(), spool.Options{})
			b.memory.fail[op] = syscall.EIO
			s := b.open(t)
			write(t, s, whole...)
			if status, _ := s.Finish(context.Background()); status != mailstream.StatusWrite {
				t.Errorf("status %v", status)
			}
			if len(b.memory.files) != 0 {
				t.Errorf("files are left")
			}
			if !strings.Contains(b.log.String(), "write queue file: Input/output error\n") || !strings.Contains(b.log.String(), "removed (canceled)\n") {
				t.Errorf("log %s", b.log)
			}
		})
	}
	t.Run("abort", func(t *testing.T) {
		b := newBench(t, stock(), spool.Options{})
		s := b.open(t)
		write(t, s, whole[:7]...)
		s.Abort()
		s.Abort()
		if err := s.WriteRecord(queuefmt.RecEnd, nil); err == nil {
			t.Error("a record after the end is taken")
		}
		if status, _ := s.Finish(context.Background()); status == 0 || len(b.memory.files) != 0 {
			t.Errorf("status %v, %d files", status, len(b.memory.files))
		}
	})
	t.Run("context", func(t *testing.T) {
		b := newBench(t, stock(), spool.Options{})
		s := b.open(t)
		write(t, s, whole...)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if status, _ := s.Finish(ctx); status != mailstream.StatusWrite || len(b.memory.files) != 0 {
			t.Errorf("status %v, %d files", status, len(b.memory.files))
		}
	})
}

// TestReuse sends messages through one Opener at the same time and one after
// another: nothing of one may be seen in the next.
func TestReuse(t *testing.T) {
	b := newBench(t, stock(), spool.Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				s, err := b.Open(context.Background(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				write(t, s, envelopeRecords...)
				if i%2 == 0 {
					write(t, s, "R a", "R b", "M", received, "N Resent-To: x", "N Content-Transfer-Encoding: 8bit", "N Message-Id: <m@"+s.QueueID()+">", "N TLS-Required: no", "N", "X", "E")
				} else {
					write(t, s, "R a", "M", received, "N To: "+s.QueueID(), "N", "X", "E")
				}
				if i%5 == 0 {
					s.Abort()
					continue
				}
				if status, reason := s.Finish(context.Background()); status != 0 {
					t.Error(status, reason)
				}
				s.Abort()
			}
		})
	}
	wg.Wait()
	files := b.files(t)
	if len(files) != 8*16 {
		t.Errorf("%d files, want %d", len(files), 8*16)
	}
	for path, records := range files {
		id := strings.TrimPrefix(path, "incoming/")
		text := strings.Join(records, "\n")
		even := strings.Contains(text, "Content-Transfer")
		want := []string{"\nN To: " + id + "@mx.example.org\n", "\nA message_id=<20261122103500." + id + "@mx.example.org>\nE"}
		not := []string{"encoding=8bit", "Resent-", "R b@"}
		options := "0"
		if even {
			want, not = []string{"\nA message_id=<m@" + id + ">\nA encoding=8bit\nE", "\nR b@mx.example.org\n", "\nN Resent-Date: "}, []string{"\nN To: "}
			options = "16"
		}
		if !strings.HasSuffix(records[0], " "+options) {
			t.Errorf("%s: %s, want option %s", path, records[0], options)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s has no %q:\n%s", path, w, text)
			}
		}
		for _, w := range not {
			if strings.Contains(text, w) {
				t.Errorf("%s has %q:\n%s", path, w, text)
			}
		}
	}
}

func TestUnescape(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {`abc`, "abc"}, {`\a\b\f\n\r\t\v`, "\a\b\f\n\r\t\v"}, {`\0`, "\x00"}, {`\0001`, "\x001"}, {`\177\200`, "\x7f\x80"},
		{`\8\\`, `8\`}, {`x\`, "x"}, {`\18`, "\x018"}, {`\777`, "\xff"},
	} {
		if got := string(Unescape(tt.in)); got != tt.want {
			t.Errorf("Unescape(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestPrependDSN(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"no", "5.7.1 no"}, {"4.2.2 later", "4.2.2 later"}, {"  5.10.100\tx", "5.10.100 x"}, {"2.0.0", "2.0.0 "}, {"5.1", "5.7.1 5.1"}, {"3.1.1 x", "5.7.1 3.1.1 x"}, {"5.1.1x", "5.7.1 5.1.1x"},
		{"5.1000.1 x", "5.7.1 5.1000.1 x"}, {"5.1.", "5.7.1 5.1."}, {"5..1", "5.7.1 5..1"}, {"5", "5.7.1 5"},
	} {
		if got := prependDSN("5.7.1", tt.in); got != tt.want {
			t.Errorf("prependDSN(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
