package daemon

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params/inetaton"
)

// mailHostAddress returns the address in the text of a domain literal, without
// its prefix. If it is none, the complaint is what Postfix logs as a warning.
//
// Source: Postfix 3.10 valid_mailhost_addr.c, valid_mailhost_addr.
func mailHostAddress(text string) (address, complaint string) {
	const v6 = "IPv6:"
	if len(text) >= len(v6) && strings.EqualFold(text[:len(v6)], v6) {
		text = text[len(v6):]
		return text, checkIPv6(text)
	}
	return text, checkIPv4(text)
}

// complaintLen is how much of a text complaints show, in bytes.
const complaintLen = 100

// checkIPv4 returns a complaint unless text is a dotted quad.
//
// Source: Postfix 3.10 valid_hostname.c, valid_ipv4_hostaddr.
func checkIPv4(text string) string {
	complain := func(what string) string {
		return fmt.Sprintf("valid_ipv4_hostaddr: %s: %s", what, text[:min(len(text), complaintLen)])
	}
	inByte, count, value := false, 0, 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
			if !inByte {
				inByte, value = true, 0
				count++
			}
			if value = 10*value + int(c-'0'); value > 255 {
				return complain("invalid octet value")
			}
		case c == '.':
			if !inByte || i+1 == len(text) {
				return complain("misplaced dot")
			}
			if count == 1 && value == 0 && strings.Trim(text, "0.") != "" {
				return complain("bad initial octet value")
			}
			inByte = false
		default:
			return complain(fmt.Sprintf("invalid character %d(decimal)", c))
		}
	}
	if count != 4 {
		return complain("invalid octet count")
	}
	return ""
}

// checkIPv6 returns a complaint unless text is an IPv6 address.
//
// Source: Postfix 3.10 valid_hostname.c, valid_ipv6_hostaddr.
func checkIPv6(text string) string {
	complain := func(what string) string {
		return fmt.Sprintf("valid_ipv6_hostaddr: %s: %s", what, text[:min(len(text), complaintLen)])
	}
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
				return complain("too few `:' in IPv6 address")
			case length == 0 && nullField != field-1:
				return complain("bad null last field in IPv6 address")
			}
			return ""
		case '.':
			if field < 2 || field > 6 {
				return complain("malformed IPv4-in-IPv6 address")
			}
			return checkIPv4(text[i-length:])
		case ':':
			if field == 0 && length == 0 && isAlnum(at(i+1)) {
				return complain("bad null first field in IPv6 address")
			}
			if field++; field > 7 {
				return complain("too many `:' in IPv6 address")
			}
			i++
			length = 0
			if at(i) == ':' {
				if nullField > 0 {
					return complain("too many `::' in IPv6 address")
				}
				nullField = field
			}
		default:
			length = 0
			for strings.IndexByte("0123456789abcdefABCDEF", at(i+length)) >= 0 {
				length++
			}
			if length > 4 {
				return complain("malformed IPv6 address")
			}
			if length == 0 {
				return complain(fmt.Sprintf("invalid character %d(decimal) in IPv6 address", c))
			}
			i += length
		}
	}
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// numericAddress reads an address that mailHostAddress has found good as
// getaddrinfo(3) does: a number of an IPv4 address that starts with 0 is octal.
func numericAddress(text string) (netip.Addr, bool) {
	if strings.IndexByte(text, ':') >= 0 {
		return table.ParseAddr(text)
	}
	return inetaton.Parse(text)
}
