package standin

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/sockpath"
)

// Listener is a listening socket as master(8) has them: not blocking, and
// never accepted from by the stand-in itself.
type Listener struct {
	fd      int
	network string
	// addr is what a client dials: host:port or a path.
	addr string
}

// ListenTCP listens on a free port of addr. An IPv6 address without a zone
// takes IPv6 clients only, unless it is "::": then it takes IPv4 clients, too.
func ListenTCP(t testing.TB, addr string) *Listener {
	t.Helper()
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	family := syscall.AF_INET
	var sa syscall.Sockaddr = &syscall.SockaddrInet4{Addr: [4]byte{}}
	if ip.Is4() {
		sa = &syscall.SockaddrInet4{Addr: ip.As4()}
	} else {
		family = syscall.AF_INET6
		sa = &syscall.SockaddrInet6{Addr: ip.As16()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := &Listener{fd: fd, network: "tcp"}
	t.Cleanup(l.Close)
	if family == syscall.AF_INET6 {
		only := 1
		if ip.IsUnspecified() {
			only = 0
		}
		if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, only); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Bind(fd, sa); err != nil {
		t.Fatalf("bind to %s: %v", addr, err)
	}
	if err := syscall.Listen(fd, 200); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	switch bound := bound.(type) {
	case *syscall.SockaddrInet4:
		l.addr = netip.AddrPortFrom(ip, uint16(bound.Port)).String()
	case *syscall.SockaddrInet6:
		l.addr = netip.AddrPortFrom(ip, uint16(bound.Port)).String()
	}
	return l
}

// ListenUnix listens on a stream socket at path, with a mode that lets
// everybody connect.
func ListenUnix(t testing.TB, path string) *Listener {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := &Listener{fd: fd, network: "unix", addr: path}
	t.Cleanup(l.Close)
	err = sockpath.Short(path, func(short string) error { return syscall.Bind(fd, &syscall.SockaddrUnix{Name: short}) })
	if err != nil {
		t.Fatalf("bind to %s: %v", path, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 200); err != nil {
		t.Fatal(err)
	}
	return l
}

// Close closes the stand-in's copy of the socket.
func (l *Listener) Close() {
	if l.fd >= 0 {
		syscall.Close(l.fd)
		l.fd = -1
	}
}

// Port returns the port of a TCP listener.
func (l *Listener) Port() string {
	_, port, _ := net.SplitHostPort(l.addr)
	return port
}

// Addr returns what a client dials: host:port or a path.
func (l *Listener) Addr() string { return l.addr }

// acceptEach serves each client in a goroutine of its own until the listener is closed.
func acceptEach(ln net.Listener, serve func(net.Conn)) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go serve(conn)
	}
}
