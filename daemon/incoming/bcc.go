package incoming

import (
	"bytes"

	"github.com/qmqpd/qmqpd/daemon/rfc822"
)

// notifyNever is DSN NOTIFY=NEVER: nobody is told what becomes of automatic
// copies.
const notifyNever = 1

// addBCC adds an automatic recipient.
//
// Source: Postfix 3.10 cleanup_addr.c, cleanup_addr_bcc_dsn.
func (s *stream) addBCC(bcc string) {
	addr := s.rewriter.AppendInternal(nil, rfc822.UntilNUL([]byte(bcc)))
	addr = s.mapInternal(addr, EnvelopeRecipient)
	if s.o.cfg.SMTPUTF8 && isUnicode(addr) {
		s.requestSMTPUTF8()
	}
	s.outRecipient(nil, notifyNever, addr, addr)
}

// addMappedBCC adds the recipient that a table has for an envelope address.
// The value is taken as an address in internal form.
func (s *stream) addMappedBCC(m *Mapping, addr []byte) {
	if !s.o.cfg.BCC || !m.on() || len(addr) == 0 {
		return
	}
	value, _, found, err := s.find(m, bytes.Clone(addr), true)
	if err != nil {
		s.lookupProblem(err, s.log.Warningf, m.Name)
	} else if found {
		s.addBCC(value)
	}
}
