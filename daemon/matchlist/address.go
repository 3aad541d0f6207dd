package matchlist

import (
	"net/netip"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// address is a client's address, read once for all patterns.
type address struct {
	text string // folded
	// plausible: nothing but hexadecimal digits, dots and colons. Other text
	// matches no pattern by address, not even a table.
	plausible bool
	is6       bool
	addr      netip.Addr
	valid     bool
}

func newAddress(text string) address {
	a := address{text: text, is6: strings.IndexByte(text, ':') >= 0}
	a.plausible = only(text, "")
	if a.plausible {
		a.addr, a.valid = table.ParseAddr(text)
	}
	return a
}

// only tells that text has only the characters of IPv6 addresses, and extra.
func only(text, extra string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == '.' || c == ':' {
			continue
		}
		if strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}

// cidrPattern is a literal pattern read as a network. Postfix reads it when a
// client of the same address family comes, so err is not reported before.
type cidrPattern struct {
	candidate bool // worth reading: not a host name or a plain IPv4 address
	is6       bool
	network   table.Network
	err       error
}

func newCIDRPattern(literal string) cidrPattern {
	var c cidrPattern
	c.is6 = strings.IndexByte(literal, ':') >= 0
	c.candidate = strings.ContainsAny(literal, ":/") && only(literal, "[]/")
	if c.candidate {
		c.network, c.err = table.ParseNetwork(literal)
	}
	return c
}

// match compares the pattern's text with the address, then its network.
func (c *cidrPattern) match(text string, client address) (bool, error) {
	if text[0] == '[' {
		if text[1:] == client.text+"]" {
			return true, nil
		}
	} else if text == client.text {
		return true, nil
	}
	if !c.candidate || c.is6 != client.is6 {
		return false, nil
	}
	if c.err != nil {
		return false, c.err
	}
	return client.valid && c.network.Contains(client.addr), nil
}
