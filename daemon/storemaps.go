package daemon

import (
	"context"
	"net/netip"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/matchlist"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// storeMaps are the parameters of cleanup(8) that name lookup tables, before
// these are opened.
type storeMaps struct {
	maps incoming.Maps // what needs no opening

	lists                map[string]string // by parameter, those in use
	masqueradeExceptions string
	myDestination        string
	ipv4Only             bool         // inet_protocols
	proxyAddresses       []netip.Addr // of proxy_interfaces, once they are known
}

// mapParameter is a parameter that lists lookup tables of cleanup(8).
type mapParameter struct {
	name string
	// flag is the cleanup flag without which the tables are not used.
	flag  uint32
	flags table.Flags
	field func(*incoming.Maps) *incoming.Mapping
}

// afterExceptions is the parameter before whose tables those of masquerade_exceptions
// are opened. Members of unionmap and pipemap keep the flags of who opens them first.
const afterExceptions = "sender_bcc_maps"

// mapParameters are in the order in which their tables are opened.
var mapParameters = []mapParameter{
	{"canonical_maps", cleanup.FlagMap, incoming.AddressTable, func(m *incoming.Maps) *incoming.Mapping { return &m.Canonical }},
	{"sender_canonical_maps", cleanup.FlagMap, incoming.AddressTable, func(m *incoming.Maps) *incoming.Mapping { return &m.SenderCanonical }},
	{"recipient_canonical_maps", cleanup.FlagMap, incoming.AddressTable, func(m *incoming.Maps) *incoming.Mapping { return &m.RecipientCanonical }},
	{"virtual_alias_maps", cleanup.FlagMap, incoming.AddressTable, func(m *incoming.Maps) *incoming.Mapping { return &m.VirtualAlias }},
	{"header_checks", cleanup.FlagFilter, incoming.CheckTable, func(m *incoming.Maps) *incoming.Mapping { return &m.HeaderChecks }},
	{"mime_header_checks", cleanup.FlagFilter, incoming.CheckTable, func(m *incoming.Maps) *incoming.Mapping { return &m.MIMEHeaderChecks }},
	{"nested_header_checks", cleanup.FlagFilter, incoming.CheckTable, func(m *incoming.Maps) *incoming.Mapping { return &m.NestedHeaderChecks }},
	{"body_checks", cleanup.FlagFilter, incoming.CheckTable, func(m *incoming.Maps) *incoming.Mapping { return &m.BodyChecks }},
	{"sender_bcc_maps", cleanup.FlagBCC, incoming.AddressTable, func(m *incoming.Maps) *incoming.Mapping { return &m.SenderBCC }},
	{"recipient_bcc_maps", cleanup.FlagBCC, incoming.AddressTable, func(m *incoming.Maps) *incoming.Mapping { return &m.RecipientBCC }},
}

// loadStoreMaps reads the parameters, in cleanup(8)'s order; origin is its
// myorigin. The errors of reading are clean's; the one returned is about the words in lists of classes.
//
// Source: Postfix 3.10 cleanup_init.c.
func loadStoreMaps(clean *params.Effective, origin string, flags uint32) (storeMaps, error) {
	m := storeMaps{lists: make(map[string]string)}
	m.maps.Origin = origin
	m.maps.RecursionLimit = clean.Int("virtual_alias_recursion_limit")
	m.maps.ExpansionLimit = clean.Int("virtual_alias_expansion_limit")
	m.maps.AddressLimit = clean.Int("virtual_alias_address_length_limit")
	m.maps.BodyChecksLimit = int64(clean.Int("body_checks_size_limit"))
	for _, p := range mapParameters {
		if value := clean.String(p.name); flags&p.flag != 0 {
			m.lists[p.name] = value
		}
	}
	m.maps.AlwaysBCC = clean.String("always_bcc")
	domains, exceptions := clean.String("masquerade_domains"), clean.String("masquerade_exceptions")
	if flags&cleanup.FlagMap != 0 {
		m.maps.MasqueradeDomains, m.masqueradeExceptions = mainconf.SplitList(domains), exceptions
	}
	m.maps.RecipientDelimiter = clean.String("recipient_delimiter")
	m.maps.OwnerRequestSpecial = clean.Bool("owner_request_special")
	m.maps.DoubleBounceSender = clean.String("double_bounce_sender")
	m.myDestination = clean.String("mydestination")
	_, ipv6 := clean.Protocols()
	m.ipv4Only = !ipv6

	var errs *multierror.Error
	classes := func(parameter, complain string, allowed incoming.Classes) incoming.Classes {
		c, err := addressClasses(complain, clean.String(parameter), allowed)
		if err != nil {
			errs = multierror.Append(errs, aboutSetting(parameter, err))
		}
		return c
	}
	// That all three complain about canonical_classes is Postfix's way.
	const all = incoming.EnvelopeSender | incoming.EnvelopeRecipient | incoming.HeaderSender | incoming.HeaderRecipient
	m.maps.CanonicalClasses = classes("canonical_classes", "canonical_classes", all)
	m.maps.SenderCanonicalClasses = classes("sender_canonical_classes", "canonical_classes", incoming.EnvelopeSender|incoming.HeaderSender)
	m.maps.RecipientCanonicalClasses = classes("recipient_canonical_classes", "canonical_classes", incoming.EnvelopeRecipient|incoming.HeaderRecipient)
	m.maps.MasqueradeClasses = classes("masquerade_classes", "masquerade_classes", all)
	if err := m.propagate(clean.String("propagate_unmatched_extensions")); err != nil {
		errs = multierror.Append(errs, err)
	}
	return m, errs.ErrorOrNil()
}

// classNames are the words of canonical_classes and its kin.
var classNames = map[string]incoming.Classes{
	"envelope_sender":    incoming.EnvelopeSender,
	"envelope_recipient": incoming.EnvelopeRecipient,
	"header_sender":      incoming.HeaderSender,
	"header_recipient":   incoming.HeaderRecipient,
}

// addressClasses reads a list of address classes.
func addressClasses(parameter, value string, allowed incoming.Classes) (incoming.Classes, error) {
	var classes incoming.Classes
	for _, word := range mainconf.SplitList(value) {
		c := classNames[word] & allowed
		if c == 0 {
			return 0, unknownWord(parameter, word, value)
		}
		classes |= c
	}
	return classes, nil
}

// propagate reads propagate_unmatched_extensions. Words that other programs
// obey are allowed.
func (m *storeMaps) propagate(value string) error {
	for _, word := range mainconf.SplitList(value) {
		switch word {
		case "canonical":
			m.maps.PropagateCanonical = true
		case "virtual":
			m.maps.PropagateVirtual = true
		case "alias", "forward", "include", "generic":
		default:
			return unknownWord("propagate_unmatched_extensions", word, value)
		}
	}
	return nil
}

// open opens the tables. interfaces are the machine's own addresses, proxies
// finds those in proxy_interfaces. The errors, all of them, are such with which
// Postfix would not start.
func (m *storeMaps) open(set *table.Set, interfaces []netip.Prefix, proxies func() ([]netip.Addr, error)) (incoming.Maps, error) {
	maps := m.maps
	inUse := false
	var errs *multierror.Error
	for _, p := range mapParameters {
		if p.name == afterExceptions && len(maps.MasqueradeDomains) > 0 && m.masqueradeExceptions != "" {
			list, err := matchlist.ParseStrings("masquerade_exceptions", m.masqueradeExceptions, set, matchlist.Options{WarnLookup: true})
			if err != nil {
				errs = multierror.Append(errs, aboutSetting("masquerade_exceptions", err))
			} else {
				maps.IsMasqueradeException = list.Match
			}
		}
		mapping, err := incoming.OpenMapping(set, p.name, m.lists[p.name], p.flags)
		if err != nil {
			errs = multierror.Append(errs, aboutSetting(p.name, err))
			continue
		}
		*p.field(&maps) = mapping
		inUse = inUse || mapping.Tables != nil && p.flags == incoming.AddressTable
	}
	if !inUse {
		return maps, errs.ErrorOrNil()
	}
	list, err := matchlist.ParseStrings("mydestination", m.myDestination, set, matchlist.Options{WarnLookup: true})
	if err != nil {
		errs = multierror.Append(errs, aboutSetting("mydestination", err))
	}
	local := localDomains{log: set.Options().Log, list: list, ipv4Only: m.ipv4Only, addresses: make(map[netip.Addr]bool)}
	for _, p := range interfaces {
		local.addresses[p.Addr()] = true
	}
	// When tables are opened anew, a session waits for that: it shall not wait for DNS
	// servers as well.
	if m.proxyAddresses == nil {
		if m.proxyAddresses, err = proxies(); err != nil {
			errs = multierror.Append(errs, aboutSetting("proxy_interfaces", err))
		}
	}
	for _, a := range m.proxyAddresses {
		local.addresses[a] = true
	}
	maps.IsLocal = local.match
	return maps, errs.ErrorOrNil()
}

// localDomains are the domains whose mail is delivered on this machine.
type localDomains struct {
	log       table.Logger
	list      *matchlist.StringList // mydestination
	ipv4Only  bool
	addresses map[netip.Addr]bool
}

// match tells whether domain, which may be an address in brackets, is one of
// them.
//
// Source: Postfix 3.10 resolve_local.c, resolve_local.
func (l *localDomains) match(ctx context.Context, domain string) (bool, error) {
	domain = strings.TrimSuffix(domain, ".")
	if domain == "" || strings.HasSuffix(domain, ".") {
		return false, nil
	}
	if found, err := l.list.Match(ctx, domain); found || err != nil {
		return found, err
	}
	if len(domain) < 2 || domain[0] != '[' || domain[len(domain)-1] != ']' {
		return false, nil
	}
	address, complaint := mailHostAddress(domain[1 : len(domain)-1])
	if complaint != "" {
		l.log.Warningf("%s", complaint)
		return false, nil
	}
	addr, ok := numericAddress(address)
	if l.ipv4Only {
		// getaddrinfo(3), asked for IPv4, makes it of ::ffff:127.0.0.1.
		addr = addr.Unmap()
	}
	return ok && l.addresses[addr], nil
}
