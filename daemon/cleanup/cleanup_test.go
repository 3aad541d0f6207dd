package cleanup

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
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/queuefmt"
)

const greeting = "protocol\x00cleanup_protocol\x00queue_id\x00QID\x00\x00"

// listen listens on public/cleanup below a new current directory.
func listen(t *testing.T) net.Listener {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir("public", 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", "public/cleanup")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// serve has talk handle the one connection that comes to public/cleanup. What it
// returns arrives on the channel.
func serve(t *testing.T, talk func(net.Conn) []byte) <-chan []byte {
	t.Helper()
	l := listen(t)
	got := make(chan []byte, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		got <- talk(conn)
	}()
	return got
}

func opener() *Opener {
	return &Opener{Class: "public", Service: "cleanup", Flags: FlagsExternal, Timeout: 10 * time.Second}
}

func logTo(w io.Writer) *maillog.Logger {
	l := maillog.New(time.Now)
	l.AddPlain(w, "t")
	return l
}

func TestConversation(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 3*bufferSize)
	var want []byte
	want = append(want, "flags\x00114\x00\x00"...)
	want = queuefmt.AppendRecord(want, 'S', []byte("s@x"))
	want = queuefmt.AppendRecord(want, 'N', big)
	want = queuefmt.AppendRecord(want, 'E', nil)
	got := serve(t, func(conn net.Conn) []byte {
		io.WriteString(conn, greeting)
		b := make([]byte, len(want))
		io.ReadFull(conn, b)
		io.WriteString(conn, "status\x008\x00reason\x00no thanks\x00\x00")
		rest, _ := io.ReadAll(conn)
		return append(b, rest...)
	})
	s, err := opener().Open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.QueueID() != "QID" {
		t.Errorf("queue id %q", s.QueueID())
	}
	for _, r := range []struct {
		t queuefmt.RecordType
		d []byte
	}{{'S', []byte("s@x")}, {'N', big}, {'E', nil}} {
		if err := s.WriteRecord(r.t, r.d); err != nil {
			t.Fatal(err)
		}
	}
	if status, why := s.Finish(t.Context()); status != mailstream.StatusContent || why != "no thanks" {
		t.Errorf("got %d, %q", status, why)
	}
	s.Abort() // does nothing
	if b := <-got; !bytes.Equal(b, want) {
		t.Errorf("got %d bytes, want %d", len(b), len(want))
	}
}

// TestVerdictWithTheGreeting: what comes before anything was sent is no verdict.
func TestVerdictWithTheGreeting(t *testing.T) {
	serve(t, func(conn net.Conn) []byte {
		io.WriteString(conn, greeting+"status\x000\x00reason\x00early\x00\x00")
		io.ReadFull(conn, make([]byte, len("flags\x00114\x00\x00E\x00")))
		io.WriteString(conn, "status\x008\x00reason\x00late\x00\x00")
		return nil
	})
	s, err := opener().Open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteRecord('E', nil); err != nil {
		t.Fatal(err)
	}
	if status, why := s.Finish(t.Context()); status != mailstream.StatusContent || why != "late" {
		t.Errorf("got %d, %q", status, why)
	}
}

func TestAbortSendsWhatItHas(t *testing.T) {
	got := serve(t, func(conn net.Conn) []byte {
		io.WriteString(conn, greeting)
		b, _ := io.ReadAll(conn)
		return b
	})
	s, err := opener().Open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteRecord('T', []byte("1 2")); err != nil {
		t.Fatal(err)
	}
	s.Abort()
	if b := <-got; string(b) != "flags\x00114\x00\x00T\x031 2" {
		t.Errorf("got %q", b)
	}
}

func TestVerdictMissing(t *testing.T) {
	tests := []struct {
		name, answer, log string
	}{
		{"closed", "", ""},
		{"cut", "status\x000\x00", "t: warning: premature end-of-input on public/cleanup socket while reading input attribute name\n"},
		{"garbled", "status\x00zz\x00reason\x00\x00\x00", "t: warning: malformed numerical data from public/cleanup socket while reading input attribute value: zz\n"},
		{"no reason", "status\x000\x00\x00", "t: warning: missing attribute reason in input from public/cleanup socket\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			serve(t, func(conn net.Conn) []byte {
				io.WriteString(conn, greeting)
				b := make([]byte, len("flags\x00114\x00\x00E\x00"))
				io.ReadFull(conn, b)
				io.WriteString(conn, tt.answer)
				return nil
			})
			var log bytes.Buffer
			s, err := opener().Open(t.Context(), logTo(&log))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.WriteRecord('E', nil); err != nil {
				t.Fatal(err)
			}
			if status, _ := s.Finish(t.Context()); status != mailstream.StatusWrite {
				t.Errorf("status %d", status)
			}
			if log.String() != tt.log {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

func TestSilence(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	serve(t, func(conn net.Conn) []byte {
		io.WriteString(conn, greeting)
		<-release
		return nil
	})
	var log bytes.Buffer
	o := opener()
	o.Timeout = 50 * time.Millisecond
	s, err := o.Open(t.Context(), logTo(&log))
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := s.Finish(t.Context()); status != mailstream.StatusWrite {
		t.Errorf("status %d", status)
	}
	// Scan says nothing about an answer that never began; closing after the
	// failure does.
	if want := "t: warning: mail_stream_cleanup: close error\n"; log.String() != want {
		t.Errorf("log %q", log.String())
	}
}

func TestBadGreeting(t *testing.T) {
	for _, tt := range []struct{ name, greeting, log string }{
		{"none", "", ""},
		{"other protocol", "protocol\x00foo\x00queue_id\x00Q\x00\x00",
			"t: warning: unexpected protocol foo from public/cleanup socket (expected: cleanup_protocol)\n"},
		{"no id", "protocol\x00cleanup_protocol\x00\x00",
			"t: warning: missing attribute queue_id in input from public/cleanup socket\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			serve(t, func(conn net.Conn) []byte {
				io.WriteString(conn, tt.greeting)
				return nil
			})
			var log bytes.Buffer
			_, err := opener().Open(t.Context(), logTo(&log))
			var fatal *maillog.Failure
			if !errors.As(err, &fatal) || fatal.Text != "unable to connect to the public cleanup service" {
				t.Errorf("got %v", err)
			}
			if log.String() != tt.log {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Chdir(t.TempDir())
	var log bytes.Buffer
	o := opener()
	o.RetryDelay = time.Nanosecond
	_, err := o.Open(t.Context(), logTo(&log))
	if want := "connect #11 to subsystem public/cleanup: No such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if want := "t: warning: connect #1 to subsystem public/cleanup: No such file or directory"; len(lines) != 10 || lines[0] != want {
		t.Errorf("log %q", lines)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Open(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// A Timeout that is left out is Postfix's, not none at all.
func TestNoTimeout(t *testing.T) {
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.WriteString(far, greeting)
		_, _ = io.Copy(io.Discard, far)
	}()
	o := &Opener{Class: "public", Service: "cleanup", Dial: func(context.Context, string) (net.Conn, error) { return near, nil }}
	s, err := o.Open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Abort()
	<-done
}

// The end of the context ends each wait for cleanup(8), whose own time limit may be
// an hour.
func TestContextEndsWaits(t *testing.T) {
	poller, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	for name, dial := range map[string]func(context.Context, string) (net.Conn, error){
		"net": nil,
		"poll": func(ctx context.Context, path string) (net.Conn, error) {
			return poller.DialUnix(ctx, path)
		},
	} {
		for _, greets := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, greeting %v", name, greets), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				got := serve(t, func(conn net.Conn) []byte {
					if greets {
						io.WriteString(conn, greeting)
						io.ReadFull(conn, make([]byte, len("flags\x00114\x00\x00")))
					}
					cancel()
					b, _ := io.ReadAll(conn)
					return b
				})
				var lines bytes.Buffer
				o := opener()
				o.Dial, o.Timeout = dial, time.Hour
				s, err := o.Open(ctx, logTo(&lines))
				if !greets {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("open: %v", err)
					}
				} else if err != nil {
					t.Fatal(err)
				} else if status, _ := s.Finish(ctx); status != mailstream.StatusWrite {
					t.Errorf("status %d", status)
				}
				<-got
				if lines.Len() > 0 {
					t.Errorf("logged %q", &lines)
				}
			})
		}
	}
}
