package daemon

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/daemon/sockpath"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// TestServesNobody: options with which no client would ever be served are
// errors, all at once, and leave no queue behind.
func TestServesNobody(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := Serve(ctx, ServeOptions{Queue: t.TempDir(), MaxSessions: -3})
	for _, want := range []string{"no address to listen on", "bad number of sessions: -3"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
	queue := filepath.Join(t.TempDir(), "queue")
	err = Serve(ctx, ServeOptions{
		Queue:     queue,
		Grace:     -1,
		Listen:    []string{"127.0.0.1:0", "nonsense", "", "127.0.0.1:99999", "unix:"},
		Overrides: []mainconf.Setting{{Name: "soft_bounce", Value: "perhaps"}},
	})
	for _, want := range []string{
		"bad time of grace: -1ns", "listen on nonsense: address nonsense: missing port in address", "listen on : empty address",
		"listen on 127.0.0.1:99999: address 99999: invalid port", "listen on unix:: empty address", "soft_bounce = perhaps",
	} {
		if err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("want %q in: %v", want, err)
		}
	}
	if _, err := os.Stat(queue); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a start that is refused leaves a queue behind: %v", err)
	}
}

// What a Postfix program has before it reads main.cf is overridden with a warning, once.
func TestOverriddenPresets(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte("config_directory = /elsewhere\nprocess_name = x\nmyhostname = a.example\nmyhostname = b.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var log lockedLog
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Serve(ctx, ServeOptions{ConfigDir: dir, Listen: []string{"127.0.0.1:0"}, Queue: filepath.Join(dir, "queue"), Log: &log, Ready: func([]net.Addr) { cancel() }})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"line 1: overriding earlier entry: config_directory=" + dir, "line 2: overriding earlier entry: process_name=qmqpd", "line 4: overriding earlier entry: myhostname=a.example"} {
		if n := strings.Count(log.String(), "warning: "+dir+"/main.cf, "+want+"\n"); n != 1 {
			t.Errorf("%d times %q in\n%s", n, want, log.String())
		}
	}
}

// No more clients are served at once than there are descriptors for: the default
// follows the limit, and a number that is too large is an error.
func TestSessionsFitOpenFiles(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	const limit, fit = 1024, 192
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: min(limit, old.Max), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	const told = "the limit of open files allows 192 sessions at once, not "
	for _, tt := range []struct {
		sessions       int
		wantLog, wantE string
	}{
		{sessions: 0, wantLog: told + "1000\n"},
		{sessions: fit},
		{sessions: fit + 1, wantE: told + "193"},
	} {
		var log lockedLog
		ctx, stop := context.WithCancel(t.Context())
		err := Serve(ctx, ServeOptions{
			Listen:      []string{"127.0.0.1:0"},
			Queue:       filepath.Join(t.TempDir(), "queue"),
			MaxSessions: tt.sessions,
			Log:         &log,
			Ready:       func([]net.Addr) { stop() },
		})
		stop()
		if text := log.String(); strings.Contains(text, told) != (tt.wantLog != "") || !strings.Contains(text, tt.wantLog) {
			t.Errorf("%d sessions: log: %s", tt.sessions, text)
		}
		if (err != nil) != (tt.wantE != "") || err != nil && !strings.Contains(err.Error(), tt.wantE) {
			t.Errorf("%d sessions: %v", tt.sessions, err)
		}
	}
	log := maillog.New(time.Now)
	for sessions, want := range map[int]int{0: fit, 5: 5} {
		if got := (&server{ServeOptions: ServeOptions{MaxSessions: sessions}, log: log}).maxSessions(); got != want {
			t.Errorf("%d sessions: %d at once, want %d", sessions, got, want)
		}
	}
}

// TestEndedStart: where the context ends while a name in the settings is looked up, that
// is no fault of theirs.
func TestEndedStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log strings.Builder
	err := Serve(ctx, ServeOptions{
		Listen:    []string{"127.0.0.1:0"},
		Queue:     t.TempDir(),
		Overrides: []mainconf.Setting{{Name: "queue_via", Value: "direct"}, {Name: "inet_interfaces", Value: "localhost"}},
		Log:       &log,
	})
	if err != nil || log.String() != "" {
		t.Errorf("%v, log %q", err, log.String())
	}
}

// TestFailedStartClosesTables: what was opened before a start that fails is
// closed.
func TestFailedStartClosesTables(t *testing.T) {
	dir := t.TempDir()
	table, noDirectory := filepath.Join(dir, "map.cdb"), filepath.Join(dir, "queue")
	for name, data := range map[string][]byte{table: smallCDB("key", "value"), noDirectory: nil} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := Serve(t.Context(), ServeOptions{
		Listen:    []string{"127.0.0.1:0"},
		Queue:     noDirectory,
		Overrides: []mainconf.Setting{{Name: "queue_via", Value: "direct"}, {Name: "canonical_maps", Value: "cdb:" + dir + "/map"}},
	})
	if err == nil || !strings.Contains(err.Error(), noDirectory) {
		t.Fatalf("started in a file: %v", err)
	}
	if isOpen(t, table) {
		t.Errorf("%s is still open", table)
	}
}

// A directory in which no file can be made is named, each of several. Root may
// write where others may not, but not where there is no directory.
func TestCheckWritable(t *testing.T) {
	queue := t.TempDir()
	for name, mode := range map[string]os.FileMode{"good": 0o700, "closed": 0o500} {
		if err := os.Mkdir(filepath.Join(queue, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkWritable(queue + "/good"); err != nil {
		t.Error(err)
	}
	err := checkWritable(queue+"/closed", queue+"/good", queue+"/missing")
	if err == nil || !strings.Contains(err.Error(), "/missing: No such file or directory") || strings.Contains(err.Error(), "/good") {
		t.Errorf("%v", err)
	}
	if closed := err != nil && strings.Contains(err.Error(), "/closed: Permission denied"); closed != (os.Geteuid() != 0) {
		t.Errorf("%v", err)
	}
}

// A hold/ that is a file system of its own, or a mount, cannot be given what incoming/
// has: the server does not start. TestHoldFileSystem has what cleanup(8) does.
func TestHoldElsewhere(t *testing.T) {
	queue := t.TempDir()
	for _, name := range []string{"incoming", "hold", "mounted", "bound"} {
		if err := os.Mkdir(filepath.Join(queue, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkMovable(queue+"/incoming", queue+"/hold"); err != nil {
		t.Error(err)
	}
	if err := checkMovable(queue+"/incoming", queue+"/missing"); err == nil {
		t.Error("no error for a directory that is missing")
	}
	elsewhere, err := os.MkdirTemp("/dev/shm", "hold-")
	if err != nil {
		t.Skip("no other file system:", err)
	}
	defer os.RemoveAll(elsewhere)
	if device(t, elsewhere) == device(t, queue) {
		t.Skip("no other file system: temporary files are in /dev/shm, or it is none")
	}
	if err := errors.Join(os.Remove(filepath.Join(queue, "hold")), os.Symlink(elsewhere, filepath.Join(queue, "hold"))); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	err = Serve(ctx, ServeOptions{
		Listen:    []string{"127.0.0.1:0"},
		Queue:     queue,
		Overrides: []mainconf.Setting{{Name: "queue_via", Value: "direct"}},
		Ready:     func([]net.Addr) { stop() },
	})
	if err == nil || !strings.Contains(err.Error(), queue+"/hold: Invalid cross-device link") {
		t.Errorf("started: %v", err)
	}
	if os.Geteuid() != 0 {
		return // who may not mount
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			t.Log(err)
			return
		}
		bound := filepath.Join(queue, "bound")
		err := errors.Join(unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("none", filepath.Join(queue, "mounted"), "tmpfs", 0, ""),
			unix.Mount(bound, bound, "", unix.MS_BIND, ""))
		if err != nil {
			t.Error(err)
		}
		for _, name := range []string{"mounted", "bound"} {
			if err := checkMovable(queue+"/incoming", queue+"/"+name); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	}()
	<-done
}

// device returns the number of a file's file system.
func device(t *testing.T, name string) uint64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return uint64(st.Dev)
}

// The queue of a server that root starts belongs to mail_owner, whether or not there
// is a group for postdrop(1). The accounts have to exist unless they are the default.
func TestQueueOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	const nobody = 65534
	const unknownUser, unknownGroup = "parameter mail_owner: unknown user name value: no.such.user", "parameter setgid_group: unknown group name: no.such.group"
	// Their defaults exist where a Postfix is installed.
	_, hasPostfix, err1 := params.SystemAccounts().User("postfix")
	postdrop, hasPostdrop, err2 := params.SystemAccounts().Group("postdrop")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if !hasPostdrop {
		postdrop.GID = uint32(os.Getegid())
	}
	type setting = mainconf.Setting
	for _, tt := range []struct {
		main     string
		settings []setting
		group    uint32 // of maildrop/
		want     string // the error
	}{
		{settings: []setting{{Name: "mail_owner", Value: "nobody"}}, group: postdrop.GID},
		{settings: []setting{{Name: "mail_owner", Value: "nobody"}, {Name: "setgid_group", Value: "nogroup"}}, group: nobody},
		{main: "mail_owner = nobody\nsetgid_group = nogroup\n", group: nobody},
		{main: "mail_owner = nobody\nsetgid_group = postdrop\n", group: postdrop.GID},
		{settings: []setting{{Name: "mail_owner", Value: "no.such.user"}}, want: unknownUser},
		{settings: []setting{{Name: "mail_owner", Value: "root"}}, want: "user root has privileged user ID"},
		{settings: []setting{{Name: "mail_owner", Value: "nobody"}, {Name: "setgid_group", Value: "no.such.group"}}, want: unknownGroup},
		{main: "mail_owner = no.such.user\n", want: "main.cf:1: file "},
		{main: "mail_owner = no.such.user\n", want: unknownUser},
		{main: "mail_owner = nobody\nsetgid_group = no.such.group\n", want: unknownGroup},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(tt.main), 0o600); err != nil {
			t.Fatal(err)
		}
		queue := filepath.Join(dir, "queue")
		ctx, stop := context.WithCancel(t.Context())
		err := Serve(ctx, ServeOptions{
			ConfigDir: dir,
			Listen:    []string{"127.0.0.1:0"},
			Queue:     queue,
			Overrides: append(tt.settings, setting{Name: "queue_via", Value: "direct"}),
			Ready:     func([]net.Addr) { stop() },
		})
		stop()
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q, %v: %v, want %q", tt.main, tt.settings, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q, %v: %v", tt.main, tt.settings, err)
			continue
		}
		for _, dir := range []string{"incoming", "maildrop"} {
			want := uint32(os.Getegid())
			if dir == "maildrop" {
				want = tt.group
			}
			var st syscall.Stat_t
			if err := syscall.Stat(filepath.Join(queue, dir), &st); err != nil {
				t.Fatal(err)
			}
			if st.Uid != nobody || st.Gid != want {
				t.Errorf("%q, %v: %s belongs to %d, group %d", tt.main, tt.settings, dir, st.Uid, st.Gid)
			}
		}
	}
	// The default, written down, is nothing that anybody has to have.
	for _, s := range []setting{{Name: "mail_owner", Value: "postfix"}, {Name: "setgid_group", Value: "nogroup"}} {
		for _, own := range []bool{false, true} {
			dir := t.TempDir()
			o := ServeOptions{
				ConfigDir: dir,
				Listen:    []string{"127.0.0.1:0"},
				Queue:     filepath.Join(dir, "queue"),
				Overrides: []setting{{Name: "queue_via", Value: "direct"}},
			}
			main := ""
			if own {
				o.Overrides = append(o.Overrides, s)
			} else {
				main = s.Name + " = " + s.Value + "\n"
			}
			if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(main), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			o.Ready = func([]net.Addr) { stop() }
			err := Serve(ctx, o)
			stop()
			if wanted := own && !hasPostfix; wanted != (err != nil) {
				t.Errorf("%s = %s, of our own: %v: %v", s.Name, s.Value, own, err)
			}
		}
	}
}

// A server that hands mail to cleanup(8) needs incoming/, too, for large messages.
func TestCleanupWithoutIncoming(t *testing.T) {
	queue := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := Serve(ctx, ServeOptions{
		Listen:    []string{"127.0.0.1:0"},
		Queue:     queue,
		Overrides: []mainconf.Setting{{Name: "queue_via", Value: "cleanup"}},
	})
	if err == nil || !strings.Contains(err.Error(), queue+"/incoming: No such file or directory") {
		t.Errorf("%v", err)
	}
}

// A server for IPv4 alone takes clients at all addresses of IPv4, and listens at none of
// IPv6.
func TestServeFamily(t *testing.T) {
	var opener memoryOpener
	ready := make(chan []net.Addr, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	options := ServeOptions{
		Listen:    []string{":0"},
		Opener:    &opener,
		Queue:     t.TempDir(),
		Overrides: []mainconf.Setting{{Name: "inet_protocols", Value: "ipv4"}},
		Ready:     func(addrs []net.Addr) { ready <- addrs },
	}
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, options) }()
	select {
	case addrs := <-ready:
		addr := addrs[0].(*net.TCPAddr)
		if len(addrs) != 1 || addr.IP.To4() == nil {
			t.Errorf("listening on %v", addrs)
		}
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(addr.Port)))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(qmqp.AppendRequest(nil, []byte("\n"), "a@b", []string{"c@d"})); err != nil {
			t.Fatal(err)
		}
		if reply, err := qmqp.ReadReply(conn); err != nil || reply.Code != 'K' {
			t.Errorf("%v, %v", reply, err)
		}
		stop()
	case err := <-served:
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	options.Listen, options.Ready = []string{"[::1]:0"}, func([]net.Addr) { stop() }
	if err := Serve(ctx, options); err == nil || !strings.Contains(err.Error(), "listen on [::1]:0: inet_protocols") {
		t.Errorf("%v", err)
	}
}

// An opener, listeners and a judgement of one's own take the place of what the
// parameters say, which have no effect then. There is no queue.
func TestServeOwn(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	var opener memoryOpener
	var admit atomic.Bool
	ready := make(chan []net.Addr, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	options := ServeOptions{
		Listeners: []net.Listener{l},
		Clients:   func(context.Context, peer.Client, *maillog.Logger) (bool, error) { return admit.Load(), nil },
		Opener:    &opener,
		Queue:     dir,
		Overrides: []mainconf.Setting{{Name: "qmqpd_error_delay", Value: "0"}, {Name: "qmqpd_message_memory", Value: "0"}},
		Ready:     func(addrs []net.Addr) { ready <- addrs },
	}
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, options) }()
	var addr net.Addr
	select {
	case addrs := <-ready:
		addr = addrs[0]
	case err := <-served:
		t.Fatal(err)
	}
	// More than stays in memory.
	message := strings.Repeat("0123456789\n", 10000)
	for _, want := range []byte("DK") {
		conn, err := net.Dial(addr.Network(), addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() { _, _ = conn.Write(qmqp.AppendRequest(nil, []byte(message), "a@b", []string{"c@d"})) }()
		reply, err := qmqp.ReadReply(conn)
		if err != nil || reply.Code != want {
			t.Fatalf("%q, %v, want %c", reply, err, want)
		}
		admit.Store(true)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if got := strings.Count(opener.text.String(), "N 0123456789\n"); got != 10000 {
		t.Errorf("%d lines", got)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	// What fails. The listener is closed then, too.
	refused := func(want string, change func(*ServeOptions)) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		o := options
		o.Listeners = []net.Listener{l}
		change(&o)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := Serve(ctx, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener is open: %v", err)
		}
	}
	refused("dir/none: No such file", func(o *ServeOptions) { o.Queue = "dir/none" })
	refused("a struct { net.Listener } has no descriptor", func(o *ServeOptions) {
		o.Listeners = append(o.Listeners, struct{ net.Listener }{o.Listeners[0]})
	})
	// All that is wrong with the options is told.
	refused("a nil listener", func(o *ServeOptions) { o.Listeners, o.Verbose = append(o.Listeners, nil), -1 })
	refused("bad level of detail: -1", func(o *ServeOptions) { o.Listeners, o.Verbose = append(o.Listeners, nil), -1 })
	for _, s := range []mainconf.Setting{
		{Name: "queue_via", Value: "direct"}, {Name: "canonical_maps", Value: "static:x"}, {Name: "mail_owner", Value: "nobody"},
		{Name: "receive_override_options", Value: "no_milters"}, {Name: "qmqpd_authorized_clients", Value: "127.0.0.1"},
	} {
		want := "-o " + s.Name + "=" + s.Value + " has no effect beside ServeOptions."
		refused(want, func(o *ServeOptions) { o.Overrides = []mainconf.Setting{s} })
	}
}

// A table that waits for proxymap(8), looked for in the queue directory in use, does
// not keep a server from ending.
func TestEndWhileOpeningTables(t *testing.T) {
	for _, parameter := range []string{"qmqpd_authorized_clients", "canonical_maps"} {
		queue := t.TempDir()
		if err := os.Mkdir(filepath.Join(queue, "private"), 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("unix", filepath.Join(queue, "private", "proxymap"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if conn, err := l.Accept(); err == nil {
				defer conn.Close()
			}
			cancel()
		}()
		ended := make(chan error, 1)
		go func() {
			ended <- Serve(ctx, ServeOptions{
				Listen:    []string{"127.0.0.1:0"},
				Queue:     queue,
				Overrides: []mainconf.Setting{{Name: "queue_via", Value: "direct"}, {Name: parameter, Value: "proxy:static:x"}},
			})
		}()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", parameter, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: the server does not end", parameter)
		}
	}
}

// Nor does a file that is not there yet: nothing was accepted, so nobody waits for it.
// What comes of it later is closed.
func TestEndWhileReadingFiles(t *testing.T) {
	for _, parameter := range []string{"", "canonical_maps", "qmqpd_authorized_clients"} {
		dir := t.TempDir()
		name, setting := filepath.Join(dir, "main.cf"), mainconf.Setting{Name: "message_size_limit", Value: "1000"}
		if parameter != "" {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			name = filepath.Join(dir, "table")
			setting = mainconf.Setting{Name: parameter, Value: "texthash:" + name}
		}
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		var log lockedLog
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Serve(ctx, ServeOptions{
				ConfigDir: dir,
				Listen:    []string{"127.0.0.1:0"},
				Queue:     filepath.Join(dir, "queue"),
				Overrides: []mainconf.Setting{{Name: "queue_via", Value: "direct"}, setting},
				Log:       &log,
			})
		}()
		// This waits until somebody reads.
		writer, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%q: %v", parameter, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%q: the server does not end", parameter)
		}
		before := log.String()
		if _, err := writer.WriteString("= =\nno value\n"); err != nil {
			t.Error(err)
		}
		writer.Close()
		for end := time.Now().Add(time.Minute); isOpen(t, name); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s is still open", name)
			}
		}
		if after := log.String(); after != before {
			t.Errorf("%q: after its end the server logs: %s", parameter, after)
		}
	}
}

// lockedLog takes a log.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// isOpen tells whether this process has a file open.
func isOpen(t *testing.T, name string) bool {
	t.Helper()
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(open) == 0 {
		t.Fatal(open, err)
	}
	for _, fd := range open {
		if target, err := os.Readlink(fd); err == nil && target == name {
			return true
		}
	}
	return false
}

// The socket of cleanup(8) is found in a queue directory whose path is too long for
// an address.
func TestLongQueuePath(t *testing.T) {
	queue := filepath.Join(t.TempDir(), strings.Repeat("q", 100))
	if err := os.MkdirAll(filepath.Join(queue, "public"), 0o700); err != nil {
		t.Fatal(err)
	}
	var l net.Listener
	err := sockpath.Short(filepath.Join(queue, "public", "cleanup"), func(path string) (err error) {
		l, err = net.Listen("unix", path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &server{queue: queue, config: &Config{CleanupService: "cleanup"}}
	if !s.cleanupAnswers() {
		t.Error("cleanup(8) was not found")
	}
	poller, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	conn, err := dialBy(poller)(t.Context(), filepath.Join(queue, "public", "cleanup"))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
