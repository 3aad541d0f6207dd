package queuefmt

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// VerifyOptions say by what Verify judges a file. The zero value is what Verify
// itself takes.
type VerifyOptions struct {
	// VERPDelimiterFilter is the verp_delimiter_filter of the qmgr(8) that would
	// deliver the message. "" means its default, "-=+"; it cannot be empty.
	VERPDelimiterFilter string
	// MaxTolerated is how many tolerated faults are listed, since a file can
	// have a fault in each of its records. 0 means 100; a negative number lists
	// none.
	MaxTolerated int
	// Maildrop judges as pickup(8) and the cleanup(8) behind it do, for the files in
	// maildrop/ that sendmail(1) and postdrop(1) write. They have no size record, and
	// need no time, but one of Postfix 3.11 may have a preliminary size record, of no
	// meaning. line_length_limit and queue_file_attribute_count_limit, by which pickup
	// bounds each record and cleanup how many attributes there are, are not looked at.
	Maildrop bool
}

func (o VerifyOptions) withDefaults() VerifyOptions {
	if o.VERPDelimiterFilter == "" {
		o.VERPDelimiterFilter = "-=+"
	}
	if o.MaxTolerated == 0 {
		o.MaxTolerated = 100
	}
	return o
}

// Report is what Verify found out about a file.
type Report struct {
	Size       Size   // the size record
	Arrival    int64  // seconds since 1970
	Sender     string // envelope sender
	Recipients int64  // recipients that wait for delivery
	Done       int64  // recipients delivered or canceled
	End        int64  // offset after the end record, 0 when there is none

	// Tolerated lists the faults with which qmgr(8) delivers the message
	// all the same, in the order in which they are found; at most as many as
	// VerifyOptions says. MoreTolerated counts those that are not listed.
	Tolerated     []*FormatError
	MoreTolerated int64
}

// Verify reads a queue file from its first record to the end record as qmgr(8)
// and the delivery agents do, following pointer records. The error is the
// first fault, a *FormatError, for which qmgr would move the file to corrupt/,
// or that of ra. The report holds what was found up to there.
//
// Source: Postfix 3.10 qmgr_message.c, qmgr_message_read; for the order of
// sender, time and recipients cleanup_envelope.c. Beyond qmgr, which skips the
// content, its records are read, too.
//
// VerifyOptions has the same with other values than the defaults, and for files that
// still are in maildrop/.
func Verify(ra io.ReaderAt) (Report, error) { return VerifyOptions{}.Verify(ra) }

// Verify is the function Verify under these options.
func (o VerifyOptions) Verify(ra io.ReaderAt) (Report, error) {
	v := &verifier{options: o.withDefaults(), w: NewWalker(ra), group: groupEnvelope}
	v.w.Once = true
	err := v.run()
	v.finish(ra, err)
	return v.report, err
}

// recipientTypes are the records with which cleanup(8) takes the rest of the envelope for
// recipients, before which it wants the sender and a time (Postfix rec_type.h).
const recipientTypes = "MDRO/Kon"

// Names of attributes that are looked at here alone.
const (
	attrRewriteContext = "rewrite_context"
	attrTraceFlags     = "trace_flags"
)

type verifier struct {
	options VerifyOptions
	w       *Walker
	report  Report
	group   group
	sizeAt  int64 // offset of the size record
	jumped  bool  // a pointer record led somewhere

	haveSize, haveTime, haveSender, haveVERP bool

	noTime error           // the fault of an arrival time record that has no time
	once   map[string]bool // the attributes that count once, of which there was one

	// The records that wait for their recipient.
	orcpt, orig, notify *Record
}

func (v *verifier) run() error {
	for first := true; ; first = false {
		rec, err := v.w.Next()
		if err == io.EOF {
			return v.eof()
		}
		if err != nil {
			return err
		}
		if first && rec.Type != RecSize {
			if !rec.Type.inSet(EnvelopeTypes) {
				return fault(rec, FaultType, "not a queue file: first record type "+quoteType(rec.Type))
			}
			if !v.options.Maildrop {
				v.tolerate(rec, FaultOrder, "first record is not the size record")
			}
		}
		if rec.Type == RecPointer {
			if target, ok := ParsePointer(rec.Data); ok && target != 0 {
				v.jumped = true
			}
			continue
		}
		done, err := v.record(rec)
		if err != nil || done {
			return err
		}
	}
}

// eof tells what a file without an end record lacks.
func (v *verifier) eof() error {
	lack, kind := RecEnd, "end"
	switch v.group {
	case groupEnvelope:
		lack, kind = RecMessage, "message content"
	case groupContent:
		lack, kind = RecExtracted, "extracted segment"
	}
	return missing(Record{Offset: v.w.Offset()}, lack, kind)
}

// record checks one record and says whether it was the last.
func (v *verifier) record(rec Record) (bool, error) {
	if v.options.Maildrop && rec.Type == RecPadding {
		return false, nil // pickup reads over it anywhere
	}
	if !rec.Type.inSet(v.group.types()) {
		// qmgr has one set for both envelope groups, pickup has not.
		if v.options.Maildrop || v.group == groupContent || !rec.Type.inSet(EnvelopeTypes+ExtractedTypes) || rec.Type == RecEnd || rec.Type == RecMessage {
			return false, fault(rec, FaultType, fmt.Sprintf("unexpected record type %s in the %s group", quoteType(rec.Type), v.group))
		}
		v.tolerate(rec, FaultType, fmt.Sprintf("record type %s does not belong in the %s group", quoteType(rec.Type), v.group))
	}
	if v.group == groupContent {
		if rec.Type == RecExtracted {
			return false, v.extracted(rec)
		}
		return false, nil
	}
	if v.options.Maildrop && v.group == groupEnvelope && rec.Type.inSet(recipientTypes) {
		switch {
		case !v.haveSender:
			return false, missing(rec, RecSender, "sender")
		case !v.haveTime && v.noTime != nil:
			return false, v.noTime
		}
	}
	switch rec.Type {
	case RecMessage:
		return false, v.message(rec)
	case RecEnd:
		v.report.End = rec.End()
		if v.options.Maildrop && v.report.Recipients == 0 {
			return true, missing(rec, RecRecipient, "recipient")
		}
		return true, nil
	}
	return false, v.envelope(rec)
}

func (v *verifier) message(rec Record) error {
	switch {
	case v.options.Maildrop:
	case !v.haveSize:
		return fault(rec, FaultMissing, "missing size record")
	case !v.haveTime && v.noTime != nil:
		return v.noTime
	case !v.haveTime:
		return fault(rec, FaultMissing, "missing arrival time record")
	case !v.haveSender:
		return fault(rec, FaultMissing, "missing sender record")
	case rec.End() != v.report.Size.DataOffset:
		return fault(rec, FaultSize, fmt.Sprintf("content starts at offset %d, size record says %d", rec.End(), v.report.Size.DataOffset))
	}
	v.group = groupContent
	return nil
}

func (v *verifier) extracted(rec Record) error {
	if have := rec.Offset - v.report.Size.DataOffset; have != v.report.Size.DataSize && !v.options.Maildrop {
		return fault(rec, FaultSize, fmt.Sprintf("content takes %d bytes, size record says %d", have, v.report.Size.DataSize))
	}
	v.group = groupExtracted
	return nil
}

// envelope checks a record of the envelope or extracted group.
func (v *verifier) envelope(rec Record) error {
	typ, value := rec.Type, cutNUL(rec.Data)
	if typ == RecAttr {
		name, val, err := ParseAttribute(rec.Data)
		if err != nil {
			return fault(rec, FaultValue, fmt.Sprintf("bad attribute record: %v: %.200q", err, value))
		}
		if v.options.Maildrop && len(val) == 0 {
			v.tolerate(rec, FaultValue, fmt.Sprintf("ignoring attribute %.100q without a value", name))
			return nil
		}
		if t := PseudoType(name); t != 0 {
			typ, value = t, val
		} else if err := v.attribute(rec, string(name), val); err != nil {
			return err
		}
	}
	switch typ {
	case RecSize:
		if v.options.Maildrop {
			break // of a message that postsuper(1) has put back; cleanup makes a new one
		}
		return v.size(rec)
	case RecTime:
		if v.haveTime {
			v.tolerate(rec, FaultOrder, "ignored: second arrival time record")
			break
		}
		sec, _, ok := scanInt(value)
		if !ok || sec == 0 { // another may have one
			v.noTime = fault(rec, FaultValue, fmt.Sprintf("arrival time record without a time: %.100q", value))
			break
		}
		v.report.Arrival, v.haveTime = sec, true
	case RecSender:
		if v.haveSender && v.options.Maildrop {
			return fault(rec, FaultOrder, "second sender record")
		}
		if v.haveSender {
			v.tolerate(rec, FaultOrder, "ignored: second sender record")
			break
		}
		if v.report.Recipients+v.report.Done > 0 {
			v.tolerate(rec, FaultOrder, "sender record after a recipient")
		}
		v.report.Sender, v.haveSender = string(value), true
	case RecVERP:
		v.verp(rec, value)
	case RecRecipient:
		v.report.Recipients++
		v.orcpt, v.orig, v.notify = nil, nil, nil
	case RecDone, RecCanceled:
		v.report.Done++
		v.orcpt, v.orig, v.notify = nil, nil, nil
	case RecDSNOrcpt:
		v.pend(&v.orcpt, rec, "DSN original recipient address")
	case RecOrigRecipient:
		v.pend(&v.orig, rec, "original recipient")
	case RecDSNNotify:
		if !numberIn(value, func(n int64) bool { return n == 1 || n > 1 && n&^0xe == 0 }) {
			if v.notify != nil { // qmgr forgets the one before all the same
				v.tolerate(*v.notify, FaultOrder, "ignoring out-of-order DSN notify flags")
				v.notify = nil
			}
			v.tolerate(rec, FaultValue, fmt.Sprintf("ignoring malformed DSN notify flags %.200q", value))
			break
		}
		v.pend(&v.notify, rec, "DSN notify flags")
	case RecDSNRet:
		if !numberIn(value, func(n int64) bool { return n == 1 || n == 2 }) {
			if v.options.Maildrop && v.group == groupEnvelope {
				return fault(rec, FaultValue, fmt.Sprintf("malformed DSN RET flags %.100q", value))
			}
			v.tolerate(rec, FaultValue, fmt.Sprintf("ignoring malformed DSN RET flags %.100q", value))
		}
	case RecDSNEnvID:
		if v.options.Maildrop && v.group == groupEnvelope && !printable(value) {
			return fault(rec, FaultValue, fmt.Sprintf("malformed DSN envelope ID %.100q", value))
		}
	}
	return nil
}

// attribute checks an attribute that stands for no type of record.
func (v *verifier) attribute(rec Record, name string, value []byte) error {
	if v.options.Maildrop {
		if v.group == groupExtracted {
			return nil // pickup leaves it out
		}
		bad := false
		switch name {
		case attrRewriteContext:
			bad = string(value) != "local" && string(value) != "remote"
		case attrTraceFlags:
			bad = !allDigits(value)
		}
		if bad {
			return fault(rec, FaultValue, fmt.Sprintf("malformed attribute %s: %.100q", name, value))
		}
	}
	switch name {
	case "sasl_method", "sasl_username", "sasl_sender", "log_ident", attrRewriteContext:
		if v.once[name] {
			v.tolerate(rec, FaultOrder, "ignoring multiple "+name+" attribute")
			break
		}
		if v.once == nil {
			v.once = make(map[string]bool)
		}
		v.once[name] = true
	}
	return nil
}

func (v *verifier) size(rec Record) error {
	if v.haveSize {
		v.tolerate(rec, FaultOrder, "ignored: second size record")
		return nil
	}
	size, err := ParseSize(rec.Data)
	if err == nil {
		err = size.Check()
	}
	if err != nil {
		return fault(rec, FaultSize, err.Error())
	}
	v.report.Size, v.haveSize, v.sizeAt = size, true, rec.Offset
	return nil
}

func (v *verifier) verp(rec Record, delims []byte) {
	switch {
	case v.haveVERP:
		v.tolerate(rec, FaultOrder, "ignored: second VERP record")
	case v.report.Sender == "":
		v.tolerate(rec, FaultOrder, "ignoring VERP request for null sender")
	case len(delims) != 2 || !v.mayDelimit(delims[0]) || !v.mayDelimit(delims[1]):
		v.tolerate(rec, FaultValue, fmt.Sprintf("ignoring bad VERP request: %.100q", delims))
	default:
		v.haveVERP = true
	}
}

func (v *verifier) mayDelimit(c byte) bool {
	return strings.IndexByte(v.options.VERPDelimiterFilter, c) >= 0
}

// pend keeps a record for the next recipient.
func (v *verifier) pend(slot **Record, rec Record, what string) {
	if *slot != nil {
		v.tolerate(**slot, FaultOrder, "ignoring out-of-order "+what)
	}
	*slot = &Record{Type: rec.Type, Offset: rec.Offset}
}

// finish makes the checks that need the whole file.
func (v *verifier) finish(ra io.ReaderAt, err error) {
	if err != nil {
		return
	}
	if v.orcpt != nil {
		v.tolerate(*v.orcpt, FaultOrder, "ignoring out-of-order DSN original recipient address")
	}
	if v.orig != nil {
		v.tolerate(*v.orig, FaultOrder, "ignoring out-of-order original recipient")
	}
	if diff := v.report.Size.Recipients - v.report.Recipients - v.report.Done; diff != 0 && !v.options.Maildrop {
		v.tolerate(Record{Type: RecSize, Offset: v.sizeAt}, FaultCount, fmt.Sprintf("rcpt count mismatch (%d)", diff))
	}
	// Records that a milter added stand after the end record.
	if !v.jumped {
		var b [1]byte
		if n, _ := ra.ReadAt(b[:], v.report.End); n > 0 {
			v.tolerate(Record{Type: RecordType(b[0]), Offset: v.report.End}, FaultOrder, "data after the end record")
		}
	}
}

func (v *verifier) tolerate(rec Record, kind FaultKind, reason string) {
	if len(v.report.Tolerated) >= v.options.MaxTolerated {
		v.report.MoreTolerated++
		return
	}
	v.report.Tolerated = append(v.report.Tolerated, &FormatError{Offset: rec.Offset, Type: rec.Type, Kind: kind, Reason: reason, Tolerated: true})
}

func fault(rec Record, kind FaultKind, reason string) error {
	return &FormatError{Offset: rec.Offset, Type: rec.Type, Kind: kind, Reason: reason}
}

// missing is the fault of a record that should stand before rec.
func missing(rec Record, t RecordType, what string) error {
	return &FormatError{Offset: rec.Offset, Type: t, Kind: FaultMissing, Reason: "missing " + what + " record"}
}

// numberIn says whether b is all digits and a number that good accepts.
func numberIn(b []byte, good func(int64) bool) bool {
	n, _, ok := scanInt(b)
	return ok && allDigits(b) && good(n)
}

// allDigits says whether b has digits and nothing else.
func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) > 0
}

// printable says whether b has printable ASCII characters, blanks among them, and
// nothing else.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// quoteType shows a type byte.
func quoteType(t RecordType) string {
	if t > ' ' && t < 0x7f {
		return "'" + string(rune(t)) + "'"
	}
	return fmt.Sprintf("%d", byte(t))
}

// VerifyBytes is Verify for a file in memory.
func VerifyBytes(b []byte) (Report, error) { return Verify(bytes.NewReader(b)) }
