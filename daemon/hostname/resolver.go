package hostname

import (
	"context"
	"net/netip"
)

// Resolver looks names up. It may be used by several goroutines at once.
type Resolver interface {
	// LookupName returns the host name of an address, letter case and all.
	// The address may be an IPv4-mapped one.
	LookupName(ctx context.Context, addr netip.Addr) (string, error)
	// LookupAddrs returns the IPv6 or the IPv4 addresses of a host name. Errors are
	// LookupError.
	LookupAddrs(ctx context.Context, name string, ipv6 bool) ([]netip.Addr, error)
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
