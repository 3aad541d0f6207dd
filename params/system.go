//go:build linux

package params

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"
)

// SystemHost answers from the running system. Nothing is asked before it is
// needed.
func SystemHost() Host {
	return Host{
		Hostname:    os.Hostname,
		Interfaces:  systemInterfaces,
		Resolve:     systemResolve,
		Unsupported: systemUnsupported,
		Accounts:    SystemAccounts().Kept(),
		ReadFile:    ReadSafely,
	}
}

func systemResolve(name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a}, nil
	}
	return net.DefaultResolver.LookupNetIP(context.Background(), "ip", name)
}

func systemUnsupported(v6 bool) error {
	family := syscall.AF_INET
	if v6 {
		family = syscall.AF_INET6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		return syscall.Close(fd)
	}
	if errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT) {
		return err
	}
	return nil
}

// systemInterfaces asks the kernel by netlink(7) what getifaddrs(3) would
// say, in the same order.
func systemInterfaces() ([]netip.Prefix, error) {
	links, err := netlink(syscall.RTM_GETLINK)
	if err != nil {
		return nil, err
	}
	up := make(map[uint32]bool)
	for _, m := range links {
		if m.Header.Type == syscall.RTM_NEWLINK && len(m.Data) >= syscall.SizeofIfInfomsg {
			info := (*syscall.IfInfomsg)(unsafe.Pointer(&m.Data[0]))
			up[uint32(info.Index)] = info.Flags&syscall.IFF_UP != 0
		}
	}
	addresses, err := netlink(syscall.RTM_GETADDR)
	if err != nil {
		return nil, err
	}
	var found []netip.Prefix
	for i := range addresses {
		m := &addresses[i]
		if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
			continue
		}
		info := (*syscall.IfAddrmsg)(unsafe.Pointer(&m.Data[0]))
		if !up[info.Index] {
			continue
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(m)
		if err != nil {
			return nil, err
		}
		var address []byte
		for _, a := range attributes {
			// On a point-to-point link IFA_ADDRESS is the other end.
			if a.Attr.Type == syscall.IFA_LOCAL || a.Attr.Type == syscall.IFA_ADDRESS && address == nil {
				address = a.Value
			}
		}
		if a, ok := netip.AddrFromSlice(address); ok && !a.IsUnspecified() {
			found = append(found, netip.PrefixFrom(a, int(info.Prefixlen)))
		}
	}
	return found, nil
}

func netlink(request int) ([]syscall.NetlinkMessage, error) {
	answer, err := syscall.NetlinkRIB(request, syscall.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	return syscall.ParseNetlinkMessage(answer)
}
