package qmqp

import (
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// writeReceived begins the content with our own Received header. It names the
// recipient only if there is exactly one, so as not to reveal the others.
// Source: qmqpd_write_content.
func (s *Session) writeReceived(out *recordSink, recipients int) {
	out.put(queuefmt.RecMessage, nil)
	line := func(parts ...string) {
		s.line = s.line[:0]
		for _, p := range parts {
			s.line = append(s.line, p...)
		}
		out.put(queuefmt.RecNormal, s.line)
	}
	line("Received: from ", s.client.Name, " (", s.client.Name, " [", s.client.RFCAddr, "])")
	if recipients == 1 {
		line("\tby ", s.cfg.Hostname, " (", s.cfg.MailName, ") with ", protocol, " id ", s.queueID)
		s.line = append(s.line[:0], "\tfor <"...)
		s.line = rfc822.AppendQuoted(s.line, s.first)
		s.line = append(s.line, ">; "...)
	} else {
		line("\tby ", s.cfg.Hostname, " (", s.cfg.MailName, ") with ", protocol)
		s.line = append(s.line[:0], "\tid "...)
		s.line = append(s.line, s.queueID...)
		s.line = append(s.line, "; "...)
	}
	s.line = rfc822.AppendDate(s.line, s.arrival)
	out.put(queuefmt.RecNormal, s.line)
}
