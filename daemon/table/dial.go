package table

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/hostname"
)

// dial connects to the server. Its addresses are tried one after the other, each
// with the time limit. What is wrong with the address itself is of class Fatal,
// and found out only here, as in Postfix. Source: Postfix 3.10 inet_connect.c,
// unix_connect.c.
func (e *endpoint) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: e.timeout}
	if e.network == "unix" {
		if len(e.address) >= len(unix.RawSockaddrUnix{}.Path) {
			return nil, fatalError("unix-domain name too long: "+e.address, nil)
		}
		path := e.address
		if strings.HasPrefix(path, "@") {
			path = "./" + path // for Go, that would be no file
		}
		return dialer.DialContext(ctx, "unix", path)
	}
	host, service, problem := splitHostPort(e.address, e.utf8)
	if problem != "" {
		return nil, fatalError(e.address+": "+problem, nil)
	}
	addrs, problem := e.servers.resolve(ctx, host, service)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if problem != "" {
		e.log.Warningf("host or service %s not found: %s", e.address, problem)
		return nil, unix.EADDRNOTAVAIL
	}
	log := tracer(ctx)
	err := error(unix.EADDRNOTAVAIL) // where a resolver knows the name, and no address
	for _, addr := range addrs {
		if log != nil {
			log.Infof("trying... [%s]", addr.Addr())
		}
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, "tcp", addr.String()); err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if log != nil {
			log.Infof("%s", netError(err))
		}
	}
	return nil, err
}

// splitHostPort reads "host:port", "[host]:port", ":port" or "port", of which the
// last two mean this machine; the address of an IPv6 host may have a prefix.
// problem is what Postfix says of anything else. Source: Postfix 3.10
// host_port.c.
//
// With utf8, a name that is not ASCII is left to the lookup, which does not find
// it.
func splitHostPort(address string, utf8 bool) (host, port, problem string) {
	const standard, v6 = "localhost", "IPv6:"
	if rest, ok := strings.CutPrefix(address, "["); ok {
		prefixed := len(rest) >= len(v6) && strings.EqualFold(rest[:len(v6)], v6)
		if prefixed {
			rest = rest[len(v6):]
		}
		if host, port, ok = strings.Cut(rest, "]"); !ok {
			return "", "", `missing "]"`
		}
		if port != "" && port[0] != ':' {
			return "", "", `garbage after "]"`
		}
		if prefixed && !(strings.Contains(host, ":") && hostname.Valid(host)) {
			return "", "", "malformed IPv6 address"
		}
		port = strings.TrimPrefix(port, ":")
	} else if i := strings.LastIndexByte(address, ':'); i > 0 {
		host, port = address[:i], address[i+1:]
	} else {
		host, port = standard, address[i+1:]
	}
	switch {
	case port == "":
		return "", "", "missing service information"
	case !(utf8 && strings.IndexFunc(host, func(r rune) bool { return r >= 0x80 }) >= 0) && !hostname.Valid(host):
		return "", "", "valid hostname or network address required"
	case isDigit(port[0]) && !allDigits(port):
		return "", "", "garbage after numerical service"
	}
	return host, port, ""
}

// servers is how the names of servers and their ports are found.
type servers struct {
	resolver hostname.Resolver
	family   hostname.Family
	ports    map[string]string
}

// resolve returns the addresses of a server, in the order in which they are to be
// tried. problem has the words of the C library, which looks at the service first.
func (s *servers) resolve(ctx context.Context, host, service string) (addrs []netip.AddrPort, problem string) {
	if number, ok := s.ports[service]; ok && !allDigits(service) {
		service = number
	}
	const noService = "Servname not supported for ai_socktype"
	var port uint16
	if allDigits(service) {
		n, _ := strconv.ParseUint(service, 10, 64)
		if int32(n) == -1 {
			return nil, noService
		}
		port = uint16(n) // the C library cuts what is too large
	} else if n, err := net.DefaultResolver.LookupPort(ctx, "tcp", service); err == nil {
		port = uint16(n)
	} else {
		return nil, noService
	}
	found, err := s.resolver.LookupAddrs(ctx, host, s.family)
	if err != nil {
		return nil, err.Error()
	}
	var unusable []netip.AddrPort
	for _, addr := range found {
		addr := netip.AddrPortFrom(addr, port)
		// No packet is sent: it only shows whether there is a way.
		if conn, err := (&net.Dialer{}).DialContext(ctx, "udp", addr.String()); err != nil && len(found) > 1 {
			unusable = append(unusable, addr)
			continue
		} else if err == nil {
			conn.Close()
		}
		addrs = append(addrs, addr)
	}
	return append(addrs, unusable...), ""
}

// servers returns what the set knows of other machines. It must be called before
// the process enters its jail.
func (o *opening) servers() *servers {
	if o.set.servers == nil {
		opt := o.set.opt
		o.set.servers = &servers{resolver: opt.Resolver, family: hostname.Families(!opt.NoIPv4, !opt.NoIPv6), ports: opt.TCPPorts}
		if o.set.servers.resolver == nil {
			o.set.servers.resolver = hostname.NewSystem(hostname.SystemOptions{})
		}
	}
	return o.set.servers
}
