package params

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"

	"github.com/qmqpd/qmqpd/params/inetaton"
	"github.com/qmqpd/qmqpd/params/nodename"
)

// SystemHost answers from the running system. Nothing is asked before it is
// needed.
func SystemHost() Host {
	return Host{
		Hostname:    nodename.Get,
		Interfaces:  systemInterfaces,
		Resolve:     systemResolve,
		Unsupported: systemUnsupported,
		Accounts:    SystemAccounts().Kept(),
		ReadFile:    ReadSafely,
	}
}

func systemResolve(name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		if !zoneExists(a) {
			return nil, errNoZone
		}
		return []netip.Addr{a}, nil
	}
	if a, ok := inetaton.Parse(name); ok {
		return []netip.Addr{a}, nil
	}
	found, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", name)
	for i := range found {
		found[i] = found[i].Unmap() // package net makes no difference
	}
	return found, err
}

var errNoZone = errors.New("no such zone")

// zoneExists reports whether getaddrinfo(3) takes an address with its zone: that
// is a number, or for a link-local address the name of an interface.
func zoneExists(a netip.Addr) bool {
	zone := a.Zone()
	if zone == "" {
		return true
	}
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() {
		if _, err := net.InterfaceByName(zone); err == nil {
			return true
		}
	}
	_, err := strconv.ParseUint(zone, 10, 32)
	return err == nil
}
