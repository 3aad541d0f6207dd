package compat

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// verdictRows are queue files with one fault each: those that qmgr(8) moves to
// corrupt/, and those that it puts up with.
var verdictRows = []struct {
	name    string
	corrupt bool
	edit    func(f *brokenFile)
}{
	{name: "good", edit: func(*brokenFile) {}},
	{name: "no time", corrupt: true, edit: func(f *brokenFile) { f.drop('T') }},
	{name: "no sender", corrupt: true, edit: func(f *brokenFile) { f.drop('S') }},
	{name: "no size", corrupt: true, edit: func(f *brokenFile) { f.drop('C') }},
	{name: "time zero", corrupt: true, edit: func(f *brokenFile) { f.data('T', "0 0") }},
	{name: "time of text", corrupt: true, edit: func(f *brokenFile) { f.data('T', "x") }},
	{name: "time after time zero", edit: func(f *brokenFile) { f.insert('T', 'T', "0") }},
	{name: "second time", edit: func(f *brokenFile) { f.insert('S', 'T', "1 1") }},
	{name: "second sender", edit: func(f *brokenFile) { f.insert('O', 'S', "x@example.com") }},
	{name: "sender last", edit: func(f *brokenFile) { f.drop('S'); f.insert('M', 'S', "s@example.com") }},
	{name: "size zero", corrupt: true, edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { *s = queuefmt.Size{} } }},
	{name: "data size less", corrupt: true, edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.DataSize-- } }},
	{name: "data size more", corrupt: true, edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.DataSize++ } }},
	{name: "data offset less", corrupt: true, edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.DataOffset-- } }},
	{name: "data offset more", corrupt: true, edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.DataOffset++ } }},
	{name: "count more", edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.Recipients += 4 } }},
	{name: "count less", edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.Recipients-- } }},
	{name: "flags", corrupt: true, edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.QMgrFlags = 32 } }},
	{name: "all good flags", edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.QMgrFlags = 1 } }},
	{name: "send options", edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.SendOptions = 1 << 20 } }},
	{name: "content length negative", corrupt: true, edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.ContentLength = -1 } }},
	{name: "content length zero", edit: func(f *brokenFile) { f.size = func(s *queuefmt.Size) { s.ContentLength = 0 } }},
	{name: "second size", edit: func(f *brokenFile) { f.insert('T', 'C', "1 2 3") }},
	{name: "unknown type", corrupt: true, edit: func(f *brokenFile) { f.insert('S', 'Z', "x") }},
	{name: "text in the envelope", corrupt: true, edit: func(f *brokenFile) { f.insert('S', 'N', "x") }},
	{name: "extracted type in the envelope", edit: func(f *brokenFile) { f.insert('S', 'e', "x@example.com") }},
	{name: "envelope type in extracted", edit: func(f *brokenFile) { f.insert('E', 'W', "1") }},
	{name: "time in extracted", edit: func(f *brokenFile) { f.insert('E', 'T', "1 1") }},
	{name: "attribute without name", corrupt: true, edit: func(f *brokenFile) { f.insert('S', 'A', "=x") }},
	{name: "attribute without equal sign", corrupt: true, edit: func(f *brokenFile) { f.insert('S', 'A', "x y=z") }},
	{name: "attribute without value", edit: func(f *brokenFile) { f.insert('S', 'A', "x=") }},
	{name: "bad attribute in extracted", corrupt: true, edit: func(f *brokenFile) { f.insert('E', 'A', "") }},
	{name: "notify flags", edit: func(f *brokenFile) { f.insert('O', 'A', "notify_flags=x") }},
	{name: "ret flags", edit: func(f *brokenFile) { f.insert('O', 'A', "ret_flags=7") }},
	{name: "two originals", edit: func(f *brokenFile) { f.insert('O', 'O', "x") }},
	{name: "original at the end", edit: func(f *brokenFile) { f.insert('E', 'O', "x") }},
	{name: "VERP", edit: func(f *brokenFile) { f.insert('O', 'V', "-=") }},
	{name: "VERP delimiters", edit: func(f *brokenFile) { f.insert('O', 'V', "!!") }},
	{name: "VERP before sender", edit: func(f *brokenFile) { f.insert('S', 'V', "-=") }},
	{name: "no end", corrupt: true, edit: func(f *brokenFile) { f.drop('E') }},
	{name: "no extracted", corrupt: true, edit: func(f *brokenFile) { f.cut = 'X' }},
	{name: "no content", corrupt: true, edit: func(f *brokenFile) { f.cut = 'M' }},
	{name: "empty", corrupt: true, edit: func(f *brokenFile) { f.cut = 'C' }}, // so are the next what a power cut leaves
	{name: "zeros", corrupt: true, edit: func(f *brokenFile) { f.cut, f.tail = 'C', strings.Repeat("\x00", 4096) }},
	{name: "zeros from the content on", corrupt: true, edit: func(f *brokenFile) { f.cut, f.tail = 'N', strings.Repeat("\x00", 4096) }},
	{name: "cut in a record", corrupt: true, edit: func(f *brokenFile) { f.trim = 5 }},
	{name: "data after the end", edit: func(f *brokenFile) { f.tail = "xyz" }},
	{name: "pointer to nothing", edit: func(f *brokenFile) { f.insert('M', 'p', "              0") }},
	{name: "empty pointer", edit: func(f *brokenFile) { f.insert('M', 'p', "") }},
	{name: "pointer of text", corrupt: true, edit: func(f *brokenFile) { f.insert('M', 'p', "x") }},
	{name: "pointer past the end", corrupt: true, edit: func(f *brokenFile) { f.insert('M', 'p', "99999") }},
	{name: "pointer in a circle", corrupt: true, edit: func(f *brokenFile) { f.insert('S', 'p', "97") }},
	{name: "killed record", edit: func(f *brokenFile) { f.insert('S', 'K', "trace_flags=512") }},
}

// oddRecords are what mutate puts in, type and data.
var oddRecords = strings.Split("T0 0|T1764000000 1|Tx|T-5|C1 2 3|Cx|Sx@example.com|S|FFull|Ix:|Ldiscard:|>other@example.net|W1|W-1|V+=|V!!|V|V+=-|Kx|Dd@example.org|"+
	"/c@example.org|Rr2@example.org|Oo|O|Adsn_orig_rcpt=rfc822;q@example.org|Adsn_orig_rcpt=|Anotify_flags=1|Anotify_flags=14|Anotify_flags=3|Anotify_flags=x|"+
	"Anotify_flags=|Anotify_flags=0|Anotify_flags=2 x|Aret_flags=1|Aret_flags=2|Aret_flags=3|Aret_flags=|Aret_flags=1x|Aenvelope_id=abc|Aenvelope_id=a\x01b|"+
	"Aenvelope_id=\xc3\xb6|Aenvelope_id=|Acreate_time=5|Acreate_time=x|Arewrite_context=local|Arewrite_context=remote|Arewrite_context=x|Atrace_flags=0|"+
	"Atrace_flags=x|Atrace_flags=|Asasl_method=a|Asasl_username=a|Asasl_sender=a|Asasl_sender=|Alog_ident=a|Aclient_name=x|Aencoding=x|A=x|Ax|A|Aa = b|A\x00=b|Ax=\x00y|"+
	"orfc822;a@b|n1|nx|<1|<9|ix|i\x01|c5|Px|ex|p|p0|w0|Zx", "|")

// mutate changes a file by whole records, most of them odd ones that are put in.
func (f *brokenFile) mutate(rnd *rand.Rand) {
	for range 1 + rnd.IntN(4) {
		i, j := 1+rnd.IntN(len(f.records)-1), 1+rnd.IntN(len(f.records)-1)
		switch rnd.IntN(12) {
		case 0:
			f.records = slices.Delete(f.records, i, i+1)
		case 1:
			f.records[i], f.records[j] = f.records[j], f.records[i]
		default:
			odd := oddRecords[rnd.IntN(len(oddRecords))]
			r := queuefmt.Record{Type: queuefmt.RecordType(odd[0]), Data: []byte(odd[1:])}
			f.records = slices.Insert(f.records, i, r)
			if rnd.IntN(5) == 0 { // some are odd for being there twice
				f.records = slices.Insert(f.records, j, r)
			}
		}
		if len(f.records) < 4 {
			return
		}
	}
}

// qmgrWarnings are how those warnings of qmgr(8) begin that Verify has, too.
var qmgrWarnings = []string{"ignoring out-of-order DSN original recipient", "ignoring out-of-order original recipient", "ignoring out-of-order DSN notify flags",
	"ignoring malformed DSN notify flags", "ignoring malformed DSN RET flags", "ignoring VERP request for null sender", "ignoring bad VERP request", "rcpt count mismatch",
	"ignoring multiple sasl_method", "ignoring multiple sasl_username", "ignoring multiple sasl_sender", "ignoring multiple log_ident", "ignoring multiple rewrite_context"}

// qmgrWarning returns which of them a text begins with, or "".
func qmgrWarning(text string) string {
	for _, w := range qmgrWarnings {
		if strings.HasPrefix(text, w) {
			return w
		}
	}
	return ""
}

// brokenFile is a queue file in the making.
type brokenFile struct {
	records []queuefmt.Record
	size    func(*queuefmt.Size) // changes the true size record
	cut     queuefmt.RecordType  // the file ends before this record
	trim    int                  // so many bytes are missing at the end
	tail    string               // follows the end
}

func (f *brokenFile) find(t queuefmt.RecordType) int {
	return slices.IndexFunc(f.records, func(r queuefmt.Record) bool { return r.Type == t })
}

func (f *brokenFile) drop(t queuefmt.RecordType) {
	f.records = slices.Delete(f.records, f.find(t), f.find(t)+1)
}

func (f *brokenFile) data(t queuefmt.RecordType, data string) {
	f.records[f.find(t)].Data = []byte(data)
}

// insert puts a record before the first of type before.
func (f *brokenFile) insert(before, t queuefmt.RecordType, data string) {
	f.records = slices.Insert(f.records, f.find(before), queuefmt.Record{Type: t, Data: []byte(data)})
}

func (f *brokenFile) bytes() []byte {
	var file queuefmt.File
	var size queuefmt.Size
	for _, r := range f.records {
		_ = file.WriteRecord(r.Type, r.Data)
		last := file.Records[len(file.Records)-1]
		switch r.Type {
		case queuefmt.RecMessage:
			size.DataOffset = last.End()
		case queuefmt.RecExtracted:
			size.DataSize = last.Offset - size.DataOffset
			size.ContentLength = size.DataSize
		case queuefmt.RecRecipient:
			size.Recipients++
		}
	}
	if f.size != nil {
		f.size(&size)
	}
	if file.Records[0].Type == queuefmt.RecSize {
		file.Records[0] = size.Record()
	}
	if f.cut != 0 {
		file.Records = file.Records[:f.find(f.cut)]
	}
	b := file.Bytes()
	return append(b[:len(b)-f.trim], f.tail...)
}

func newBrokenFile() *brokenFile {
	rec := func(t queuefmt.RecordType, data string) queuefmt.Record {
		return queuefmt.Record{Type: t, Data: []byte(data)}
	}
	return &brokenFile{records: []queuefmt.Record{
		queuefmt.Size{}.Record(),
		rec(queuefmt.RecTime, string(queuefmt.AppendTime(nil, time.Now().Unix(), 1))),
		rec(queuefmt.RecAttr, fmt.Sprintf("create_time=%d", time.Now().Unix())),
		rec(queuefmt.RecSender, "s@example.com"),
		rec(queuefmt.RecAttr, "dsn_orig_rcpt=rfc822;r@example.org"),
		rec(queuefmt.RecOrigRecipient, "r@example.org"),
		rec(queuefmt.RecRecipient, "r@example.org"),
		rec(queuefmt.RecMessage, ""),
		rec(queuefmt.RecNormal, "Subject: test"),
		rec(queuefmt.RecNormal, ""),
		rec(queuefmt.RecNormal, "body"),
		rec(queuefmt.RecExtracted, ""),
		rec(queuefmt.RecAttr, "message_id=<1@example.com>"),
		rec(queuefmt.RecEnd, ""),
	}}
}

// putQueueFile puts a file into the directory of a queue, in one step, under the queue
// id that its inode gives, which it returns.
func putQueueFile(t *testing.T, dir string, owner spool.Owner, mode os.FileMode, b []byte) string {
	t.Helper()
	temp := filepath.Join(dir, "new")
	if err := errors.Join(os.WriteFile(temp, b, 0o600), os.Chown(temp, owner.UID, owner.GID), os.Chmod(temp, mode)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(temp)
	if err != nil {
		t.Fatal(err)
	}
	id := queuefmt.ShortID(time.Now().Nanosecond()/1000, info.Sys().(*syscall.Stat_t).Ino)
	if err := os.Rename(temp, filepath.Join(dir, id)); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestQmgrVerdict: Verify calls those files faulty that the real qmgr(8) moves
// to corrupt/. For files damaged at random, qmgr accepts what Verify accepts;
// it need not refuse what Verify refuses, for it does not read the content. Of what
// both accept, they have the same to say. QMQPD_COMPAT_QUEUE_FILES is as with
// TestPostcat.
func TestQmgrVerdict(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{Main: postfix.DefaultMain + `
default_transport = discard:
local_transport = discard:
virtual_transport = discard:
relay_transport = discard:
mydestination =
qmgr_message_active_limit = 20000
`})
	incoming := pf.Path(postfix.QueueDir + "/incoming")
	owner := ownerOf(t, incoming)
	names := make(map[string]string) // what each queue id is about
	faulty := make(map[string]error) // what we say of it
	tolerated := make(map[string][]string)
	put := func(about string, b []byte) string {
		id := putQueueFile(t, incoming, owner, 0o700, b)
		names[id] = about
		report, err := queuefmt.VerifyBytes(b)
		faulty[id] = err
		for _, f := range report.Tolerated {
			if w := qmgrWarning(f.Reason); w != "" {
				tolerated[id] = append(tolerated[id], w)
			}
		}
		return id
	}
	want := make(map[string]bool)
	for _, row := range verdictRows {
		f := newBrokenFile()
		row.edit(f)
		id := put(row.name, f.bytes())
		want[id] = row.corrupt
		if corrupt := faulty[id] != nil; corrupt != row.corrupt {
			t.Errorf("%s: Verify says %v", row.name, faulty[id])
		}
	}
	g := &queueFiles{rand.New(rand.NewPCG(20261122, 4))}
	passed := 0
	for i := range 400 {
		b := g.whole()
		if i%4 > 0 {
			b = g.damaged(b)
		}
		if _, err := queuefmt.VerifyBytes(b); err == nil {
			put(fmt.Sprintf("random file %d: %q", i, b), b)
			passed++
		}
	}
	if passed < 120 {
		t.Errorf("only %d random files", passed)
	}
	n, seed := oddFiles(t)
	rnd := rand.New(rand.NewPCG(seed, 5))
	for range n {
		f := newBrokenFile()
		f.mutate(rnd)
		b := f.bytes()
		put(fmt.Sprintf("%q", b), b)
	}

	pf.Start()
	deadline := time.Now().Add(2 * time.Minute)
	for len(queueFilesIn(t, pf, "incoming"))+len(queueFilesIn(t, pf, "active")) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("still in the queue: %d", len(queueFilesIn(t, pf, "incoming"))+len(queueFilesIn(t, pf, "active")))
		}
		time.Sleep(50 * time.Millisecond)
	}
	corrupt := make(map[string]bool)
	for _, id := range queueFilesIn(t, pf, "corrupt") {
		corrupt[id] = true
	}
	for id, about := range names {
		if bad, known := want[id]; known && corrupt[id] != bad {
			t.Errorf("%s: qmgr says corrupt: %v", about, corrupt[id])
		}
		if corrupt[id] && faulty[id] == nil {
			t.Errorf("%s: qmgr says corrupt, Verify does not", about)
		}
	}
	pf.Log.Sync(t)
	warned := make(map[string][]string)
	for _, line := range pf.Log.Lines() {
		id, text, _ := strings.Cut(strings.TrimPrefix(line.Text, "warning: "), ": ")
		if w := qmgrWarning(text); w != "" && strings.Contains(line.Tag, "qmgr") {
			warned[id] = append(warned[id], w)
		}
	}
	whole := 0
	for id, about := range names {
		if corrupt[id] || faulty[id] != nil {
			continue
		}
		whole++
		slices.Sort(warned[id])
		slices.Sort(tolerated[id])
		if !slices.Equal(warned[id], tolerated[id]) {
			t.Errorf("%s: qmgr warns %q, Verify %q", about, warned[id], tolerated[id])
		}
	}
	t.Logf("%d files by hand, %d at random, %d of odd records, %d whole", len(verdictRows), passed, n, whole)
	if t.Failed() {
		for _, line := range pf.Log.Lines() {
			if strings.Contains(line.Text, "warning:") && strings.Contains(line.Tag, "qmgr") {
				t.Log(line.Text)
			}
		}
	}
}

// oddFiles says how many files of odd records a test has, and their seed.
func oddFiles(t *testing.T) (n int, seed uint64) {
	t.Helper()
	n, seed = 200, 20261130
	if text := os.Getenv("QMQPD_COMPAT_QUEUE_FILES"); text != "" {
		if _, err := fmt.Sscan(text, &n, &seed); err != nil {
			t.Fatalf("QMQPD_COMPAT_QUEUE_FILES=%q: %v", text, err)
		}
	}
	return n, seed
}

// queueFilesIn lists the files of one queue.
func queueFilesIn(t *testing.T, pf *postfix.Instance, queue string) []string {
	t.Helper()
	entries, err := os.ReadDir(pf.Path(postfix.QueueDir + "/" + queue))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names
}
