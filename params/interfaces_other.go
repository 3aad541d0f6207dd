//go:build !linux

package params

import (
	"net"
	"net/netip"
)

// systemUnsupported leaves it to the interfaces which families there are.
func systemUnsupported(bool) error { return nil }

// systemInterfaces is what package net says, in its order.
func systemInterfaces() (found []netip.Prefix, err error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, addr := range addrs {
			network, ok := addr.(*net.IPNet)
			if !ok {
				continue
			}
			a, ok := netip.AddrFromSlice(network.IP)
			ones, _ := network.Mask.Size()
			if a = a.Unmap(); ok && !a.IsUnspecified() {
				found = append(found, netip.PrefixFrom(a, ones))
			}
		}
	}
	return found, nil
}
