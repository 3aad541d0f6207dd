package rfc822

import "bytes"

// HeaderNameLen returns the length of the header name that line starts with,
// or 0 if line does not start a header. A name is one or more printable ASCII
// characters without blank and colon; blanks may stand between it and the
// colon.
//
// Source: Postfix 3.10 is_header.c, is_header_buf.
func HeaderNameLen(line []byte) int {
	n := 0
	for n < len(line) && line[n] > ' ' && line[n] < 127 && line[n] != ':' {
		n++
	}
	if n == 0 {
		return 0
	}
	for i := n; i < len(line); i++ {
		switch line[i] {
		case ':':
			return n
		case ' ', '\t':
		default:
			return 0
		}
	}
	return 0
}

// HeaderID names a header that cleanup(8) knows.
type HeaderID uint8

// The known headers. OtherHeader is one that is known only because
// message_drop_headers names it.
const (
	OtherHeader HeaderID = iota
	ApparentlyTo
	Bcc
	Cc
	ContentDescription
	ContentDisposition
	ContentID
	ContentLength
	ContentTransferEncoding
	ContentType
	Date
	DeliveredTo
	DispositionNotificationTo
	ErrorsTo
	From
	MailFollowupTo
	MessageID
	MIMEVersion
	Received
	ReplyTo
	ResentBcc
	ResentCc
	ResentDate
	ResentFrom
	ResentMessageID
	ResentReplyTo
	ResentSender
	ResentTo
	ReturnPath
	ReturnReceiptTo
	Sender
	TLSRequired
	To
)

// HeaderFlags say how a known header is treated.
type HeaderFlags uint8

// The treatments.
const (
	DropHeader       HeaderFlags = 1 << iota // removed (message_drop_headers)
	SenderHeader                             // addresses of the sender class
	RecipientHeader                          // addresses of the recipient class
	ResentHeader                             // makes added headers Resent- headers
	MIMEStructHeader                         // describes a body part
)

// Header is a header that cleanup(8) knows.
type Header struct {
	Name  string
	ID    HeaderID
	Flags HeaderFlags
}

// Value returns what follows the colon of a header whose text was found to
// have this name.
func (h *Header) Value(text []byte) []byte { return text[min(len(h.Name)+1, len(text)):] }

// knownHeaders is header_opts.c of Postfix 3.10 without the drop flags, which
// message_drop_headers gives.
var knownHeaders = [...]Header{
	{"Apparently-To", ApparentlyTo, RecipientHeader},
	{"Bcc", Bcc, RecipientHeader},
	{"Cc", Cc, RecipientHeader},
	{"Content-Description", ContentDescription, MIMEStructHeader},
	{"Content-Disposition", ContentDisposition, MIMEStructHeader},
	{"Content-ID", ContentID, MIMEStructHeader},
	{"Content-Length", ContentLength, 0},
	{"Content-Transfer-Encoding", ContentTransferEncoding, MIMEStructHeader},
	{"Content-Type", ContentType, MIMEStructHeader},
	{"Date", Date, 0},
	{"Delivered-To", DeliveredTo, 0},
	{"Disposition-Notification-To", DispositionNotificationTo, SenderHeader},
	{"Errors-To", ErrorsTo, SenderHeader},
	{"From", From, SenderHeader},
	{"Mail-Followup-To", MailFollowupTo, SenderHeader},
	{"Message-Id", MessageID, 0},
	{"MIME-Version", MIMEVersion, MIMEStructHeader},
	{"Received", Received, 0},
	{"Reply-To", ReplyTo, SenderHeader},
	{"Resent-Bcc", ResentBcc, RecipientHeader | ResentHeader},
	{"Resent-Cc", ResentCc, RecipientHeader | ResentHeader},
	{"Resent-Date", ResentDate, ResentHeader},
	{"Resent-From", ResentFrom, SenderHeader | ResentHeader},
	{"Resent-Message-Id", ResentMessageID, ResentHeader},
	{"Resent-Reply-To", ResentReplyTo, RecipientHeader | ResentHeader},
	{"Resent-Sender", ResentSender, SenderHeader | ResentHeader},
	{"Resent-To", ResentTo, RecipientHeader | ResentHeader},
	{"Return-Path", ReturnPath, SenderHeader},
	{"Return-Receipt-To", ReturnReceiptTo, SenderHeader},
	{"Sender", Sender, SenderHeader},
	{"TLS-Required", TLSRequired, 0},
	{"To", To, RecipientHeader},
}

// HeaderTable finds known headers. It may be used by several goroutines.
type HeaderTable struct {
	byName  map[string]*Header // lower-case names
	longest int
}

// NewHeaderTable returns a table in which the named headers have DropHeader
// set (message_drop_headers). Names that are not known become known as
// OtherHeader.
func NewHeaderTable(drop []string) *HeaderTable {
	t := &HeaderTable{byName: make(map[string]*Header, len(knownHeaders)+len(drop))}
	add := func(h Header) *Header {
		key := string(appendLower(nil, []byte(h.Name)))
		t.byName[key] = &h
		t.longest = max(t.longest, len(key))
		return &h
	}
	for _, h := range knownHeaders {
		add(h)
	}
	for _, name := range drop {
		key := string(appendLower(nil, []byte(name)))
		h := t.byName[key]
		if h == nil {
			h = add(Header{Name: key})
		}
		h.Flags |= DropHeader
	}
	return t
}

// Find returns the header that text, which starts with a name and a colon,
// has, or nil if it is not a known one. Case does not matter.
//
// Source: Postfix 3.10 header_opts.c, header_opts_find.
func (t *HeaderTable) Find(text []byte) *Header {
	name := text[:max(bytes.IndexByte(text, ':'), 0)]
	for len(name) > 0 && isSpace(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	if len(name) > t.longest {
		return nil
	}
	var buf [64]byte
	return t.byName[string(appendLower(buf[:0], name))]
}

func appendLower(dst, s []byte) []byte {
	for _, c := range s {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
