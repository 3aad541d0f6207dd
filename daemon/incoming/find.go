package incoming

import (
	"bytes"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// find looks an address up, in internal form: the whole address, the address
// without its extension, the local part of an address in a local domain with
// and without the extension, and @domain. It returns the value of the first
// that is found, and the extension if it was left out. Keys are in external
// form; with both set they are tried in internal form, too, where that
// differs. Errors are those of table.Maps.Find.
//
// Source: Postfix 3.10 mail_addr_find.c, mail_addr_find_opt.
func (s *stream) find(m *Mapping, addr []byte, both bool) (value string, extension []byte, found bool, err error) {
	bare, ext := s.splitExtension(addr)
	whole := query{s: s, m: m, both: both, partial: false, quote: rfc822.AppendQuoted}
	if value, found, err = whole.lookup(addr); found || err != nil {
		return value, nil, found, err
	}
	partial := whole
	partial.partial = true
	if bare != nil {
		if value, found, err = partial.lookup(bare); found || err != nil {
			return value, ext, found, err
		}
	}
	at := bytes.LastIndexByte(addr, '@')
	if at < 0 {
		return "", nil, false, nil
	}
	local, err := s.isLocal(addr[at+1:])
	if err != nil {
		return "", nil, false, err
	}
	if local {
		localPart := partial
		localPart.quote = rfc822.AppendQuotedLocal
		if value, found, err = localPart.lookup(addr[:at]); found || err != nil {
			return value, nil, found, err
		}
		if bare != nil {
			if value, found, err = localPart.lookup(bare[:bytes.LastIndexByte(bare, '@')]); found || err != nil {
				return value, ext, found, err
			}
		}
	}
	value, found, err = m.Tables.FindFixed(s.ctx, string(addr[at:]))
	return value, nil, found, err
}

// query is a way to look up keys that are addresses or local parts.
type query struct {
	s       *stream
	m       *Mapping
	both    bool // in internal form, too
	partial bool // not in tables that want whole keys
	quote   func(dst, key []byte) []byte
}

func (q *query) lookup(key []byte) (string, bool, error) {
	find := q.m.Tables.Find
	if q.partial {
		find = q.m.Tables.FindFixed
	}
	external := string(q.quote(nil, key))
	value, found, err := find(q.s.ctx, external)
	if found || err != nil || !q.both || external == string(key) {
		return value, found, err
	}
	return find(q.s.ctx, string(key))
}

// isLocal tells whether mail for the domain ends here.
func (s *stream) isLocal(domain []byte) (bool, error) {
	cfg := &s.o.cfg
	if table.Fold(string(domain), cfg.SMTPUTF8) == table.Fold(cfg.Maps.Origin, cfg.SMTPUTF8) {
		return true, nil
	}
	if cfg.Maps.IsLocal == nil {
		return false, nil
	}
	return cfg.Maps.IsLocal(s.ctx, string(domain))
}

// splitExtension returns addr without its extension, and the extension with
// its delimiter. bare is nil if there is none.
//
// Source: Postfix 3.10 strip_addr.c, strip_addr_internal.
func (s *stream) splitExtension(addr []byte) (bare, extension []byte) {
	delimiters := s.o.cfg.Maps.RecipientDelimiter
	if indexAnyByte(addr, delimiters) < 0 {
		return nil, nil
	}
	local, domain := addr, addr[len(addr):]
	if at := bytes.LastIndexByte(addr, '@'); at >= 0 {
		local, domain = addr[:at], addr[at:]
	}
	if s.isUnsplittable(string(local)) {
		return nil, nil
	}
	i := indexAnyByte(local, delimiters)
	if i <= 0 {
		return nil, nil
	}
	return append(bytes.Clone(local[:i]), domain...), bytes.Clone(local[i:])
}

// indexAnyByte returns the index of the first byte of b that is in set, or -1.
func indexAnyByte(b []byte, set string) int {
	for i, c := range b {
		if strings.IndexByte(set, c) >= 0 {
			return i
		}
	}
	return -1
}

// isUnsplittable tells whether a local part is left in one piece whatever the
// delimiter is.
//
// Source: Postfix 3.10 split_addr.c, split_addr_internal.
func (s *stream) isUnsplittable(local string) bool {
	m := &s.o.cfg.Maps
	lower := table.Fold(local, false)
	switch {
	case lower == "postmaster", lower == "mailer-daemon":
		return true
	case table.Fold(local, s.o.cfg.SMTPUTF8) == table.Fold(m.DoubleBounceSender, s.o.cfg.SMTPUTF8):
		return true
	case !m.OwnerRequestSpecial || strings.IndexByte(m.RecipientDelimiter, '-') < 0:
		return false
	}
	return strings.HasPrefix(lower, "owner-") ||
		len(lower) > len("-request") && strings.HasSuffix(lower, "-request")
}
