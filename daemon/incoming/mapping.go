package incoming

import (
	"bytes"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// mapAddress looks an address up and returns the addresses that it stands for,
// in internal form, or nil if it is not found. A value "@domain" keeps the
// local part. Every address of the result is rewritten, and gets the extension
// that was left out of the search if propagate is set. external is the address
// as warnings show it. lookupProblem logs what is left to say of an error.
//
// Source: Postfix 3.10 mail_addr_map.c, mail_addr_map_opt.
func (s *stream) mapAddress(m *Mapping, addr, external []byte, propagate bool) ([][]byte, error) {
	value, extension, found, err := s.find(m, addr, false)
	if err != nil || !found {
		return nil, err
	}
	if value[0] == '@' {
		local := addr
		if at := bytes.LastIndexByte(addr, '@'); at >= 0 {
			local = addr[:at]
		}
		local = local[:len(local)-len(extension)]
		value = string(rfc822.AppendQuoted(nil, append(bytes.Clone(local), value...)))
	}
	if !propagate {
		extension = nil
	}
	result := s.crunch(value, extension)
	if len(result) == 0 {
		s.log.Warningf("%s lookup of %s returns non-address result \"%s\"", m.Name, external, value)
		return nil, &table.Error{Class: table.Retry, Text: m.Name + ": non-address result"}
	}
	return result, nil
}

// crunch splits text, in external form, into addresses, rewrites each and adds
// an extension. The result is in internal form.
//
// Source: Postfix 3.10 mail_addr_crunch.c, mail_addr_crunch_opt.
func (s *stream) crunch(text string, extension []byte) [][]byte {
	if text == "" || text == "<>" {
		text = `""`
	}
	// Not s.addresses: this may be in the middle of a header.
	var list rfc822.AddressList
	list.Parse([]byte(text), 0)
	var result [][]byte
	for i := range list.Len() {
		canonical := s.rewriter.Append(nil, list.AppendAddress(nil, i))
		addr := rfc822.AppendUnquoted(nil, canonical)
		if len(extension) > 0 {
			at := bytes.LastIndexByte(addr, '@')
			if at < 0 {
				at = len(addr)
			}
			extended := append(bytes.Clone(addr[:at]), extension...)
			addr = append(extended, addr[at:]...)
		}
		result = append(result, addr)
	}
	return result
}

// lookupProblem refuses the message for now, since a look-up in the tables of a
// parameter failed. It logs that, and for which address, if it was for one. Of a failure
// that ends cleanup(8) only what ends it is logged, as there: who looked up has left that
// to us.
func (s *stream) lookupProblem(err error, logf func(format string, args ...any), parameter string, address ...byte) {
	s.status |= mailstream.StatusWrite
	if table.ClassOf(err) == table.Fatal {
		s.log.Fatalf("%v", err)
		return
	}
	about := ""
	if len(address) > 0 {
		about = " for " + string(address)
	}
	logf("%s: %s map lookup problem%s -- message not accepted, try again later", s.id, parameter, about)
}

// canonical replaces an address, in external form, by what it maps to, again
// and again until it maps to itself or to nothing. It tells whether the address
// was ever another one, even if it is back to what it was.
//
// Source: Postfix 3.10 cleanup_map11.c, cleanup_map11_external.
func (s *stream) canonical(m *Mapping, external []byte) (_ []byte, changed bool) {
	const maxRecursion = 10
	for range maxRecursion {
		addr := rfc822.AppendUnquoted(nil, external)
		result, err := s.mapAddress(m, addr, external, s.o.cfg.Maps.PropagateCanonical)
		if err != nil {
			s.lookupProblem(err, s.log.Warningf, m.Name, external...)
			return external, changed
		}
		if result == nil {
			return external, changed
		}
		if len(result) > 1 {
			s.log.Warningf("%s: multi-valued %s entry for %s", s.id, m.Name, external)
		}
		before := external
		external = rfc822.AppendQuoted(nil, result[0])
		changed = changed || !bytes.Equal(before, external)
		if table.Fold(string(before), s.o.cfg.SMTPUTF8) == table.Fold(string(external), s.o.cfg.SMTPUTF8) {
			return external, changed
		}
	}
	s.log.Warningf("%s: unreasonable %s map nesting for %s -- message not accepted, try again later", s.id, m.Name, external)
	return external, changed
}

// mapsFor returns the canonical mappings for an address of the class, in the
// order of their use, and whether it is masqueraded.
func (s *stream) mapsFor(class Classes) (mappings [2]*Mapping, masquerade bool) {
	m := &s.o.cfg.Maps
	special, classes := &m.SenderCanonical, m.SenderCanonicalClasses
	if class&(EnvelopeRecipient|HeaderRecipient) != 0 {
		special, classes = &m.RecipientCanonical, m.RecipientCanonicalClasses
	}
	if special.on() && classes&class != 0 {
		mappings[0] = special
	}
	if m.Canonical.on() && m.CanonicalClasses&class != 0 {
		mappings[1] = &m.Canonical
	}
	return mappings, len(m.MasqueradeDomains) > 0 && m.MasqueradeClasses&class != 0
}

// mapInternal applies canonical mappings and masquerading to an envelope
// address, in internal form, which may change in place.
func (s *stream) mapInternal(addr []byte, class Classes) []byte {
	if !s.o.cfg.Map {
		return addr
	}
	mappings, masquerade := s.mapsFor(class)
	for _, m := range mappings {
		if m != nil {
			external, _ := s.canonical(m, rfc822.AppendQuoted(nil, addr))
			addr = rfc822.AppendUnquoted(addr[:0], external)
		}
	}
	if masquerade {
		external, _ := s.masquerade(rfc822.AppendQuoted(nil, addr))
		addr = rfc822.AppendUnquoted(addr[:0], external)
	}
	return addr
}

// mapHeader applies canonical mappings and masquerading to address i of the
// header in s.addresses. It tells whether one of them changed it.
func (s *stream) mapHeader(i int, class Classes) bool {
	if !s.o.cfg.Map {
		return false
	}
	changed := false
	mappings, masquerade := s.mapsFor(class)
	for _, m := range mappings {
		if m != nil {
			after, did := s.canonical(m, s.addresses.AppendAddress(nil, i))
			s.addresses.Set(i, after)
			changed = changed || did
		}
	}
	if masquerade {
		before := s.addresses.AppendAddress(nil, i)
		after, did := s.masquerade(before)
		s.addresses.Set(i, after)
		changed = changed || did
	}
	return changed
}

// masquerade cuts off the subdomains of an address, in external form, in a
// masqueraded domain. The first domain of the list that covers the address
// decides; one with an odd number of "!" spares it. It tells whether something
// was cut off.
//
// Source: Postfix 3.10 cleanup_masquerade.c, cleanup_masquerade_external.
func (s *stream) masquerade(addr []byte) (_ []byte, changed bool) {
	m := &s.o.cfg.Maps
	at := bytes.LastIndexByte(addr, '@')
	if at < 0 {
		return addr, false
	}
	domain := table.Fold(string(addr[at+1:]), s.o.cfg.SMTPUTF8)
	if m.IsMasqueradeException != nil {
		excluded, err := m.IsMasqueradeException(s.ctx, string(addr[:at]))
		if err != nil {
			s.lookupProblem(err, s.log.Infof, "masquerade_exceptions")
		}
		if excluded {
			return addr, false
		}
	}
	for _, parent := range m.MasqueradeDomains {
		cut := true
		for len(parent) > 0 && parent[0] == '!' {
			cut, parent = !cut, parent[1:]
		}
		parent = table.Fold(parent, s.o.cfg.SMTPUTF8)
		n := len(domain) - len(parent)
		switch {
		case parent == "" || n < 0 || domain[n:] != parent:
		case n == 0:
			return addr, false
		case domain[n-1] == '.':
			if cut {
				return append(bytes.Clone(addr[:at+1]), parent...), true
			}
			return addr, false
		}
	}
	return addr, false
}
