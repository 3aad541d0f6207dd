package compat

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// alone is our stand-alone server, running in a private root beside a Postfix
// that is not started yet.
type alone struct {
	*postfix.Instance
	// queue is the server's queue directory inside the root.
	queue string
	addr  string
	// user, if not 0, runs the server in place of root.
	user uint32
	cmd  *exec.Cmd
	done chan struct{}
}

// newAlone starts a stand-alone server and returns when it accepts clients.
func newAlone(t *testing.T) *alone {
	t.Helper()
	a := prepareAlone(t)
	a.serve(t)
	return a
}

// prepareAlone makes what a stand-alone server needs.
func prepareAlone(t *testing.T) *alone {
	t.Helper()
	a := &alone{
		Instance: postfix.New(t, postfix.Options{}),
		queue:    "/srv/spool",
		addr:     net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t))),
		done:     make(chan struct{}),
	}
	a.Install(postfix.Build(t, "qmqpd"), "/usr/sbin/qmqpd")
	a.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8")
	if err := os.MkdirAll(a.Path("/srv"), 0o755); err != nil {
		t.Fatal(err)
	}
	return a
}

// serve starts the server and returns when it accepts clients.
func (a *alone) serve(t *testing.T) {
	t.Helper()
	a.cmd = a.Command("/usr/sbin/qmqpd", "serve", "-c", "/etc/postfix", "--listen", a.addr, "--queue", a.queue)
	if a.user != 0 {
		a.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.user, Gid: a.user}
	}
	var stderr strings.Builder
	a.cmd.Stderr = &stderr
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		a.cmd.Wait()
		close(a.done)
	}()
	t.Cleanup(func() {
		a.cmd.Process.Kill()
		<-a.done
		if t.Failed() {
			text := stderr.String()
			t.Logf("the server's log ends with:\n%s", text[max(0, len(text)-3000):])
		}
	})
	deadline := time.Now().Add(patience)
	for {
		conn, err := net.Dial("tcp", a.addr)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-a.done:
			t.Fatalf("qmqpd serve has ended: %v", a.cmd.ProcessState)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("qmqpd serve does not listen: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// files returns the finished queue files below incoming, as paths inside the
// root by queue id.
func (a *alone) files(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	top := a.Path(a.queue + "/incoming")
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		// Unfinished files are not executable, and qmgr leaves them alone.
		if info.Mode().Perm() == 0o700 {
			found[entry.Name()] = strings.TrimPrefix(path, a.Dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// postcat runs the real postcat(1) over queue files and returns what it prints
// for each, by queue id.
func (a *alone) postcat(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	printed := map[string]string{}
	for id, path := range files {
		r := a.Run("/usr/sbin/postcat", path)
		if r.Code != 0 || r.Stderr != "" {
			t.Errorf("postcat %s: exit status %d, %s", path, r.Code, r.Stderr)
		}
		printed[id] = r.Stdout
	}
	return printed
}

// TestStandAloneQueueFiles lets the stand-alone server queue 200 messages,
// reads each file with the real postcat(1), and lets the real qmgr(8) deliver
// them.
func TestStandAloneQueueFiles(t *testing.T) {
	t.Parallel()
	const messages = 200
	a := newAlone(t)
	a.MustRun("/usr/sbin/qmqp-source", "-s", "10", "-m", strconv.Itoa(messages),
		"-f", "from@a.example", "-t", "to@b.example", a.addr)
	files := a.files(t)
	if len(files) != messages {
		t.Errorf("%d queue files, want %d", len(files), messages)
	}
	for id, text := range a.postcat(t, files) {
		for _, want := range []string{
			"sender: from@a.example\n",
			"recipient: to@b.example\n",
			"\tby mx.example.org (Postfix) with QMQP id " + id + "\n",
			"*** HEADER EXTRACTED",
			"*** MESSAGE FILE END",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("postcat of %s lacks %q:\n%s", id, want, text)
				break
			}
		}
	}
	sink := standin.ListenSMTP(t)
	a.AppendMain("relayhost = " + sink.Relayhost())
	owner := a.owner(t)
	for id, path := range files {
		to := a.Path(postfix.QueueDir + "/incoming/" + id)
		if err := os.Rename(a.Path(path), to); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(to, owner, -1); err != nil {
			t.Fatal(err)
		}
	}
	a.Start()
	delivered := map[string]int{}
	for _, d := range sink.Wait(messages, patience) {
		_, rest, _ := strings.Cut(d.Data, " with QMQP id ")
		id, _, _ := strings.Cut(rest, "\n")
		delivered[id]++
	}
	for id := range files {
		if delivered[id] != 1 {
			t.Errorf("queue file %s was delivered %d times", id, delivered[id])
		}
	}
}

// TestStandAloneQueueHandedOver: a queue directory that a stand-alone server has made,
// as a user of whom Postfix knows nothing, is Postfix's after "postfix set-permissions".
func TestStandAloneQueueHandedOver(t *testing.T) {
	t.Parallel()
	a := prepareAlone(t)
	a.queue, a.user = postfix.QueueDir, 12345
	queue := a.Path(a.queue)
	if err := errors.Join(os.RemoveAll(queue), os.Mkdir(queue, 0o755), os.Chown(queue, int(a.user), int(a.user))); err != nil {
		t.Fatal(err)
	}
	a.serve(t)
	if _, err := queueMessage(a.addr, request("handed over")); err != nil {
		t.Fatal(err)
	}
	a.cmd.Process.Signal(syscall.SIGTERM)
	<-a.done
	if r := a.Run("/usr/sbin/postfix", "check"); r.Code == 0 {
		t.Error("postfix has nothing to say of a queue that is not its own")
	}
	a.Run("/usr/sbin/postfix", "set-permissions") // which misses manual pages in this root
	a.MustRun("/usr/sbin/postfix", "check")
	sink := standin.ListenSMTP(t)
	a.AppendMain("relayhost = " + sink.Relayhost())
	a.Start()
	sink.Wait(1, patience)
}

// owner returns the user id of mail_owner inside the root.
func (a *alone) owner(t *testing.T) int {
	t.Helper()
	for _, line := range strings.Split(a.ReadFile("/etc/passwd"), "\n") {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[0] == "postfix" {
			uid, err := strconv.Atoi(fields[2])
			if err != nil {
				t.Fatal(err)
			}
			return uid
		}
	}
	t.Fatal("no user postfix in the private root")
	return 0
}

// queueMessage sends a request and returns the queue id of the good reply; any
// other reply is an error.
func queueMessage(addr, request string) (id string, err error) {
	c, err := standin.DialTCP("", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.Send([]byte(request)); err != nil {
		return "", err
	}
	reply, err := c.ReadAll(patience)
	if err != nil {
		return "", err
	}
	_, id, ok := strings.Cut(strings.TrimSuffix(string(reply), ","), ":KOk: queued as ")
	if !ok {
		return "", fmt.Errorf("reply %q", reply)
	}
	return id, nil
}

// TestKillWhileSending kills the stand-alone server with SIGKILL while 20
// clients send: every message that was answered K is a complete queue file.
func TestKillWhileSending(t *testing.T) {
	t.Parallel()
	const clients, enough = 20, 300
	a := newAlone(t)
	var (
		mu       sync.Mutex
		accepted = map[string]string{}
		plenty   = make(chan struct{})
		wait     sync.WaitGroup
	)
	for n := range clients {
		wait.Go(func() {
			for k := 0; ; k++ {
				subject := fmt.Sprintf("client %d message %d", n, k)
				id, err := queueMessage(a.addr, request(subject))
				if err != nil {
					return
				}
				mu.Lock()
				accepted[id] = subject
				if len(accepted) == enough {
					close(plenty)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-plenty:
	case <-time.After(patience):
		t.Errorf("fewer than %d messages in %v", enough, patience)
	}
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	<-a.done
	files := a.files(t)
	kept := map[string]string{}
	for id := range accepted {
		if files[id] == "" {
			t.Errorf("message %s was answered K, but has no finished queue file", id)
		} else {
			kept[id] = files[id]
		}
	}
	for id, text := range a.postcat(t, kept) {
		// Headers that the client did not send follow its own.
		if !strings.Contains(text, "\nSubject: "+accepted[id]+"\n") || !strings.Contains(text, "\n\nbody of "+accepted[id]+"\n") ||
			!strings.Contains(text, "*** MESSAGE FILE END") {
			t.Errorf("queue file %s is not the message %q:\n%s", id, accepted[id], text)
		}
	}
	t.Logf("%d messages answered K before the end", len(accepted))
}
