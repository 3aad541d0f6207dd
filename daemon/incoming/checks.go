package incoming

import (
	"strings"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/mime"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// The words for where a text stands.
const (
	inHeader = "header"
	inBody   = "body"
	anywhere = "content"
)

// headerChecks returns the mapping that headers of a section are looked up in.
func (s *stream) headerChecks(section mime.Section) *Mapping {
	m := &s.o.cfg.Maps
	switch section {
	case mime.Primary:
		return &m.HeaderChecks
	case mime.Multipart:
		return &m.MIMEHeaderChecks
	default:
		return &m.NestedHeaderChecks
	}
}

// check looks a text up and does what the table says. It returns the text that
// takes its place, and whether there is any.
func (s *stream) check(m *Mapping, context string, text []byte) (_ []byte, keep bool) {
	value, found, err := m.Tables.Find(s.ctx, string(rfc822.UntilNUL(text)))
	if err != nil {
		s.lookupProblem(err, s.log.Warningf, m.Name)
		return text, true
	}
	if !found {
		return text, true
	}
	return s.act(m.Name, context, text, value)
}

// act carries an action out. It returns the text that takes the place of text,
// and whether there is any.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_act.
func (s *stream) act(parameter, context string, text []byte, value string) (_ []byte, keep bool) {
	word, argument := value, ""
	if i := strings.IndexAny(value, " \t"); i >= 0 {
		word, argument = value[:i], strings.TrimLeft(value[i:], blanks)
	}
	log := func(action string) { s.logAction(action, context, text, argument) }
	switch table.Fold(word, false) {
	case "reject":
		s.reject(context, text, argument)
	case "warn":
		log("warning")
	case "info":
		log("info")
	case "filter":
		if argument == "" {
			s.log.Warningf("missing FILTER command argument in %s map", parameter)
		} else if !strings.Contains(argument, ":") {
			s.log.Warningf("bad FILTER command %s in %s -- need transport:destination", argument, parameter)
		} else {
			s.contentFilter = argument
			log("filter")
		}
	case "pass":
		log("pass")
		s.filter = false
	case "discard":
		log("discard")
		s.discard, s.filter = true, false
	case "hold":
		if !s.hold && !s.discard {
			log("hold")
			s.hold = true
		}
	case "prepend":
		s.prepend(parameter, context, text, argument)
	case "replace":
		return s.replace(parameter, context, text, argument), true
	case "redirect":
		if !strings.Contains(argument, "@") {
			s.log.Warningf("bad REDIRECT target \"%s\" in %s map -- need user@domain", argument, parameter)
		} else {
			s.redirect = argument
			log("redirect")
			s.filter = false
		}
	case "bcc":
		if !strings.Contains(argument, "@") {
			s.log.Warningf("bad BCC address \"%s\" in %s map -- need user@domain", argument, parameter)
		} else {
			s.copies = append(s.copies, argument)
			log("bcc")
		}
	case "strip":
		log("strip")
		return nil, false
	case "ignore":
		return nil, false
	case "dunno", "ok":
	default:
		s.log.Warningf("unknown command in %s map: %s", parameter, value)
	}
	return text, true
}

// prepend writes a text before another one.
func (s *stream) prepend(parameter, context string, text []byte, argument string) {
	switch {
	case argument == "":
		s.log.Warningf("PREPEND action without text in %s map", parameter)
	case context != inHeader:
		s.logAction("prepend", context, text, argument)
		s.outText(queuefmt.RecNormal, argument)
	case rfc822.HeaderNameLen([]byte(argument)) == 0:
		s.log.Warningf("bad PREPEND header text \"%s\" in %s map -- need \"headername: headervalue\"", argument, parameter)
	default:
		s.logAction("prepend", context, text, argument)
		s.outHeader([]byte(argument))
	}
}

// replace returns what takes the place of a text: the argument, if it can.
func (s *stream) replace(parameter, context string, text []byte, argument string) []byte {
	if argument == "" {
		s.log.Warningf("REPLACE action without text in %s map", parameter)
		return text
	}
	if context == inHeader && rfc822.HeaderNameLen([]byte(argument)) == 0 {
		s.log.Warningf("bad REPLACE header text \"%s\" in %s map -- need \"headername: headervalue\"", argument, parameter)
		return text
	}
	s.logAction("replace", context, text, argument)
	return []byte(argument)
}

// reject refuses the message. The reason may begin with a DSN status code.
func (s *stream) reject(context string, text []byte, argument string) {
	if argument == "" {
		argument = "message content rejected"
	}
	reason := prependDSN("5.7.1", argument)
	if reason[0] != '4' && reason[0] != '5' {
		s.log.Warningf("bad DSN action in %s -- need 4.x.x or 5.x.x", argument)
		reason = "4" + reason[1:]
	}
	s.reason = reason
	if reason[0] == '4' {
		s.status |= mailstream.StatusDefer
	} else {
		s.status |= mailstream.StatusContent
	}
	s.filter = false
	s.logAction("reject", context, text, reason)
}

// prependDSN returns the text with its own DSN status code, or code, in front.
//
// Source: Postfix 3.10 dsn_util.c, dsn_prepend.
func prependDSN(code, text string) string {
	text = strings.TrimLeft(text, blanks)
	if n := dsnLen(text); n > 0 {
		code, text = text[:n], text[n:]
	}
	return code + " " + strings.TrimLeft(text, blanks)
}

// dsnLen returns the length of the DSN status code (RFC 3463) that text starts
// with, or 0.
func dsnLen(text string) int {
	if len(text) < 2 || text[0] != '2' && text[0] != '4' && text[0] != '5' || text[1] != '.' {
		return 0
	}
	digits := func(from int) int {
		n := 0
		for from+n < len(text) && '0' <= text[from+n] && text[from+n] <= '9' {
			n++
		}
		return n
	}
	subject := digits(2)
	dot := 2 + subject
	if subject < 1 || subject > 3 || dot == len(text) || text[dot] != '.' {
		return 0
	}
	detail := digits(dot + 1)
	end := dot + 1 + detail
	if detail < 1 || detail > 3 || end < len(text) && !isSpace(text[end]) {
		return 0
	}
	return end
}

// logAction logs what is done because of a text.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_act_log.
func (s *stream) logAction(action, context string, text []byte, optional string) {
	text = rfc822.UntilNUL(text)
	line := make([]byte, 0, 512)
	line = append(line, s.id+": "+action+": "+context+" "...)
	line = append(line, first(text, 200)...)
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
