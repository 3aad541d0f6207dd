package incoming

import "github.com/qmqpd/qmqpd/queuefmt"

// extracted takes the record after the content, which has to be the last one:
// what cleanup(8) extracts goes before it.
//
// Source: Postfix 3.10 cleanup_extracted.c.
func (s *stream) extracted(t queuefmt.RecordType) {
	s.out(queuefmt.RecExtracted, nil)
	if t != queuefmt.RecEnd {
		s.unexpected(t, "in extracted envelope")
		return
	}
	if s.contentFilter != "" {
		s.outText(queuefmt.RecFilter, s.contentFilter)
	}
	if s.redirect != "" {
		s.outText(queuefmt.RecRedirect, s.redirect)
	}
	if len(s.messageID) > 0 {
		s.record = append(append(s.record[:0], queuefmt.AttrMessageID+"="...), s.messageID...)
		s.out(queuefmt.RecAttr, s.record)
	}
	if s.has8Bit {
		s.outText(queuefmt.RecAttr, queuefmt.AttrEncoding, "=8bit")
	}
	if bcc := s.o.cfg.Maps.AlwaysBCC; bcc != "" && s.o.cfg.BCC && s.haveRcpt {
		s.addBCC(bcc)
	}
	if s.haveRcpt && s.ok() {
		for _, bcc := range s.copies {
			s.addBCC(bcc)
		}
	}
	s.out(queuefmt.RecEnd, nil)
	s.phase = complete
}
