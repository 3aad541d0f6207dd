package queuefmt

// RecordType is the type byte of a queue-file record. Its value is the byte
// that stands in the file (Postfix rec_type.h).
type RecordType byte

// The record types of Postfix 3.10. The comment gives the name that
// postcat(1) prints. Types marked "pseudo" are stored as RecAttr records and
// only named here because the ordering rules treat them as types of their
// own; types marked "socket" appear on the connection to cleanup(8) and never
// in a file.
const (
	RecSize          RecordType = 'C' // message_size
	RecTime          RecordType = 'T' // message_arrival_time
	RecCreateTime    RecordType = 'c' // queue_file_create_time (pseudo)
	RecFullName      RecordType = 'F' // sender_fullname
	RecInspector     RecordType = 'I' // content_inspector
	RecFilter        RecordType = 'L' // content_filter, in an envelope
	RecSender        RecordType = 'S' // sender
	RecDone          RecordType = 'D' // done_recipient
	RecRecipient     RecordType = 'R' // recipient
	RecOrigRecipient RecordType = 'O' // original_recipient
	RecCanceled      RecordType = '/' // canceled_recipient
	RecWarnTime      RecordType = 'W' // warning_message_time
	RecVERP          RecordType = 'V' // verp_delimiters
	RecAttr          RecordType = 'A' // named_attribute
	RecRedirect      RecordType = '>' // redirect_to
	RecKilled        RecordType = 'K' // killed_record
	RecDSNRet        RecordType = '<' // dsn_return_flags (pseudo)
	RecDSNEnvID      RecordType = 'i' // dsn_envelope_id (pseudo)
	RecDSNOrcpt      RecordType = 'o' // dsn_original_recipient (pseudo)
	RecDSNNotify     RecordType = 'n' // dsn_notify_flags (pseudo)
	RecPriority      RecordType = 'P' // priority (obsolete)
	RecReturnReceipt RecordType = 'r' // return_receipt (obsolete)
	RecErrorsTo      RecordType = 'e' // errors_to (obsolete)
	RecMessage       RecordType = 'M' // message_content, ends the envelope
	RecNormal        RecordType = 'N' // regular_text, in the content
	RecContinued     RecordType = 'L' // unterminated_text, in the content
	RecPadding       RecordType = 'w' // padding
	RecPointer       RecordType = 'p' // pointer_record
	RecExtracted     RecordType = 'X' // extracted_info, ends the content
	RecEnd           RecordType = 'E' // message_end
	RecCleanupFlags  RecordType = 'f' // flags (socket)
	RecMilterCount   RecordType = 'm' // number of milters (socket)
)

// RecordWriter accepts the records of one message in queue-file order.
type RecordWriter interface {
	// WriteRecord appends one record. data may be empty; the callee does
	// not keep it after the call returns.
	WriteRecord(t RecordType, data []byte) error
}

// AppendRecord appends the encoding of one record to dst: the type byte, the
// length of data in groups of seven bits with the least significant group
// first, and data itself (Postfix record.c, rec_put). No reader accepts more
// data than MaxRecordData.
func AppendRecord(dst []byte, t RecordType, data []byte) []byte {
	dst = append(dst, byte(t))
	n := uint(len(data))
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	dst = append(dst, byte(n))
	return append(dst, data...)
}

// RecordSize returns the number of bytes that a record with n bytes of data
// takes in a file.
func RecordSize(n int) int {
	size := 2 + n
	for l := uint(n); l >= 0x80; l >>= 7 {
		size++
	}
	return size
}
