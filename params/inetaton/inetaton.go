// Package inetaton reads IPv4 addresses in the spellings of inet_aton(3).
package inetaton

import (
	"net/netip"
	"strconv"
	"strings"
)

// Parse reads a host name that is an address: one to four numbers, decimal, octal
// (0...) or hexadecimal (0x...), the last of which fills the bytes that are left.
// getaddrinfo(3) asks nobody about such a name. It returns false for any other
// name.
func Parse(name string) (netip.Addr, bool) {
	parts := strings.Split(name, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		// By hand: ParseUint's base 0 knows more spellings than C does.
		digits, base := part, 10
		switch {
		case len(part) > 1 && (part[:2] == "0x" || part[:2] == "0X"):
			digits, base = part[2:], 16
		case len(part) > 1 && part[0] == '0':
			base = 8
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		bytes := 1
		if i == len(parts)-1 {
			bytes = 4 - i
		}
		if n>>(8*bytes) != 0 {
			return netip.Addr{}, false
		}
		value = value<<(8*bytes) | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}
