package qmqp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// copySender reads the sender and writes it, with the VERP delimiters if VERP
// is requested. Source: qmqpd_copy_sender.
func (s *Session) copySender(out *recordSink) error {
	s.where = whereSender
	if err := s.readAddress(); err != nil {
		return err
	}
	sender, first, verp := parseVERP(s.line)
	delims := []byte{first, '='}
	if verp && !verpAllowed(delims, s.cfg.VERPFilter) {
		s.status |= mailstream.StatusContent
		s.why = fmt.Sprintf("Invalid VERP delimiters: \"%s\". Need two characters from \"%s\"", delims, s.cfg.VERPFilter)
	}
	if s.status == 0 {
		out.put(queuefmt.RecSender, sender)
	}
	if verp && s.status == 0 {
		out.put(queuefmt.RecVERP, delims)
	}
	return nil
}

// parseVERP recognises a sender of the form prefix@origin-@[], where the last
// byte of prefix is the first VERP delimiter, and returns the sender that
// remains: the delimiter and the suffix taken away. It works in place. Source:
// qmqpd_copy_sender; the rows of TestParseVERP were seen on the real program.
func parseVERP(sender []byte) (addr []byte, delim byte, ok bool) {
	const suffix = "-@[]"
	if len(sender) <= len(suffix) || !bytes.HasSuffix(sender, []byte(suffix)) {
		return sender, 0, false
	}
	origin := len(sender) - len(suffix) // where the suffix starts
	text := sender
	if nul := bytes.IndexByte(sender, 0); nul >= 0 {
		text = sender[:nul] // the search for @ stops at a NUL
	}
	at := bytes.IndexByte(text, '@')
	if at < 2 || at+1 >= origin {
		return sender, 0, false // no prefix, or no origin
	}
	delim = sender[at-1]
	addr = append(sender[:at-1], sender[at:origin]...)
	return addr, delim, true
}

// verpAllowed tells whether both delimiters are in the filter. Source:
// verp_sender.c, verp_delims_verify.
func verpAllowed(delims []byte, filter string) bool {
	for _, c := range delims {
		if strings.IndexByte(filter, c) < 0 {
			return false
		}
	}
	return true
}

// writeAttributes writes who the client is, once for logging and once for
// Milters. Source: qmqpd_write_attributes.
func (s *Session) writeAttributes(out *recordSink) {
	put := func(name, value string) {
		s.line = append(s.line[:0], name...)
		s.line = append(s.line, '=')
		s.line = append(s.line, value...)
		out.put(queuefmt.RecAttr, s.line)
	}
	put(queuefmt.AttrLogClientName, s.client.Name)
	put(queuefmt.AttrLogClientAddress, s.client.RFCAddr)
	put(queuefmt.AttrLogClientPort, s.client.Port)
	put(queuefmt.AttrLogMessageOrigin, s.nameadr)
	put(queuefmt.AttrLogProtocolName, protocol)
	put(queuefmt.AttrClientName, s.client.Name)
	put(queuefmt.AttrClientAddress, s.client.Addr)
	put(queuefmt.AttrClientPort, s.client.Port)
	put(queuefmt.AttrClientAddressType, strconv.Itoa(s.client.Family))
	put(queuefmt.AttrProtocolName, protocol)
}

// protocol is the name of the protocol in attributes and in Received.
const protocol = "QMQP"

// copyRecipients reads the recipients up to the comma that ends the request,
// writes each, and returns their number. The first is kept for the Received
// header. Source: qmqpd_copy_recipients.
func (s *Session) copyRecipients(out *recordSink) (count int, err error) {
	s.where = whereRecipient
	for ; !s.in.Next(','); count++ {
		if err := s.readAddress(); err != nil {
			return count, err
		}
		if s.status == 0 {
			out.put(queuefmt.RecRecipient, s.line)
		}
		if count == 0 {
			s.first = append(s.first[:0], s.line...)
		}
	}
	return count, nil
}

// readAddress reads a netstring of at most line_length_limit bytes into
// s.line.
func (s *Session) readAddress() (err error) {
	s.line, err = s.in.Append(s.line[:0], int64(s.cfg.lineLimit()))
	return err
}
