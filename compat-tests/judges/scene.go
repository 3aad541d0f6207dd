package judges

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// patience bounds every wait for what should come soon.
const patience = 60 * time.Second

// longAgo is a time of change that no Postfix program takes for "just edited".
var longAgo = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Scene is a row on its way through one program. Its methods are for Row.Play.
type Scene struct {
	// Child is the running server.
	Child *standin.Child

	t       testing.TB
	row     Row
	judge   *judge
	base    string
	sockets []*standin.Listener
	cleanup *standin.Cleanup
	postlog *postfix.Log
	// logged is the length of the log when the server was started: an earlier
	// process may have had the same id.
	logged int

	mu       sync.Mutex
	notes    []string
	ports    []string
	sessions int
}

func (s *Scene) conf() string  { return s.base + "/conf" }
func (s *Scene) queue() string { return s.base + "/queue" }

func (s *Scene) expand(text string) string {
	return strings.NewReplacer("@CONF", s.conf(), "@QUEUE", s.queue()).Replace(text)
}

// Path returns the path on this machine of a path in the row's root, in which
// @CONF and @QUEUE may stand.
func (s *Scene) Path(name string) string { return s.judge.Path(s.expand(name)) }

// start makes the sockets and starts the server.
func (s *Scene) start() error {
	listen := s.row.Listen
	if len(listen) == 0 {
		listen = []string{"127.0.0.1"}
	}
	for _, addr := range listen {
		if addr == "unix" {
			s.sockets = append(s.sockets, standin.ListenUnix(s.t, s.Path("@QUEUE/public/qmqp")))
		} else {
			s.sockets = append(s.sockets, standin.ListenTCP(s.t, addr))
		}
	}
	if !s.row.NoCleanup {
		s.ListenCleanup()
	}
	for name, serve := range s.row.Serve {
		if err := s.serve(s.Path(name), serve); err != nil {
			return err
		}
	}
	if s.row.Postlog {
		var err error
		if s.postlog, err = s.ListenPostlog(); err != nil {
			return err
		}
	}
	if s.row.Stdin != "" {
		return s.startStdin()
	}
	var spec standin.ChildSpec
	if s.row.Terminal {
		terminal, err := openTerminal(s.t)
		if err != nil {
			return err
		}
		spec.Stdin = terminal
	}
	if s.row.Stderr {
		file, err := os.Create(s.Path("@CONF/stderr"))
		if err != nil {
			return err
		}
		defer file.Close()
		spec.Stderr = file
	}
	s.StartChild(spec)
	return nil
}

// serve answers at a UNIX-domain socket.
func (s *Scene) serve(path string, answer func(net.Conn)) error {
	l, err := postfix.ListenUnix(path)
	if err != nil {
		return err
	}
	standin.Serve(s.t, l, answer)
	return nil
}

// ListenPostlog takes the place of postlogd(8).
func (s *Scene) ListenPostlog() (*postfix.Log, error) {
	l, err := postfix.ListenLog(s.Path("@QUEUE/public/postlog"))
	if err == nil {
		s.t.Cleanup(l.Close)
	}
	return l, err
}

// Lines returns what came to a log socket so far.
func (s *Scene) Lines(l *postfix.Log) []postfix.Line {
	l.Sync(s.t)
	return l.Lines()
}

// ListenCleanup starts the stand-in for cleanup(8).
func (s *Scene) ListenCleanup() {
	name := "cleanup"
	for _, line := range s.row.Main {
		if rest, ok := strings.CutPrefix(line, "cleanup_service_name = "); ok && rest != "" {
			name = rest
		}
	}
	verdicts := s.row.Cleanup
	s.cleanup = standin.ListenCleanup(s.t, s.Path("@QUEUE/public/"+name), func(n int) standin.Verdict {
		if len(verdicts) == 0 {
			return standin.Verdict{}
		}
		return verdicts[min(n, len(verdicts)-1)]
	})
}

// CloseCleanup ends the stand-in for cleanup(8), and leaves its socket.
func (s *Scene) CloseCleanup() { s.cleanup.Close() }

// argv returns the argument vector as master(8) would give it.
func (s *Scene) argv() []string {
	if s.row.Argv != nil {
		argv := slices.Clone(s.row.Argv)
		for i := range argv {
			argv[i] = s.expand(argv[i])
		}
		return argv
	}
	transport := s.row.Transport
	name := "628"
	if transport == "" {
		transport = "inet"
		if len(s.row.Listen) > 0 && s.row.Listen[0] == "unix" {
			transport, name = "unix", "qmqp"
		}
	}
	argv := []string{"qmqpd", "-n", name, "-t", transport}
	if s.row.Stdin != "" {
		argv = []string{"qmqpd", "-S"}
	}
	if !s.row.Root {
		argv = append(argv, "-u")
	}
	if !s.row.Open {
		argv = append(argv, "-c")
	}
	if len(s.row.Listen) > 1 {
		argv = append(argv, "-s", fmt.Sprint(len(s.row.Listen)))
	}
	for _, arg := range s.row.Args {
		argv = append(argv, s.expand(arg))
	}
	return argv
}

// env returns the environment as master(8) would give it.
func (s *Scene) env() []string {
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG=" + s.conf(), "MAIL_LOGTAG=postfix", "LANG=C", "GENERATION=7"}
	for _, change := range s.row.Env {
		change = s.expand(change)
		name, _, set := strings.Cut(change, "=")
		env = slices.DeleteFunc(env, func(old string) bool { return strings.HasPrefix(old, name+"=") })
		if set {
			env = append(env, change)
		}
	}
	return env
}

// StartChild starts the server; what spec leaves open is filled in.
func (s *Scene) StartChild(spec standin.ChildSpec) {
	spec.Root = s.judge.Dir
	spec.Program = postfix.DaemonDir + "/qmqpd"
	spec.Argv = s.argv()
	spec.Env = s.env()
	if spec.Dir == "" {
		spec.Dir = s.queue()
	}
	spec.Sockets = s.sockets
	spec.Faults, spec.OpenFiles = s.row.Faults, s.row.OpenFiles
	s.logged = s.judge.Log.Mark()
	s.Child = standin.StartChild(s.t, spec)
}

// Note writes a line into the write-up.
func (s *Scene) Note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// clients lets the row's clients come, one after the other.
func (s *Scene) clients() {
	if s.row.Stdin != "" {
		return
	}
	if len(s.row.Clients) == 0 {
		lasts := s.row.Lasts
		if lasts == 0 {
			lasts = 5 * time.Second
		}
		s.Child.Wait(lasts)
		return
	}
	for n, c := range s.row.Clients {
		s.Client(fmt.Sprintf("client %d", n), c)
		s.WaitSession()
		select {
		case <-s.Child.Done():
			// Clients that are left are for the next server.
			return
		default:
		}
	}
}

// Client lets one client do all it does, and notes what it saw.
func (s *Scene) Client(name string, c Client) {
	conn := s.Dial(c)
	if conn == nil {
		return
	}
	defer conn.Close()
	s.Send(conn, c)
	switch {
	case c.Reset:
		conn.Reset()
		s.Note("%s: reset", name)
	case c.Hangup:
		conn.Close()
		s.Note("%s: closed", name)
	default:
		s.Reply(name, conn)
		if c.Ending {
			s.Note("%s: reset: %v", name, conn.WasReset)
		}
	}
}

// Send sends what c says, the half-close included.
func (s *Scene) Send(conn *standin.Client, c Client) {
	// An error means that the server has closed before it read everything:
	// that it may, and the reply tells.
	if c.Piece > 0 {
		conn.SendSlowly([]byte(c.Send), c.Piece, c.Pause)
	} else {
		conn.Send([]byte(c.Send))
	}
	if c.HalfClose {
		conn.HalfClose()
	}
}

// Dial connects a client. The result is nil, and noted, if that fails.
func (s *Scene) Dial(c Client) *standin.Client {
	conn, err := s.sockets[c.Listener].Dial(c.From, c.To)
	if err != nil {
		s.Note("no connection: %v", err)
		return nil
	}
	s.Port(conn.Port)
	s.mu.Lock()
	s.sessions++
	s.mu.Unlock()
	return conn
}

// WaitRead waits until the server has read all that a client has sent.
func (s *Scene) WaitRead(conn *standin.Client) {
	if !conn.WaitRead(patience) {
		s.Note("not all is read")
	}
}

// Port says that the number is a client's port, to be masked.
func (s *Scene) Port(port string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if port != "" {
		s.ports = append(s.ports, port)
	}
}

// Reply reads the reply until the server closes, and notes it.
func (s *Scene) Reply(name string, conn *standin.Client) {
	// A server that has ended cannot answer, though its socket still listens.
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-s.Child.Done():
			conn.ReadUntil(time.Now().Add(time.Second))
		case <-done:
		}
	}()
	reply, err := conn.ReadAll(patience)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.Note("%s: reply %q, and the connection stays open", name, reply)
	case err != nil:
		s.Note("%s: reply %q, then %v", name, reply, err)
	default:
		s.Note("%s: reply %q", name, reply)
	}
}

// WaitSession waits until the server has reported the end of every session so
// far, or has ended.
func (s *Scene) WaitSession() {
	s.mu.Lock()
	n := 2 * s.sessions
	s.mu.Unlock()
	s.Child.WaitRecords(n, patience)
}

// WaitTaken waits until the server has accepted n connections in all.
func (s *Scene) WaitTaken(n int) { s.Child.WaitRecords(2*n-1, patience) }

// WaitEnd waits until the server has ended, and notes if it does not.
func (s *Scene) WaitEnd() bool {
	ended := s.Child.Wait(patience)
	if !ended {
		s.Note("the server still runs")
	}
	return ended
}

// WaitLog waits for a log line of the server that contains text.
func (s *Scene) WaitLog(text string) {
	s.judge.Log.WaitFor(s.t, s.logged, fmt.Sprintf("%q of %s", text, s.judge.name), func(l postfix.Line) bool {
		return l.PID == s.Child.PID && strings.Contains(l.Text, text)
	})
}

// finish closes the status channel, if the server still runs, and waits for
// its end.
func (s *Scene) finish() {
	s.Child.EndStatus()
	if !s.WaitEnd() {
		s.Child.Signal(9)
		s.Child.Wait(patience)
	}
	s.judge.Log.Sync(s.t)
	for _, name := range s.row.Look {
		s.Exists(name)
	}
	if s.row.Stderr {
		text, err := os.ReadFile(s.Path("@CONF/stderr"))
		if err != nil {
			s.t.Error(err)
		}
		s.Note("standard error: %q", text)
	}
}

// Socket returns a listening socket of the row.
func (s *Scene) Socket(n int) *standin.Listener { return s.sockets[n] }

// Messages returns what came to the stand-in for cleanup(8).
func (s *Scene) Messages() []standin.Message {
	if s.cleanup == nil {
		return nil
	}
	return s.cleanup.Messages(patience)
}

// Exists notes whether a file is there after the scene, and its mode and
// owner.
func (s *Scene) Exists(name string) {
	info, err := os.Lstat(s.Path(name))
	if err != nil {
		s.Note("file %s: missing", filepath.Base(name))
		return
	}
	s.Note("file %s: %v, %d bytes", filepath.Base(name), info.Mode(), info.Size())
}

// Chmod changes the mode of a file in the root.
func (s *Scene) Chmod(name string, mode os.FileMode) {
	if err := os.Chmod(s.Path(name), mode); err != nil {
		s.t.Error(err)
	}
}

// Freeze stops the server with SIGSTOP, and returns when all its threads stand
// still.
func (s *Scene) Freeze() {
	s.Child.Signal(syscall.SIGSTOP)
	deadline := time.Now().Add(patience)
	for {
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.Child.PID))
		moving := err != nil || len(stats) == 0
		for _, name := range stats {
			stat, err := os.ReadFile(name)
			_, state, _ := strings.Cut(string(stat), ") ")
			moving = moving || err == nil && !strings.HasPrefix(state, "T")
		}
		if !moving {
			return
		}
		if time.Now().After(deadline) {
			s.t.Error("the server does not stop")
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// Thaw lets the server go on.
func (s *Scene) Thaw() { s.Child.Signal(syscall.SIGCONT) }
