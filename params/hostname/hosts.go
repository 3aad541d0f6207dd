package hostname

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/qmqpd/qmqpd/params/accountfile"
)

// hostLine is one line of the hosts file.
type hostLine struct {
	addr  netip.Addr
	names []string // the first is the canonical one; it may be empty
}

// in returns the address of the line for a lookup in a family. For an IPv4
// lookup glibc takes IPv4-mapped addresses for what they map, and ::1 for
// 127.0.0.1.
func (l hostLine) in(family Family) (netip.Addr, bool) {
	switch {
	case family != IPv4:
		return l.addr, family.has(l.addr)
	case l.addr == netip.IPv6Loopback():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	a := l.addr.Unmap()
	return a, a.Is4()
}

// parseHosts reads hosts(5) as glibc does: lines with an address that is not
// one are skipped.
func parseHosts(b []byte) []hostLine {
	var lines []hostLine
	for line := range accountfile.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		f := fields(line)
		if len(f) == 0 {
			continue
		}
		addr, err := netip.ParseAddr(f[0])
		if err != nil || addr.Zone() != "" {
			continue
		}
		names := f[1:]
		if len(names) == 0 {
			names = []string{""}
		}
		lines = append(lines, hostLine{addr, names})
	}
	return lines
}

func (s *System) nameInFiles(addr netip.Addr) (string, status, error) {
	lines, ok := s.hosts.lookup()
	if !ok {
		return "", unavailable, NoName
	}
	for _, l := range lines {
		a, ok := l.in(Families(addr.Is4(), addr.Is6()))
		if addr.Is4In6() {
			// Both ways of writing it count, but not ::1.
			a, ok = netip.AddrFrom16(l.addr.As16()), true
		}
		if ok && a == addr {
			return l.names[0], success, nil
		}
	}
	return "", notFound, NoName
}

func (s *System) addrsInFiles(name string, family Family) ([]netip.Addr, status, error) {
	lines, ok := s.hosts.lookup()
	switch {
	case !ok && family == IPv4:
		return nil, unavailable, NoData // so says glibc
	case !ok:
		return nil, unavailable, NoName
	}
	var addrs []netip.Addr
	for _, l := range lines {
		a, ok := l.in(family)
		if !ok || !hasName(l.names, name) {
			continue
		}
		addrs = append(addrs, a)
		if !s.conf.get().multi {
			break
		}
	}
	if len(addrs) == 0 {
		return nil, notFound, NoName
	}
	return addrs, success, nil
}

func hasName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return equalNames(n, name) })
}

// equalNames compares without regard to the case of ASCII letters.
func equalNames(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
