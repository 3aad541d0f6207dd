package table

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/params/hosttext"
)

// Network is a CIDR pattern: one address, or all addresses with the same
// leading bits. IPv4 and IPv6 never match each other.
type Network struct {
	is6       bool
	base      bits128
	mask      bits128
	matchable bool // not the zero value
}

// bits128 is an address as a number; an IPv4 one is in the high half.
type bits128 struct{ high, low uint64 }

func addrBits(addr netip.Addr) bits128 {
	if addr.Is4() {
		b := addr.As4()
		return bits128{high: uint64(binary.BigEndian.Uint32(b[:])) << 32}
	}
	b := addr.As16()
	return bits128{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

func (b bits128) addr(is6 bool) netip.Addr {
	var bytes [16]byte
	binary.BigEndian.PutUint64(bytes[:], b.high)
	binary.BigEndian.PutUint64(bytes[8:], b.low)
	if !is6 {
		return netip.AddrFrom4([4]byte(bytes[:]))
	}
	return netip.AddrFrom16(bytes)
}

func newNetwork(base netip.Addr, bits int) Network {
	n := Network{is6: base.Is6(), base: addrBits(base), matchable: true}
	if bits > 64 {
		n.mask = bits128{^uint64(0), ^uint64(0) << (128 - bits)}
	} else {
		n.mask = bits128{high: ^uint64(0) << (64 - bits)}
	}
	return n
}

// ParseAddr reads an address as inet_pton(3) does: no zone, no leading zeros,
// four decimal numbers for IPv4.
func ParseAddr(text string) (netip.Addr, bool) {
	if strings.IndexByte(text, '%') >= 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(text)
	return addr, err == nil
}

// ParseNetwork reads an address or a network, with or without brackets:
//
//	ADDRESS   ADDRESS/BITS   [ADDRESS]   [ADDRESS]/BITS   [ADDRESS/BITS]
//
// The error texts are those that Postfix logs. Source: Postfix 3.10
// cidr_match.c, cidr_match_parse.
func ParseNetwork(pattern string) (Network, error) {
	address, mask, masked := strings.Cut(pattern, "/")
	if strings.HasPrefix(pattern, "[") {
		inside, after, closed := strings.Cut(pattern[1:], "]")
		switch {
		case !closed:
			return Network{}, fmt.Errorf("missing ']' character after \"[%s\"", inside)
		case after == "":
			address, mask, masked = strings.Cut(inside, "/")
		case after[0] == '/':
			address, mask, masked = inside, after[1:], true
		default:
			return Network{}, fmt.Errorf("garbage after \"[%s]\"", inside)
		}
	}
	if !masked {
		base, ok := ParseAddr(address)
		if !ok {
			return Network{}, fmt.Errorf("bad address pattern: \"%s\"", address)
		}
		return newNetwork(base, base.BitLen()), nil
	}

	width := 32
	if strings.IndexByte(address, ':') >= 0 {
		width = 128
	}
	fail := func(reason string) (Network, error) {
		return Network{}, fmt.Errorf("%s in \"%s/%s\"", reason, address, mask)
	}
	bits, ok := maskBits(mask)
	if !ok {
		return fail("bad mask value")
	}
	if bits > width {
		return fail("bad mask length")
	}
	base, ok := ParseAddr(address)
	if !ok || base.BitLen() != width {
		return fail("bad network value")
	}
	prefix, err := base.Prefix(bits)
	if err != nil {
		return fail("bad network value")
	}
	if masked := prefix.Addr(); masked != base {
		return Network{}, fmt.Errorf("non-null host address bits in \"%s/%s\", perhaps you should use \"%s/%d\" instead",
			address, mask, hosttext.Addr(masked), bits)
	}
	return newNetwork(base, bits), nil
}

// maskBits reads a decimal mask length. Postfix keeps it in eight bits, so
// /264 is /8; a number too large for 64 bits is the largest one, so /255.
func maskBits(mask string) (int, bool) {
	if !allDigits(mask) {
		return 0, false
	}
	n, err := strconv.ParseInt(mask, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return int(uint8(n)), true
}

// Contains reports that addr is in the network.
func (n Network) Contains(addr netip.Addr) bool {
	return addr.Is6() == n.is6 && n.containsBits(addrBits(addr))
}

func (n *Network) containsBits(addr bits128) bool {
	return addr.high&n.mask.high == n.base.high && addr.low&n.mask.low == n.base.low && n.matchable
}

// String returns "ADDRESS/BITS".
func (n Network) String() string {
	bits := bits.OnesCount64(n.mask.high) + bits.OnesCount64(n.mask.low)
	return hosttext.Addr(n.base.addr(n.is6)) + "/" + decimal(bits)
}
