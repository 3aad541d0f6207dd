package queuefmt

import (
	"fmt"
	"strconv"
)

// Sizes of the size record, in bytes. It is the first record of a file and
// has always the same length, so that it can be rewritten in place.
const (
	SizeDataLen   = 95
	SizeRecordLen = 2 + SizeDataLen
)

// Flags of Size.QMgrFlags. The bits above are refused by qmgr(8).
const (
	QMgrMixedRecipients = 1  // recipients stand among other records
	QMgrNotifyNever     = 2  // DSN NOTIFY=NEVER for all recipients
	QMgrNotifySuccess   = 4  // DSN NOTIFY=SUCCESS
	QMgrNotifyFailure   = 8  // DSN NOTIFY=FAILURE
	QMgrNotifyDelay     = 16 // DSN NOTIFY=DELAY
	qmgrFlagsAll        = 31
)

// Flags of Size.SendOptions (Postfix sendopts.h). Unknown bits are ignored
// by readers.
const (
	SendOptSMTPUTF8Requested = 1
	SendOptSMTPUTF8Header    = 2
	SendOptSMTPUTF8Sender    = 4
	SendOptSMTPUTF8Recipient = 8 // never in files
	SendOptTLSRequiredNo     = 16
	SendOptRequireTLS        = 32
)

// Size is the content of the size record, type RecSize. File.SetSize makes a true one.
type Size struct {
	DataSize      int64 // bytes from DataOffset to the RecExtracted record
	DataOffset    int64 // file offset of the first byte after RecMessage
	Recipients    int64 // number of RecRecipient, RecDone and RecCanceled records in both groups
	QMgrFlags     int64 // see QMgrMixedRecipients
	ContentLength int64 // as DataSize, unless the body was replaced; 0 means DataSize
	SendOptions   int64 // see SendOptSMTPUTF8Requested
}

// AppendData appends the record's data, SizeDataLen bytes as long as no field
// needs more than 15 columns (Postfix rec_type.h, REC_TYPE_SIZE_FORMAT).
func (s Size) AppendData(dst []byte) []byte {
	for i, v := range [...]int64{s.DataSize, s.DataOffset, s.Recipients, s.QMgrFlags, s.ContentLength, s.SendOptions} {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendPadded(dst, v)
	}
	return dst
}

// Record returns the size record.
func (s Size) Record() Record {
	return Record{Type: RecSize, Data: s.AppendData(make([]byte, 0, SizeDataLen))}
}

// appendPadded appends v in decimal, right-aligned in 15 columns.
func appendPadded(dst []byte, v int64) []byte {
	var b [24]byte
	digits := strconv.AppendInt(b[:0], v, 10)
	for n := len(digits); n < pointerDataLen; n++ {
		dst = append(dst, ' ')
	}
	return append(dst, digits...)
}

// ParseSize reads the data of a size record as qmgr(8) does: numbers parted
// by blanks. The first three are needed; a file of an old Postfix may lack
// the others, which then are 0. Values are checked only for being numbers:
// see Check.
func ParseSize(data []byte) (Size, error) {
	var s Size
	fields := [...]*int64{&s.DataSize, &s.DataOffset, &s.Recipients, &s.QMgrFlags, &s.ContentLength, &s.SendOptions}
	rest := cutNUL(data)
	n := 0
	for n < len(fields) {
		v, after, ok := scanInt(rest)
		if !ok {
			break
		}
		*fields[n] = v
		rest = after
		n++
	}
	if n < 3 {
		return s, fmt.Errorf("size record has %d of 3 numbers: %.100q", n, data)
	}
	return s, nil
}

// Check applies the tests of qmgr(8): positive size and offset, no unknown
// queue manager flag, no negative content length.
func (s Size) Check() error {
	switch {
	case s.DataSize <= 0 || s.DataOffset <= 0:
		return fmt.Errorf("invalid size record: data size %d, data offset %d", s.DataSize, s.DataOffset)
	case s.QMgrFlags&^qmgrFlagsAll != 0:
		return fmt.Errorf("invalid flags in size record: %d", s.QMgrFlags)
	case s.ContentLength < 0:
		return fmt.Errorf("invalid size record: content length %d", s.ContentLength)
	}
	return nil
}

// scanInt reads a decimal number with optional leading blanks and sign.
func scanInt(b []byte) (v int64, rest []byte, ok bool) {
	i := 0
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	start := i
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		i++
	}
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	v, err := strconv.ParseInt(string(b[start:i]), 10, 64)
	if err != nil {
		return 0, b, false
	}
	return v, b[i:], true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isSpace is isspace(3) in the C locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
