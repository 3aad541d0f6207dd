package standin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// Verdict says how the stand-in cleanup(8) behaves in one connection. The
// zero value is a good cleanup(8) that accepts the message.
type Verdict struct {
	// QueueID is the queue id of the greeting; empty means DefaultQueueID.
	QueueID string
	// Greeting replaces the whole greeting.
	Greeting []byte
	// NoGreeting keeps silent until the client closes.
	NoGreeting bool
	// Hangup closes right after the greeting, which may be empty but not nil.
	Hangup bool
	// StopAfter, if positive, closes after that many bytes, and throws them
	// away: how many came with the last of them is chance.
	StopAfter int
	// Status and Reason are the final answer.
	Status int
	Reason string
	// Before, if not nil, is called when the message is complete, before the
	// final answer.
	Before func()
	// Final replaces the bytes of the final answer.
	Final []byte
	// NoFinal withholds the final answer until the client closes.
	NoFinal bool
	// HangupFinal closes in place of the final answer, or after Final.
	HangupFinal bool
}

// DefaultQueueID is the queue id in a greeting unless a Verdict has another.
const DefaultQueueID = "ABCDEF12345"

// Message is what one connection to the stand-in cleanup(8) brought.
type Message struct {
	// Bytes are all bytes that came.
	Bytes []byte
	// Complete says that the record E came.
	Complete bool
	// Closed says that the client closed, rather than the stand-in.
	Closed bool
}

// Cleanup is the stand-in for cleanup(8).
type Cleanup struct {
	ln      *net.UnixListener
	verdict func(n int) Verdict

	mu       sync.Mutex
	conns    []*net.UnixConn
	messages []*Message
	open     int
	idle     *sync.Cond
}

// ListenCleanup starts a stand-in for cleanup(8) on the socket at path.
// verdict is asked for each connection, counted from 0; nil means good ones.
func ListenCleanup(t testing.TB, path string, verdict func(n int) Verdict) *Cleanup {
	t.Helper()
	ln, err := postfix.ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if verdict == nil {
		verdict = func(int) Verdict { return Verdict{} }
	}
	c := &Cleanup{ln: ln, verdict: verdict}
	c.idle = sync.NewCond(&c.mu)
	go c.accept()
	t.Cleanup(c.Close)
	return c
}

// Close ends the stand-in and all its connections.
func (c *Cleanup) Close() {
	hangUp(c.ln)
	c.ln.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		leave(conn)
	}
}

func (c *Cleanup) accept() {
	for n := 0; ; n++ {
		conn, err := c.ln.AcceptUnix()
		if err != nil {
			return
		}
		m := new(Message)
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.messages = append(c.messages, m)
		c.open++
		c.mu.Unlock()
		go func() {
			c.serve(conn, m, c.verdict(n))
			leave(conn)
			c.mu.Lock()
			c.open--
			c.idle.Broadcast()
			c.mu.Unlock()
		}()
	}
}

func (c *Cleanup) serve(conn net.Conn, m *Message, v Verdict) {
	switch {
	case v.NoGreeting:
	case v.Greeting != nil:
		conn.Write(v.Greeting)
	default:
		id := v.QueueID
		if id == "" {
			id = DefaultQueueID
		}
		conn.Write(Greeting(id))
	}
	if v.Hangup {
		return
	}
	end := new(recordScanner)
	buf := make([]byte, 65536)
	for {
		n, err := conn.Read(buf)
		c.mu.Lock()
		m.Bytes = append(m.Bytes, buf[:n]...)
		c.mu.Unlock()
		if err != nil {
			c.mu.Lock()
			m.Closed = errors.Is(err, io.EOF)
			c.mu.Unlock()
			return
		}
		if v.StopAfter > 0 && len(m.Bytes) >= v.StopAfter {
			c.mu.Lock()
			m.Bytes = nil
			c.mu.Unlock()
			return
		}
		if !m.Complete && end.scan(buf[:n]) {
			c.mu.Lock()
			m.Complete = true
			c.mu.Unlock()
			if v.Before != nil {
				v.Before()
			}
			switch {
			case v.NoFinal:
			case v.Final != nil:
				conn.Write(v.Final)
			case !v.HangupFinal:
				conn.Write(Final(v.Status, v.Reason))
			}
			if v.HangupFinal {
				return
			}
		}
	}
}

// Greeting returns the bytes with which cleanup(8) greets.
func Greeting(queueID string) []byte {
	return []byte("protocol\x00cleanup_protocol\x00queue_id\x00" + queueID + "\x00\x00")
}

// Final returns the bytes of cleanup(8)'s final answer.
func Final(status int, reason string) []byte {
	return fmt.Appendf(nil, "status\x00%d\x00reason\x00%s\x00\x00", status, reason)
}

// Messages returns what came so far, one element for each connection, when no
// connection is open any more or limit has passed.
func (c *Cleanup) Messages(limit time.Duration) []Message {
	deadline := time.Now().Add(limit) // before that of the timer, which wakes up once
	timer := time.AfterFunc(limit, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.idle.Broadcast()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open > 0 && time.Now().Before(deadline) {
		c.idle.Wait()
	}
	all := make([]Message, len(c.messages))
	for i, m := range c.messages {
		all[i] = *m
		all[i].Bytes = bytes.Clone(m.Bytes)
	}
	return all
}

// recordScanner finds the end of the records in the bytes that a client sends
// to cleanup(8): an attribute list, ended by an empty name, then records up to
// E. It sees every byte once.
type recordScanner struct {
	state         int
	value, inside bool
	kind          byte
	length, shift int
	skip          int
}

const (
	inAttributes = iota
	atType
	inLength
	inPayload
	atEnd
)

func (s *recordScanner) scan(b []byte) bool {
	for i := 0; i < len(b); {
		switch s.state {
		case inAttributes:
			switch {
			case b[i] != 0:
				s.inside = true
			case !s.inside && !s.value:
				s.state = atType
			default:
				s.inside, s.value = false, !s.value
			}
			i++
		case atType:
			s.kind, s.length, s.shift, s.state = b[i], 0, 0, inLength
			i++
		case inLength:
			s.length |= int(b[i]&0x7f) << s.shift
			s.shift += 7
			if b[i]&0x80 == 0 {
				s.skip, s.state = s.length, inPayload
				if s.kind == 'E' && s.length == 0 {
					s.state = atEnd
				} else if s.length == 0 {
					s.state = atType
				}
			}
			i++
		case inPayload:
			n := min(s.skip, len(b)-i)
			s.skip -= n
			i += n
			if s.skip == 0 {
				s.state = atType
			}
		case atEnd:
			return true
		}
	}
	return s.state == atEnd
}

// Text shows the bytes sent to cleanup(8) one attribute or record a line, for
// comparison and for reading. Every byte is in it.
func (m Message) Text() string {
	var out strings.Builder
	b := m.Bytes
	list, rest, found := bytes.Cut(b, []byte("\x00\x00"))
	if found {
		fmt.Fprintf(&out, "attributes %q\n", list)
	} else {
		fmt.Fprintf(&out, "unfinished attributes %q\n", b)
		rest = nil
	}
	for len(rest) > 0 {
		length, n := 0, 1
		for shift := 0; ; shift += 7 {
			if n >= len(rest) {
				fmt.Fprintf(&out, "unfinished %q\n", rest)
				return out.String()
			}
			length |= int(rest[n]&0x7f) << shift
			n++
			if rest[n-1]&0x80 == 0 {
				break
			}
		}
		if length > len(rest)-n {
			fmt.Fprintf(&out, "unfinished %q\n", rest)
			break
		}
		fmt.Fprintf(&out, "%c %q\n", rest[0], rest[n:n+length])
		rest = rest[n+length:]
	}
	if !m.Complete {
		fmt.Fprintf(&out, "no E\n")
	}
	return out.String()
}

// RemoveSocket removes what ListenCleanup left at path, for a socket that
// disappears.
func RemoveSocket(path string) { os.Remove(path) }
