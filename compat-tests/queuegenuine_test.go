package compat

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/queuefmt"
	"github.com/qmqpd/qmqpd/queuefmt/export"
	"github.com/qmqpd/qmqpd/queuefmt/postcat"
)

// smtpMail is one message for smtpd(8).
type smtpMail struct {
	before  []string // commands before MAIL
	mail    string   // what follows "MAIL FROM:"
	rcpt    []string // what follows "RCPT TO:"
	message string   // lines end with LF
}

// smtpSend sends a message, its commands in one piece.
func smtpSend(t *testing.T, addr string, m smtpMail) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	in := textproto.NewReader(bufio.NewReader(conn))
	expect := func(code int, what string) {
		t.Helper()
		if _, _, err := in.ReadResponse(code); err != nil {
			t.Fatalf("smtpd on %.100q: %v", what, err)
		}
	}
	say := func(commands ...string) { fmt.Fprint(conn, strings.Join(commands, "\r\n")+"\r\n") }
	expect(220, "connection")
	say("EHLO client.example")
	expect(250, "EHLO")
	commands := append(slices.Clone(m.before), "MAIL FROM:"+m.mail)
	for _, r := range m.rcpt {
		commands = append(commands, "RCPT TO:"+r)
	}
	say(append(commands, "DATA")...)
	for _, c := range commands {
		expect(250, c)
	}
	expect(354, "DATA")
	w := textproto.NewWriter(bufio.NewWriter(conn)).DotWriter()
	fmt.Fprint(w, m.message)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	expect(250, "message")
	say("QUIT")
}

// genuineFiles returns the finished files of all queues, by queue and id, hashed or not.
func genuineFiles(t *testing.T, pf *postfix.Instance) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for _, queue := range []string{"maildrop", "incoming", "active", "deferred", "hold", "corrupt"} {
		err := filepath.WalkDir(pf.Path(postfix.QueueDir+"/"+queue), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			// Who was stopped while it wrote has not made the file executable.
			if info, err := d.Info(); err != nil || info.Mode()&0o100 == 0 {
				return err
			}
			b, err := os.ReadFile(path)
			files[queue+"-"+d.Name()] = b
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// genuineOptions are the ways to call postcat(1) on each of them.
var genuineOptions = append(slices.Clone(postcatOptions),
	postcatOption{[]string{"-eo"}, postcat.Options{Envelope: true, Offsets: true}},
	postcatOption{[]string{"-eh"}, postcat.Options{Envelope: true, Header: true}},
	postcatOption{[]string{"-be"}, postcat.Options{Envelope: true, Body: true}},
	postcatOption{[]string{"-ehv"}, postcat.Options{Envelope: true, Header: true, Verbose: true}},
	postcatOption{[]string{"-hov"}, postcat.Options{Header: true, Offsets: true, Verbose: true}},
)

// checkGenuine reads files that Postfix wrote in all the ways that we have, and compares
// with what postcat(1) says of them. types are the records that there must be among
// them, '1' for a pointer that leads somewhere.
func checkGenuine(t *testing.T, pf *postfix.Instance, files map[string][]byte, types string) {
	t.Helper()
	names := slices.Sorted(mapKeys(files))
	var err error
	const last = "zz" // brings out what postcat forgets to flush, see TestPostcat
	files[last], err = os.ReadFile("../queuefmt/testdata/01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		pf.WriteFile("/queue/"+name, string(b), 0o644)
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, try := range genuineOptions {
		var ours printed
		var together []string
		compare := func(names []string, ours printed) {
			theirs := printPostcat(t, pf, try.args, names)
			if theirs.out != ours.out {
				t.Errorf("postcat %s differs %s", try.args, firstDifference(theirs.out, ours.out))
			}
			if diff := cmp.Diff(theirs.log, ours.log); diff != "" {
				t.Errorf("postcat %s, log (-postcat +ours): %s", try.args, diff)
			}
		}
		alone := 0
		for _, name := range append(slices.Clone(names), last) {
			p, fatal, crash := printOurs(files, name, try.opts)
			// In the order of the file there is also what a Milter has left over.
			raw := try.opts.Raw && try.opts.Verbose
			if crash || fatal && !raw {
				t.Errorf("%s, %s: %q", try.args, name, p.log)
			}
			if !crash && !fatal {
				together = append(together, name)
				ours.out += p.out
				ours.log = append(ours.log, p.log...)
			} else if alone++; fatal && alone <= 8 { // it takes postcat a second to die
				slots <- struct{}{}
				wg.Go(func() { compare([]string{name}, p); <-slots })
			}
		}
		compare(together, ours)
	}
	wg.Wait()
	have := make(map[byte]bool)
	for _, name := range names {
		checkGenuineFile(t, pf, name, files[name])
		walker := queuefmt.NewWalker(bytes.NewReader(files[name]))
		for rec, err := walker.Next(); err == nil && rec.Type != queuefmt.RecEnd; rec, err = walker.Next() {
			have[byte(rec.Type)] = true
			if target, ok := queuefmt.ParsePointer(rec.Data); rec.Type == queuefmt.RecPointer && ok && target > 0 {
				have['1'] = true
			}
		}
	}
	for _, c := range []byte(types) {
		if !have[c] {
			t.Errorf("no record %q in %d files", c, len(names))
		}
	}
	t.Logf("%d files", len(names))
}

// checkGenuineFile looks at all that is not like postcat's: the verdict, the message,
// the JSON, and the repair of what needs none.
func checkGenuineFile(t *testing.T, pf *postfix.Instance, name string, b []byte) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s\n%.4000s", name, fmt.Sprintf(format, args...), printPostcat(t, pf, []string{"-dov"}, []string{name}).out)
	}
	opts := queuefmt.VerifyOptions{Maildrop: strings.HasPrefix(name, "maildrop-")}
	report, err := opts.Verify(bytes.NewReader(b))
	if err != nil || len(report.Tolerated) > 0 {
		bad("Verify: %v, %v", err, report.Tolerated)
	}
	var eml bytes.Buffer
	if err := export.WriteEML(&eml, bytes.NewReader(b), "\n"); err != nil {
		bad("WriteEML: %v", err)
	}
	// A last line without a newline gets one from postcat, if another record follows.
	content := printPostcat(t, pf, []string{"-bh"}, []string{name}).out
	if strings.TrimSuffix(content, "\n") != strings.TrimSuffix(eml.String(), "\n") {
		bad("WriteEML differs %s", firstDifference(content, eml.String()))
	}
	envelope := envelopeOf(printPostcat(t, pf, []string{"-e"}, []string{name}).out)
	if diff := cmp.Diff(envelope, envelopeOfJSON(t, opts, name, b)); diff != "" {
		bad("WriteJSON differs (-postcat +ours): %s", diff)
	}
	found := queuefmt.Recover(b, time.Time{})
	if len(found.Lost) > 0 || slices.ContainsFunc(found.Missing, func(m queuefmt.RecordType) bool { return m != queuefmt.RecRecipient && m != queuefmt.RecNormal }) {
		bad("Recover: %v lost, %v missing", found.Lost, found.Missing)
	}
	recovered := found.File.Bytes()
	again, err := queuefmt.VerifyBytes(recovered)
	if err != nil || len(again.Tolerated) > 0 || again.Recipients != report.Recipients || again.Done != report.Done {
		bad("Recover: %v, %+v; was %+v", err, again, report)
	}
	var repaired bytes.Buffer
	if err := export.WriteEML(&repaired, bytes.NewReader(recovered), "\n"); err != nil || !bytes.Equal(repaired.Bytes(), eml.Bytes()) {
		bad("Recover: %v, differs %s", err, firstDifference(eml.String(), repaired.String()))
	}
	if diff := cmp.Diff(envelope, envelopeOfJSON(t, queuefmt.VerifyOptions{}, name, recovered)); diff != "" {
		bad("Recover (-postcat +ours): %s", diff)
	}
}

// firstDifference shows where two texts begin to differ.
func firstDifference(theirs, ours string) string {
	i := 0
	for i < len(theirs) && i < len(ours) && theirs[i] == ours[i] {
		i++
	}
	from := max(0, i-200)
	show := func(s string) string { return s[min(from, len(s)):min(len(s), i+300)] }
	return fmt.Sprintf("from byte %d on:\n-- postcat\n%s\n-- ours\n%s", i, show(theirs), show(ours))
}

// envelope is what a file says about a message, in its order.
type envelope struct {
	Sender     string
	Attributes []string
	Recipients []string
	Last       map[string]string // of what the last word counts
}

func (e *envelope) recipient(status, address, original, orcpt, notify string) {
	e.Recipients = append(e.Recipients, fmt.Sprintf("%s %s, original %s, ORCPT %s, NOTIFY %s", status, address, original, orcpt, notify))
}

// envelopeOf reads what "postcat -e" prints.
func envelopeOf(text string) envelope {
	e := envelope{Last: make(map[string]string)}
	senders := 0
	original, orcpt, notify := "", "", ""
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "sender":
			if senders++; senders == 1 {
				e.Sender = value
			}
		case "content_filter", "redirect_to":
			e.Last[name] = value
		case "named_attribute":
			switch name, value, _ := strings.Cut(value, "="); name {
			case queuefmt.AttrDSNOrcpt:
				orcpt = value
			case queuefmt.AttrDSNNotify:
				notify = value
			case queuefmt.AttrDSNEnvID:
				e.Last["dsn_envelope_id"] = value
			case queuefmt.AttrDSNRet:
				e.Last["dsn_ret"] = value
			default:
				e.Attributes = append(e.Attributes, name+"="+value)
			}
		case "original_recipient":
			original = value
		case "recipient", "done_recipient", "canceled_recipient":
			e.recipient(name, value, original, orcpt, notify)
			original, orcpt, notify = "", "", ""
		}
	}
	return e
}

// envelopeOfJSON reads what WriteJSON prints.
func envelopeOfJSON(t *testing.T, opts queuefmt.VerifyOptions, name string, b []byte) envelope {
	t.Helper()
	var out bytes.Buffer
	if err := (export.JSONOptions{Verify: opts}).WriteJSON(&out, name, bytes.NewReader(b)); err != nil {
		t.Errorf("%s: WriteJSON: %v", name, err)
	}
	var file struct {
		Sender     any
		Attributes []struct{ Name, Value any }
		Recipients []struct {
			Address, Original any
			Orcpt             any `json:"dsn_original"`
			Notify            any `json:"dsn_notify"`
			Status            string
		}
	}
	var all map[string]any
	if err := json.Unmarshal(out.Bytes(), &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text := func(v any) string {
		switch v := v.(type) {
		case string:
			return v
		case float64:
			return strconv.Itoa(int(v))
		case map[string]any:
			b, _ := base64.StdEncoding.DecodeString(v["base64"].(string))
			return string(b)
		}
		return ""
	}
	e := envelope{Sender: text(file.Sender), Last: make(map[string]string)}
	for _, a := range file.Attributes {
		e.Attributes = append(e.Attributes, text(a.Name)+"="+text(a.Value))
	}
	status := map[string]string{"pending": "recipient", "done": "done_recipient", "canceled": "canceled_recipient"}
	for _, r := range file.Recipients {
		e.recipient(status[r.Status], text(r.Address), text(r.Original), text(r.Orcpt), text(r.Notify))
	}
	for _, key := range []string{"content_filter", "redirect_to", "dsn_envelope_id", "dsn_ret"} {
		if v, ok := all[key]; ok {
			e.Last[key] = text(v)
		}
	}
	return e
}
