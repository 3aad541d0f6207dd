package incoming

import (
	"bytes"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// expand returns the addresses that a recipient stands for, in internal form.
// Each is expanded again, until nothing more is found or it has come up
// before. In trouble it returns the recipient alone, and the message will be
// refused.
//
// Source: Postfix 3.10 cleanup_map1n.c, cleanup_map1n_internal.
func (s *stream) expand(recipient []byte) [][]byte {
	m := &s.o.cfg.Maps
	mapping := &m.VirtualAlias
	// The recipient may lie in memory that is used again.
	recipient = bytes.Clone(recipient)
	fail := func(status mailstream.Status) [][]byte {
		s.status |= status
		s.reason = "4.6.0 Alias expansion error"
		return [][]byte{recipient}
	}
	fold := func(addr []byte) string { return table.Fold(string(addr), s.o.cfg.SMTPUTF8) }
	toSelf := make(map[string]bool)
	list := [][]byte{recipient}
	for i := 0; i < len(list); i++ {
		if len(list) > m.ExpansionLimit {
			s.log.Warningf("%s: unreasonable %s map expansion size for %s -- message not accepted, try again later", s.id, mapping.Name, recipient)
			return fail(mailstream.StatusDefer)
		}
		for depth := 0; !toSelf[fold(list[i])]; depth++ {
			if depth >= m.RecursionLimit {
				s.log.Warningf("%s: unreasonable %s map nesting for %s -- message not accepted, try again later", s.id, mapping.Name, recipient)
				return fail(mailstream.StatusDefer)
			}
			result, err := s.mapAddress(mapping, list[i], list[i], m.PropagateVirtual)
			if err != nil {
				s.lookupProblem(err, s.log.Warningf, mapping.Name, recipient...)
				return fail(mailstream.StatusWrite)
			}
			if result == nil {
				break
			}
			before := fold(list[i])
			for j, addr := range result {
				if len(addr) > m.AddressLimit {
					s.log.Warningf("%s: unreasonable %s result %s... -- message not accepted, try again later", s.id, mapping.Name, first(addr, 300))
					return fail(mailstream.StatusDefer)
				}
				if j == 0 {
					list[i] = addr
				} else {
					list = append(list, addr)
				}
				// An address may expand to itself once.
				if fold(addr) == before {
					toSelf[before] = true
				}
			}
		}
	}
	return list
}
