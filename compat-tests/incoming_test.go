package compat

import (
	"bufio"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/queuecompare"
)

// submission is what a QMQP client sends.
type submission struct {
	message    string
	sender     string
	recipients []string
}

func netstring(s string) string { return strconv.Itoa(len(s)) + ":" + s + "," }

func (r submission) bytes() []byte {
	var b strings.Builder
	b.WriteString(netstring(r.message))
	b.WriteString(netstring(r.sender))
	for _, rcpt := range r.recipients {
		b.WriteString(netstring(rcpt))
	}
	return []byte(netstring(b.String()))
}

// settings are main.cf parameters that differ from the common ones. Those whose
// names begin with "cleanup:" or "rewrite:" are set with -o in master.cf, for
// this program alone.
type settings map[string]string

// commonMain is the main.cf of both sides. There is no qmgr, so that queue
// files stay where they are.
const commonMain = `compatibility_level = 3.9
myhostname = mx.example.org
mydestination = local.example.org
mynetworks_style = host
recipient_delimiter = +
inet_interfaces = loopback-only
qmqpd_authorized_clients = 127.0.0.0/8, [::1]
qmqpd_error_delay = 0s
in_flow_delay = 0s
alias_maps =
alias_database =
biff = no
`

// result is what became of a request.
type result struct {
	reply string   // with the queue id masked
	queue string   // where the file is
	file  []string // masked
	log   []string // qmqpd's and cleanup's lines, masked
}

// exchange sends a request and returns the text of the reply.
func exchange(addr string, req []byte) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return converse(conn, req)
}

func converse(conn net.Conn, req []byte) (string, error) {
	conn.SetDeadline(time.Now().Add(patience))
	go conn.Write(req)
	in := bufio.NewReader(conn)
	length, err := in.ReadString(':')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil {
		return "", err
	}
	reply := make([]byte, n)
	_, err = io.ReadFull(in, reply)
	return string(reply), err
}

// idOf returns the queue id in a positive reply, or in the log.
func idOf(reply string, lines []string) string {
	if _, id, ok := strings.Cut(reply, "queued as "); ok {
		return id
	}
	for _, l := range lines {
		if id, rest, ok := strings.Cut(l, ": "); ok && strings.HasPrefix(rest, "client=") {
			return id
		}
	}
	return ""
}

// isProcessLine tells whether a log line is about a process and not about a
// message: there is no qmgr on purpose, every new process complains of main.cf and of
// missing tables, and looks at the clock until it likes it.
func isProcessLine(text string) bool {
	return strings.Contains(text, "unable to look up public/qmgr") ||
		strings.HasPrefix(text, "error: open ") ||
		strings.HasPrefix(text, "warning: ") && strings.Contains(text, "/main.cf, line ") ||
		isClockLine(text)
}

// isClockLine tells what cleanup(8) says when a second begins while it writes: the
// time stamps of files are finer than time(2), which is behind by up to a tick.
func isClockLine(text string) bool {
	return strings.HasPrefix(text, "warning: file system clock is ") ||
		strings.HasPrefix(text, "warning: resetting file time stamps")
}

// badPattern is how the pcre library complains, where versions of it differ.
var badPattern = regexp.MustCompile(`( error in regex at offset )\d+: .*`)

// cutLine cuts a line of the log shorter than syslog does.
func cutLine(l string) string {
	const enough = 1500
	l = badPattern.ReplaceAllString(l, "${1}NUMBER")
	return l[:min(len(l), enough)]
}

// clientPort is the client with its port, which is another one on each side.
var clientPort = regexp.MustCompile(`(localhost\[127\.0\.0\.1\]):[0-9]{4,5}\b`)

// collect reads and removes the queue file of a request and masks everything.
func (res *result) collect(t *testing.T, reply, id, queueDir string, lines []string) {
	t.Helper()
	res.reply = reply
	if id != "" {
		res.reply = strings.ReplaceAll(reply, id, "QUEUEID")
	}
	for i, l := range lines {
		if isProcessLine(l) {
			continue
		}
		if strings.HasSuffix(l, " has changed -- restarting") && i > 0 && l == lines[i-1] {
			continue // each process says so that waits for a message
		}
		res.log = append(res.log, cutLine(queuecompare.MaskLine(l, id)))
	}
	for _, queue := range []string{"incoming", "hold"} {
		filepath.Walk(filepath.Join(queueDir, queue), func(path string, info os.FileInfo, err error) error {
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			if id == "" || info.Name() != id {
				t.Errorf("%s: unexpected file %s", reply, path)
				return os.Remove(path)
			}
			if info.Mode().Perm() != 0o700 {
				t.Errorf("%s: mode %v", path, info.Mode())
			}
			res.queue, err = filepath.Rel(queueDir, filepath.Dir(path))
			if err != nil {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if res.file, err = queuecompare.Mask(data, id); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			return os.Remove(path)
		})
	}
	for _, lines := range [][]string{res.file, res.log} {
		for i, l := range lines {
			lines[i] = clientPort.ReplaceAllString(l, "$1:PORT")
		}
	}
	if !strings.HasPrefix(reply, "K") {
		// qmqpd and cleanup may log at the same time.
		slices.Sort(res.log)
	}
	// The names of hashed directories are part of the id.
	res.queue, _, _ = strings.Cut(res.queue, "/")
}

// withoutOpening takes from the log what is said of tables when they are opened, and
// returns it.
func (res *result) withoutOpening(opening map[string]bool) (opened []string) {
	res.log = slices.DeleteFunc(res.log, func(l string) bool {
		if opening[l] {
			opened = append(opened, l)
		}
		return opening[l]
	})
	return opened
}

// duel is a rival and our servers with the same settings, started when they
// are needed.
type duel struct {
	t        *testing.T
	rival    *rival
	variants map[string]settings
	ours     map[string]*ours
	dir      string          // DIR in the settings; of the same name on both sides
	opening  map[string]bool // what is said of tables when any of ours opens them
	last     result          // of the rival
}

// longAgo is when the files of tables were changed.
var longAgo = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// newDuel starts the rival with a main.cf and variants of it, whose settings may name
// files of mapFiles in DIR, and further ones.
func newDuel(t *testing.T, main string, variants map[string]settings, files ...map[string]string) *duel {
	t.Helper()
	dir := t.TempDir()
	d := &duel{t: t, variants: make(map[string]settings), ours: make(map[string]*ours), dir: dir, opening: make(map[string]bool)}
	for name, set := range variants {
		d.variants[name] = make(settings)
		for k, v := range set {
			d.variants[name][k] = strings.ReplaceAll(v, "DIR/", dir+"/")
		}
	}
	d.rival = startRival(t, main, d.variants)
	for _, some := range append(files, mapFiles) {
		for name, text := range some {
			// Both sides find them under the same name.
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			d.rival.pf.WriteFile(path, text, 0o644)
			// Files that have just changed are waited for.
			if err := os.Chtimes(path, longAgo, longAgo); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.rival.pf.Start()
	return d
}

// compare sends a request to both sides and reports any difference.
func (d *duel) compare(t *testing.T, variant, host string, req submission) bool {
	t.Helper()
	if d.ours[variant] == nil {
		set := maps.Clone(d.variants[variant])
		maps.DeleteFunc(set, func(name, _ string) bool { return strings.Contains(name, ":") })
		set["cleanup_service_name"] = d.rival.cleanups[variant]
		d.ours[variant] = newOurs(d.t, d.rival.pf.Path("/etc/postfix"), set)
		if _, found := set["receive_override_options"]; found {
			// Tables that it leaves unused are opened by cleanup(8) alone.
			delete(set, "receive_override_options")
			d.ours[variant].opening = newOurs(d.t, d.rival.pf.Path("/etc/postfix"), set).opening
		}
	}
	o := d.ours[variant]
	d.rival.t, o.t = t, t
	theirs := d.rival.send(variant, host, req)
	our := o.send(host, req)
	good := true
	differ := func(what, difference string) {
		if difference != "" {
			t.Errorf("%s: %s", what, difference)
			good = false
		}
	}
	// What is said of a table that is opened: ours opens all at the start, and again
	// when they are old; a cleanup(8) when it takes its first message.
	// One that was started for a message under other settings may be late.
	for _, l := range o.opening {
		d.opening[l] = true
	}
	opened := theirs.withoutOpening(d.opening)
	our.withoutOpening(d.opening)
	if !o.compared {
		expected := slices.Clone(o.opening)
		if !strings.HasPrefix(theirs.reply, "K") {
			slices.Sort(expected)
		}
		opened = slices.DeleteFunc(opened, func(l string) bool { return !slices.Contains(expected, l) })
		differ("opening of tables", queuecompare.Diff(expected, opened))
		o.compared = true
	}
	d.last = theirs
	differ("reply", queuecompare.Diff([]string{our.reply}, []string{theirs.reply}))
	differ("queue", queuecompare.Diff([]string{our.queue}, []string{theirs.queue}))
	differ("file", queuecompare.Diff(our.file, theirs.file))
	differ("log", queuecompare.Diff(our.log, theirs.log))
	if !good {
		t.Logf("request: message %.3000q\nsender %q\nrecipients %.1000q", req.message, req.sender, req.recipients)
	}
	return good
}

// incomingCase is one request of a corpus.
type incomingCase struct {
	name    string
	variant string // the settings
	host    string // where the client is; "" is 127.0.0.1
	req     submission
}

// interfaceIPv6 tells whether cleanup(8) starts under these settings only where a local
// interface has an IPv6 address.
func interfaceIPv6(set settings) bool {
	protocols, interfaces := set["cleanup:inet_protocols"], set["cleanup:inet_interfaces"]
	return protocols == "ipv6" || protocols != "ipv4" && (interfaces == "localhost" || strings.Contains(interfaces, "::1"))
}

// run compares all cases.
func (d *duel) run(cases []incomingCase) {
	const enough = 40
	failed := 0
	for _, c := range cases {
		variant, host := c.variant, c.host
		if variant == "" {
			variant = "stock"
		}
		if host == "" {
			host = "127.0.0.1"
		}
		d.t.Run(variant+"/"+c.name, func(t *testing.T) {
			postfix.Case(t)
			postfix.NeedAddress(t, host)
			if interfaceIPv6(d.variants[variant]) {
				postfix.NeedAddress(t, "::1")
			}
			if !d.compare(t, variant, host, c.req) {
				failed++
			}
		})
		if failed > enough {
			d.t.Fatal("too many differences")
		}
	}
}
