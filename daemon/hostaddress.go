package daemon

import (
	"net/netip"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params/hostname"
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
		return text, hostname.IPv6Problem(text)
	}
	return text, hostname.IPv4Problem(text)
}

// numericAddress reads an address that mailHostAddress has found good as
// getaddrinfo(3) does: a number of an IPv4 address that starts with 0 is octal.
func numericAddress(text string) (netip.Addr, bool) {
	if strings.IndexByte(text, ':') >= 0 {
		return table.ParseAddr(text)
	}
	return inetaton.Parse(text)
}
