package params

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params/hosttext"
)

// Host answers questions about the machine. A nil function means that the
// answer is not known; a parameter that needs it is then an error. See
// SystemHost.
type Host struct {
	// Hostname is gethostname(2).
	Hostname func() (string, error)
	// Interfaces returns the addresses of the network interfaces that are up,
	// each with the length of its netmask, in the system's order.
	Interfaces func() ([]netip.Prefix, error)
	// Resolve returns the addresses of a host name, or of an address without
	// brackets, for who uses IPv4, IPv6 or both.
	Resolve func(name string, ipv4, ipv6 bool) ([]netip.Addr, error)
	// Unsupported, if not nil, returns why there can be no socket for IPv6 (or
	// IPv4), or nil. If the kernel lacks the protocol, it is not used; another
	// reason is fatal.
	Unsupported func(v6 bool) error
	// Accounts looks up users and groups. Nil leaves out the checks of
	// mail_owner, default_privs and setgid_group, for a program that needs
	// none of them.
	Accounts Accounts
	// ReadFile reads a small file; only for myorigin on Debian. The text of an
	// error becomes part of Postfix's.
	ReadFile func(name string) ([]byte, error)
	// DomainFunction, if not nil, converts a host name that is not ASCII to
	// its ASCII form, or one that is to its UTF-8 form: Postfix 3.11's
	// ${domain_to_ascii{...}} and ${domain_to_utf8{...}}.
	DomainFunction func(name string, toASCII bool) (string, error)
}

var errUnknownHost = errors.New("no information about the host")

// Function returns the named macro function of Postfix 3.11, or nil.
func (h Host) Function(name string) mainconf.Function {
	if name != "domain_to_ascii" && name != "domain_to_utf8" {
		return nil
	}
	toASCII := name == "domain_to_ascii"
	return func(text string) (string, error) {
		// As in stock, domain_to_utf8 converts ASCII and leaves the rest, and the empty
		// text counts as not ASCII.
		if (isASCII(text) && text != "") == toASCII {
			return text, nil
		}
		if !toASCII && !hasACELabel(text) && isDomain(text) {
			return lowerASCII(text), nil
		}
		if h.DomainFunction != nil {
			if result, err := h.DomainFunction(text, toASCII); err == nil {
				return result, nil
			}
		}
		return "", errors.New("bad domain argument in: '" + name + "{" + text + "}'")
	}
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isDomain reports whether a domain name of ASCII without labels that start with
// "xn--" is one that can be converted.
func isDomain(s string) bool {
	if hosttext.Problem(s) != "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) >= 4 && label[2:4] == "--" {
			return false // reserved
		}
	}
	return true
}

// hasACELabel reports whether a label of a domain name starts with "xn--".
func hasACELabel(s string) bool {
	for i := 0; i+4 <= len(s); i++ {
		if (i == 0 || s[i-1] == '.') && equalFold(s[i:i+4], "xn--") {
			return true
		}
	}
	return false
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c-'A' < 26 {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
