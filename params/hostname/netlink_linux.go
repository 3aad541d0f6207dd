package hostname

import (
	"net/netip"
	"syscall"
	"unsafe"
)

// localAddrs returns the addresses of the interfaces, but for those that are for this
// host alone, or that are not to be used yet or any more.
func localAddrs() []netip.Addr {
	var addrs []netip.Addr
	netlink(syscall.RTM_GETADDR, func(m syscall.NetlinkMessage) {
		if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
			return
		}
		info := (*syscall.IfAddrmsg)(unsafe.Pointer(&m.Data[0]))
		if info.Scope == syscall.RT_SCOPE_HOST || info.Scope == syscall.RT_SCOPE_NOWHERE ||
			info.Flags&(syscall.IFA_F_DEPRECATED|syscall.IFA_F_TENTATIVE) != 0 {
			return
		}
		attributes := netlinkAttributes(&m)
		b, ok := attributes[syscall.IFA_LOCAL]
		if !ok {
			b = attributes[syscall.IFA_ADDRESS]
		}
		if a, ok := netip.AddrFromSlice(b); ok {
			addrs = append(addrs, a)
		}
	})
	return addrs
}

// defaultRoutes returns the default routes that have gateways.
func defaultRoutes() []route {
	var routes []route
	netlink(syscall.RTM_GETROUTE, func(m syscall.NetlinkMessage) {
		if m.Header.Type != syscall.RTM_NEWROUTE || len(m.Data) < syscall.SizeofRtMsg {
			return
		}
		info := (*syscall.RtMsg)(unsafe.Pointer(&m.Data[0]))
		if info.Dst_len != 0 || info.Src_len != 0 || info.Table != syscall.RT_TABLE_MAIN || info.Type != syscall.RTN_UNICAST ||
			info.Scope != syscall.RT_SCOPE_UNIVERSE || info.Flags&syscall.RTM_F_CLONED != 0 {
			return
		}
		attributes := netlinkAttributes(&m)
		if a, ok := netip.AddrFromSlice(attributes[syscall.RTA_GATEWAY]); ok {
			source, _ := netip.AddrFromSlice(attributes[syscall.RTA_PREFSRC])
			routes = append(routes, route{a, source})
		}
	})
	return routes
}

// netlink hands on what the kernel has of a kind; of trouble there is nothing.
func netlink(kind int, yield func(syscall.NetlinkMessage)) {
	b, err := syscall.NetlinkRIB(kind, syscall.AF_UNSPEC)
	if err != nil {
		return
	}
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return
	}
	for _, m := range messages {
		yield(m)
	}
}

func netlinkAttributes(m *syscall.NetlinkMessage) map[uint16][]byte {
	list, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return nil
	}
	found := make(map[uint16][]byte, len(list))
	for _, a := range list {
		found[a.Attr.Type] = a.Value
	}
	return found
}
