package export

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// WriteJSON writes the file as one JSON object and a newline:
//
//	{"file": NAME,
//	 "size": {"data_size", "data_offset", "recipients", "qmgr_flags", "content_length", "send_options"},
//	 "arrival_time": TIME, "create_time": TIME, "warning_time": TIME,
//	 "sender": TEXT, "verp_delimiters": TEXT,
//	 "content_filter": TEXT, "redirect_to": TEXT, "dsn_envelope_id": TEXT, "dsn_ret": NUMBER,
//	 "attributes": [{"name": TEXT, "value": TEXT}, ...],
//	 "recipients": [{"address": TEXT, "original": TEXT, "dsn_original": TEXT, "dsn_notify": NUMBER,
//	                 "status": "pending" | "done" | "canceled", "offset": N}, ...],
//	 "records": [{"offset": N, "type": LETTER, "name": NAME, "data": TEXT}, ...],
//	 "fault": {"offset": N, "kind": KIND, "reason": REASON},
//	 "tolerated": [{"offset", "kind", "reason"}, ...], "more_tolerated": N}
//
// What the file does not hold is left out. Of what it says more than once, that is
// named by which qmgr(8) goes: the last of content_filter, redirect_to, dsn_envelope_id
// and dsn_ret, with which a check or a Milter overrides the one before, and the first of
// everything else. Times of 0, DSN flags that qmgr ignores, and what stands behind a NUL
// are left out of all but the records. TIME is a string, RFC 3339 in UTC,
// or, for a year that has no form there, a number: seconds since 1970. TEXT is
// a string, or, for bytes that are no UTF-8, {"base64": STRING}; so is the
// LETTER of a type that no record has. The records are in logical order, the
// message content among them, with pointers and padding. fault and tolerated are
// what Verify reports, and more_tolerated is how many it found besides; the fault
// is also the result, and the object is whole all the same. Any other error is
// that of the file's reader or of w; after either no more is read or written.
func WriteJSON(w io.Writer, name string, file io.ReaderAt) error {
	return JSONOptions{}.WriteJSON(w, name, file)
}

// JSONOptions say how WriteJSON judges a file. The zero value is what WriteJSON itself
// takes.
type JSONOptions struct {
	// Verify is what fault and tolerated go by.
	Verify queuefmt.VerifyOptions
}

// WriteJSON is the function WriteJSON under these options.
func (o JSONOptions) WriteJSON(w io.Writer, name string, file io.ReaderAt) error {
	report, fault := o.Verify.Verify(file)
	var formatFault *queuefmt.FormatError
	if fault != nil && !errors.As(fault, &formatFault) {
		return fault
	}
	j := &jsonWriter{w: bufio.NewWriter(w)}
	j.open('{')
	j.key("file").text([]byte(name))
	if err := j.summary(file); err != nil {
		return err
	}
	j.key("attributes").open('[')
	if err := j.attributes(file); err != nil {
		return err
	}
	j.close(']')
	j.key("recipients").open('[')
	if err := j.recipients(file); err != nil {
		return err
	}
	j.close(']')
	j.key("records").open('[')
	if err := j.records(file); err != nil {
		return err
	}
	j.close(']')
	if formatFault != nil {
		j.key("fault").fault(formatFault)
	}
	if len(report.Tolerated) > 0 {
		j.key("tolerated").open('[')
		for _, f := range report.Tolerated {
			j.item().fault(f)
		}
		j.close(']')
	}
	if report.MoreTolerated > 0 {
		j.key("more_tolerated").number(report.MoreTolerated)
	}
	j.close('}')
	j.w.WriteByte('\n')
	if err := j.w.Flush(); err != nil {
		return err
	}
	return fault
}

// walk calls do for the records from the first to the end record, up to a
// fault. content says that the record stands in the message content. The
// error is that of the file's reader, or of what do has written.
func (j *jsonWriter) walk(file io.ReaderAt, do func(rec queuefmt.Record, content bool)) error {
	walker := queuefmt.NewWalker(file)
	walker.Once = true
	content := false
	for {
		rec, err := walker.Next()
		var fault *queuefmt.FormatError
		if err == io.EOF || errors.As(err, &fault) {
			return nil
		}
		if err != nil {
			return err
		}
		do(rec, content)
		if err := j.err(); err != nil {
			return err
		}
		switch rec.Type {
		case queuefmt.RecEnd:
			return nil
		case queuefmt.RecMessage:
			content = true
		case queuefmt.RecExtracted:
			content = false
		}
	}
}

func (j *jsonWriter) fault(f *queuefmt.FormatError) {
	j.open('{')
	j.key("offset").number(f.Offset)
	j.key("kind").text([]byte(f.Kind.String()))
	j.key("reason").text([]byte(f.Reason))
	j.close('}')
}

// summary writes what the envelope says once.
func (j *jsonWriter) summary(file io.ReaderAt) error {
	written := make(map[string]bool)
	once := func(name string) bool {
		if written[name] {
			return false
		}
		written[name] = true
		j.key(name)
		return true
	}
	var filter, redirect, envid []byte // the last ones
	var ret int64
	warn := false // there was a time of warning
	err := j.walk(file, func(rec queuefmt.Record, content bool) {
		if content {
			return
		}
		switch rec.EffectiveType() {
		case queuefmt.RecSize:
			if size, err := queuefmt.ParseSize(rec.Data); err == nil && once("size") {
				j.size(size)
			}
		case queuefmt.RecTime:
			if sec, usec, err := queuefmt.ParseTime(rec.Data); err == nil && sec != 0 && once("arrival_time") {
				j.time(time.Unix(sec, usec*1000))
			}
		case queuefmt.RecCreateTime:
			if sec, _, err := queuefmt.ParseTime(pseudoValue(rec)); err == nil && sec != 0 && once("create_time") {
				j.time(time.Unix(sec, 0))
			}
		case queuefmt.RecWarnTime:
			// qmgr makes the first one negative when it has warned.
			if sec, _, err := queuefmt.ParseTime(rec.Data); !warn && err == nil && sec > 0 && once("warning_time") {
				j.time(time.Unix(sec, 0))
			}
			warn = true
		case queuefmt.RecSender:
			if once("sender") {
				j.text([]byte(rec.String()))
			}
		case queuefmt.RecVERP:
			if once("verp_delimiters") {
				j.text([]byte(rec.String()))
			}
		case queuefmt.RecFilter:
			filter = []byte(rec.String())
		case queuefmt.RecRedirect:
			redirect = []byte(rec.String())
		case queuefmt.RecDSNEnvID:
			envid = append([]byte{}, pseudoValue(rec)...)
		case queuefmt.RecDSNRet:
			if n := dsnFlags(rec); n == 1 || n == 2 {
				ret = n
			}
		}
	})
	if err != nil {
		return err
	}
	for _, last := range []struct {
		name string
		text []byte
	}{{"content_filter", filter}, {"redirect_to", redirect}, {"dsn_envelope_id", envid}} {
		if last.text != nil {
			j.key(last.name).text(last.text)
		}
	}
	if ret != 0 {
		j.key("dsn_ret").number(ret)
	}
	return nil
}

func (j *jsonWriter) size(s queuefmt.Size) {
	j.open('{')
	j.key("data_size").number(s.DataSize)
	j.key("data_offset").number(s.DataOffset)
	j.key("recipients").number(s.Recipients)
	j.key("qmgr_flags").number(s.QMgrFlags)
	j.key("content_length").number(s.ContentLength)
	j.key("send_options").number(s.SendOptions)
	j.close('}')
}

// attributes writes the attributes that have no meaning as a record.
func (j *jsonWriter) attributes(file io.ReaderAt) error {
	return j.walk(file, func(rec queuefmt.Record, content bool) {
		if content || rec.Type != queuefmt.RecAttr {
			return
		}
		name, value, err := queuefmt.ParseAttribute(rec.Data)
		if err != nil || queuefmt.PseudoType(name) != 0 {
			return
		}
		j.item().open('{')
		j.key("name").text(name)
		j.key("value").text(value)
		j.close('}')
	})
}

// recipients writes each recipient with what stands before it.
func (j *jsonWriter) recipients(file io.ReaderAt) error {
	var orig, orcpt []byte
	var notify int64
	return j.walk(file, func(rec queuefmt.Record, content bool) {
		if content {
			return
		}
		status := ""
		switch rec.EffectiveType() {
		case queuefmt.RecOrigRecipient:
			orig = []byte(rec.String())
		case queuefmt.RecDSNOrcpt:
			orcpt = append([]byte{}, pseudoValue(rec)...)
		case queuefmt.RecDSNNotify:
			if notify = dsnFlags(rec); notify != 1 && notify&^0xe != 0 {
				notify = 0 // nothing else goes with NEVER
			}
		case queuefmt.RecRecipient:
			status = "pending"
		case queuefmt.RecDone:
			status = "done"
		case queuefmt.RecCanceled:
			status = "canceled"
		}
		if status == "" {
			return
		}
		j.item().open('{')
		j.key("address").text([]byte(rec.String()))
		if orig != nil {
			j.key("original").text(orig)
		}
		if orcpt != nil {
			j.key("dsn_original").text(orcpt)
		}
		if notify != 0 {
			j.key("dsn_notify").number(notify)
		}
		j.key("status").text([]byte(status))
		j.key("offset").number(rec.Offset)
		j.close('}')
		orig, orcpt, notify = nil, nil, 0
	})
}

// pseudoValue returns what an attribute says that stands for another type of record, or
// such a record itself.
func pseudoValue(rec queuefmt.Record) []byte {
	if rec.Type != queuefmt.RecAttr {
		return []byte(rec.String())
	}
	_, value, _ := queuefmt.ParseAttribute(rec.Data)
	return value
}

// dsnFlags reads the flags of DSN, which are digits and nothing else; 0 if they are not.
func dsnFlags(rec queuefmt.Record) int64 {
	n, err := strconv.ParseUint(string(pseudoValue(rec)), 10, 31)
	if err != nil {
		return 0
	}
	return int64(n)
}

func (j *jsonWriter) records(file io.ReaderAt) error {
	return j.walk(file, func(rec queuefmt.Record, content bool) {
		name := rec.Type.String()
		if content && rec.Type == queuefmt.RecContinued {
			name = "unterminated_text"
		}
		j.item().open('{')
		j.key("offset").number(rec.Offset)
		j.key("type").text([]byte{byte(rec.Type)})
		j.key("name").text([]byte(name))
		j.key("data").text(rec.Data)
		j.close('}')
	})
}
