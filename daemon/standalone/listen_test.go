package standalone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-multierror"
	"golang.org/x/sys/unix"
)

// own returns a loopback address on which no other program is likely to want a port: one
// that is free on the first address is free on the second, and stays so.
func own(n byte) string {
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, 1 + byte(pid>>8)%254, byte(pid), n}).String()
}

// A name stands for all its addresses that this machine has, at one port.
func TestListenName(t *testing.T) {
	const elsewhere = "192.0.2.1" // TEST-NET-1
	one, two := own(1), own(2)
	lookup := func(_ context.Context, host string) ([]string, error) {
		switch host {
		case "both":
			return []string{one, elsewhere, two, one}, nil
		case "gone":
			return []string{elsewhere}, nil
		}
		return nil, errors.New("no such host " + host)
	}
	ls, err := listen(t.Context(), "tcp", []string{"both:0"}, lookup)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range ls {
		host, port, _ := net.SplitHostPort(l.Addr().String())
		if _, first, _ := net.SplitHostPort(ls[0].Addr().String()); port != first {
			t.Errorf("port %s, then %s", first, port)
		}
		got = append(got, host)
	}
	if want := []string{one, two}; !slices.Equal(got, want) {
		t.Errorf("listening on %q, want %q", got, want)
	}
	// One that is in use is an error, and so is a name without any address
	// of this machine; what was opened before is closed.
	busy := ls[1].Addr().String()
	ls[0].Close()
	free := ls[0].Addr().String()
	_, port, _ := net.SplitHostPort(busy)
	_, err = listen(t.Context(), "tcp", []string{"both:" + port, "gone:0", "nowhere:0"}, lookup)
	if err == nil || !strings.Contains(err.Error(), "address already in use") ||
		!strings.Contains(err.Error(), "cannot assign requested address") || !strings.Contains(err.Error(), "no such host nowhere") {
		t.Errorf("%v", err)
	}
	l, err := net.Listen("tcp", free)
	if err != nil {
		t.Fatalf("a listener was left open: %v", err)
	}
	l.Close()
	ls[1].Close()
}

// A server that is too busy to take another client has its socket still, and
// no address at all is not all addresses.
func TestListenLeavesBusyServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	_, err = Listen(t.Context(), "tcp", []string{"unix:" + path, "", "unix:"})
	if err == nil || !strings.Contains(err.Error(), "another server") || strings.Count(err.Error(), "empty address") != 2 {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

// A socket's path may be longer than an address: the listener says so, another server
// is found there, an abandoned socket is replaced, and at the end nothing is left.
func TestListenLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	addr := []string{"unix:" + filepath.Join(dir, "socket")}
	listen := func() net.Listener {
		t.Helper()
		ls, err := Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		return ls[0]
	}
	l := listen()
	if "unix:"+l.Addr().String() != addr[0] {
		t.Errorf("listens on %s", l.Addr())
	}
	if _, err := Listen(t.Context(), "tcp", addr); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("%v", err)
	}
	l.(*unixListener).UnixListener.Close()
	l = listen()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// A second one may be there by now.
	second := listen()
	defer second.Close()
	if err := l.Close(); err == nil {
		t.Error("closed twice")
	}
	if _, err := os.Lstat(filepath.Join(dir, "socket")); err != nil {
		t.Error(err)
	}
	missing := "unix:" + filepath.Join(dir, "none", "socket")
	if _, err := Listen(t.Context(), "tcp", []string{missing}); err == nil || strings.Contains(err.Error(), "/proc") {
		t.Errorf("%v", err)
	}
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	ls, err := Listen(t.Context(), "tcp", []string{"unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0", "unix:" + path, "nonsense"}); err == nil {
		t.Error("no error for a socket in use and an address without port")
	} else if text := err.Error(); !strings.Contains(text, "another server") || !strings.Contains(text, "missing port") {
		t.Errorf("not all errors: %v", err)
	}
	// A socket that nobody listens on is replaced.
	ls[0].(*unixListener).UnixListener.Close()
	ls, err = Listen(t.Context(), "tcp", []string{"unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	ls[0].Close()
	// Anything else is not.
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	datagrams := path + ".log"
	log, err := net.ListenPacket("unixgram", datagrams)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, path := range []string{path, datagrams} {
		if _, err := Listen(t.Context(), "tcp", []string{"unix:" + path}); err == nil {
			t.Errorf("%s was replaced", path)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

// A socket that is not in the file system leaves alone what has its name there.
func TestListenAbstract(t *testing.T) {
	t.Chdir(t.TempDir())
	name := fmt.Sprintf("@listen-test-%d", os.Getpid())
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: "./" + name}), unix.Listen(fd, 1)); err != nil {
		t.Fatal(err)
	}
	ls, err := Listen(t.Context(), "tcp", []string{"unix:" + name})
	if err != nil {
		t.Fatal(err)
	}
	if ls[0].Addr().String() != name || !CanServe(ls[0]) {
		t.Errorf("listens on %v", ls[0].Addr())
	}
	conn, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	ls[0].Close()
	if _, err := os.Lstat(name); err != nil {
		t.Error(err)
	}
}

// Listeners that are not to be had leave nothing open, and tell where they should have been.
func TestListenFails(t *testing.T) {
	alone(t)
	dir := t.TempDir()
	taken, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0", "unix:" + filepath.Join(dir, "taken")})
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(taken)
	tcp := taken[0].Addr().String()
	long := filepath.Join(dir, strings.Repeat("d", 100), "file")
	if err := errors.Join(os.Mkdir(filepath.Dir(long), 0o700), os.WriteFile(long, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for addr, want := range map[string]string{
		"127.0.0.1":                           "listen on 127.0.0.1: address 127.0.0.1: missing port in address",
		tcp:                                   "listen on " + tcp + ": listen tcp " + tcp + ": bind: address already in use",
		"unix:" + filepath.Join(dir, "taken"): "listen on unix:" + filepath.Join(dir, "taken") + ": another server is listening there",
		"unix:" + long:                        "listen on unix:" + long + ": listen unix " + long + ": bind: address already in use",
		"":                                    "listen on : empty address",
	} {
		_, err := Listen(t.Context(), "tcp", []string{"127.0.0.1:0", "unix:" + filepath.Join(dir, "free"), addr})
		var errs *multierror.Error
		if !errors.As(err, &errs) || len(errs.Errors) != 1 || errs.Errors[0].Error() != want {
			t.Errorf("%s: %v, want %s", addr, err, want)
		}
		if after := descriptors(t); after != before {
			t.Errorf("%s: %d descriptors before, %d after", addr, before, after)
		}
		if _, err := os.Lstat(filepath.Join(dir, "free")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// An empty host is all addresses, of the network's family if it has one.
func TestListenEverywhere(t *testing.T) {
	never := func(context.Context, string) ([]string, error) { return nil, errors.New("looked up") }
	for network, want := range map[string]string{"tcp": "", "tcp4": "0.0.0.0"} {
		ls, err := listen(t.Context(), network, []string{":0"}, never)
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll(ls)
		if a := ls[0].Addr().(*net.TCPAddr); len(ls) != 1 || !a.IP.IsUnspecified() || want != "" && a.IP.String() != want {
			t.Errorf("%s: %v", network, a)
		}
	}
}

// What is not of the network's family is left out, and an error alone. All addresses of
// IPv4 are none of IPv6.
func TestListenFamily(t *testing.T) {
	one := own(3)
	lookup := func(_ context.Context, host string) ([]string, error) {
		if host == "both" {
			return []string{"::1", one}, nil
		}
		return []string{host}, nil
	}
	for _, c := range []struct{ network, addr, want, err string }{
		{"tcp", "0.0.0.0:0", "0.0.0.0", ""},
		{"tcp", "[::]:0", "::", ""},
		{"tcp", "[::ffff:0.0.0.0]:0", "0.0.0.0", ""},
		{"tcp4", "both:0", one, ""},
		{"tcp4", "[::1]:0", "", "listen on [::1]:0: inet_protocols lacks"},
		{"tcp4", "[::]:0", "", "listen on [::]:0: inet_protocols lacks"},
		{"tcp6", "127.0.0.1:0", "", "listen on 127.0.0.1:0: inet_protocols lacks"},
	} {
		ls, err := listen(t.Context(), c.network, []string{c.addr}, lookup)
		defer closeAll(ls)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s %s: %v", c.network, c.addr, err)
			}
		case err != nil:
			t.Errorf("%s %s: %v", c.network, c.addr, err)
		default:
			if got := ls[0].Addr().(*net.TCPAddr); len(ls) != 1 || got.IP.String() != c.want {
				t.Errorf("%s %s: listening on %v", c.network, c.addr, got)
			}
		}
	}
}
