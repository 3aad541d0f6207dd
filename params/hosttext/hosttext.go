// Package hosttext knows which host names Postfix takes, and how the C library
// writes addresses.
package hosttext

import (
	"fmt"
	"net/netip"
)

// Problem returns the warning that Postfix logs about a host name, or
// nothing if the name is proper. Source: Postfix 3.10 valid_hostname.c.
func Problem(name string) string {
	const maxLabel, maxName = 63, 255
	problem := func(format string, args ...any) string {
		return "valid_hostname: " + fmt.Sprintf(format, args...)
	}
	if name == "" {
		return problem("empty hostname")
	}
	label, nonNumeric := 0, false
	for i := range len(name) {
		c := name[i]
		next := byte(0)
		if i+1 < len(name) {
			next = name[i+1]
		}
		switch {
		case isAlnum(c) || c == '_':
			if label++; label > maxLabel {
				return problem("hostname label too long: %s", shown(name))
			}
			if !isDigit(c) {
				nonNumeric = true
			}
		case c == '.':
			if label == 0 || next == 0 {
				return problem("misplaced delimiter: %s", shown(name))
			}
			label = 0
		case c == '-':
			nonNumeric = true
			if label++; label == 1 || next == 0 || next == '.' {
				return problem("misplaced hyphen: %s", shown(name))
			}
		default:
			return problem("invalid character %d(decimal): %s", c, shown(name))
		}
	}
	if !nonNumeric {
		return problem("numeric hostname: %s", shown(name))
	}
	if len(name) > maxName {
		return problem("bad length %d for %s...", len(name), shown(name))
	}
	return ""
}

// shown is %.100s of C, which counts bytes.
func shown(name string) string { return name[:min(100, len(name))] }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlnum(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// Addr is inet_ntop(3): it also writes the IPv4 address in those IPv6 addresses
// that begin with twelve zero bytes, unless the two bytes after them are zero, too.
func Addr(a netip.Addr) string {
	if !a.Is6() {
		return a.String()
	}
	b := a.As16()
	if b[12] == 0 && b[13] == 0 || [12]byte(b[:12]) != [12]byte{} {
		return a.String()
	}
	return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
}
