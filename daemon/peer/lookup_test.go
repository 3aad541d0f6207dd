package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// table is a resolver with fixed answers.
type table struct {
	names map[string]string
	addrs map[string]string // blank separated, or an error as ERROR:number
}

func (r table) LookupName(_ context.Context, a netip.Addr) (string, error) {
	if name, ok := r.names[a.String()]; ok {
		return name, nil
	}
	return "", hostname.NoName
}

func (r table) LookupAddrs(_ context.Context, name string, family hostname.Family) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, s := range strings.Fields(r.addrs[name]) {
		if code, ok := strings.CutPrefix(s, "ERROR:"); ok {
			n, _ := strconv.Atoi(code)
			return nil, hostname.LookupError(n)
		}
		if a := netip.MustParseAddr(s); a.Is6() == (family == hostname.IPv6) {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, hostname.NoData
	}
	return addrs, nil
}

// connected returns the server's end of a TCP connection from one address to
// another, and the client's port.
func connected(t *testing.T, network, from, to string) (net.Conn, string) {
	t.Helper()
	ln, err := net.Listen(network, net.JoinHostPort(to, "0"))
	if err != nil {
		t.Skipf("SKIPPED: cannot listen at %s: %v", to, err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", net.JoinHostPort(from, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	_, port, _ = net.SplitHostPort(c.LocalAddr().String())
	return s, port
}

type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func testLog() (*maillog.Logger, *logBuffer) {
	var b logBuffer
	l := maillog.New(time.Now)
	l.AddPlain(&b, "q")
	return l, &b
}

func TestLookup(t *testing.T) {
	r := table{
		names: map[string]string{
			"127.0.0.1": "LocalHost.Example", "127.0.0.2": "two.test", "127.0.0.3": "three.test",
			"127.0.0.4": "four.test", "127.0.0.5": "five.test", "127.0.0.6": "12.34.56.78", "127.0.0.7": "bad_name!.example",
			"127.0.0.8": "-x.example", "127.0.0.9": "", "127.0.0.10": "ten.test", "127.0.0.11": "six.test",
			"127.0.0.13": "trail.test.", "127.0.0.14": "1234", "127.0.0.15": ".", "::1": "six.test", "::ffff:127.0.0.1": "LocalHost.Example",
		},
		addrs: map[string]string{
			"LocalHost.Example": "10.0.0.1 127.0.0.1", "two.test": "127.0.0.9 127.0.0.8", "three.test": "ERROR:1", "four.test": "ERROR:2",
			"five.test": "ERROR:3", "six.test": "::1", "ten.test": "ERROR:4",
		},
	}
	for _, tt := range []struct {
		name, network, from, to string
		options                 Options
		want                    string // name[addr] rfcaddr family
		log                     string
	}{
		{"verified", "tcp4", "127.0.0.1", "127.0.0.1", Options{}, "LocalHost.Example[127.0.0.1] 127.0.0.1 2", ""},
		{"other addresses", "tcp4", "127.0.0.2", "127.0.0.2", Options{}, "unknown[127.0.0.2] 127.0.0.2 2",
			"q: warning: hostname 127.0.0.2 does not resolve to address two.test\n"},
		{"no such name", "tcp4", "127.0.0.3", "127.0.0.3", Options{}, "unknown[127.0.0.3] 127.0.0.3 2",
			"q: warning: hostname three.test does not resolve to address 127.0.0.3: Name or service not known\n"},
		{"no address", "tcp4", "127.0.0.4", "127.0.0.4", Options{}, "unknown[127.0.0.4] 127.0.0.4 2",
			"q: warning: hostname four.test does not resolve to address 127.0.0.4: No address associated with hostname\n"},
		{"failure", "tcp4", "127.0.0.5", "127.0.0.5", Options{}, "unknown[127.0.0.5] 127.0.0.5 2",
			"q: warning: hostname five.test does not resolve to address 127.0.0.5: Temporary failure in name resolution\n"},
		{"numeric", "tcp4", "127.0.0.6", "127.0.0.6", Options{}, "unknown[127.0.0.6] 127.0.0.6 2", "q: warning: numeric hostname: 12.34.56.78\n"},
		{"bad character", "tcp4", "127.0.0.7", "127.0.0.7", Options{}, "unknown[127.0.0.7] 127.0.0.7 2",
			"q: warning: valid_hostname: invalid character 33(decimal): bad_name!.example\n"},
		{"hyphen", "tcp4", "127.0.0.8", "127.0.0.8", Options{}, "unknown[127.0.0.8] 127.0.0.8 2",
			"q: warning: valid_hostname: misplaced hyphen: -x.example\n"},
		{"empty name", "tcp4", "127.0.0.9", "127.0.0.9", Options{}, "unknown[127.0.0.9] 127.0.0.9 2", "q: warning: valid_hostname: empty hostname\n"},
		{"system error", "tcp4", "127.0.0.10", "127.0.0.10", Options{}, "unknown[127.0.0.10] 127.0.0.10 2",
			"q: warning: hostname ten.test does not resolve to address 127.0.0.10: System error\n"},
		{"address of the other family", "tcp4", "127.0.0.11", "127.0.0.11", Options{}, "unknown[127.0.0.11] 127.0.0.11 2",
			"q: warning: hostname six.test does not resolve to address 127.0.0.11: No address associated with hostname\n"},
		{"no name", "tcp4", "127.0.0.12", "127.0.0.12", Options{}, "unknown[127.0.0.12] 127.0.0.12 2", ""},
		{"final dot", "tcp4", "127.0.0.13", "127.0.0.13", Options{}, "unknown[127.0.0.13] 127.0.0.13 2",
			"q: warning: valid_hostname: misplaced delimiter: trail.test.\n"},
		{"digits", "tcp4", "127.0.0.14", "127.0.0.14", Options{}, "unknown[127.0.0.14] 127.0.0.14 2", "q: warning: valid_hostname: numeric hostname: 1234\n"},
		{"root", "tcp4", "127.0.0.15", "127.0.0.15", Options{}, "unknown[127.0.0.15] 127.0.0.15 2", "q: warning: valid_hostname: misplaced delimiter: .\n"},
		{"IPv6", "tcp6", "::1", "::1", Options{}, "six.test[::1] IPv6:::1 10", ""},
		{"mapped", "tcp", "127.0.0.1", "::", Options{}, "LocalHost.Example[127.0.0.1] 127.0.0.1 2", ""},
		{"mapped without IPv4", "tcp", "127.0.0.1", "::", Options{IPv6: true, InetProtocols: "ipv6"},
			"unknown[::ffff:127.0.0.1] IPv6:::ffff:127.0.0.1 10",
			"q: warning: hostname LocalHost.Example does not resolve to address ::ffff:127.0.0.1: No address associated with hostname\n"},
		{"no resolver", "tcp4", "127.0.0.1", "127.0.0.1", Options{IPv4: true, Owner: os.Getuid()}, "unknown[127.0.0.1] 127.0.0.1 2", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, port := connected(t, tt.network, tt.from, tt.to)
			o := tt.options
			if !o.IPv4 && !o.IPv6 {
				o.IPv4, o.IPv6 = true, true
			}
			if o.Owner == 0 {
				o.Owner = -1
			}
			if tt.name != "no resolver" {
				o.Resolver = r
			}
			log, lines := testLog()
			got, err := o.Lookup(context.Background(), c, log)
			if err != nil {
				t.Fatal(err)
			}
			text := got.NameAddr(false) + " " + got.RFCAddr + " " + strconv.Itoa(got.Family)
			if d := cmp.Diff([]string{tt.want, port, tt.log}, []string{text, got.Port, lines.b.String()}); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLookupFails(t *testing.T) {
	c, _ := connected(t, "tcp4", "127.0.0.1", "127.0.0.1")
	six, _ := connected(t, "tcp6", "::1", "::1")
	for _, tt := range []struct {
		name    string
		conn    net.Conn
		options Options
		want    string
		log     string
	}{
		{"nothing enabled", c, Options{}, "all network protocols are disabled (inet_protocols = )", ""},
		{"IPv4 disabled", c, Options{IPv6: true, InetProtocols: "ipv6"}, `cannot handle socket type AF_INET with "inet_protocols = ipv6"`, ""},
		{"IPv6 disabled", six, Options{IPv4: true, InetProtocols: "ipv4"}, `cannot handle socket type AF_INET6 with "inet_protocols = ipv4"`, ""},
		{"another user", c, Options{IPv4: true, Owner: os.Getuid() + 1}, "the Postfix QMQP server must run with $mail_owner privileges",
			"q: error: incorrect QMQP server privileges: uid=" + strconv.Itoa(os.Getuid()) + " euid=" + strconv.Itoa(os.Geteuid()) + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, lines := testLog()
			_, err := tt.options.Lookup(context.Background(), tt.conn, log)
			var f *maillog.Failure
			if !errors.As(err, &f) || f.Text != tt.want || lines.b.String() != tt.log {
				t.Errorf("%v, log %q", err, lines.b.String())
			}
		})
	}
}

// A session must not wait for names longer than its context lasts.
func TestLookupCancelled(t *testing.T) {
	c, _ := connected(t, "tcp4", "127.0.0.1", "127.0.0.1")
	cause := errors.New("overdue")
	ctx, cancel := context.WithCancelCause(context.Background())
	o := Options{IPv4: true, Owner: -1, Resolver: waiting{func() { cancel(cause) }}}
	log, lines := testLog()
	if _, err := o.Lookup(ctx, c, log); !errors.Is(err, cause) || lines.b.String() != "" {
		t.Errorf("%v %q", err, lines.b.String())
	}
}

type waiting struct{ cancel func() }

func (w waiting) LookupName(ctx context.Context, _ netip.Addr) (string, error) {
	w.cancel()
	<-ctx.Done()
	return "", ctx.Err()
}

func (w waiting) LookupAddrs(context.Context, string, hostname.Family) ([]netip.Addr, error) {
	return nil, hostname.NoName
}

func TestNotTCP(t *testing.T) {
	o := Options{IPv4: true, Owner: os.Getuid() + 1} // not asked here
	local := Client{Name: "localhost", Addr: "127.0.0.1", RFCAddr: "127.0.0.1", Port: "0"}
	gone := Client{Name: "unknown", Addr: "unknown", RFCAddr: "unknown", Port: "unknown"}

	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	d, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	unixConn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer unixConn.Close()
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	closed, _ := connected(t, "tcp4", "127.0.0.1", "127.0.0.1")
	_ = closed.Close()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	socket := os.NewFile(uintptr(fd), "not connected")
	defer socket.Close()
	for _, tt := range []struct {
		name string
		conn net.Conn
		want Client
	}{
		{"UNIX-domain socket", unixConn, local},
		{"no descriptor", pipe, local},
		{"no socket", fileConn{file, pipe}, local},
		{"not connected", fileConn{socket, pipe}, gone},
		{"closed", closed, gone},
	} {
		log, lines := testLog()
		got, err := o.Lookup(context.Background(), tt.conn, log)
		if d := cmp.Diff(tt.want, got); d != "" || err != nil || lines.b.String() != "" {
			t.Errorf("%s: %v %s %s", tt.name, err, d, lines.b.String())
		}
	}
	if got := gone.NameAddr(true); got != "unknown[unknown]:unknown" {
		t.Error(got)
	}
}

// fileConn is a connection on any file.
type fileConn struct {
	*os.File
	rest net.Conn
}

func (c fileConn) LocalAddr() net.Addr  { return c.rest.LocalAddr() }
func (c fileConn) RemoteAddr() net.Addr { return c.rest.RemoteAddr() }
