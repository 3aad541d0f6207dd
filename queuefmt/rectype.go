package queuefmt

import "strings"

// RecFilter and RecContinued share the letter 'L'; which of them a record is
// follows from the group that it stands in.

// The sets of record types that each group of a queue file may hold; the
// first letter of a set ends its group (Postfix rec_type.h). Pointer records
// may stand anywhere and are in no set.
const (
	EnvelopeTypes  = "MCTcFILSDRO/WVA>K<ion"
	ContentTypes   = "XLNw"
	ExtractedTypes = "EDRO/PreAFIL>Kon"
)

// A group is one of the three parts of a file.
type group int

const (
	groupEnvelope group = iota
	groupContent
	groupExtracted
)

func (g group) String() string {
	return [...]string{"envelope", "content", "extracted"}[g]
}

func (g group) types() string {
	return [...]string{EnvelopeTypes, ContentTypes, ExtractedTypes}[g]
}

// advance returns the group after the record.
func advance(g group, rec Record) group {
	switch {
	case rec.Type == RecMessage && g == groupEnvelope:
		return groupContent
	case rec.Type == RecExtracted && g == groupContent:
		return groupExtracted
	}
	return g
}

// String returns the name that postcat(1) prints for the type. The letter
// 'L' gives "content_filter", as in rec_type_name; in the content group
// postcat prints "unterminated_text" for it. A type without a name gives
// "unknown_record_type".
func (t RecordType) String() string {
	switch t {
	case RecSize:
		return "message_size"
	case RecTime:
		return "message_arrival_time"
	case RecCreateTime:
		return "queue_file_create_time"
	case RecFullName:
		return "sender_fullname"
	case RecInspector:
		return "content_inspector"
	case RecFilter:
		return "content_filter"
	case RecSender:
		return "sender"
	case RecDone:
		return "done_recipient"
	case RecCanceled:
		return "canceled_recipient"
	case RecRecipient:
		return "recipient"
	case RecOrigRecipient:
		return "original_recipient"
	case RecWarnTime:
		return "warning_message_time"
	case RecAttr:
		return "named_attribute"
	case RecPointer:
		return "pointer_record"
	case RecKilled:
		return "killed_record"
	case RecMessage:
		return "message_content"
	case RecNormal:
		return "regular_text"
	case RecPadding:
		return "padding"
	case RecExtracted:
		return "extracted_info"
	case RecReturnReceipt:
		return "return_receipt"
	case RecErrorsTo:
		return "errors_to"
	case RecPriority:
		return "priority"
	case RecVERP:
		return "verp_delimiters"
	case RecEnd:
		return "message_end"
	case RecRedirect:
		return "redirect_to"
	case RecCleanupFlags:
		return "flags"
	case RecDSNRet:
		return "dsn_return_flags"
	case RecDSNEnvID:
		return "dsn_envelope_id"
	case RecDSNOrcpt:
		return "dsn_original_recipient"
	case RecDSNNotify:
		return "dsn_notify_flags"
	}
	return "unknown_record_type"
}

// inSet says whether t is one of the letters of set.
func (t RecordType) inSet(set string) bool {
	return strings.IndexByte(set, byte(t)) >= 0
}
