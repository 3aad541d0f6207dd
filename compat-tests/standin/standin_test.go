package standin

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestCleanup talks to the stand-in cleanup(8) in pieces of every size, so
// that no boundary hides the end of the records.
func TestCleanup(t *testing.T) {
	const request = "flags\x00114\x00\x00T\x031 2S\x00R\x82\x01" + // a record of 130 bytes
		"EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE" +
		"EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE" +
		"X\x00E\x00"
	path := filepath.Join(t.TempDir(), "cleanup")
	c := ListenCleanup(t, path, func(n int) Verdict {
		if n == 0 {
			return Verdict{Status: 8, Reason: "no"}
		}
		return Verdict{QueueID: "OTHER"}
	})
	for n, piece := range []int{1, 2, 3, 7, len(request)} {
		conn, err := postfix.DialUnix(path)
		if err != nil {
			t.Fatal(err)
		}
		client := &Client{conn: conn}
		if err := client.SendSlowly([]byte(request), piece, 0); err != nil {
			t.Fatal(err)
		}
		client.HalfClose()
		got, err := client.ReadAll(10 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		want := string(Greeting("OTHER")) + "status\x000\x00reason\x00\x00\x00"
		if n == 0 {
			want = string(Greeting(DefaultQueueID)) + "status\x008\x00reason\x00no\x00\x00"
		}
		if string(got) != want {
			t.Errorf("pieces of %d: answer %q, want %q", piece, got, want)
		}
		client.Close()
	}
	for n, m := range c.Messages(10 * time.Second) {
		if string(m.Bytes) != request || !m.Complete || !m.Closed {
			t.Errorf("message %d: %+v", n, m)
		}
		if got, want := m.Text(), "attributes \"flags\\x00114\"\nT \"1 2\"\nS \"\"\nR \""+strings.Repeat("E", 130)+"\"\nX \"\"\nE \"\"\n"; got != want {
			t.Errorf("message %d: text\n%s, want\n%s", n, got, want)
		}
	}
}

// TestDNS asks the stand-in server with the system's own resolver code.
func TestDNS(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("port 53 is for root")
	}
	addr := ServeDNS(t, Zone{
		PTR:   map[string][]string{"127.0.0.9": {"Nine.example."}, "::9": {"six.example."}},
		Addr:  map[string][]string{"nine.example.": {"127.0.0.9", "::9"}, "empty.example.": {}},
		CNAME: map[string]string{"alias.example.": "nine.example."},
		Fail:  map[string]dnsmessage.RCode{"broken.example.": dnsmessage.RCodeServerFailure},
	})
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(addr, "53"))
	}}
	ctx := context.Background()
	for address, want := range map[string]string{"127.0.0.9": "Nine.example.", "::9": "six.example."} {
		if names, err := resolver.LookupAddr(ctx, address); err != nil || len(names) != 1 || names[0] != want {
			t.Errorf("names of %s: %q, %v, want %q", address, names, err, want)
		}
	}
	for name, want := range map[string]int{"nine.example.": 2, "alias.example.": 2} {
		if addrs, err := resolver.LookupHost(ctx, name); err != nil || len(addrs) != want {
			t.Errorf("addresses of %s: %q, %v, want %d", name, addrs, err, want)
		}
	}
	for _, name := range []string{"empty.example.", "missing.example.", "broken.example."} {
		if addrs, err := resolver.LookupHost(ctx, name); err == nil {
			t.Errorf("addresses of %s: %q, want an error", name, addrs)
		}
	}
}

// copyOf keeps a copy of a descriptor until the end of the test, as a process has that is
// being started.
func copyOf(t *testing.T, socket syscall.Conn) {
	t.Helper()
	conn, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if err := errors.Join(conn.Control(func(original uintptr) { fd, err = syscall.Dup(int(original)) }), err); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
}

// TestCleanupClosed shows that a connection is closed once the stand-in cleanup(8) has left
// it, and that nobody listens once all of it is closed.
func TestCleanupClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cleanup")
	c := ListenCleanup(t, path, nil)
	conn, err := postfix.DialUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	copyOf(t, c.ln)
	copyOf(t, c.conns[0])
	c.Close()
	if _, err := conn.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write to a closed connection: %v, want %v", err, syscall.EPIPE)
	}
	if conn, err := postfix.DialUnix(path); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connection %v, error %v, want %v", conn, err, syscall.ECONNREFUSED)
	}
}

// TestChild starts a shell in the place of a daemon, which writes one status
// record and a half and ends when the status channel is closed.
func TestChild(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chroot(2) is for root")
	}
	ln := ListenTCP(t, "127.0.0.1")
	c := StartChild(t, ChildSpec{
		Root: "/", Program: "/bin/sh", Dir: "/tmp",
		Argv:    []string{"sh", "-c", `printf '\002\000\000\000\007\000\000\000\001\000\000\000ab' >&5; cat <&5; exit 3`},
		Env:     []string{"PATH=/usr/bin:/bin"},
		Sockets: []*Listener{ln},
	})
	if !c.WaitRecords(1, 10*time.Second) {
		t.Fatal("no status record")
	}
	records, rest := c.Records()
	if len(records) != 1 || records[0] != (Record{PID: 2, Generation: 7, Status: 1}) || string(rest) != "ab" {
		t.Errorf("status records %v and %q", records, rest)
	}
	copyOf(t, c.status)
	c.CloseStatus()
	if !c.Wait(10 * time.Second) {
		t.Fatal("the child does not see the closed status channel")
	}
	if how, _ := c.End(); how != "exit 3" {
		t.Errorf("the child ended with %s, want exit 3", how)
	}
}

// TestReset ends TCP connections of which there are copies: with a reset, and with bytes
// that come together with the end.
func TestReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pair := func() (client, server *net.TCPConn) {
		t.Helper()
		one, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		other, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { one.Close(); other.Close() })
		one.SetDeadline(time.Now().Add(10 * time.Second))
		return one.(*net.TCPConn), other.(*net.TCPConn)
	}
	client, server := pair()
	copyOf(t, server)
	Reset(server)
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read of a reset connection: %v, want %v", err, syscall.ECONNRESET)
	}
	client, server = pair()
	if err := SayLast(server, "last"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := client.Read(buf); string(buf[:n]) != "last" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	control(client, func(fd int) {
		if n, _, err := syscall.Recvfrom(fd, buf, syscall.MSG_DONTWAIT); n != 0 || err != nil {
			t.Errorf("after the last bytes: %d bytes, error %v, want the end at once", n, err)
		}
	})
	client, server = pair()
	copyOf(t, server)
	leave(server)
	if n, err := client.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("read of a connection that was left: %d bytes, %v", n, err)
	}
}
