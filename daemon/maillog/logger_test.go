package maillog

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var instant = time.Date(2026, time.November, 2, 10, 43, 27, 0, time.UTC)

func fixed() time.Time { return instant }

// daemon is a log daemon's socket.
func daemon(t *testing.T) (*net.UnixConn, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, path
}

func receive(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8192)
	n, err := c.Read(b)
	if err != nil {
		t.Fatalf("no datagram: %v", err)
	}
	return string(b[:n])
}

func TestForms(t *testing.T) {
	long := strings.Repeat("x", 1999) + "éyz"
	tests := []struct {
		name     string
		tag      string
		facility string
		utf8     bool
		severity Severity
		text     string
		syslog   string
		postlog  string
		plain    string
	}{
		{"info", "postfix/qmqpd", "mail", true, Info, "connect from localhost[127.0.0.1]",
			"<22>Nov  2 10:43:27 postfix/qmqpd[77]: connect from localhost[127.0.0.1]",
			"Nov 02 10:43:27 mx postfix/qmqpd[77]: connect from localhost[127.0.0.1]",
			"postfix/qmqpd: connect from localhost[127.0.0.1]\n"},
		{"warning local3", "postfix/q/qmqpd", "local3", true, Warning, "w",
			"<156>Nov  2 10:43:27 postfix/q/qmqpd[77]: warning: w",
			"Nov 02 10:43:27 mx postfix/q/qmqpd[77]: warning: w",
			"postfix/q/qmqpd: warning: w\n"},
		{"error", "t/q", "mail", true, Error, "e", "<19>Nov  2 10:43:27 t/q[77]: error: e",
			"Nov 02 10:43:27 mx t/q[77]: error: e", "t/q: error: e\n"},
		{"fatal", "t/q", "mail", true, Fatal, "f", "<18>Nov  2 10:43:27 t/q[77]: fatal: f",
			"Nov 02 10:43:27 mx t/q[77]: fatal: f", "t/q: fatal: f\n"},
		{"panic local3", "t/q", "local3", true, Panic, "p", "<154>Nov  2 10:43:27 t/q[77]: panic: p",
			"Nov 02 10:43:27 mx t/q[77]: panic: p", "t/q: panic: p\n"},
		{"facility kern logs as mail", "t/q", "kern", true, Info, "k", "<22>Nov  2 10:43:27 t/q[77]: k",
			"Nov 02 10:43:27 mx t/q[77]: k", "t/q: k\n"},
		{"tag with a bracket", "t[1]/q", "mail", true, Info, "k", "<22>Nov  2 10:43:27 t[1]/q: k",
			"Nov 02 10:43:27 mx t[1]/q[77]: k", "t[1]/q: k\n"},
		{"controls", "t/q", "mail", true, Info, "a\nb\r\t\x00\x7fé\xff", "<22>Nov  2 10:43:27 t/q[77]: a?b????é?",
			"Nov 02 10:43:27 mx t/q[77]: a?b????é?", "t/q: a?b????é?\n"},
		{"no UTF-8", "t/q", "mail", false, Info, "a\nbé\xff", "<22>Nov  2 10:43:27 t/q[77]: a?b???",
			"Nov 02 10:43:27 mx t/q[77]: a?b???", "t/q: a?b???\n"},
		{"cut inside a character", "t/q", "mail", true, Info, long,
			"<22>Nov  2 10:43:27 t/q[77]: " + long[:2000],
			"Nov 02 10:43:27 mx t/q[77]: " + long[:2000], "t/q: " + long + "\n"},
		{"prefix is not counted", "t/q", "mail", true, Warning, long,
			"<20>Nov  2 10:43:27 t/q[77]: warning: " + long[:2000],
			"Nov 02 10:43:27 mx t/q[77]: warning: " + long[:2000], "t/q: warning: " + long + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, path := daemon(t)
			facility, ok := ParseFacility(tt.facility)
			if !ok {
				t.Fatalf("facility %s unknown", tt.facility)
			}
			l := New(fixed)
			var plain bytes.Buffer
			l.AddPlain(&plain, "")
			conf := Config{Tag: tt.tag, PID: 77, Host: "mx.example.org", Facility: facility, KeepUTF8: tt.utf8}
			conf.Syslog = path
			l.Configure(conf)
			l.Logf(tt.severity, "%s", tt.text)
			got := receive(t, c)
			conf.Postlog = path
			l.Configure(conf)
			l.Logf(tt.severity, "%s", tt.text)
			if d := cmp.Diff([]string{tt.syslog, tt.postlog, tt.plain + tt.plain},
				[]string{got, receive(t, c), plain.String()}); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestOtherZone: another time zone shows in the same second, as when the process has
// entered its jail.
func TestOtherZone(t *testing.T) {
	conn, path := daemon(t)
	zone := time.FixedZone("east", 2*3600)
	l := New(func() time.Time { return instant.In(zone) })
	l.Configure(Config{Tag: "t", PID: 7, Syslog: path})
	defer l.Flush(time.Second)
	for _, want := range []string{"<22>Nov  2 12:43:27 t[7]: x", "<22>Nov  2 10:43:27 t[7]: x"} {
		l.Infof("x")
		if got := receive(t, conn); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		zone = time.UTC
	}
}

func TestPrintable(t *testing.T) {
	// The first rows are the multi-byte cases that printable(3) is known by.
	for _, tt := range []struct{ name, in, want string }{
		{"ascii", "Printable ~", "Printable ~"},
		{"latin", "na\303\257ve", "na\303\257ve"},
		{"latin cut", "na\303ve", "na?ve"},
		{"cyrillic with two errors", "\320\262\320\320\272\272\321\202", "\320\262?\320\272?\321\202"},
		{"overlong", "\xc0\xaf", "??"},
		{"surrogate", "\xed\xa0\x80", "???"},
		{"above the last code point", "\xf4\x90\x80\x80", "????"},
		{"last code point", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
		{"replacement character itself", "\xef\xbf\xbd", "\xef\xbf\xbd"},
		{"C1 control is kept", "\xc2\x80", "\xc2\x80"},
		{"incomplete at end", "a\xe4\xb8", "a??"},
	} {
		if got := printable(tt.in, true); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\xc3b", true)
	f.Add("\x00\n\xff", false)
	f.Fuzz(func(t *testing.T, s string, keep bool) {
		got := printable(s, keep)
		if len(got) != len(s) {
			t.Fatalf("length changed: %q -> %q", s, got)
		}
		for i := range len(got) {
			if c := got[i]; c < ' ' || c == 0x7f || (c > 0x7f && !keep) {
				t.Fatalf("%q -> %q", s, got)
			}
		}
		if printable(got, keep) != got {
			t.Fatalf("not stable: %q", got)
		}
	})
}

// A log daemon that does not read must not stop the caller, and what it missed
// for a while comes in order.
func TestSlowDaemon(t *testing.T) {
	c, path := daemon(t)
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	const lines = 3000
	for i := range lines {
		l.Infof("line %d", i)
	}
	for i := range lines {
		if got, want := receive(t, c), fmt.Sprintf("<22>Nov  2 10:43:27 t/q[1]: line %d", i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if !l.Flush(10 * time.Second) {
		t.Error("not flushed")
	}
}

func TestOverflowIsReported(t *testing.T) {
	c, path := daemon(t)
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	const lines = maxQueuedLines + 5000
	begun := false
	for i := range lines {
		l.Infof("line %d", i)
		if !begun && l.core.main.drained() != nil {
			// If its goroutine began later, with the queue full, there would be room
			// for one more line in the midst of those that are lost.
			begun = true
			inHand(l.core.main)
		}
	}
	if l.Flush(time.Millisecond) {
		t.Error("Flush reports success with a full socket")
	}
	next := 0
	for next < maxQueuedLines {
		if got, want := receive(t, c), fmt.Sprintf("<22>Nov  2 10:43:27 t/q[1]: line %d", next); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		next++
	}
	l.Infof("after")
	for {
		got := receive(t, c)
		if strings.Contains(got, "line ") && !strings.Contains(got, "lost") {
			if want := fmt.Sprintf("<22>Nov  2 10:43:27 t/q[1]: line %d", next); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			next++
			continue
		}
		want := fmt.Sprintf("<20>Nov  2 10:43:27 t/q[1]: warning: %d log lines were lost while the log daemon did not take any", lines-next)
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		break
	}
	if got := receive(t, c); !strings.HasSuffix(got, ": after") {
		t.Errorf("got %q", got)
	}
}

// A verbose Logger waits for a log daemon that is slow, and loses nothing; not for one
// that takes nothing, and the others never.
func TestVerboseWaits(t *testing.T) {
	t.Parallel()
	c, path := daemon(t)
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	l.core.stall = time.Hour // whatever else the machine does
	const lines = 2 * maxQueuedLines
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for i := range lines {
			l.WithVerbose(1).Infof("line %d", i)
		}
	}()
	for i := range lines {
		if i == 0 {
			time.Sleep(200 * time.Millisecond) // the queue is half full by then, or soon
		}
		if got, want := receive(t, c), fmt.Sprintf("<22>Nov  2 10:43:27 t/q[1]: line %d", i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	<-logged
	if !l.Flush(10 * time.Second) {
		t.Error("not flushed")
	}

	const stall = 500 * time.Millisecond
	l.core.stall = stall
	start := time.Now()
	for i := range lines {
		l.WithVerbose(1).Infof("line %d", i)
	}
	if d := time.Since(start); d < stall {
		t.Errorf("verbose lines took %v", d)
	}
	q := l.core.main
	if lost, stalled := q.lost(), hasStalled(q); lost != 0 || !stalled { // it is full, so the loss is not told yet
		t.Errorf("lost %d, stalled %t", lost, stalled)
	}
	for q.lost() == 0 {
		receive(t, c)
	}
	if hasStalled(q) {
		t.Error("stalled, though lines were taken")
	}
	for l.core.main.drained() != nil {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = c.Read(make([]byte, 3000))
	}
}

// inHand waits until the queue's goroutine has its first line, which nobody takes.
func inHand(q *queue) {
	for queued := 1; queued > 0; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		queued = len(q.lines)
		q.mu.Unlock()
	}
}

// narrow leaves the Logger's socket room for a few lines. The kernel lets a writer go on
// when three quarters of that are free, and how much there is by default differs from
// machine to machine.
func narrow(t *testing.T, l *Logger) {
	t.Helper()
	if err := unix.SetsockoptInt(l.core.main.sink.(*datagram).fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
		t.Fatal(err) // the kernel makes the least of it that there may be
	}
}

// hasStalled looks while the queue's goroutine may be at work.
func hasStalled(q *queue) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stalled
}

// Lines that wait for the sink of an earlier Configure are not forgotten.
func TestFlushOfReplacedSink(t *testing.T) {
	c, path := daemon(t)
	_, other := daemon(t)
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	narrow(t, l)
	const lines = 2000
	for i := range lines {
		l.Infof("line %d", i)
	}
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: other})
	if l.Flush(time.Millisecond) {
		t.Error("Flush reports success with a full socket")
	}
	for i := range lines {
		if got, want := receive(t, c), fmt.Sprintf("<22>Nov  2 10:43:27 t/q[1]: line %d", i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if !l.Flush(10 * time.Second) {
		t.Error("not flushed")
	}
}

// A log daemon that is slow gets all lines in the end, however long that takes.
func TestFlushWaitsForTheSlow(t *testing.T) {
	t.Parallel()
	c, path := daemon(t)
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	narrow(t, l)
	const lines, stall = 300, 1500 * time.Millisecond
	for i := range lines {
		l.Infof("line %d", i)
	}
	flushed := make(chan bool, 1)
	go func() { flushed <- l.Flush(stall) }()
	for i := range lines {
		if i%50 == 0 {
			time.Sleep(stall / 4) // longer than the stall in all
		}
		if got, want := receive(t, c), fmt.Sprintf("<22>Nov  2 10:43:27 t/q[1]: line %d", i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if !<-flushed {
		t.Error("not flushed")
	}
}

func TestManySessions(t *testing.T) {
	c, path := daemon(t)
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	const sessions, lines = 20, 200
	got := make(chan error, 1)
	go func() {
		next := make([]int, sessions)
		b := make([]byte, 8192)
		for range sessions * lines {
			n, err := c.Read(b)
			if err != nil {
				got <- err
				return
			}
			var s, i int
			_, text, _ := strings.Cut(string(b[:n]), "]: ")
			if _, err := fmt.Sscanf(text, "%d %d", &s, &i); err != nil || next[s] != i {
				got <- fmt.Errorf("%q out of order: %v", b[:n], err)
				return
			}
			next[s]++
		}
		got <- nil
	}()
	var wg sync.WaitGroup
	for s := range sessions {
		wg.Go(func() {
			for i := range lines {
				l.WithVerbose(1).Infof("%d %d", s, i)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-got:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("lines are missing")
	}
	l.Flush(time.Second)
}

func TestDaemonComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	l.Infof("nobody hears")
	for _, word := range []string{"one", "two"} {
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		l.Infof("%s", word)
		if got := receive(t, c); !strings.HasSuffix(got, word) {
			t.Errorf("got %q", got)
		}
		if err := errors.Join(c.Close(), os.Remove(path)); err != nil {
			t.Fatal(err)
		}
		l.Infof("nobody hears")
	}
}

func TestStreamSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l := New(fixed)
	l.Configure(Config{Tag: "t/q", PID: 1, Syslog: path})
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.Infof("a")
	l.Infof("b")
	want := "<22>Nov  2 10:43:27 t/q[1]: a\x00<22>Nov  2 10:43:27 t/q[1]: b\x00"
	b := make([]byte, len(want))
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(b); {
		k, err := c.Read(b[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	if string(b) != want {
		t.Errorf("got %q", b)
	}
}

// A full pipe at stderr must not stop a session either.
func TestFullPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l := New(fixed)
	l.Identify("qmqpd", 5, "mx.example.org", true)
	l.AddFull(w)
	const lines = 4000
	for i := range lines {
		l.Infof("line %d %s", i, strings.Repeat("x", 100))
	}
	done := make(chan string, 1)
	go func() {
		var all bytes.Buffer
		_, _ = all.ReadFrom(r)
		done <- all.String()
	}()
	if !l.Flush(10 * time.Second) {
		t.Error("not flushed")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i := range lines {
		fmt.Fprintf(&want, "Nov 02 10:43:27 mx qmqpd[5]: line %d %s\n", i, strings.Repeat("x", 100))
	}
	if got := <-done; got != want.String() {
		t.Errorf("%d bytes differ from the expected %d", len(got), want.Len())
	}
}

func TestNilAndCounters(t *testing.T) {
	var l *Logger
	l.Errorf("nothing")
	l.Configure(Config{})
	l.AddPlain(os.Stderr, "")
	if l.WithVerbose(3).Verbose() != 0 || l.Errors() != 0 || !l.Flush(0) {
		t.Error("a nil Logger has state")
	}
	l = New(fixed)
	session := l.WithVerbose(2)
	session.Errorf("a")
	l.Errorf("b")
	if l.Errors() != 2 || session.Errors() != 2 || l.Verbose() != 0 || session.Verbose() != 2 {
		t.Errorf("errors %d %d, verbose %d %d", l.Errors(), session.Errors(), l.Verbose(), session.Verbose())
	}
}

// A Logger for another program's lines keeps its own rule for UTF-8, whatever
// is configured.
func TestWithKeepUTF8(t *testing.T) {
	var b strings.Builder
	l := New(fixed)
	l.AddPlain(&b, "t")
	for _, configured := range []bool{false, true} {
		l.SetKeepUTF8(configured)
		l.Infof("\u00e4")
		l.WithKeepUTF8(true).Infof("\u00e4")
		l.WithKeepUTF8(false).WithVerbose(1).Infof("\u00e4")
	}
	const want = "t: ??\nt: \u00e4\nt: ??\nt: \u00e4\nt: \u00e4\nt: ??\n"
	if b.String() != want {
		t.Errorf("lines %q, want %q", b.String(), want)
	}
}
