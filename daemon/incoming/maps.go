package incoming

import (
	"context"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// Classes says to which addresses a mapping applies.
type Classes uint8

// The classes of addresses (canonical_classes, masquerade_classes).
const (
	EnvelopeSender Classes = 1 << iota
	EnvelopeRecipient
	HeaderSender
	HeaderRecipient
)

// Mapping is a list of tables, with the parameter that names it. The zero
// value maps nothing.
type Mapping struct {
	Name   string
	Tables *table.Maps
}

// on tells whether there is anything to look up.
func (m *Mapping) on() bool { return m.Tables != nil }

// OpenMapping opens the tables that a parameter lists. An empty list gives the
// zero Mapping. The error is of class table.Fatal.
func OpenMapping(set *table.Set, parameter, list string, flags table.Flags) (Mapping, error) {
	if list == "" {
		return Mapping{}, nil
	}
	tables, err := set.OpenMaps(parameter, list, flags)
	if err != nil {
		return Mapping{}, err
	}
	return Mapping{parameter, tables}, nil
}

// The flags with which cleanup(8) opens its tables.
const (
	AddressTable = table.Lock | table.FoldFix | table.UTF8Request
	CheckTable   = table.Lock
)

// Maps holds the tables of cleanup(8) and what rules their use. The zero value
// leaves addresses and content as they are.
type Maps struct {
	// Canonical, SenderCanonical and RecipientCanonical replace addresses
	// of their classes. canonical_maps and canonical_classes,
	// sender_canonical_maps and -classes, recipient_canonical_maps and
	// -classes.
	Canonical, SenderCanonical, RecipientCanonical                      Mapping
	CanonicalClasses, SenderCanonicalClasses, RecipientCanonicalClasses Classes

	// VirtualAlias expands envelope recipients. virtual_alias_maps.
	VirtualAlias Mapping
	// ExpansionLimit, RecursionLimit and AddressLimit bound what one
	// recipient expands to: addresses, nesting, bytes of an address.
	// virtual_alias_expansion_limit, virtual_alias_recursion_limit and
	// virtual_alias_address_length_limit, default 1000 each.
	ExpansionLimit, RecursionLimit, AddressLimit int

	// PropagateCanonical and PropagateVirtual carry an address extension
	// that was not looked up over to the result.
	// propagate_unmatched_extensions.
	PropagateCanonical, PropagateVirtual bool
	// RecipientDelimiter is the set of bytes that start an address
	// extension. recipient_delimiter, default "".
	RecipientDelimiter string
	// OwnerRequestSpecial leaves owner-NAME and NAME-request in one piece.
	// owner_request_special, default yes.
	OwnerRequestSpecial bool
	// DoubleBounceSender is an address that is left in one piece.
	// double_bounce_sender, default double-bounce.
	DoubleBounceSender string
	// Origin is a domain whose addresses are looked up without it, too.
	// myorigin.
	Origin string
	// IsLocal tells whether a domain is a final destination of this
	// machine: mydestination, inet_interfaces, proxy_interfaces. nil knows
	// none.
	IsLocal func(ctx context.Context, domain string) (bool, error)

	// MasqueradeDomains are the domains whose subdomains are cut off from
	// addresses of MasqueradeClasses. masquerade_domains,
	// masquerade_classes.
	MasqueradeDomains []string
	MasqueradeClasses Classes
	// IsMasqueradeException tells whether a local part, in external form,
	// is spared. masquerade_exceptions; nil spares none.
	IsMasqueradeException func(ctx context.Context, local string) (bool, error)

	// AlwaysBCC is added to the recipients of every message unless empty.
	// always_bcc.
	AlwaysBCC string
	// SenderBCC and RecipientBCC give a recipient to be added.
	// sender_bcc_maps, recipient_bcc_maps.
	SenderBCC, RecipientBCC Mapping

	// HeaderChecks, MIMEHeaderChecks and NestedHeaderChecks act on
	// headers, BodyChecks on body lines. header_checks,
	// mime_header_checks, nested_header_checks, body_checks.
	HeaderChecks, MIMEHeaderChecks, NestedHeaderChecks, BodyChecks Mapping
	// BodyChecksLimit is how much of each body is looked at, in bytes; 0
	// is all. body_checks_size_limit, default 51200.
	BodyChecksLimit int64
}
