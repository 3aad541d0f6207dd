package compat

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/queuecompare"
	"github.com/qmqpd/qmqpd/daemon"
	"github.com/qmqpd/qmqpd/mainconf"
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

// settings are main.cf parameters that differ from the common ones.
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

// rival is a real Postfix that receives by qmqpd, cleanup and trivial-rewrite,
// with one set of these services for each of several settings.
type rival struct {
	t     *testing.T
	pf    *postfix.Instance
	ports map[string]int
}

// startRival starts services for all variants, which are settings by name.
func startRival(t *testing.T, main string, variants map[string]settings) *rival {
	t.Helper()
	r := &rival{t: t, ports: make(map[string]int)}
	var master strings.Builder
	for i, name := range slices.Sorted(maps.Keys(variants)) {
		options := ""
		for _, k := range slices.Sorted(maps.Keys(variants[name])) {
			options += fmt.Sprintf("  -o { %s = %s }\n", k, variants[name][k])
		}
		port := postfix.FreePort(t)
		r.ports[name] = port
		fmt.Fprintf(&master, "127.0.0.1:%d inet n - y - 5 qmqpd\n  -o cleanup_service_name=cleanup%d\n%s", port, i, options)
		fmt.Fprintf(&master, "[::1]:%d inet n - y - 5 qmqpd\n  -o cleanup_service_name=cleanup%d\n%s", port, i, options)
		fmt.Fprintf(&master, "cleanup%d unix n - y - 0 cleanup\n  -o rewrite_service_name=rewrite%d\n%s", i, i, options)
		fmt.Fprintf(&master, "rewrite%d unix - - y - - trivial-rewrite\n%s", i, options)
	}
	master.WriteString("postlog unix-dgram n - n - 1 postlogd\n")
	master.WriteString("proxymap unix - - n - - proxymap\n")
	r.pf = postfix.New(t, postfix.Options{Main: main, Master: master.String()})
	// Both sides shall find the same names for their clients.
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/etc/hosts", postfix.QueueDir + "/etc/hosts"} {
		if err := os.Remove(r.pf.Path(name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		r.pf.WriteFile(name, string(hosts), 0o644)
	}
	return r
}

// result is what became of a request.
type result struct {
	reply string   // with the queue id masked
	queue string   // where the file is
	file  []string // masked
	log   []string // qmqpd's and cleanup's lines, masked
}

// send sends a request and collects what became of it.
func (r *rival) send(variant, host string, req submission) result {
	r.t.Helper()
	mark := r.pf.Log.Mark()
	reply, err := exchange(net.JoinHostPort(host, strconv.Itoa(r.ports[variant])), req.bytes())
	if err != nil {
		r.t.Fatalf("stock qmqpd: %v", err)
	}
	if !strings.HasPrefix(reply, "K") {
		// qmqpd replies before cleanup has removed the file when it gives
		// up on its own.
		r.pf.Log.WaitFor(r.t, mark, "of a removed message", func(l postfix.Line) bool {
			return strings.Contains(l.Text, ": removed (")
		})
	}
	r.pf.Log.WaitFor(r.t, mark, "of the end", func(l postfix.Line) bool { return strings.HasPrefix(l.Text, "disconnect from") })
	r.pf.Log.Sync(r.t)
	var lines []string
	for _, l := range r.pf.Log.Lines()[mark:] {
		if strings.HasSuffix(l.Tag, "/cleanup") || strings.HasSuffix(l.Tag, "/qmqpd") {
			lines = append(lines, l.Text)
		}
	}
	var res result
	res.collect(r.t, reply, idOf(reply, lines), r.pf.Path(postfix.QueueDir), lines)
	return res
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
	conn.SetDeadline(time.Now().Add(30 * time.Second))
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
// message: there is no qmgr on purpose, every new cleanup complains of missing
// tables, and looks at the clock until it likes it.
func isProcessLine(text string) bool {
	return strings.Contains(text, "unable to look up public/qmgr") ||
		strings.HasPrefix(text, "error: open ") ||
		strings.HasPrefix(text, "warning: file system clock is ") ||
		strings.HasPrefix(text, "warning: resetting file time stamps")
}

// collect reads and removes the queue file of a request and masks everything.
func (res *result) collect(t *testing.T, reply, id, queueDir string, lines []string) {
	t.Helper()
	res.reply = reply
	if id != "" {
		res.reply = strings.ReplaceAll(reply, id, "QUEUEID")
	}
	for _, l := range lines {
		if isProcessLine(l) {
			continue
		}
		// Syslog cuts long lines.
		const enough = 1500
		l = queuecompare.MaskLine(l, id)
		res.log = append(res.log, l[:min(len(l), enough)])
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
	if !strings.HasPrefix(reply, "K") {
		// qmqpd and cleanup may log at the same time.
		slices.Sort(res.log)
	}
	// The names of hashed directories are part of the id.
	res.queue, _, _ = strings.Cut(res.queue, "/")
}

// ours is a stand-alone server in this process that writes queue files itself.
type ours struct {
	t     *testing.T
	dir   string
	addrs map[string]string // by host
	log   lockedBuffer
}

// lockedBuffer collects what a server logs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since the last call.
func (l *lockedBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	l.b.Reset()
	return s
}

// newOurs starts a server with the configuration directory of a rival and
// settings of its own. It stops when t ends.
func newOurs(t *testing.T, configDir string, set settings) *ours {
	t.Helper()
	o := &ours{t: t, dir: filepath.Join(t.TempDir(), "queue"), addrs: make(map[string]string)}
	options := daemon.ServeOptions{
		ConfigDir: configDir,
		Listen:    []string{"127.0.0.1:0", "[::1]:0"},
		Queue:     o.dir,
		Log:       &o.log,
	}
	for _, k := range slices.Sorted(maps.Keys(set)) {
		options.Overrides = append(options.Overrides, mainconf.Setting{Name: k, Value: set[k]})
	}
	ready := make(chan struct{})
	options.Ready = func(addrs []net.Addr) {
		o.addrs["127.0.0.1"], o.addrs["::1"] = addrs[0].String(), addrs[1].String()
		close(ready)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- daemon.Serve(ctx, options) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("our server: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("our server: %v", err)
	}
	return o
}

// send serves one request.
func (o *ours) send(host string, req submission) result {
	o.t.Helper()
	o.log.take()
	reply, err := exchange(o.addrs[host], req.bytes())
	if err != nil {
		o.t.Fatalf("our server: %v", err)
	}
	// The line about the end of the session comes after the reply.
	text := ""
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(text, "disconnect from"); {
		if time.Now().After(deadline) {
			o.t.Fatalf("our server did not end the session:\n%s", text)
		}
		time.Sleep(100 * time.Microsecond)
		text += o.log.take()
	}
	var lines []string
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		_, l, _ = strings.Cut(l, "]: ")
		lines = append(lines, l)
	}
	var res result
	res.collect(o.t, reply, idOf(reply, lines), o.dir, lines)
	return res
}

// duel is a rival and our servers with the same settings, started when they
// are needed.
type duel struct {
	t        *testing.T
	rival    *rival
	variants map[string]settings
	ours     map[string]*ours
}

// newDuel starts the rival with a main.cf and variants of it, whose settings may name
// files of mapFiles in DIR.
func newDuel(t *testing.T, main string, variants map[string]settings) *duel {
	t.Helper()
	dir := t.TempDir()
	d := &duel{t: t, variants: make(map[string]settings), ours: make(map[string]*ours)}
	for name, set := range variants {
		d.variants[name] = make(settings)
		for k, v := range set {
			d.variants[name][k] = strings.ReplaceAll(v, "DIR", dir)
		}
	}
	d.rival = startRival(t, main, d.variants)
	for name, text := range mapFiles {
		// Both sides find them under the same name.
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		d.rival.pf.WriteFile(path, text, 0o644)
	}
	d.rival.pf.Start()
	return d
}

// compare sends a request to both sides and reports any difference.
func (d *duel) compare(t *testing.T, variant, host string, req submission) bool {
	t.Helper()
	if d.ours[variant] == nil {
		d.ours[variant] = newOurs(d.t, d.rival.pf.Path("/etc/postfix"), d.variants[variant])
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
			if !d.compare(t, variant, host, c.req) {
				failed++
			}
		})
		if failed > enough {
			d.t.Fatal("too many differences")
		}
	}
}
