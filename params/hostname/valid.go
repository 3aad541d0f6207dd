package hostname

import (
	"strconv"
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
// a first octet of zero.
func ValidAddr(s string) bool {
	if strings.Contains(s, ":") {
		return IPv6Problem(s) == ""
	}
	return IPv4Problem(s) == ""
}

// shownLen is how much of a text a problem shows, in bytes.
const shownLen = 100

// addrProblem is what the named function of Postfix logs.
func addrProblem(function, what, text string) string {
	return function + ": " + what + ": " + text[:min(len(text), shownLen)]
}

// IPv4Problem returns the warning that Postfix logs of a text that should be a
// dotted quad, or nothing if it is one. Source: Postfix 3.10 valid_hostname.c,
// valid_ipv4_hostaddr.
func IPv4Problem(text string) string {
	problem := func(what string) string { return addrProblem("valid_ipv4_hostaddr", what, text) }
	inByte, count, value := false, 0, 0
	for i := range len(text) {
		c := text[i]
		switch {
		case isDigit(c):
			if !inByte {
				inByte, value = true, 0
				count++
			}
			if value = 10*value + int(c-'0'); value > 255 {
				return problem("invalid octet value")
			}
		case c == '.':
			if !inByte || i+1 == len(text) {
				return problem("misplaced dot")
			}
			if count == 1 && value == 0 && strings.Trim(text, "0.") != "" {
				return problem("bad initial octet value") // 0.0.0.0 is one, 0.1.2.3 is not
			}
			inByte = false
		default:
			return problem("invalid character " + strconv.Itoa(int(c)) + "(decimal)")
		}
	}
	if count != 4 {
		return problem("invalid octet count")
	}
	return ""
}

// IPv6Problem is IPv4Problem for IPv6 addresses: eight groups of up to four
// hexadecimal digits, the last two perhaps as a dotted quad, with one "::" for groups
// of zero. Source: Postfix 3.10 valid_hostname.c, valid_ipv6_hostaddr.
func IPv6Problem(text string) string {
	problem := func(what string) string { return addrProblem("valid_ipv6_hostaddr", what, text) }
	at := func(i int) byte {
		if i < len(text) {
			return text[i]
		}
		return 0
	}
	nullField, field, length := 0, 0, 0
	for i := 0; ; {
		switch c := at(i); c {
		case 0:
			switch {
			case field < 2:
				return problem("too few `:' in IPv6 address")
			case length == 0 && nullField != field-1:
				return problem("bad null last field in IPv6 address")
			}
			return ""
		case '.':
			if field < 2 || field > 6 {
				return problem("malformed IPv4-in-IPv6 address")
			}
			return IPv4Problem(text[i-length:])
		case ':':
			if field == 0 && length == 0 && isAlnum(at(i+1)) {
				return problem("bad null first field in IPv6 address")
			}
			if field++; field > 7 {
				return problem("too many `:' in IPv6 address")
			}
			i++
			length = 0
			if at(i) == ':' {
				if nullField > 0 {
					return problem("too many `::' in IPv6 address")
				}
				nullField = field
			}
		default:
			length = 0
			for strings.IndexByte("0123456789abcdefABCDEF", at(i+length)) >= 0 {
				length++
			}
			if length > 4 {
				return problem("malformed IPv6 address")
			}
			if length == 0 {
				return problem("invalid character " + strconv.Itoa(int(c)) + "(decimal) in IPv6 address")
			}
			i += length
		}
	}
}
