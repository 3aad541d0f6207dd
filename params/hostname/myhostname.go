package hostname

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/qmqpd/qmqpd/params/directfile"
	"github.com/qmqpd/qmqpd/params/nodename"
)

// What the service myhostname says, which comes with systemd: nss-myhostname(8). It
// reads no file but one of the kernel's.

const (
	gatewayName  = "_gateway"
	outboundName = "_outbound"
)

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	ownHost4  = netip.AddrFrom4([4]byte{127, 0, 0, 2}) // the host, where it has no other address
)

// myAddrs returns the addresses of one of the names that the service knows.
func myAddrs(name string, family Family) ([]netip.Addr, status, error) {
	name = strings.TrimSuffix(name, ".")
	six := kernelHasIPv6()
	unwanted := func(a netip.Addr) bool { return a.Is6() && !six || !family.has(a) }
	var addrs []netip.Addr
	switch lower := strings.ToLower(name); {
	case lower == "localhost", lower == "localhost.localdomain", strings.HasSuffix(lower, ".localhost"), strings.HasSuffix(lower, ".localhost.localdomain"):
		addrs = []netip.Addr{netip.IPv6Loopback(), loopback4}
	case lower == gatewayName:
		for _, r := range defaultRoutes() {
			addrs = append(addrs, r.gateway)
		}
	case lower == outboundName:
		addrs = outbound(defaultRoutes())
	case name == thisHost():
		addrs = slices.DeleteFunc(localAddrs(), unwanted)
		if len(addrs) == 0 {
			addrs = []netip.Addr{netip.IPv6Loopback(), ownHost4}
		}
	}
	addrs = slices.DeleteFunc(addrs, unwanted)
	if len(addrs) == 0 {
		return nil, notFound, NoName
	}
	return addrs, success, nil
}

// myName returns the name of one of the host's own addresses, or of a gateway.
func myName(addr netip.Addr) (string, status, error) {
	gateway := func(r route) bool { return r.gateway == addr }
	switch {
	case addr.Is6() && !kernelHasIPv6():
	case addr == loopback4, addr == netip.IPv6Loopback():
		return "localhost", success, nil
	case addr == ownHost4, slices.Contains(localAddrs(), addr):
		if name := thisHost(); name != "" {
			return name, success, nil
		}
	case slices.ContainsFunc(defaultRoutes(), gateway):
		return gatewayName, success, nil
	}
	return "", notFound, NoName
}

// thisHost is the host's own name, or nothing.
func thisHost() string {
	name, err := nodename.Get()
	if err != nil || name == "(none)" {
		return ""
	}
	return name
}

// kernelHasIPv6 reports whether IPv6 has not been switched off.
func kernelHasIPv6() bool {
	b, err := directfile.ReadFile("/proc/sys/net/ipv6/conf/all/disable_ipv6")
	return err == nil && string(bytes.TrimSpace(b)) == "0"
}

// route is a default route with a gateway.
type route struct{ gateway, source netip.Addr }

// outbound returns the addresses from which packets go to the gateways.
func outbound(routes []route) []netip.Addr {
	var addrs []netip.Addr
	for _, r := range routes {
		a := r.source
		if !a.IsValid() {
			// No packet is sent.
			conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.gateway, 53)))
			if err != nil {
				continue
			}
			a = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().WithZone("")
			conn.Close()
		}
		if !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return addrs
}
