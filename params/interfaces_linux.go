package params

import (
	"net/netip"
	"syscall"
	"unsafe"
)

func systemUnsupported(v6 bool) error {
	family := syscall.AF_INET
	if v6 {
		family = syscall.AF_INET6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return syscall.Close(fd)
}

// systemInterfaces asks the kernel by netlink(7) what getifaddrs(3) would
// say, in the same order.
func systemInterfaces() ([]netip.Prefix, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	up := make(map[uint32]bool)
	err = netlink(fd, syscall.RTM_GETLINK, func(m netlinkMessage) error {
		if m.kind == syscall.RTM_NEWLINK && len(m.data) >= syscall.SizeofIfInfomsg {
			info := (*syscall.IfInfomsg)(unsafe.Pointer(&m.data[0]))
			up[uint32(info.Index)] = info.Flags&syscall.IFF_UP != 0
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []netip.Prefix
	err = netlink(fd, syscall.RTM_GETADDR, func(m netlinkMessage) error {
		if m.kind != syscall.RTM_NEWADDR || len(m.data) < syscall.SizeofIfAddrmsg {
			return nil
		}
		info := (*syscall.IfAddrmsg)(unsafe.Pointer(&m.data[0]))
		if !up[info.Index] {
			return nil
		}
		var address []byte
		for b := m.data[syscall.SizeofIfAddrmsg:]; len(b) >= syscall.SizeofRtAttr; {
			attribute := (*syscall.RtAttr)(unsafe.Pointer(&b[0]))
			length := int(attribute.Len)
			if length < syscall.SizeofRtAttr || length > len(b) {
				return syscall.EINVAL
			}
			// On a point-to-point link IFA_ADDRESS is the other end.
			if attribute.Type == syscall.IFA_LOCAL || attribute.Type == syscall.IFA_ADDRESS && address == nil {
				address = b[syscall.SizeofRtAttr:length]
			}
			b = b[min(netlinkAligned(length), len(b)):]
		}
		if a, ok := netip.AddrFromSlice(address); ok && !a.IsUnspecified() {
			found = append(found, netip.PrefixFrom(a, int(info.Prefixlen)))
		}
		return nil
	})
	return found, err
}

// netlinkMessage is one message of an answer.
type netlinkMessage struct {
	kind uint16
	data []byte // aligned
}

// netlink sends a request for all objects of a kind and hands on the messages
// of the answer, which are valid until yield returns.
func netlink(fd int, kind uint16, yield func(netlinkMessage) error) error {
	// Without the interfaces' counters, which are most of an answer.
	const (
		extMask   = 29 // IFLA_EXT_MASK
		skipStats = 8  // RTEXT_FILTER_SKIP_STATS
	)
	var request struct {
		header syscall.NlMsghdr
		info   syscall.IfInfomsg // the family comes first in each kind
		filter syscall.RtAttr
		mask   uint32
	}
	request.header = syscall.NlMsghdr{Type: kind, Flags: syscall.NLM_F_DUMP | syscall.NLM_F_REQUEST, Seq: uint32(kind)}
	request.header.Len = syscall.SizeofNlMsghdr + syscall.SizeofRtGenmsg
	if kind == syscall.RTM_GETLINK {
		request.filter = syscall.RtAttr{Len: uint16(syscall.SizeofRtAttr + 4), Type: extMask}
		request.mask = skipStats
		request.header.Len = uint32(unsafe.Sizeof(request))
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(&request)), unsafe.Sizeof(request))[:request.header.Len]
	if err := syscall.Sendto(fd, b, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	// Messages are at most as long as the space that is offered, if that is not
	// less than a page.
	buffer := make([]uint32, 2048)
	space := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(buffer))), 4*len(buffer))
	for {
		n, err := syscall.Read(fd, space)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		for b := space[:n]; len(b) >= syscall.SizeofNlMsghdr; {
			header := (*syscall.NlMsghdr)(unsafe.Pointer(&b[0]))
			length := int(header.Len)
			switch {
			case length < syscall.SizeofNlMsghdr || length > len(b) || header.Seq != uint32(kind):
				return syscall.EINVAL
			case header.Type == syscall.NLMSG_DONE:
				return nil
			case header.Type == syscall.NLMSG_ERROR:
				if length >= syscall.SizeofNlMsghdr+4 {
					if number := *(*int32)(unsafe.Pointer(&b[syscall.SizeofNlMsghdr])); number < 0 {
						return syscall.Errno(-number)
					}
				}
				return syscall.EINVAL
			}
			if err := yield(netlinkMessage{header.Type, b[syscall.SizeofNlMsghdr:length]}); err != nil {
				return err
			}
			b = b[min(netlinkAligned(length), len(b)):]
		}
	}
}

// netlinkAligned rounds a length up to where the next thing starts.
func netlinkAligned(n int) int { return (n + 3) &^ 3 }
