package compat

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// maildropRows are files as postdrop(1) leaves them, with one fault each: those that
// pickup(8) throws away or that cleanup(8) refuses, and those that become mail.
var maildropRows = []struct {
	name     string
	accepted bool
	limit    bool // it is for a limit, which Verify knows nothing of
	edit     func(f *brokenFile)
}{
	{name: "good", accepted: true, edit: func(*brokenFile) {}},
	{name: "no time", accepted: true, edit: func(f *brokenFile) { f.drop('T') }},
	{name: "no sender", edit: func(f *brokenFile) { f.drop('S') }},
	{name: "no recipient", edit: func(f *brokenFile) { f.drop('R') }},
	{name: "time zero", edit: func(f *brokenFile) { f.data('T', "0 0") }},
	{name: "time of text", edit: func(f *brokenFile) { f.data('T', "x") }},
	{name: "time after time zero", accepted: true, edit: func(f *brokenFile) { f.insert('T', 'T', "0") }},
	{name: "second time", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'T', "1 1") }},
	{name: "second sender", edit: func(f *brokenFile) { f.insert('R', 'S', "x@example.com") }},
	{name: "sender last", edit: func(f *brokenFile) { f.drop('S'); f.insert('M', 'S', "s@example.com") }},
	{name: "size first", accepted: true, edit: func(f *brokenFile) { f.insert('T', 'C', "1 2 3") }},
	{name: "size", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'C', "1 2 3") }},
	{name: "size broken", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'C', "x") }},
	{name: "unknown type", edit: func(f *brokenFile) { f.insert('S', 'Z', "x") }},
	{name: "text in the envelope", edit: func(f *brokenFile) { f.insert('S', 'N', "x") }},
	{name: "filter", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'L', "x:") }},
	{name: "inspector", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'I', "x:") }},
	{name: "redirect", accepted: true, edit: func(f *brokenFile) { f.insert('S', '>', "x@example.net") }},
	{name: "done", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'D', "x@example.net") }},
	{name: "canceled", accepted: true, edit: func(f *brokenFile) { f.insert('R', '/', "x@example.net") }},
	{name: "killed", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'K', "x") }},
	{name: "original", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'O', "x") }},
	{name: "original before sender", edit: func(f *brokenFile) { f.insert('S', 'O', "x") }},
	{name: "killed before sender", edit: func(f *brokenFile) { f.insert('S', 'K', "x") }},
	{name: "DSN original before sender", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'A', "dsn_orig_rcpt=rfc822;x@y.example") }},
	{name: "envelope id", edit: func(f *brokenFile) { f.insert('R', 'A', "envelope_id=a\x01") }},
	{name: "envelope id with DEL", edit: func(f *brokenFile) { f.insert('R', 'A', "envelope_id=a\x7f") }},
	{name: "envelope id with a tilde and a blank", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'A', "envelope_id=a ~") }},
	{name: "envelope id in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'A', "envelope_id=a\x01") }},
	{name: "rewrite context", edit: func(f *brokenFile) { f.insert('R', 'A', "rewrite_context=x") }},
	{name: "rewrite context in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'A', "rewrite_context=x") }},
	{name: "trace flags", edit: func(f *brokenFile) { f.insert('R', 'A', "trace_flags=1x") }},
	{name: "ret flags without value", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'A', "ret_flags=") }},
	{name: "ret flags in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'A', "ret_flags=7") }},
	{name: "padding in the envelope", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'w', "0") }},
	{name: "padding in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'w', "0") }},
	{name: "attributes", limit: true, edit: func(f *brokenFile) {
		for i := range 100 { // and one that was there
			f.insert('R', 'A', fmt.Sprintf("x%d=y", i))
		}
	}},
	{name: "warn time", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'W', "1") }},
	{name: "VERP", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'V', "-=") }},
	{name: "VERP delimiters", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'V', "!!") }},
	{name: "errors-to", edit: func(f *brokenFile) { f.insert('R', 'e', "x@y") }},
	{name: "full name", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'F', "x") }},
	{name: "attribute without name", edit: func(f *brokenFile) { f.insert('S', 'A', "=x") }},
	{name: "attribute without equal sign", edit: func(f *brokenFile) { f.insert('S', 'A', "x y=z") }},
	{name: "attribute unknown", accepted: true, edit: func(f *brokenFile) { f.insert('S', 'A', "x=y") }},
	{name: "notify flags", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'A', "notify_flags=x") }},
	{name: "ret flags", edit: func(f *brokenFile) { f.insert('R', 'A', "ret_flags=7") }},
	{name: "pointer of nothing", accepted: true, edit: func(f *brokenFile) { f.insert('R', 'p', "              0") }},
	{name: "pointer", edit: func(f *brokenFile) { f.insert('R', 'p', "             20") }},
	{name: "padding in the content", accepted: true, edit: func(f *brokenFile) { f.insert('N', 'w', "0") }},
	{name: "pointer in the content", accepted: true, edit: func(f *brokenFile) { f.insert('N', 'p', "              0") }},
	{name: "envelope type in the content", edit: func(f *brokenFile) { f.insert('N', 'R', "x@example.net") }},
	{name: "recipient in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'R', "x@example.net") }},
	{name: "recipient only in extracted", accepted: true, edit: func(f *brokenFile) { f.drop('R'); f.insert('E', 'R', "x@example.net") }},
	{name: "attribute in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'A', "x=y") }},
	{name: "sender in extracted", edit: func(f *brokenFile) { f.insert('E', 'S', "x@example.net") }},
	{name: "filter in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'L', "x:") }},
	{name: "original in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'O', "x") }},
	{name: "errors-to in extracted", accepted: true, edit: func(f *brokenFile) { f.insert('E', 'e', "x@y") }},
	{name: "no end", edit: func(f *brokenFile) { f.drop('E') }},
	{name: "no extracted", edit: func(f *brokenFile) { f.cut = 'X' }},
	{name: "no content", edit: func(f *brokenFile) { f.cut = 'M' }},
	{name: "cut in a record", edit: func(f *brokenFile) { f.trim = 1 }},
	{name: "data after the end", accepted: true, edit: func(f *brokenFile) { f.tail = "xyz" }},
	{name: "long text", accepted: true, edit: func(f *brokenFile) { f.insert('N', 'N', strings.Repeat("x", 2048)) }},
	{name: "too long text", limit: true, edit: func(f *brokenFile) { f.insert('N', 'N', strings.Repeat("x", 2049)) }},
	{name: "too long recipient", limit: true, edit: func(f *brokenFile) { f.insert('R', 'R', strings.Repeat("x", 2049)) }},
}

// masterWithoutQmgr leaves queue files where they are.
var masterWithoutQmgr = regexp.MustCompile(`(?m)^qmgr.*\n`).ReplaceAllString(postfix.DefaultMaster, "")

// newMaildropFile is a message whose Subject is known again in its queue file.
func newMaildropFile(subject string) *brokenFile {
	rec := func(t queuefmt.RecordType, data string) queuefmt.Record {
		return queuefmt.Record{Type: t, Data: []byte(data)}
	}
	return &brokenFile{records: []queuefmt.Record{
		rec(queuefmt.RecTime, string(queuefmt.AppendTime(nil, time.Now().Unix(), 1))),
		rec(queuefmt.RecAttr, "rewrite_context=local"),
		rec(queuefmt.RecSender, "s@example.com"),
		rec(queuefmt.RecRecipient, "r@example.org"),
		rec(queuefmt.RecMessage, ""),
		rec(queuefmt.RecNormal, "Subject: "+subject+"!"),
		rec(queuefmt.RecNormal, ""),
		rec(queuefmt.RecNormal, "body"),
		rec(queuefmt.RecExtracted, ""),
		rec(queuefmt.RecEnd, ""),
	}}
}

// TestPickupVerdict: under the option Maildrop, Verify calls those files faulty that the
// real pickup(8) and cleanup(8) make no mail of.
func TestPickupVerdict(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{Main: postfix.DefaultMain + "in_flow_delay = 0\n", Master: masterWithoutQmgr})
	maildrop := pf.Path(postfix.QueueDir + "/maildrop")
	for _, row := range maildropRows {
		f := newMaildropFile(row.name)
		row.edit(f)
		b := f.bytes()
		putQueueFile(t, maildrop, spool.Owner{}, 0o744, b)
		_, err := queuefmt.VerifyOptions{Maildrop: true}.Verify(bytes.NewReader(b))
		if taken := err == nil; taken != row.accepted && !row.limit {
			t.Errorf("%s: Verify says %v", row.name, err)
		}
	}
	odd := make(map[string]bool)
	n, seed := oddFiles(t)
	rnd := rand.New(rand.NewPCG(seed, 6))
	for i := range n {
		name := fmt.Sprintf("odd %d", i)
		f := newMaildropFile(name)
		f.mutate(rnd)
		b := f.bytes()
		if !bytes.Contains(b, []byte("Subject: "+name+"!")) {
			continue // it would not be known again
		}
		putQueueFile(t, maildrop, spool.Owner{}, 0o744, b)
		_, err := queuefmt.VerifyOptions{Maildrop: true}.Verify(bytes.NewReader(b))
		odd[fmt.Sprintf("%s\x00%q: %v", name, b, err)] = err == nil
	}
	pf.Start()
	deadline := time.Now().Add(patience)
	for len(queueFilesIn(t, pf, "maildrop")) > 0 && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	accepted := map[string]bool{}
	for _, id := range queueFilesIn(t, pf, "incoming") {
		b := []byte(pf.ReadFile(postfix.QueueDir + "/incoming/" + id))
		_, name, _ := bytes.Cut(b, []byte("Subject: "))
		name, _, _ = bytes.Cut(name, []byte("!"))
		accepted[string(name)] = true
	}
	for _, row := range maildropRows {
		if got := accepted[row.name]; got != row.accepted {
			t.Errorf("%s: pickup takes it: %v", row.name, got)
		}
	}
	for about, taken := range odd {
		name, about, _ := strings.Cut(about, "\x00")
		if accepted[name] != taken {
			t.Errorf("pickup takes it: %v, Verify: %v: %s", accepted[name], taken, about)
		}
	}
}
