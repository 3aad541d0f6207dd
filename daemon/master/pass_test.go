package master

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
)

// passed is a client connection, and the server's end of it, which is to be
// passed.
func passed(t *testing.T) (client net.Conn, server *os.File) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = client.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = client.Close() })
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	t.Cleanup(func() { _ = f.Close() })
	return client, f
}

// pass sends a descriptor, if there is one, and attributes over a link.
func pass(t *testing.T, link net.Conn, server *os.File, attributes string) {
	t.Helper()
	u := link.(*net.UnixConn)
	if server != nil {
		if _, _, err := u.WriteMsgUnix([]byte{0}, unix.UnixRights(int(server.Fd())), nil); err != nil {
			t.Fatal(err)
		}
		_ = server.Close()
	}
	if _, err := io.WriteString(u, attributes); err != nil {
		t.Fatal(err)
	}
}

func TestPass(t *testing.T) {
	for _, sessions := range []int{1, 3} {
		for _, attributes := range []string{
			"\x00", "{\x00}\x00\x00", "{\x00a\x00b\x00}\x00\x00", "client_address\x00192.0.2.1\x00client_port\x0025\x00\x00",
			"{\x00a\x00b\x00}\x00c\x00d\x00\x00", "{\x00\x00", "}\x00{\x00\x00", strings.Repeat("a", 5000) + "\x00b\x00\x00",
		} {
			s := newService(t, Pass)
			done := s.start(func(c *Config) { c.Sessions = sessions })
			client, server := passed(t)
			link := s.dial()
			pass(t, link, server, attributes)
			quit(t, client)
			if got := s.records(2); got != "TA" {
				t.Error(got)
			}
			if _, err := link.Read(make([]byte, 1)); err != io.EOF {
				t.Error(err)
			}
			s.masterEnds()
			exitsZero(t, done)
			s.wantLog("")
		}
	}
}

// What others have made of a descriptor is not what a poller needs: a client's that
// blocks would hold up all sessions.
func TestPassedBlocks(t *testing.T) {
	s := newService(t, Pass)
	flags := make(chan [2]int, 1)
	done := s.start(func(c *Config) {
		c.Sessions = 3
		c.Handler = func(_ context.Context, c net.Conn, _ time.Time) error {
			raw, err := c.(syscall.Conn).SyscallConn()
			if err != nil {
				return err
			}
			return raw.Control(func(fd uintptr) {
				status, _ := unix.FcntlInt(fd, unix.F_GETFL, 0)
				own, _ := unix.FcntlInt(fd, unix.F_GETFD, 0)
				flags <- [2]int{status & unix.O_NONBLOCK, own}
			})
		}
	})
	_, server := passed(t)
	if err := unix.SetNonblock(int(server.Fd()), false); err != nil {
		t.Fatal(err)
	}
	pass(t, s.dial(), server, "\x00")
	if got := <-flags; got != [2]int{unix.O_NONBLOCK, unix.FD_CLOEXEC} {
		t.Errorf("flags %#o", got)
	}
	s.masterEnds()
	exitsZero(t, done)
}

// A listener that fails is told of as the original does, which then tries again.
func TestPassAcceptFails(t *testing.T) {
	for _, sessions := range []int{1, 3} {
		s := newService(t, Pass)
		done := s.start(func(c *Config) { c.Sessions, c.Listeners = sessions, []int{deaf(t)} })
		wantFailure(t, exits(t, done), "too many errors - program terminated")
		s.wantLog(strings.Repeat("q: warning: pass_accept_attr: cannot accept connection: Invalid argument\n"+
			"q: error: accept connection: Invalid argument\n", 13))
	}
}

func TestPassFails(t *testing.T) {
	for _, tt := range []struct{ name, sent, want string }{
		{"nothing", "",
			"q: warning: pass_accept_attr: cannot receive file descriptor: No such file or directory\nq: error: accept connection: No such file or directory\n"},
		{"cut short in a value", "+a\x00b",
			"q: warning: unexpected end-of-input from unknown_stream while reading input attribute value\n" +
				"q: warning: pass_accept_attr: cannot receive connection attributes: No such file or directory\nq: error: accept connection: No such file or directory\n"},
		{"cut short before a value", "+a\x00",
			"q: warning: premature end-of-input on unknown_stream while reading input attribute value\n" +
				"q: warning: pass_accept_attr: cannot receive connection attributes: No such file or directory\nq: error: accept connection: No such file or directory\n"},
		{"no list", "+",
			"q: warning: pass_accept_attr: cannot receive connection attributes: No such file or directory\nq: error: accept connection: No such file or directory\n"},
		{"data without a descriptor", "x\x00",
			"q: warning: pass_accept_attr: cannot receive file descriptor: No such file or directory\nq: error: accept connection: No such file or directory\n"},
	} {
		for _, sessions := range []int{1, 3} {
			t.Run(fmt.Sprint(tt.name, sessions), func(t *testing.T) {
				s := newService(t, Pass)
				done := s.start(func(c *Config) { c.Sessions = sessions })
				link := s.dial()
				var lost *os.File
				sent, with := strings.CutPrefix(tt.sent, "+")
				if with {
					_, lost = passed(t)
				}
				pass(t, link, lost, sent)
				_ = link.(*net.UnixConn).CloseWrite()
				_, _ = link.Read(make([]byte, 1))
				if sessions > 1 { // the attempt was one
					if got := s.records(2); got != "TA" {
						t.Error(got)
					}
				}
				client, server := passed(t)
				pass(t, s.dial(), server, "\x00")
				quit(t, client)
				if got := s.records(2); got != "TA" {
					t.Error(got)
				}
				s.masterEnds()
				exitsZero(t, done)
				s.wantLog(tt.want)
			})
		}
	}
}

// What goes wrong without an error number is told with the one that sessions before it
// have left in the original.
func TestPassFailsLater(t *testing.T) {
	for _, sessions := range []int{1, 3} {
		for before, want := range []string{"No such file or directory", "No such file or directory", "Application error", "Application error"} {
			t.Run(fmt.Sprint(before, " before, ", sessions), func(t *testing.T) {
				s := newService(t, Pass)
				done := s.start(func(c *Config) { c.Sessions = sessions })
				good := func() {
					client, server := passed(t)
					pass(t, s.dial(), server, "\x00")
					quit(t, client)
					if got := s.records(2); got != "TA" {
						t.Error(got)
					}
				}
				for range before {
					good()
				}
				link := s.dial()
				_, lost := passed(t)
				pass(t, link, lost, "")
				_ = link.(*net.UnixConn).CloseWrite()
				_, _ = link.Read(make([]byte, 1))
				if sessions > 1 { // the attempt was one
					if got := s.records(2); got != "TA" {
						t.Error(got)
					}
				}
				good()
				s.masterEnds()
				exitsZero(t, done)
				s.wantLog("q: warning: pass_accept_attr: cannot receive connection attributes: " + want + "\nq: error: accept connection: " + want + "\n")
			})
		}
	}
}

func TestPassTimeout(t *testing.T) {
	s := newService(t, Pass)
	for _, tt := range []struct{ name, attributes, want string }{
		{"no descriptor", "-", "q: warning: pass_accept_attr: timeout receiving file descriptor: Connection timed out\n"},
		{"no attributes", "", "q: warning: pass_accept_attr: cannot receive connection attributes: Connection timed out\n"},
		{"name without a value", "a\x00", "q: warning: timeout on unknown_stream while reading input attribute value\n" +
			"q: warning: pass_accept_attr: cannot receive connection attributes: Connection timed out\n"},
		{"half an attribute", "a\x00b", "q: warning: unexpected end-of-input from unknown_stream while reading input attribute value\n" +
			"q: warning: pass_accept_attr: cannot receive connection attributes: Connection timed out\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(s.log.String())
			link := s.dial()
			fd, err := accept(s.listener, Pass)
			if err != nil {
				t.Fatal(err)
			}
			client, server := passed(t)
			if tt.attributes != "-" {
				pass(t, link, server, tt.attributes)
			}
			if _, err := receivePassed(fd, s.config.Log, 30*time.Millisecond, unix.ENOENT); err == nil {
				t.Error("received")
			}
			if got := s.log.String()[before:]; got != tt.want {
				t.Errorf("got %q", got)
			}
			if tt.attributes != "-" {
				if _, err := client.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("client not closed: %v", err)
				}
			}
		})
	}
}

// One that connects and sends nothing must not hold up others, nor may it
// make the process exit from under them.
func TestSlowPasser(t *testing.T) {
	s := newService(t, Pass)
	done := s.start(func(c *Config) { c.Sessions = 3 })
	slow := s.dial()
	s.records(1)
	client, server := passed(t)
	pass(t, s.dial(), server, "\x00")
	quit(t, client)
	s.masterEnds()
	client, server = passed(t)
	pass(t, slow, server, "\x00")
	quit(t, client)
	exitsZero(t, done)
}

// What was passed and is of no use is closed again.
func TestPassedTwo(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	var readers, writers [2]*os.File
	var rights []int
	for i := range readers {
		if readers[i], writers[i], err = os.Pipe(); err != nil {
			t.Fatal(err)
		}
		defer readers[i].Close()
		defer writers[i].Close()
		rights = append(rights, int(writers[i].Fd()))
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(rights...), nil, 0); err != nil {
		t.Fatal(err)
	}
	fd, err := receiveDescriptor(pair[1])
	if err == nil {
		_ = unix.Close(fd)
	}
	// Where the buffer for one has no room for two, the kernel keeps the second one,
	// and nobody knows of it.
	if room := unix.CmsgSpace(4) >= unix.CmsgLen(8); room != (err != nil) {
		t.Errorf("room for two: %t, took descriptor %d, %v", room, fd, err)
	}
	for i, r := range readers {
		_ = writers[i].Close()
		_ = r.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := r.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a passed descriptor is still open: %v", err)
		}
	}
}

// With -v it is told what is wanted and what comes, also where a group begins and ends;
// and there is an end to attributes.
func TestPassVerbose(t *testing.T) {
	const name, value = "q: input attribute name: ", "q: input attribute value: "
	const any, inGroup, none = "q: unknown_stream: wanted attribute: (any attribute name or list terminator)\n",
		"q: unknown_stream: wanted attribute: (any attribute name or '}')\n", "q: unknown_stream: wanted attribute: (list terminator)\n"
	long := strings.Repeat("a", 5000)
	for _, tt := range []struct {
		attributes, want string
		fails            error
	}{
		{"\x00", any + name + "(end)\n", nil},
		{"a\x00b\x00\x00", any + name + "a\n" + value + "b\n" + any + name + "(end)\n", nil},
		{"a\x00\x00\x00", any + name + "a\n" + value + "(end)\n" + any + name + "(end)\n", nil},
		{"{\x00{\x00v\x00}\x00}\x00w\x00\x00", any + name + "{\n" + inGroup + name + "{\n" + value + "v\n" + inGroup + name + "}\n" +
			none + name + "}\n" + value + "w\n" + none + name + "(end)\n", nil},
		{"}\x00v\x00\x00", any + name + "}\n" + value + "v\n" + any + name + "(end)\n", nil},
		{strings.Repeat("a\x00b\x00", maxAttributes) + "\x00", strings.Repeat(any+name+"a\n"+value+"b\n", maxAttributes) + any + name + "(end)\n", nil},
		{strings.Repeat("a\x00b\x00", maxAttributes+1), strings.Repeat(any+name+"a\n"+value+"b\n", maxAttributes+1), unix.EMSGSIZE},
		{"", "", errStale},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			w.WriteString(tt.attributes)
			w.Close()
		}()
		var log safeBuffer
		logger := maillog.New(time.Now).WithVerbose(1)
		logger.AddPlain(&log, "q")
		if err := skipAttributes(int(r.Fd()), patience, logger); !errors.Is(err, tt.fails) {
			t.Errorf("%.40q: %v", tt.attributes, err)
		}
		if d := cmp.Diff(tt.want, log.String()); d != "" {
			t.Errorf("%.40q: %s", tt.attributes, d)
		}
		r.Close()
	}
	// Without -v there is nothing to tell, and hardly anything to keep.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		w.WriteString(long + "\x00")
		w.Close()
	}()
	b := &byteReader{fd: int(r.Fd()), end: time.Now().Add(patience)}
	if got, err := b.field(maillog.New(time.Now), "x", "y"); got != long[:16] || err != nil || b.read != len(long)+1 {
		t.Errorf("%q, %v, %d bytes read", got, err, b.read)
	}
}
