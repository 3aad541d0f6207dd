package incoming

import "github.com/qmqpd/qmqpd/daemon/mailstream"

// reject refuses the message because of its content, for a reason that starts
// with a DSN status code.
func (s *stream) reject(context string, text []byte, reason string) {
	s.reason = reason
	if reason[0] == '4' {
		s.status |= mailstream.StatusDefer
	} else {
		s.status |= mailstream.StatusContent
	}
	s.filter = false
	s.logAction("reject", context, text, reason)
}

// logAction logs what is done because of text in a header or body.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_act_log.
func (s *stream) logAction(action, context string, text []byte, optional string) {
	text = untilNUL(text)
	line := make([]byte, 0, 512)
	line = append(line, s.id+": "+action+": "+context+" "...)
	line = append(line, text[:min(len(text), 200)]...)
	line = append(line, " from "...)
	line = append(line, s.origin...)
	line = append(line, ';')
	if s.haveSender {
		line = append(line, " from=<"+s.logAddress(s.sender)+">"...)
	}
	if s.haveRcpt {
		line = append(line, " to=<"+s.logAddress(s.recipient)+">"...)
	}
	if len(s.protocol) > 0 {
		line = append(line, " proto="...)
		line = append(line, s.protocol...)
	}
	if len(s.helo) > 0 {
		line = append(line, " helo=<"...)
		line = append(line, s.helo...)
		line = append(line, '>')
	}
	if optional != "" {
		line = append(line, ": "+optional...)
	}
	s.log.Infof("%s", line)
}
