package compat

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/queuecompare"
	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/daemon/spool"
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
	names := make([]string, 0, len(variants))
	for name := range variants {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		options := ""
		keys := make([]string, 0, len(variants[name]))
		for k := range variants[name] {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
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
	return r
}

// result is what became of a request.
type result struct {
	reply string   // with the queue id masked
	queue string   // where the file is
	file  []string // masked
	log   []string // cleanup's lines, masked
}

// send sends a request and collects what became of it.
func (r *rival) send(variant, host string, req submission) result {
	r.t.Helper()
	mark := r.pf.Log.Mark()
	reply, err := exchange(net.JoinHostPort(host, strconv.Itoa(r.ports[variant])), req.bytes())
	if err != nil {
		r.t.Fatalf("stock qmqpd: %v", err)
	}
	var res result
	id := queueID(reply)
	if id == "" {
		// qmqpd replies before cleanup has removed the file when it gives
		// up on its own.
		r.pf.Log.WaitFor(r.t, mark, "of a removed message", func(l postfix.Line) bool {
			return strings.Contains(l.Text, ": removed (")
		})
	}
	r.pf.Log.Sync(r.t)
	var lines []string
	for _, l := range r.pf.Log.Lines()[mark:] {
		if id == "" && strings.HasSuffix(l.Tag, "/qmqpd") {
			if first, rest, ok := strings.Cut(l.Text, ": "); ok && strings.HasPrefix(rest, "client=") {
				id = first
			}
		}
		// There is no qmgr on purpose.
		if strings.HasSuffix(l.Tag, "/cleanup") && !strings.Contains(l.Text, "unable to look up public/qmgr") {
			lines = append(lines, l.Text)
		}
	}
	res.collect(r.t, reply, id, r.pf.Path(postfix.QueueDir), lines)
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

// queueID returns the queue id in a positive reply.
func queueID(reply string) string {
	_, id, _ := strings.Cut(reply, "queued as ")
	return id
}

// collect reads and removes the queue file of a request and masks everything.
func (res *result) collect(t *testing.T, reply, id, queueDir string, lines []string) {
	t.Helper()
	res.reply = reply
	if id != "" {
		res.reply = strings.ReplaceAll(reply, id, "QUEUEID")
	}
	for _, l := range lines {
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
	// The names of hashed directories are part of the id.
	res.queue, _, _ = strings.Cut(res.queue, "/")
}

// ours receives in this process: a session that stores through package
// incoming.
type ours struct {
	t       *testing.T
	dir     string
	session qmqp.Config
	opener  mailstream.Opener
	lines   *bytes.Buffer
	logged  *maillog.Logger
}

// separateLog gives the lines of the inner opener a log of their own.
type separateLog struct {
	mailstream.Opener
	log *maillog.Logger
}

func (o separateLog) Open(ctx context.Context, _ *maillog.Logger) (mailstream.Stream, error) {
	return o.Opener.Open(ctx, o.log)
}

func newOurs(t *testing.T, cfg incoming.Config, session qmqp.Config, queue spool.Options) *ours {
	t.Helper()
	dir := t.TempDir()
	if err := spool.MakeLayout(dir, nil); err != nil {
		t.Fatal(err)
	}
	sp, err := spool.Open(dir, queue)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close(context.Background()) })
	o := &ours{t: t, dir: dir, session: session, lines: new(bytes.Buffer)}
	o.logged = maillog.New(time.Now)
	o.logged.Identify("x", 1, "mx", cfg.SMTPUTF8)
	o.logged.AddPlain(o.lines, "")
	o.opener = separateLog{incoming.New(cfg, sp), o.logged}
	return o
}

// send serves one request.
func (o *ours) send(host string, req submission) result {
	o.t.Helper()
	o.lines.Reset()
	var ids bytes.Buffer
	log := maillog.New(time.Now)
	log.Identify("s", 1, "mx", true)
	log.AddPlain(&ids, "")
	client := peer.Client{Name: "localhost", Addr: host, RFCAddr: host, Port: "12345", Family: 2}
	if strings.Contains(host, ":") {
		client.RFCAddr, client.Family = "IPv6:"+host, 10
	}
	near, far := net.Pipe()
	defer near.Close()
	done := make(chan error, 1)
	go func() {
		defer far.Close()
		done <- o.session.NewSession(far, client, time.Now(), log).Receive(context.Background(), o.opener)
	}()
	reply, err := converse(near, req.bytes())
	if err != nil {
		o.t.Fatalf("our session: %v", err)
	}
	if err := <-done; err != nil {
		o.t.Fatalf("our session: %v", err)
	}
	id := queueID(reply)
	for _, l := range strings.Split(ids.String(), "\n") {
		if id != "" {
			break
		}
		if words := strings.SplitN(l, ": ", 3); len(words) == 3 && strings.HasPrefix(words[2], "client=") {
			id = words[1]
		}
	}
	var lines []string
	for _, l := range strings.Split(strings.TrimSuffix(o.lines.String(), "\n"), "\n") {
		if l != "" {
			lines = append(lines, strings.TrimPrefix(l, "x: "))
		}
	}
	var res result
	res.collect(o.t, reply, id, o.dir, lines)
	return res
}

// compare sends a request to both and reports any difference.
func compare(t *testing.T, r *rival, o *ours, variant, host string, req submission) bool {
	t.Helper()
	theirs := r.send(variant, host, req)
	our := o.send(host, req)
	good := true
	if our.reply != theirs.reply {
		t.Errorf("reply: ours %q, theirs %q", our.reply, theirs.reply)
		good = false
	}
	if our.queue != theirs.queue {
		t.Errorf("queue: ours %q, theirs %q", our.queue, theirs.queue)
		good = false
	}
	if d := queuecompare.Diff(our.file, theirs.file); d != "" {
		t.Errorf("%s", d)
		good = false
	}
	if d := queuecompare.Diff(our.log, theirs.log); d != "" {
		t.Errorf("log %s", d)
		good = false
	}
	if !good {
		t.Logf("request: message %.3000q\nsender %q\nrecipients %.1000q", req.message, req.sender, req.recipients)
	}
	return good
}
