package standin

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Delivery is one message that arrived at an SMTPSink.
type Delivery struct {
	Sender     string
	Recipients []string
	// Data is the message, lines ended by LF, dots unstuffed.
	Data string
}

// Header returns the value of the first header of that name, "" for none.
func (d Delivery) Header(name string) string {
	for _, line := range strings.Split(d.Data, "\n") {
		if line == "" {
			return ""
		}
		if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// SMTPSink is an SMTP server that accepts and keeps every message.
type SMTPSink struct {
	// Addr is the server's host:port.
	Addr string

	ln      net.Listener
	mu      sync.Mutex
	changed *sync.Cond
	got     []Delivery
}

// ListenSMTP starts an SMTPSink on a free port of 127.0.0.1.
func ListenSMTP(t testing.TB) *SMTPSink {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &SMTPSink{Addr: ln.Addr().String(), ln: ln}
	s.changed = sync.NewCond(&s.mu)
	t.Cleanup(func() { ln.Close() })
	go acceptEach(ln, s.serve)
	return s
}

// Relayhost returns the value of the parameter relayhost that sends all mail
// here.
func (s *SMTPSink) Relayhost() string {
	host, port, _ := net.SplitHostPort(s.Addr)
	return "[" + host + "]:" + port
}

func (s *SMTPSink) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 sink ESMTP")
	var d Delivery
	for {
		conn.SetDeadline(time.Now().Add(time.Minute))
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb := strings.ToUpper(line)
		switch {
		case strings.HasPrefix(verb, "EHLO"):
			say("250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8")
		case strings.HasPrefix(verb, "MAIL FROM:"):
			d = Delivery{Sender: path(line)}
			say("250 ok")
		case strings.HasPrefix(verb, "RCPT TO:"):
			d.Recipients = append(d.Recipients, path(line))
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			var data strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				line = strings.TrimRight(line, "\r\n")
				if line == "." {
					break
				}
				data.WriteString(strings.TrimPrefix(line, ".") + "\n")
			}
			d.Data = data.String()
			s.mu.Lock()
			s.got = append(s.got, d)
			s.changed.Broadcast()
			s.mu.Unlock()
			say("250 kept")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// path returns what stands between < and > in a MAIL or RCPT command.
func path(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	inside, _, _ := strings.Cut(rest, ">")
	return inside
}

// Wait returns all deliveries when there are n, or when none has come for
// limit.
func (s *SMTPSink) Wait(n int, limit time.Duration) []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.got) < n {
		before := len(s.got)
		timer := time.AfterFunc(limit, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
		s.changed.Wait()
		if !timer.Stop() && len(s.got) == before {
			break
		}
	}
	return append([]Delivery(nil), s.got...)
}
