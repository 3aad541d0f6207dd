package standin

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Edit is one change that a Milter asks for at the end of a message: the code of the
// reply in the Milter protocol, and what follows it.
type Edit struct {
	Code byte
	Data []byte
}

// The edits of the Milter protocol, version 6. Places of headers count from 1 among
// those of one name, and for InsertHeader from 0 among all.

// AddHeader adds a header at the end.
func AddHeader(name, value string) Edit { return Edit{'h', nulEnded(name, value)} }

// InsertHeader adds a header before the one at place.
func InsertHeader(place uint32, name, value string) Edit {
	return Edit{'i', append(binary.BigEndian.AppendUint32(nil, place), nulEnded(name, value)...)}
}

// ChangeHeader gives a header another value; "" removes it.
func ChangeHeader(place uint32, name, value string) Edit {
	return Edit{'m', append(binary.BigEndian.AppendUint32(nil, place), nulEnded(name, value)...)}
}

// ReplaceBody puts text in place of the body, after that of earlier ReplaceBody edits
// of the same message. Lines end with CR LF.
func ReplaceBody(text string) Edit { return Edit{'b', []byte(text)} }

// AddRecipient adds a recipient, with ESMTP arguments if there are any.
func AddRecipient(address, args string) Edit {
	if args == "" {
		return Edit{'+', nulEnded(address)}
	}
	return Edit{'2', nulEnded(address, args)}
}

// DeleteRecipient removes a recipient.
func DeleteRecipient(address string) Edit { return Edit{'-', nulEnded(address)} }

// ChangeSender changes the sender, with ESMTP arguments if there are any.
func ChangeSender(address, args string) Edit {
	if args == "" {
		return Edit{'e', nulEnded(address)}
	}
	return Edit{'e', nulEnded(address, args)}
}

// Quarantine puts the message on hold.
func Quarantine(reason string) Edit { return Edit{'q', nulEnded(reason)} }

func nulEnded(texts ...string) []byte {
	var b []byte
	for _, s := range texts {
		b = append(append(b, s...), 0)
	}
	return b
}

// Milter is a mail filter that asks for the edits which belong to a message's Subject.
type Milter struct {
	// Addr is the filter's host:port.
	Addr string

	ln    net.Listener
	mu    sync.Mutex
	edits map[string][]Edit
}

// ListenMilter starts a Milter on a free port of 127.0.0.1.
func ListenMilter(t testing.TB) *Milter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &Milter{Addr: ln.Addr().String(), ln: ln, edits: make(map[string][]Edit)}
	t.Cleanup(func() { ln.Close() })
	go acceptEach(ln, m.serve)
	return m
}

// Setting returns the Milter as the parameters smtpd_milters and non_smtpd_milters
// name it.
func (m *Milter) Setting() string { return "inet:" + m.Addr }

// For says which edits to ask for, in this order, when a message has the Subject.
func (m *Milter) For(subject string, edits ...Edit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.edits[subject] = edits
}

func (m *Milter) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	subject := ""
	say := func(code byte, data []byte) {
		b := binary.BigEndian.AppendUint32(nil, uint32(1+len(data)))
		conn.Write(append(append(b, code), data...))
	}
	for {
		conn.SetDeadline(time.Now().Add(time.Minute))
		var length uint32
		if binary.Read(in, binary.BigEndian, &length) != nil || length == 0 || length > 1<<24 {
			return
		}
		packet := make([]byte, length)
		if _, err := io.ReadFull(in, packet); err != nil {
			return
		}
		switch command, data := packet[0], packet[1:]; command {
		case 'O':
			// Every edit there is, and all events.
			const version, actions, events = 6, 0x1ff, 0
			b := binary.BigEndian.AppendUint32(nil, version)
			b = binary.BigEndian.AppendUint32(b, actions)
			say('O', binary.BigEndian.AppendUint32(b, events))
		case 'D', 'A', 'K': // macros, abort, quit without end: no answer
		case 'Q':
			return
		case 'L':
			name, value, _ := strings.Cut(strings.TrimRight(string(data), "\x00"), "\x00")
			if strings.EqualFold(name, "Subject") {
				subject = strings.TrimSpace(value)
			}
			say('c', nil)
		case 'E':
			m.mu.Lock()
			edits := m.edits[subject]
			m.mu.Unlock()
			for _, e := range edits {
				say(e.Code, e.Data)
			}
			say('c', nil)
			subject = ""
		default:
			say('c', nil)
		}
	}
}
