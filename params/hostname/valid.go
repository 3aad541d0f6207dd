package hostname

import (
	"strings"

	"github.com/qmqpd/qmqpd/params/hosttext"
)

// Valid reports whether text is a proper host name or a numeric address, which is
// what a server is given as. Source: Postfix 3.10 host_port.c.
func Valid(text string) bool { return hosttext.Problem(text) == "" || ValidAddr(text) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlnum(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// ValidAddr reports whether a name is a numeric address in Postfix's
// eyes, which are kinder to leading zeros than package netip and stricter with
// a first octet of zero. Source: Postfix 3.10 valid_hostname.c.
func ValidAddr(s string) bool {
	if strings.Contains(s, ":") {
		return validIPv6(s)
	}
	return validIPv4(s)
}

func validIPv4(s string) bool {
	count, value, inByte := 0, 0, false
	for i := range len(s) {
		c := s[i]
		switch {
		case isDigit(c):
			if !inByte {
				inByte, value = true, 0
				count++
			}
			if value = value*10 + int(c-'0'); value > 255 {
				return false
			}
		case c == '.':
			if !inByte || i+1 == len(s) {
				return false
			}
			if count == 1 && value == 0 && strings.Trim(s, "0.") != "" {
				return false // 0.0.0.0 is one, 0.1.2.3 is not
			}
			inByte = false
		default:
			return false
		}
	}
	return count == 4
}

// validIPv6 takes eight groups of up to four hexadecimal digits, the last two
// perhaps as a dotted quad, with one "::" for groups of zero.
func validIPv6(s string) bool {
	const hex = "0123456789abcdefABCDEF"
	colons, double := 0, 0 // double: value of colons at the "::"
	digits := 0            // length of the group before i
	for i := 0; i < len(s); {
		switch {
		case s[i] == '.':
			return colons >= 2 && colons <= 6 && validIPv4(s[i-digits:])
		case s[i] == ':':
			if colons == 0 && digits == 0 && i+1 < len(s) && isAlnum(s[i+1]) {
				return false
			}
			if colons++; colons > 7 {
				return false
			}
			digits = 0
			if i++; i < len(s) && s[i] == ':' {
				if double > 0 {
					return false
				}
				double = colons
			}
		default:
			rest := strings.TrimLeft(s[i:], hex)
			digits = len(s) - i - len(rest)
			if digits == 0 || digits > 4 {
				return false
			}
			i += digits
		}
	}
	return colons >= 2 && (digits > 0 || double == colons-1)
}
