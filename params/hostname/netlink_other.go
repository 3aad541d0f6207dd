//go:build !linux

package hostname

import "net/netip"

// Elsewhere there is no such service.
func localAddrs() []netip.Addr { return nil }

func defaultRoutes() []route { return nil }
