package compat

import (
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// viaServer is "qmqpd serve" on the queue directory of a Postfix.
type viaServer struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
	log  lockedBuffer
}

// startVia starts the server, or returns nil and what it says if it does not start.
func startVia(t *testing.T, pf *postfix.Instance, options ...string) (*viaServer, string) {
	t.Helper()
	v := &viaServer{t: t, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t)))}
	v.cmd = pf.Command("/usr/sbin/qmqpd", "serve", "-c", "/etc/postfix", "--listen", v.addr)
	for _, o := range options {
		v.cmd.Args = append(v.cmd.Args, "-o", o)
	}
	v.cmd.Stderr = &v.log
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = v.cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = v.cmd.Process.Kill(); <-ended })
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("tcp", v.addr); err == nil {
			conn.Close()
			return v, ""
		}
		select {
		case <-ended:
			return nil, v.log.take()
		default:
		}
	}
	t.Fatal("qmqpd serve does not listen")
	return nil, ""
}

// send sends a message and returns its queue id.
func (v *viaServer) send(message string) string {
	v.t.Helper()
	c, err := standin.DialTCP("", v.addr)
	if err != nil {
		v.t.Fatal(err)
	}
	defer c.Close()
	if err := c.Send([]byte(standin.Request(message, "from@a.example", "to@b.example"))); err != nil {
		v.t.Fatal(err)
	}
	reply := readReply(v.t, c)
	wantOK(v.t, "message", reply)
	_, id, _ := strings.Cut(strings.TrimSuffix(reply, ","), "queued as ")
	return id
}

// awaitLog waits until the server has said something. What it said up to then is
// taken from its log.
func (v *viaServer) awaitLog(want string) {
	v.t.Helper()
	text := ""
	for deadline := time.Now().Add(patience); !strings.Contains(text, want+"\n"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			v.t.Errorf("the server does not say %q: %s", want, text)
			return
		}
		text += v.log.take()
	}
}

// TestQueueVia shows where messages go: cleanup(8) where it answers when the server
// starts, and a queue file of ours where it does not, or where that is what
// queue_via says; and that what we refuse works with cleanup(8).
func TestQueueVia(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	pf.Install(postfix.Build(t, "qmqpd"), "/usr/sbin/qmqpd")
	sink := standin.ListenSMTP(t)
	pf.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8", "relayhost = "+sink.Relayhost(), "smtputf8_enable = no", "milter_default_action = accept")
	const milter = "non_smtpd_milters=inet:127.0.0.1:1"
	check := func(v *viaServer, message string, cleanup bool) {
		t.Helper()
		id := v.send(message)
		logged := id + ": message-id="
		// Our own line may come after the reply.
		var ours string
		byUs, byCleanup := false, false
		for deadline := time.Now().Add(patience); !byUs && !byCleanup && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			ours += v.log.take()
			byUs = strings.Contains(ours, logged)
			pf.Log.Sync(t)
			for _, l := range pf.Log.Lines() {
				if l.Tag == "postfix/cleanup" && strings.HasPrefix(l.Text, logged) {
					byCleanup = true
				}
			}
		}
		if byCleanup != cleanup || byUs == cleanup {
			t.Errorf("message %.30q, id %s: went through cleanup(8): %v, through us: %v; want the first: %v", message, id, byCleanup, byUs, cleanup)
		}
	}

	// Nobody is there yet.
	before, text := startVia(t, pf)
	if before == nil {
		t.Fatal(text)
	}
	check(before, "Subject: before\n\nm\n", false)
	if v, text := startVia(t, pf, milter); v != nil || !strings.Contains(text, "stand-alone mode cannot honor non_smtpd_milters = inet:127.0.0.1:1; set queue_via = cleanup") {
		t.Errorf("a Milter without cleanup(8): %q", text)
	}

	pf.Start()
	// That is decided once.
	check(before, "Subject: still direct\n\nm\n", false)
	// cleanup(8) does not hear of our options.
	if v, text := startVia(t, pf, milter); v != nil || !strings.Contains(text, "-o "+milter+" has no effect with queue_via = cleanup") {
		t.Errorf("a Milter of ours for cleanup(8): %q", text)
	}
	for _, tt := range []struct {
		subject string
		cleanup bool
		options []string
	}{
		{"auto", true, nil},
		{"cleanup", true, []string{"queue_via=cleanup"}},
		{"direct", false, []string{"queue_via=direct"}},
		{"Milter", true, nil},
		{"Milter off", false, []string{"queue_via=direct", milter, "receive_override_options=no_milters"}},
	} {
		if tt.subject == "Milter" {
			pf.AppendMain(milter)
		}
		v, text := startVia(t, pf, tt.options...)
		if v == nil {
			t.Errorf("%s: %s", tt.subject, text)
			continue
		}
		if tt.cleanup {
			v.awaitLog("queue_via = cleanup: messages go to " + postfix.QueueDir + "/public/cleanup")
		} else {
			v.awaitLog("queue_via = direct: messages become files in " + postfix.QueueDir + "/incoming")
		}
		check(v, "Subject: "+tt.subject+"\n\nm\n", tt.cleanup)
		// More than stays in memory.
		check(v, "Subject: large "+tt.subject+"\n\n"+strings.Repeat("0123456789\n", 300000), tt.cleanup)
	}
	got := map[string]int{}
	for _, d := range sink.Wait(12, patience) {
		want := 2
		if strings.HasPrefix(d.Header("Subject"), "large") {
			want = 3300000
		}
		if len(d.Data) < want {
			t.Errorf("%s: %d bytes", d.Header("Subject"), len(d.Data))
		}
		got[d.Header("Subject")]++
	}
	if len(got) != 12 {
		t.Errorf("delivered: %v", got)
	}
}

// TestServeClearsStaleFiles shows that the server clears away at start what
// "postsuper -p" would, and whose its own files are.
func TestServeClearsStaleFiles(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	pf.Install(postfix.Build(t, "qmqpd"), "/usr/sbin/qmqpd")
	pf.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8", "hash_queue_names = incoming", "hash_queue_depth = 1")
	incoming := pf.Path(postfix.QueueDir + "/incoming")
	owner := ownerOf(t, incoming)
	week := time.Now().Add(-8 * 24 * time.Hour)
	for name, at := range map[string]time.Time{"4/4old": week, "1234.567": week, "4/4young": time.Now()} {
		path := filepath.Join(incoming, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("C"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	v, text := startVia(t, pf)
	if v == nil {
		t.Fatal(text)
	}
	id := v.send("m\n")
	// What was logged before may be read after the reply.
	log, missing := "", []string{"4/4old", "1234.567"}
	for deadline := time.Now().Add(patience); len(missing) > 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		log += v.log.take()
		missing = slices.DeleteFunc(missing, func(name string) bool {
			return strings.Contains(log, "removed stale unfinished file incoming/"+name+"\n")
		})
	}
	if len(missing) > 0 {
		t.Errorf("nothing about %q in the log:\n%s", missing, log)
	}
	var left []string
	_ = filepath.WalkDir(incoming, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.Type().IsRegular() {
			left = append(left, d.Name())
		}
		st := info.Sys().(*syscall.Stat_t)
		if d.Name() != "4young" && filepath.Base(path) != "4" && (int(st.Uid) != owner.UID || info.Mode().Perm() != 0o700) {
			t.Errorf("%s: owner %d, mode %v", path, st.Uid, info.Mode())
		}
		return nil
	})
	if len(left) != 2 || sorted(left) != sorted([]string{"4young", id}) {
		t.Errorf("left: %v", left)
	}
	if path := filepath.Join(incoming, id[:1], id); !fileExists(path) {
		t.Errorf("no %s", path)
	}
}

func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TestPostsuper shows that the messages of the stand-alone server can be put on hold,
// released, and requeued, and are delivered after that.
func TestPostsuper(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	pf.Install(postfix.Build(t, "qmqpd"), "/usr/sbin/qmqpd")
	sink := standin.ListenSMTP(t)
	pf.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8", "relayhost = "+sink.Relayhost(), "smtputf8_enable = no",
		"header_checks = regexp:{{/^Subject: held/ HOLD}}", "hash_queue_names = incoming, hold")
	v, text := startVia(t, pf)
	if v == nil {
		t.Fatal(text)
	}
	for _, subject := range []string{"plain", "held", "requeued"} {
		id := v.send("Subject: " + subject + "\n\nm\n")
		for _, args := range map[string][][]string{
			"plain":    {{"-h", id}, {"-H", id}},
			"held":     {{"-H", id}},
			"requeued": {{"-r", id}},
		}[subject] {
			if r := pf.Run("/usr/sbin/postsuper", args...); r.Code != 0 || !strings.HasSuffix(r.Stderr, ": 1 message\n") {
				t.Errorf("%s: postsuper %q: exit status %d\n%s%s", subject, args, r.Code, r.Stdout, r.Stderr)
			}
		}
	}
	pf.Start()
	got := map[string]bool{}
	for _, d := range sink.Wait(3, patience) {
		got[d.Header("Subject")] = true
	}
	if len(got) != 3 || !got["plain"] || !got["held"] || !got["requeued"] {
		t.Errorf("delivered: %v", got)
	}
}

// TestCorpusDelivered has the real qmgr(8) deliver what becomes of the corpus, and of
// random messages, in stand-alone mode; postsuper(1) finds nothing to repair before.
func TestCorpusDelivered(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	pf.Install(postfix.Build(t, "qmqpd"), "/usr/sbin/qmqpd")
	pf.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8", "qmqpd_error_delay = 0", "smtputf8_autodetect_classes = all",
		"default_transport = discard", "relay_transport = discard", "local_transport = discard", "virtual_transport = discard",
		"maximal_backoff_time = 1s", "minimal_backoff_time = 1s", "queue_run_delay = 1s", "enable_long_queue_ids = yes")
	v, text := startVia(t, pf)
	if v == nil {
		t.Fatal(text)
	}
	requests := map[string]submission{}
	for _, c := range incomingCorpus() {
		requests[c.name] = c.req
	}
	for i := range 300 {
		g := generator{rand.New(rand.NewPCG(uint64(i), 7))}
		requests[strconv.Itoa(i)] = g.submission()
	}
	accepted := map[string]string{}
	for name, req := range requests {
		reply, err := exchange(v.addr, req.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if _, id, ok := strings.Cut(reply, "queued as "); ok {
			accepted[id] = name
		}
	}
	t.Logf("%d requests, %d accepted", len(requests), len(accepted))
	if len(accepted) < 1000 {
		t.Error("too few")
	}
	for _, args := range [][]string{{"-p"}, {"-s"}, {}} {
		if r := pf.Run("/usr/sbin/postsuper", args...); r.Code != 0 || r.Stdout+r.Stderr != "" {
			t.Errorf("postsuper %q: exit status %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
		}
	}
	pf.Start()
	for deadline := time.Now().Add(patience); len(accepted) > 0 && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		for _, l := range pf.Log.Lines() {
			if id, ok := strings.CutSuffix(l.Text, ": removed"); ok {
				delete(accepted, id)
			}
		}
	}
	for id, name := range accepted {
		t.Errorf("%s (%.60q) has not left the queue", id, name)
	}
	for _, l := range pf.Log.Lines() {
		if strings.Contains(l.Text, "corrupt") || l.Tag == "postfix/qmgr" && l.Priority&7 <= 4 {
			t.Errorf("log: %s", l.Raw)
		}
	}
}
