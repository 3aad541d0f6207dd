package spool

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// mailOwner is who has the queue in tests of a server that root started.
var mailOwner = Owner{UID: 1234, GID: 1235}

// rootSpool is a spool of root's for mailOwner.
func rootSpool(t *testing.T, opts Options) (*Spool, string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := filepath.Join(t.TempDir(), "queue")
	if err := MakeLayout(dir, &LayoutOwners{Mail: mailOwner, SetgidGID: OwnGroup}); err != nil {
		t.Fatal(err)
	}
	opts.Owner = &mailOwner
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s, dir
}

// outside is a directory of root's that mail_owner may look at, with one old file.
func outside(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "outside")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("root's"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * StaleAge)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Where mail_owner has put a link into its queue, a server of root's makes and removes
// nothing that mail_owner could not.
func TestRootFollowsNoLinkOfMailOwner(t *testing.T) {
	for _, named := range []bool{false, true} {
		s, dir := rootSpool(t, Options{Hashing: queuefmt.Hashing{Queues: []string{QueueIncoming, QueueHold}, Depth: 1}})
		s.unnamed = s.unnamed && !named
		other := outside(t)
		for _, queue := range []string{QueueIncoming, QueueHold} {
			for _, c := range "0123456789ABCDEF" {
				link := filepath.Join(dir, queue, string(c))
				if err := errors.Join(os.Symlink(other, link), os.Lchown(link, mailOwner.UID, mailOwner.GID)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, hold := range []bool{false, true} {
			f, err := s.Create(context.Background())
			if err == nil {
				if err = fill(f, []byte("test")); err != nil {
					t.Fatal(err)
				}
				if hold {
					f.Hold()
				}
				err = f.Commit(context.Background())
			}
			if !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("named %v, hold %v: %v", named, hold, err)
			}
		}
		if got, err := os.ReadDir(other); err != nil || len(got) != 1 {
			t.Errorf("named %v: %v %v", named, got, err)
		}
	}
}

// Between two looks of a server, mail_owner may have put something else in the place of a
// directory or a file.
func TestRootTrustsNoName(t *testing.T) {
	s, dir := rootSpool(t, Options{})
	other := outside(t)
	link, hard := filepath.Join(dir, QueueIncoming, "A"), filepath.Join(dir, QueueIncoming, "B")
	if err := errors.Join(os.Symlink(other, link), os.Link(filepath.Join(other, "file"), hard)); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(hard)
	if err != nil {
		t.Fatal(err)
	}
	const name = QueueIncoming + "/A/"
	_, createErr := s.fs.Create(name+"new", modeUnfinished)
	_, unnamedErr := s.fs.CreateUnnamed(QueueIncoming+"/A", modeUnfinished)
	_, listErr := s.fs.List(QueueIncoming + "/A")
	_, statErr := s.fs.Stat(name + "file")
	for op, err := range map[string]error{
		"create":         createErr,
		"create unnamed": unnamedErr,
		"list":           listErr,
		"stat":           statErr,
		"remove":         s.fs.Remove(name + "file"),
		"chown":          s.fs.Chown(name+"file", mailOwner.UID, mailOwner.GID),
		"chown link":     s.fs.Chown(QueueIncoming+"/A", mailOwner.UID, mailOwner.GID),
		"chown file":     s.fs.Chown(QueueIncoming+"/B", mailOwner.UID, mailOwner.GID),
		"set time":       s.fs.SetTime(name+"file", time.Now()),
		"rename":         s.fs.Rename(name+"file", QueueIncoming+"/file"),
		"mkdir":          s.fs.Mkdir(name+"dir", modeSubdir),
		"sync":           s.fs.SyncDir(QueueIncoming + "/A"),
	} {
		if !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", op, err)
		}
	}
	after, err := os.Stat(filepath.Join(other, "file"))
	if err != nil {
		t.Fatal(err)
	}
	if b, a := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t); a.Uid != b.Uid || a.Mode != b.Mode || a.Mtim != b.Mtim {
		t.Errorf("before %+v, after %+v", b, a)
	}
	if got, err := os.ReadDir(other); err != nil || len(got) != 1 {
		t.Errorf("%v %v", got, err)
	}
}

// Directories in directories without end take no time, and no path is longer than those
// that the kernel takes.
func TestRootDescendsNoFurther(t *testing.T) {
	s, dir := rootSpool(t, Options{})
	names := strings.Repeat("/A", maxLevels+1)
	if err := os.MkdirAll(filepath.Join(dir, QueueIncoming, names), 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * StaleAge)
	var want []string
	for n := range maxLevels + 2 {
		name := QueueIncoming + names[:2*n] + "/file"
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
		if n <= maxLevels {
			want = append(want, name)
		}
	}
	got, err := s.RemoveStale(context.Background())
	slices.SortFunc(got, func(a, b string) int { return len(a) - len(b) })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v", got, err)
	}
	if _, err := s.fs.Stat(QueueIncoming + strings.Repeat("/A", unix.PathMax/2)); err != unix.ENAMETOOLONG {
		t.Errorf("a path that is too long: %v", err)
	}
}

// A queue that is a link is root's work where only root can write to the queue
// directory, and else may be anybody's.
func TestRootTrustsOwnLinks(t *testing.T) {
	for _, mode := range []os.FileMode{0o755, 0o775} {
		s, dir := rootSpool(t, Options{})
		s.Close(context.Background())
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		elsewhere := filepath.Join(t.TempDir(), "incoming")
		if err := errors.Join(os.Rename(filepath.Join(dir, QueueIncoming), elsewhere), os.Symlink(elsewhere, filepath.Join(dir, QueueIncoming))); err != nil {
			t.Fatal(err)
		}
		fsys, err := OpenFS(dir, &mailOwner)
		if err != nil {
			t.Fatal(err)
		}
		defer fsys.Close()
		h, err := fsys.Create(QueueIncoming+"/file", modeUnfinished)
		if err == nil {
			h.Close()
		}
		if want := mode == 0o755; (err == nil) != want {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

// What stands in the place of a FIFO when it is opened gets no W.
func TestWakeWritesToNothingElse(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("text"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		new(waker).sendFIFO(path)
	}
	if b, err := os.ReadFile(file); string(b) != "text" {
		t.Errorf("%q %v", b, err)
	}
}

// Nor does a socket to which a link leads; one that is there itself hears of the mail.
func TestWakeConnectsToNothingElse(t *testing.T) {
	dir := t.TempDir()
	socket, link := filepath.Join(dir, "socket"), filepath.Join(dir, "link")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Symlink(socket, link); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 2)
			n, _ := io.ReadFull(conn, b)
			conn.Close()
			got <- string(b[:n])
		}
	}()
	w := &waker{opts: &Options{WakeTimeout: 10 * time.Second}}
	if err := w.sendOwnSocket(link); err == nil {
		t.Error("a link was followed")
	}
	go w.sendOwnSocket(socket)
	if text := <-got; text != "W\x00" {
		t.Errorf("%q", text)
	}
	select {
	case text := <-got:
		t.Errorf("more: %q", text)
	default:
	}
}
