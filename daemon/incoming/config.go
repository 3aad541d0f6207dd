package incoming

import (
	"time"

	"github.com/qmqpd/qmqpd/daemon/rewrite"
)

// Config holds the settings that decide what goes into a queue file. All
// streams of an Opener share it; it must not change while one is open.
type Config struct {
	// Hostname goes into added Message-Id headers. myhostname.
	Hostname string
	// Rewrite holds the rules for addresses, in the envelope and in
	// headers.
	Rewrite rewrite.Rules
	// EmptyAddressRecipient stands in for an empty recipient address.
	// empty_address_recipient, default MAILER-DAEMON.
	EmptyAddressRecipient string

	// Filter, BCC and Map allow header and body checks with the limits of
	// content, automatic recipients, and address mappings.
	// receive_override_options takes them away.
	Filter, BCC, Map bool
	// AutoUTF8 asks for SMTPUTF8 when addresses or headers need it.
	// smtputf8_autodetect_classes contains qmqpd or all.
	AutoUTF8 bool
	// SMTPUTF8 is smtputf8_enable.
	SMTPUTF8 bool

	// EnableOriginalRecipient keeps recipients apart that had different
	// addresses before rewriting. enable_original_recipient, default yes.
	EnableOriginalRecipient bool
	// DuplicateFilterLimit is the number of recipients that are
	// remembered; 0 is no limit. duplicate_filter_limit, default 1000.
	DuplicateFilterLimit int
	// DelayWarningTime is when the sender is told of a delay; 0 is never.
	// delay_warning_time, default 0h.
	DelayWarningTime time.Duration
	// AttributeLimit is the number of named attributes from which a
	// message is refused. queue_file_attribute_count_limit, default 100.
	AttributeLimit int
	// VERPFilter is the set of allowed VERP delimiters.
	// verp_delimiter_filter, default "-=+".
	VERPFilter string

	// MessageSizeLimit is the limit of the whole queue file, in bytes; 0
	// is none. The spool enforces it. message_size_limit.
	MessageSizeLimit int64
	// LineLengthLimit is where long header lines are cut, in bytes.
	// line_length_limit; zero means its default, 2048.
	LineLengthLimit int
	// HeaderSizeLimit is how long a header may become, in bytes.
	// header_size_limit, default 102400.
	HeaderSizeLimit int
	// HeaderTokenLimit is how many tokens of an address header are looked
	// at. header_address_token_limit, default 10240.
	HeaderTokenLimit int
	// HopcountLimit is the number of Received headers from which a message
	// is refused. hopcount_limit, default 50.
	HopcountLimit int
	// DropHeaders names the headers that are removed.
	// message_drop_headers, default bcc, content-length, resent-bcc,
	// return-path.
	DropHeaders []string
	// UndisclosedRecipients is the header that is added to a message
	// without a visible recipient; "" adds none.
	// undisclosed_recipients_header.
	UndisclosedRecipients string
	// TLSRequired obeys TLS-Required headers. tls_required_enable, default
	// yes.
	TLSRequired bool

	// ReplaceStrayCRLF turns each CR and LF inside a line into a blank.
	// cleanup_replace_stray_cr_lf, default yes.
	ReplaceStrayCRLF bool
	// RejectCharacters and StripCharacters are the bytes that make a
	// message be refused, and that are removed from it.
	// message_reject_characters, message_strip_characters; see Unescape.
	RejectCharacters, StripCharacters []byte
	// DetectEncoding notes an announced 8-bit encoding in the envelope.
	// detect_8bit_encoding_header, default yes.
	DetectEncoding bool
	// DisableMIME takes everything after the headers for one body.
	// disable_mime_input_processing, default no.
	DisableMIME bool
	// BoundaryLimit and NestingLimit bound what is followed of a MIME
	// structure. mime_boundary_length_limit, default 2048 bytes;
	// mime_nesting_limit, default 100.
	BoundaryLimit, NestingLimit int
	// ForceConversion turns 8-bit bodies into quoted-printable.
	// force_mime_input_conversion, default no.
	ForceConversion bool
	// Strict7BitHeaders, Strict8BitMIME, Strict8BitMIMEBody and
	// StrictEncodingDomain refuse messages that break MIME's rules.
	// strict_7bit_headers, strict_8bitmime, strict_8bitmime_body,
	// strict_mime_encoding_domain; default no.
	Strict7BitHeaders, Strict8BitMIME, Strict8BitMIMEBody, StrictEncodingDomain bool

	// Maps holds the lookup tables.
	Maps Maps

	// LongIDs says that queue ids are long: they are unique without the
	// time. enable_long_queue_ids, default no.
	LongIDs bool
	// LogInternalAddresses writes addresses in log lines as they are,
	// without quotes. info_log_address_format = internal.
	LogInternalAddresses bool
	// Location is the time zone of added Date headers; nil is UTC.
	Location *time.Location
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}
