package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params/errno"
	"github.com/qmqpd/qmqpd/params/hostname"
	"github.com/qmqpd/qmqpd/params/hosttext"
)

// unknown stands for a name, address or port that cannot be found out.
const unknown = "unknown"

// Values of client_address_type; zero is that of other clients.
const (
	familyIPv4 = unix.AF_INET
	familyIPv6 = unix.AF_INET6
)

// Options says how clients are looked up. It may be used by several
// goroutines at once.
type Options struct {
	// IPv4 and IPv6 are what inet_protocols enables.
	IPv4, IPv6 bool
	// InetProtocols is the value of inet_protocols, for messages.
	InetProtocols string
	// Owner is the user id of mail_owner, as which the process must run to
	// serve TCP clients. Negative: no check.
	Owner int
	// Resolver looks names up. Nil: names are unknown.
	Resolver hostname.Resolver
}

// Lookup returns the identity of the client of a connection. Warnings go to
// log. An error is either a *maillog.Failure, where the original ends its
// process, or that of a context that has ended.
//
// A connection that is not a socket, or a UNIX-domain one, is localhost
// [127.0.0.1] with port 0. The client of a TCP connection that is gone
// already is unknown.
func (o *Options) Lookup(ctx context.Context, conn net.Conn, log *maillog.Logger) (Client, error) {
	if !o.IPv4 && !o.IPv6 {
		return Client{}, maillog.FatalError("all network protocols are disabled (inet_protocols = %s)", o.InetProtocols)
	}
	sa, err := peerName(conn)
	var addr netip.Addr
	var port int
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		addr, port = netip.AddrFrom4(sa.Addr), sa.Port
	case *syscall.SockaddrInet6:
		addr, port = netip.AddrFrom16(sa.Addr), sa.Port
	default:
		// A socket of another family is as good as none.
		if err != nil && !errors.Is(err, unix.ENOTSOCK) && !errors.Is(err, unix.EAFNOSUPPORT) {
			return Client{Name: unknown, Addr: unknown, RFCAddr: unknown, Port: unknown}, nil
		}
		return Client{Name: "localhost", Addr: "127.0.0.1", RFCAddr: "127.0.0.1", Port: "0"}, nil
	}
	if addr.Is4() && !o.IPv4 || addr.Is6() && !o.IPv6 {
		family := "AF_INET"
		if addr.Is6() {
			family = "AF_INET6"
		}
		return Client{}, maillog.FatalError("cannot handle socket type %s with \"inet_protocols = %s\"", family, o.InetProtocols)
	}
	if uid, euid := os.Getuid(), os.Geteuid(); o.Owner >= 0 && (uid != o.Owner || euid != o.Owner) {
		log.Errorf("incorrect QMQP server privileges: uid=%d euid=%d", uid, euid)
		return Client{}, maillog.FatalError("the Postfix QMQP server must run with $mail_owner privileges")
	}
	if addr.Is4In6() && o.IPv4 {
		if log.Verbose() > 1 {
			log.Infof("qmqpd_peer_init: rewriting V4-mapped address \"%s\" to \"%s\"", addr, addr.Unmap())
		}
		addr = addr.Unmap()
	}
	c := Client{Name: unknown, Addr: hosttext.Addr(addr), Port: strconv.Itoa(port), Family: familyIPv4}
	c.RFCAddr = c.Addr
	if addr.Is6() {
		c.RFCAddr, c.Family = "IPv6:"+c.Addr, familyIPv6
	}
	if o.Resolver != nil {
		c.Name = o.verifiedName(ctx, addr, c.Addr, log)
	}
	if err := ctx.Err(); err != nil {
		return Client{}, context.Cause(ctx)
	}
	return c, nil
}

// peerName is getpeername(2); package syscall's does not ask for the protocol
// too. A connection without a descriptor, such as
// net.Pipe, is no socket.
func peerName(conn net.Conn) (sa syscall.Sockaddr, err error) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil, unix.ENOTSOCK
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	if e := raw.Control(func(fd uintptr) { sa, err = syscall.Getpeername(int(fd)) }); e != nil {
		return nil, e
	}
	return sa, err
}

// verifiedName looks up the name of an address and then the addresses of that
// name.
func (o *Options) verifiedName(ctx context.Context, addr netip.Addr, text string, log *maillog.Logger) string {
	name, err := o.Resolver.LookupName(ctx, addr)
	if err != nil || ctx.Err() != nil {
		return unknown
	}
	if hostname.ValidAddr(name) {
		log.Warningf("numeric hostname: %s", name)
		return unknown
	}
	if problem := hosttext.Problem(name); problem != "" {
		log.Warningf("%s", problem)
		return unknown
	}
	addrs, err := o.Resolver.LookupAddrs(ctx, name, hostname.Families(addr.Is4(), addr.Is6()))
	if ctx.Err() != nil {
		return unknown
	}
	if err != nil {
		log.Warningf("hostname %s does not resolve to address %s: %s", name, text, errno.Text(err))
		return unknown
	}
	for _, a := range addrs {
		if a == addr {
			return name
		}
	}
	// Postfix 3.10 has the arguments of this message the wrong way round,
	// and log watchers know it like that.
	log.Warningf("hostname %s does not resolve to address %s", text, name)
	return unknown
}
