package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
	"github.com/qmqpd/qmqpd/queuefmt/postcat"
)

// queueFiles makes queue files of all kinds, the same for each seed.
type queueFiles struct {
	rnd *rand.Rand
}

func (g *queueFiles) pick(choices ...string) string { return choices[g.rnd.IntN(len(choices))] }

func (g *queueFiles) bytes(max int) []byte {
	b := make([]byte, g.rnd.IntN(max+1))
	for i := range b {
		switch g.rnd.IntN(12) {
		case 0:
			b[i] = byte(g.rnd.Uint32())
		case 1:
			b[i] = " \t\r:=<>@\x00\n"[g.rnd.IntN(10)]
		default:
			b[i] = byte('!' + g.rnd.IntN(94))
		}
	}
	return b
}

// whole makes a file as a Postfix might write it, sometimes as a milter would
// have left it.
func (g *queueFiles) whole() []byte {
	var f queuefmt.File
	add := func(t queuefmt.RecordType, data []byte) { _ = f.WriteRecord(t, data) }
	adds := func(t queuefmt.RecordType, data string) { add(t, []byte(data)) }
	maybe := func(percent int, do func()) {
		if g.rnd.IntN(100) < percent {
			do()
		}
	}
	milter := g.rnd.IntN(4) == 0
	pointer := func() {
		if milter {
			f.Records = append(f.Records, queuefmt.PointerRecord(0))
			f.Records[len(f.Records)-1].Offset = f.Records[len(f.Records)-2].End()
		}
	}
	add(queuefmt.RecSize, queuefmt.Size{}.AppendData(nil))
	sec := g.rnd.Int64N(4e9)
	add(queuefmt.RecTime, queuefmt.AppendTime(nil, sec, g.rnd.Int64N(1e6)))
	maybe(90, func() { adds(queuefmt.RecAttr, fmt.Sprintf("create_time=%d", sec+g.rnd.Int64N(5))) })
	maybe(20, func() { adds(queuefmt.RecFullName, "Full Name") })
	maybe(20, func() { adds(queuefmt.RecFilter, "scan:[127.0.0.1]:10025") })
	adds(queuefmt.RecSender, g.pick("", "sender@example.com", "\"odd sender\"@example.com", "\xc3\xb6@example.com"))
	maybe(20, func() { adds(queuefmt.RecVERP, g.pick("-=", "+=", "!!")) })
	for range g.rnd.IntN(6) {
		adds(queuefmt.RecAttr, g.pick("log_client_name=localhost", "client_address=::1", "rewrite_context=local", "x = y ", "trace_flags=0", "empty="))
	}
	maybe(10, func() { adds(queuefmt.RecKilled, "trace_flags=512") })
	maybe(20, func() { add(queuefmt.RecWarnTime, queuefmt.AppendWarnTime(nil, g.rnd.Int64N(4e9)-1e9)) })
	recipient := func(i int) {
		maybe(80, func() { adds(queuefmt.RecAttr, fmt.Sprintf("dsn_orig_rcpt=rfc822;r%d@example.org", i)) })
		maybe(20, func() { adds(queuefmt.RecAttr, fmt.Sprintf("notify_flags=%d", g.rnd.IntN(16))) })
		maybe(80, func() { adds(queuefmt.RecOrigRecipient, fmt.Sprintf("r%d", i)) })
		adds(queuefmt.RecordType(g.pick("R", "R", "R", "D", "/")[0]), fmt.Sprintf("r%d@example.org", i))
	}
	for i := range g.rnd.IntN(4) {
		recipient(i)
	}
	pointer()
	add(queuefmt.RecMessage, nil)
	for range 1 + g.rnd.IntN(4) {
		adds(queuefmt.RecNormal, g.pick("Subject: test", "Received: from x", "\tfolded", "X :y", "no header", "To: a@b"))
		maybe(10, func() { adds(queuefmt.RecPadding, g.pick("0", "   0")) })
	}
	adds(queuefmt.RecNormal, "")
	for range g.rnd.IntN(6) {
		maybe(20, func() { add(queuefmt.RecContinued, g.bytes(2048)) })
		add(queuefmt.RecNormal, g.bytes(100))
	}
	maybe(20, func() { add(queuefmt.RecContinued, g.bytes(10)) })
	pointer()
	add(queuefmt.RecExtracted, nil)
	maybe(20, func() { adds(queuefmt.RecRedirect, "other@example.net") })
	maybe(80, func() { adds(queuefmt.RecAttr, "message_id=<1@example.com>") })
	maybe(20, func() { adds(queuefmt.RecAttr, "encoding=8bit") })
	maybe(30, func() { recipient(9) })
	pointer()
	add(queuefmt.RecEnd, nil)

	var size queuefmt.Size
	for i := range f.Records {
		r := &f.Records[i]
		if i > 0 {
			r.Offset = f.Records[i-1].End()
		}
		switch r.Type {
		case queuefmt.RecMessage:
			size.DataOffset = r.End()
		case queuefmt.RecExtracted:
			size.DataSize = r.Offset - size.DataOffset
			size.ContentLength = size.DataSize
		case queuefmt.RecRecipient, queuefmt.RecDone, queuefmt.RecCanceled:
			size.Recipients++
		}
	}
	f.Records[0] = size.Record()
	b := f.Bytes()
	if milter && g.rnd.IntN(2) == 0 {
		b = g.addByPointer(b, f.Records)
	}
	return b
}

// addByPointer adds records behind the end, led to by one of the pointers.
func (g *queueFiles) addByPointer(b []byte, recs []queuefmt.Record) []byte {
	var pointers []queuefmt.Record
	for _, r := range recs {
		if r.Type == queuefmt.RecPointer {
			pointers = append(pointers, r)
		}
	}
	p := pointers[g.rnd.IntN(len(pointers))]
	end := int64(len(b))
	copy(b[p.Offset:], queuefmt.PointerRecord(end).AppendTo(nil))
	switch {
	case p.Offset == pointers[1].Offset: // in the content
		b = queuefmt.AppendRecord(b, queuefmt.RecNormal, []byte("added line"))
	default:
		b = queuefmt.AppendRecord(b, queuefmt.RecRecipient, []byte("added@example.org"))
	}
	return queuefmt.PointerRecord(p.Offset + queuefmt.PointerRecordLen).AppendTo(b)
}

// damaged changes a file in one of many ways.
func (g *queueFiles) damaged(b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + g.rnd.IntN(2) {
		i := g.rnd.IntN(len(b))
		switch g.rnd.IntN(8) {
		case 0:
			b = append(b[:i:i], 'N')
		case 1:
			b[i] = byte(g.rnd.Uint32())
		case 2:
			b[i] ^= 1 << g.rnd.IntN(8)
		case 3:
			b = slices.Insert(b, i, g.bytes(5)...)
		case 4:
			b = slices.Delete(b, i, min(i+1+g.rnd.IntN(20), len(b)))
		case 5: // a record's type or length
			f, _ := queuefmt.Parse(b)
			if len(f.Records) > 0 {
				r := f.Records[g.rnd.IntN(len(f.Records))]
				b[r.Offset+g.rnd.Int64N(2)] = "CTFILSDRO/WVA>KMNLwpXE\x00\x80\xff\x05"[g.rnd.IntN(26)]
			}
		case 6: // a record at the wrong place
			f, _ := queuefmt.Parse(b)
			if len(f.Records) > 0 {
				r := f.Records[g.rnd.IntN(len(f.Records))]
				t := queuefmt.RecordType("CTFILSDRO/WVA>KMNLwpXEconi<Prefm1"[g.rnd.IntN(33)])
				data := []byte(g.pick("", "0", " 17", "a=b", "x", "12 34", "  9x", "\x00"))
				b = slices.Insert(b, int(r.Offset), queuefmt.AppendRecord(nil, t, data)...)
			}
		case 7:
			b = append(b, g.bytes(30)...)
		}
		if len(b) == 0 {
			return b
		}
	}
	return b
}

// files returns the samples, and n files by the generator.
func (g *queueFiles) files(t *testing.T, n int) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	names, err := filepath.Glob("../queuefmt/testdata/*.queue")
	if err != nil || len(names) != 12 {
		t.Fatalf("want 12 samples, have %d (%v)", len(names), err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = b
		files["damaged-"+filepath.Base(name)] = g.damaged(b)
	}
	for i := range n / 2 {
		b := g.whole()
		if _, err := queuefmt.VerifyBytes(b); err != nil {
			t.Fatalf("the generator's file is wrong: %v\n%q", err, b)
		}
		files[fmt.Sprintf("whole-%04d", i)] = b
		files[fmt.Sprintf("damaged-%04d", i)] = g.damaged(b)
	}
	files["empty"] = nil
	files["nul"] = []byte("\x00\x00")
	files["text"] = []byte("From: nobody\n")
	files["circle"] = append([]byte("S\x01x"), queuefmt.PointerRecord(3).AppendTo(nil)...)
	files["circle2"] = append([]byte("T\x011S\x01x"), queuefmt.PointerRecord(3).AppendTo(nil)...)
	files["most-jumps"] = reverseJumps(10_000)
	files["too-many-jumps"] = reverseJumps(10_001)
	files["five-length-bytes"] = []byte("C\x81\x80\x80\x80\x00x")
	files["four-length-bytes"] = []byte("C\x81\x80\x80\x00xS\x80\x00")
	return files
}

// reverseJumps makes a file in which n pointer records lead backward before a sender.
func reverseJumps(n int) []byte {
	b := []byte("T\x011")
	size := len(queuefmt.PointerRecord(0).AppendTo(nil))
	chain := len(b) + size // where the records begin that lead to each other
	end := chain + (n+1)*size
	b = queuefmt.PointerRecord(int64(end - size)).AppendTo(b)
	b = queuefmt.PointerRecord(int64(end)).AppendTo(b)
	for i := range n {
		b = queuefmt.PointerRecord(int64(chain + i*size)).AppendTo(b)
	}
	return append(b, "S\x01x"...)
}

// postcatOption is a way to call postcat(1).
type postcatOption struct {
	args []string
	opts postcat.Options
}

var postcatOptions = []postcatOption{
	{[]string{"-dov"}, postcat.Options{Decimal: true, Offsets: true, Verbose: true}},
	{nil, postcat.Options{}},
	{[]string{"-v"}, postcat.Options{Verbose: true}},
	{[]string{"-o"}, postcat.Options{Offsets: true}},
	{[]string{"-dfo"}, postcat.Options{Decimal: true, FileName: true, Offsets: true}},
	{[]string{"-rv"}, postcat.Options{Raw: true, Verbose: true}},
	{[]string{"-e"}, postcat.Options{Envelope: true}},
	{[]string{"-h"}, postcat.Options{Header: true}},
	{[]string{"-b"}, postcat.Options{Body: true}},
	{[]string{"-bh"}, postcat.Options{Body: true, Header: true}},
	{[]string{"-bev"}, postcat.Options{Body: true, Envelope: true, Verbose: true}},
}

// quickOptions are few, for tests in which postcat(1) often fails, for which it takes a
// second.
var quickOptions = []postcatOption{
	{nil, postcat.Options{}},
	{[]string{"-fo"}, postcat.Options{FileName: true, Offsets: true}},
	{[]string{"-ov"}, postcat.Options{Offsets: true, Verbose: true}},
	{[]string{"-e"}, postcat.Options{Envelope: true}},
	{[]string{"-h"}, postcat.Options{Header: true}},
}

// postcatLog is what postcat says apart from its output: warnings, and the
// fatal error in the end.
func postcatLog(stderr string) []string {
	var log []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSuffix(line, "\n")
		// -v also turns on messages of the libraries.
		if text, ok := strings.CutPrefix(line, "/usr/sbin/postcat: "); ok && (strings.HasPrefix(text, "warning: ") || strings.HasPrefix(text, "fatal: ")) {
			log = append(log, text)
		}
	}
	return log
}

// oursLog says in postcat's words what Print said.
func oursLog(warnings []string, err error, verbose bool) []string {
	var log []string
	for _, w := range warnings {
		log = append(log, "warning: "+printableLine(w))
	}
	var fault *queuefmt.FormatError
	if !errors.As(err, &fault) {
		return log
	}
	switch {
	case fault.Reason == "input is not a valid queue file":
		// postcat only warns
	case fault.Kind == queuefmt.FaultSize:
		log = append(log, "fatal: seek error: Invalid argument")
	case fault.Kind == queuefmt.FaultPointer && verbose:
		log = append(log, "fatal: bad pointer record, or input is not seekable")
	default:
		log = append(log, "fatal: record read error")
	}
	return log
}

// printed is what a program made of some files.
type printed struct {
	out string
	log []string
}

// printOurs prints a file. fatal says that postcat ends there; crash, that it
// would crash.
func printOurs(files map[string][]byte, name string, opts postcat.Options) (p printed, fatal, crash bool) {
	opts.Location = time.UTC
	var out bytes.Buffer
	var warnings []string
	opts.Warn = func(text string) { warnings = append(warnings, text) }
	err := postcat.Print(&out, postcat.Input{Name: "/queue/" + name, At: bytes.NewReader(files[name])}, opts)
	var fault *queuefmt.FormatError
	if errors.As(err, &fault) && (fault.Kind == queuefmt.FaultValue || strings.HasPrefix(fault.Reason, "content ends before it starts")) {
		return printed{}, false, true // or go round for ever
	}
	p = printed{out.String(), oursLog(warnings, err, opts.Verbose)}
	return p, len(p.log) > 0 && strings.HasPrefix(p.log[len(p.log)-1], "fatal: "), false
}

// printPostcat runs postcat(1).
func printPostcat(t *testing.T, pf *postfix.Instance, args, names []string) printed {
	t.Helper()
	args = slices.Clone(args)
	for _, name := range names {
		args = append(args, "/queue/"+name)
	}
	cmd := pf.Command("/usr/sbin/postcat", args...)
	cmd.Env = append(cmd.Env, "TZ=UTC")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("postcat %q: %v", args, err)
	}
	return printed{stdout.String(), postcatLog(stderr.String())}
}

// TestPostcat: postcat(1) and our printing agree on output and warnings, for
// good files and for damaged ones. QMQPD_COMPAT_QUEUE_FILES="NUMBER
// SEED" asks for other files than usual.
func TestPostcat(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	seed, n := uint64(20261122), 300
	if text := os.Getenv("QMQPD_COMPAT_QUEUE_FILES"); text != "" {
		if _, err := fmt.Sscan(text, &n, &seed); err != nil {
			t.Fatalf("QMQPD_COMPAT_QUEUE_FILES=%q: %v", text, err)
		}
	}
	g := &queueFiles{rand.New(rand.NewPCG(seed, 1))}
	files := g.files(t, n)
	if err := os.Mkdir(pf.Path("/queue"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		pf.WriteFile("/queue/"+name, string(b), 0o644)
	}
	all := slices.Sorted(mapKeys(files))
	compared, crashes := 0, 0
	compare := func(args, names []string, ours printed) {
		theirs := printPostcat(t, pf, args, names)
		if diff := cmp.Diff(theirs, ours, cmp.AllowUnexported(printed{})); diff != "" {
			t.Errorf("%s %q differ (-postcat +ours):\n%s", args, names, diff)
		}
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, try := range postcatOptions {
		// All files with the options that "qmqpd cat" has, and the
		// samples and one tenth of the others with each other set.
		var good []string
		var together printed
		for j, name := range all {
			if i > 0 && !strings.HasSuffix(name, ".queue") && j%(len(postcatOptions)-1) != i-1 {
				continue
			}
			ours, fatal, crash := printOurs(files, name, try.opts)
			switch {
			case crash:
				crashes++
				continue
			case fatal:
				// postcat takes a second to die.
				running.Add(1)
				slots <- struct{}{}
				go func() {
					defer running.Done()
					compare(try.args, []string{name}, ours)
					<-slots
				}()
			default:
				good = append(good, name)
				together.out += ours.out
				together.log = append(together.log, ours.log...)
			}
			compared++
		}
		// postcat loses what it has not flushed when it ends: the title of
		// an empty file, the end of a last line without newline. Another
		// file brings it out.
		const last = "01-one-recipient.queue"
		ours, _, _ := printOurs(files, last, try.opts)
		compare(try.args, append(good, last), printed{together.out + ours.out, append(together.log, ours.log...)})
	}
	running.Wait()
	t.Logf("%d files compared, %d on which postcat crashes left out", compared, crashes)
	if crashes > compared/20 {
		t.Errorf("%d files not compared", crashes)
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestPostcatMaildrop: postcat(1) and our printing agree on files in maildrop/, in which
// sendmail(1) of Postfix 3.11 puts a size record that says nothing, by whatever name they
// are called.
func TestPostcatMaildrop(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	preliminary := newMaildropFile("x")
	preliminary.records = slices.Insert(preliminary.records, 0, queuefmt.Size{DataSize: -1, DataOffset: -1, Recipients: -1, QMgrFlags: -1, ContentLength: -1, SendOptions: 1}.Record())
	preliminary.size = func(s *queuefmt.Size) { *s = queuefmt.Size{DataSize: -1, DataOffset: -1, SendOptions: 1} }
	twice := newBrokenFile()
	twice.insert('S', 'C', "1 2 3")
	sizeless := newMaildropFile("x")
	for i, f := range []*brokenFile{preliminary, twice, sizeless, newBrokenFile()} {
		b := f.bytes()
		for _, try := range quickOptions {
			for _, name := range []string{"maildrop/x", "/maildrop/x", "maildropx/x"} {
				pf.WriteFile("/"+name, string(b), 0o644)
				cmd := pf.Command("/usr/sbin/postcat", append(slices.Clone(try.args), name)...)
				cmd.Env = append(cmd.Env, "TZ=UTC")
				var stdout, stderr, out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				fails := cmd.Run() != nil
				var warnings []string
				opts := try.opts
				opts.Location = time.UTC
				opts.Warn = func(text string) { warnings = append(warnings, text) }
				err := postcat.Print(&out, postcat.Input{Name: name, At: bytes.NewReader(b)}, opts)
				if (err != nil) != fails || out.String() != stdout.String() {
					t.Errorf("file %d, %s %s: %v, %v, differs %s", i, try.args, name, fails, err, firstDifference(stdout.String(), out.String()))
				}
				if diff := cmp.Diff(postcatLog(stderr.String()), oursLog(warnings, err, opts.Verbose)); diff != "" {
					t.Errorf("file %d, %s %s, log (-postcat +ours): %s", i, try.args, name, diff)
				}
			}
		}
	}
}

// TestPostcatPipe: of what it reads from a pipe postcat(1) knows no offsets, and without
// -v it fails at the end record, where we do not. Otherwise there is no difference.
func TestPostcatPipe(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	b, err := os.ReadFile("../queuefmt/testdata/01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	const lastLine = "*** MESSAGE FILE END stdin ***\n"
	for _, try := range quickOptions {
		cmd := pf.Command("/usr/sbin/postcat", try.args...)
		cmd.Env = append(cmd.Env, "TZ=UTC")
		cmd.Stdin = io.MultiReader(bytes.NewReader(b)) // no file: the program gets a pipe
		var stdout, out bytes.Buffer
		cmd.Stdout = &stdout
		fails := cmd.Run() != nil
		opts := try.opts
		opts.Location = time.UTC
		err := postcat.Print(&out, postcat.Input{Name: "stdin", Stream: bytes.NewReader(b)}, opts)
		want := out.String()
		if opts.Offsets {
			want = regexp.MustCompile(`(?m)^(stdin: )? *\d+ `).ReplaceAllString(want, "${1}18446744073709551615 ")
		}
		if strings.HasSuffix(want, lastLine) && !opts.Verbose {
			if !fails {
				t.Errorf("%s: postcat ends well", try.args)
			}
			want = want[:strings.LastIndexByte(want[:len(want)-1], '\n')+1]
		} else if fails != (err != nil) {
			t.Errorf("%s: postcat fails: %v, ours: %v", try.args, fails, err)
		}
		if stdout.String() != want {
			t.Errorf("%s differs %s", try.args, firstDifference(stdout.String(), want))
		}
	}
}

// TestSpoolPostcat: what a Spool writes is the same to the real postcat(1) as
// to us, and postsuper(1) finds nothing to repair in it.
func TestSpoolPostcat(t *testing.T) {
	tests := []struct {
		name string
		main string
		opts spool.Options
	}{
		{name: "short ids", opts: spool.Options{}},
		{name: "long ids", main: "enable_long_queue_ids = yes\n", opts: spool.Options{LongIDs: true}},
		{name: "hashed", main: "hash_queue_names = incoming, hold\nhash_queue_depth = 2\n",
			opts: spool.Options{Hashing: queuefmt.Hashing{Queues: []string{"incoming", "hold"}, Depth: 2}}},
		{name: "hashed, long ids", main: "enable_long_queue_ids = yes\nhash_queue_names = incoming\nhash_queue_depth = 3\n",
			opts: spool.Options{LongIDs: true, Hashing: queuefmt.Hashing{Queues: []string{"incoming"}, Depth: 3}}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pf := postfix.New(t, postfix.Options{Main: postfix.DefaultMain + tt.main})
			dir := pf.Path(postfix.QueueDir)
			owner := ownerOf(t, filepath.Join(dir, "incoming"))
			tt.opts.Owner = &owner
			writeMany(t, dir, tt.opts, &queueFiles{rand.New(rand.NewPCG(uint64(i), 2))}, 60)

			before := tree(t, dir)
			for _, args := range [][]string{{"-p"}, {"-s"}, {}} {
				if r := pf.Run("/usr/sbin/postsuper", args...); r.Code != 0 || r.Stdout+r.Stderr != "" {
					t.Errorf("postsuper %q: exit status %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
				}
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("postsuper changed the queue: %s", diff)
			}
			n := 0
			for _, name := range slices.Sorted(mapKeys(before)) {
				if !strings.HasPrefix(before[name], "-rwx------") {
					continue
				}
				n++
				b, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if report, err := queuefmt.VerifyBytes(b); err != nil || len(report.Tolerated) > 0 {
					t.Errorf("%s: %v %v", name, err, report.Tolerated)
				}
				cmd := pf.Command("/usr/sbin/postcat", "-dov", "-q", filepath.Base(name))
				cmd.Env = append(cmd.Env, "TZ=UTC")
				got, err := cmd.Output()
				if err != nil {
					t.Errorf("postcat %s: %v", name, err)
				}
				var out bytes.Buffer
				opts := postcat.Options{Decimal: true, Offsets: true, Verbose: true, Location: time.UTC}
				if err := postcat.Print(&out, postcat.Input{Name: name, At: bytes.NewReader(b)}, opts); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(string(got), out.String()); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			if n != 60 {
				t.Errorf("%d files", n)
			}
		})
	}
}

// writeMany puts generated messages into a queue, by several writers.
func writeMany(t *testing.T, dir string, opts spool.Options, g *queueFiles, n int) {
	t.Helper()
	sp, err := spool.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range n {
		var f *queuefmt.File
		for {
			b := g.whole()
			f, err = queuefmt.Parse(b)
			// Pointers and finished recipients are not a new file's.
			if err == nil && !bytes.Contains(b, []byte("p\x0f")) && !slices.ContainsFunc(f.Records, func(r queuefmt.Record) bool {
				return r.Type == queuefmt.RecDone || r.Type == queuefmt.RecCanceled
			}) {
				if report, err := queuefmt.VerifyBytes(b); err == nil && len(report.Tolerated) == 0 {
					break
				}
			}
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			file, err := sp.Create(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			for _, r := range f.Records {
				if err := file.WriteRecord(r.Type, r.Data); err != nil {
					t.Error(err)
				}
			}
			if i%5 == 0 {
				file.Hold()
			}
			if err := errors.Join(file.SetSize(file.Measure()), file.Commit(context.Background())); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if err := sp.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func ownerOf(t *testing.T, name string) spool.Owner {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	return spool.Owner{UID: int(st.Uid), GID: int(st.Gid)}
}

// tree describes all that is below dir: mode, owner, size, inode.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		st := info.Sys().(*syscall.Stat_t)
		m[rel] = fmt.Sprintf("%v %d %d inode %d", info.Mode(), st.Uid, st.Gid, st.Ino)
		if info.Mode().IsRegular() {
			m[rel] += " size " + strconv.FormatInt(info.Size(), 10)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestFreshLayout: a queue directory that we made is one that the real Postfix
// takes as its own.
func TestFreshLayout(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	stock := pf.Path(postfix.QueueDir)
	owners := &spool.LayoutOwners{
		Mail:      ownerOf(t, filepath.Join(stock, "incoming")),
		SetgidGID: ownerOf(t, filepath.Join(stock, "maildrop")).GID,
	}
	if err := spool.MakeLayout(pf.Path("/var/spool/fresh"), owners); err != nil {
		t.Fatal(err)
	}
	writeMany(t, pf.Path("/var/spool/fresh"), spool.Options{Owner: &owners.Mail}, &queueFiles{rand.New(rand.NewPCG(1, 3))}, 10)
	pf.AppendMain("queue_directory = /var/spool/fresh")
	before := tree(t, pf.Path("/var/spool/fresh"))
	// It copies files for the chroot, which it lists, and warns of owners
	// and modes that are not as they should be.
	mark := pf.Log.Mark()
	r := pf.Run("/usr/sbin/postfix", "check")
	if r.Code != 0 {
		t.Errorf("postfix check: exit status %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	pf.Log.Sync(t)
	said := strings.Split(r.Stdout+r.Stderr, "\n")
	for _, line := range pf.Log.Lines()[mark:] {
		said = append(said, line.Text)
	}
	for _, line := range said {
		if strings.Contains(line, "/var/spool/fresh") && !strings.HasPrefix(line, "updating ") {
			t.Errorf("postfix check: %s", line)
		}
	}
	for _, args := range [][]string{{"-p"}, {"-s"}, {}} {
		if r := pf.Run("/usr/sbin/postsuper", args...); r.Code != 0 || r.Stdout+r.Stderr != "" {
			t.Errorf("postsuper %q: exit status %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
		}
	}
	after := tree(t, pf.Path("/var/spool/fresh"))
	for name, b := range before {
		if after[name] != b {
			t.Errorf("%s: %s, now %s", name, b, after[name])
		}
	}
}

// TestStale: we clear away what "postsuper -p" clears away in the queues that
// we write to.
func TestStale(t *testing.T) {
	t.Parallel()
	// The depth is only for postsuper, which removes deeper directories.
	pf := postfix.New(t, postfix.Options{Main: postfix.DefaultMain + "hash_queue_names = incoming, hold\nhash_queue_depth = 2\n"})
	dirs := []string{pf.Path(postfix.QueueDir), pf.Path("/var/spool/ours")}
	if err := spool.MakeLayout(dirs[1], nil); err != nil {
		t.Fatal(err)
	}
	owner := ownerOf(t, filepath.Join(dirs[0], "incoming"))
	week := 7 * 24 * time.Hour
	var names []string
	for _, queue := range []string{"incoming", "hold", "incoming/4/0", "hold/x"} {
		for _, mode := range []os.FileMode{0o600, 0o700, 0o744, 0o710, 0o400, 0o500, 0o677} {
			for _, age := range []time.Duration{0, week - time.Hour, week + time.Hour, 100 * week} {
				name := fmt.Sprintf("%s/%d.%o%d", queue, len(names), mode, age/time.Hour)
				names = append(names, name)
				for _, dir := range dirs {
					path := filepath.Join(dir, name)
					at := time.Now().Add(-age)
					err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600), os.Chmod(path, mode), os.Chtimes(path, at, at))
					// postsuper is mail_owner when it does this.
					for p := path; err == nil && p != dir; p = filepath.Dir(p) {
						err = os.Chown(p, owner.UID, owner.GID)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	pf.Run("/usr/sbin/postsuper", "-p") // it warns of the names
	sp, err := spool.Open(dirs[1], spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close(context.Background())
	removed, err := sp.RemoveStale(context.Background())
	if err != nil {
		t.Error(err)
	}
	gone := 0
	for _, name := range names {
		_, stockErr := os.Stat(filepath.Join(dirs[0], name))
		_, oursErr := os.Stat(filepath.Join(dirs[1], name))
		if errors.Is(stockErr, fs.ErrNotExist) != errors.Is(oursErr, fs.ErrNotExist) {
			t.Errorf("%s: postsuper %v, ours %v", name, stockErr, oursErr)
		}
		if errors.Is(oursErr, fs.ErrNotExist) {
			gone++
			if !slices.Contains(removed, name) {
				t.Errorf("%s was removed and not reported", name)
			}
		}
	}
	if gone == 0 || gone != len(removed) || gone == len(names) {
		t.Errorf("%d of %d files removed, %d reported", gone, len(names), len(removed))
	}
}
