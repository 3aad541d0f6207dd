package hostname

import (
	"context"
	"net/netip"
)

// Resolver looks names up. It may be used by several goroutines at once. Errors are
// LookupError, or that of the context when it has ended.
type Resolver interface {
	// LookupName returns the host name of an address, letter case and all.
	// The address may be an IPv4-mapped one.
	LookupName(ctx context.Context, addr netip.Addr) (string, error)
	// LookupAddrs returns the addresses of a host name, or of an address in text,
	// IPv6 before IPv4.
	LookupAddrs(ctx context.Context, name string, family Family) ([]netip.Addr, error)
}

// Family is which addresses of a name are asked for. To ask for all is one look-up,
// which can find what neither of two would, and the other way round.
type Family int

// The families.
const (
	Any Family = iota // AF_UNSPEC
	IPv4
	IPv6
)

// Families returns the family for who uses IPv4, IPv6 or both.
func Families(ipv4, ipv6 bool) Family {
	switch {
	case ipv4 == ipv6:
		return Any
	case ipv6:
		return IPv6
	default:
		return IPv4
	}
}

// has tells whether an address is of the family.
func (f Family) has(a netip.Addr) bool {
	return f == Any || a.Is6() == (f == IPv6)
}

// LookupError is why a lookup has no result, in the terms of getaddrinfo(3).
type LookupError int

// The lookup errors.
const (
	NoName    LookupError = iota + 1 // EAI_NONAME: there is no such name
	NoData                           // EAI_NODATA: it has no address of this family
	TryAgain                         // EAI_AGAIN: perhaps later
	BadConfig                        // EAI_SYSTEM: nsswitch.conf is unusable
	BadFamily                        // EAI_ADDRFAMILY: it is an address of the other family
)

// Error returns the text of gai_strerror(3), which appears in warnings.
func (e LookupError) Error() string {
	switch e {
	case NoName:
		return "Name or service not known"
	case NoData:
		return "No address associated with hostname"
	case TryAgain:
		return "Temporary failure in name resolution"
	case BadFamily:
		return "Address family for hostname not supported"
	default:
		return "System error"
	}
}
