package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// faultFS counts the operations on a file system and lets some fail. It syncs
// nothing, to save time.
type faultFS struct {
	FS
	fail func(n int, op, name string) error // n counts from 1

	mu    sync.Mutex
	n     int
	ops   []string
	open  int
	short bool // a failing write writes half
	named bool // files cannot be without a name
}

func (f *faultFS) step(op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	f.ops = append(f.ops, op+" "+name)
	if f.fail == nil {
		return nil
	}
	return f.fail(f.n, op, name)
}

func (f *faultFS) Create(name string, mode fs.FileMode) (Handle, error) {
	if err := f.step("create", name); err != nil {
		return nil, err
	}
	h, err := f.FS.Create(name, mode)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.open++
	f.mu.Unlock()
	return &faultHandle{Handle: h, fs: f, name: name}, nil
}

func (f *faultFS) CanCreateUnnamed(dir string) bool {
	return !f.named && f.FS.CanCreateUnnamed(dir)
}

func (f *faultFS) CreateUnnamed(dir string, mode fs.FileMode) (Handle, error) {
	if err := f.step("createunnamed", dir); err != nil {
		return nil, err
	}
	h, err := f.FS.CreateUnnamed(dir, mode)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.open++
	f.mu.Unlock()
	return &faultHandle{Handle: h, fs: f, name: "unnamed"}, nil
}

func (f *faultFS) Stat(name string) (Info, error) {
	if err := f.step("lstat", name); err != nil {
		return Info{}, err
	}
	return f.FS.Stat(name)
}

func (f *faultFS) Rename(old, new string) error {
	if err := f.step("rename", new); err != nil {
		return err
	}
	return f.FS.Rename(old, new)
}

func (f *faultFS) Remove(name string) error {
	if err := f.step("remove", name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

func (f *faultFS) Mkdir(name string, mode fs.FileMode) error {
	if err := f.step("mkdir", name); err != nil {
		return err
	}
	return f.FS.Mkdir(name, mode)
}

func (f *faultFS) RemoveDir(name string) error {
	if err := f.step("rmdir", name); err != nil {
		return err
	}
	return f.FS.RemoveDir(name)
}

func (f *faultFS) Chown(name string, uid, gid int) error {
	if err := f.step("chown", name); err != nil {
		return err
	}
	return f.FS.Chown(name, uid, gid)
}

func (f *faultFS) SetTime(name string, t time.Time) error {
	if err := f.step("settime", name); err != nil {
		return err
	}
	return f.FS.SetTime(name, t)
}

func (f *faultFS) SyncDir(name string) error {
	if err := f.step("syncdir", name); err != nil {
		return err
	}
	return nil // no power will fail here
}

func (f *faultFS) SyncAll() error {
	if err := f.step("syncall", ""); err != nil {
		return err
	}
	return nil
}

type faultHandle struct {
	Handle
	fs   *faultFS
	name string
}

func (h *faultHandle) Link(name string) error {
	if err := h.fs.step("link", name); err != nil {
		return err
	}
	return h.Handle.Link(name)
}

func (h *faultHandle) Write(p []byte) (int, error) {
	if err := h.fs.step("write", h.name); err != nil {
		n := 0
		if h.fs.short {
			n, _ = h.Handle.Write(p[:len(p)/2])
		}
		return n, err
	}
	return h.Handle.Write(p)
}

func (h *faultHandle) WriteAt(p []byte, off int64) (int, error) {
	if err := h.fs.step("writeat", h.name); err != nil {
		n := 0
		if h.fs.short {
			n, _ = h.Handle.WriteAt(p[:len(p)/2], off)
		}
		return n, err
	}
	return h.Handle.WriteAt(p, off)
}

func (h *faultHandle) Stat() (Info, error) {
	if err := h.fs.step("stat", h.name); err != nil {
		return Info{}, err
	}
	return h.Handle.Stat()
}

func (h *faultHandle) Chmod(mode fs.FileMode) error {
	if err := h.fs.step("chmod", h.name); err != nil {
		return err
	}
	return h.Handle.Chmod(mode)
}

func (h *faultHandle) Chown(uid, gid int) error {
	if err := h.fs.step("fchown", h.name); err != nil {
		return err
	}
	return h.Handle.Chown(uid, gid)
}

func (h *faultHandle) Sync() error {
	if err := h.fs.step("sync", h.name); err != nil {
		return err
	}
	return nil
}

// Close closes, whether it is to fail or not, as close(2) does.
func (h *faultHandle) Close() error {
	h.fs.mu.Lock()
	h.fs.open--
	h.fs.mu.Unlock()
	err := h.Handle.Close()
	if fault := h.fs.step("close", h.name); fault != nil {
		return fault
	}
	return err
}

// scenario is a way to use a Spool.
type scenario struct {
	name  string
	opts  Options
	body  int
	hold  bool
	named bool // see faultFS
}

var scenarios = []scenario{
	{name: "small", body: 100},
	{name: "small, named", body: 100, named: true},
	{name: "large", body: 3 * bufferSize},
	{name: "large, named", body: 3 * bufferSize, named: true},
	{name: "hold", body: 100, hold: true},
	{name: "hold, named", body: 100, hold: true, named: true},
	{name: "owner", body: 100, opts: Options{Owner: &Owner{UID: os.Getuid(), GID: os.Getgid()}}},
	{name: "hashed", body: 100, hold: true, opts: Options{
		LongIDs: true, Hashing: queuefmt.Hashing{Queues: []string{"incoming", "hold", "defer"}, Depth: 2},
	}},
	{name: "hashed, named", body: 100, hold: true, named: true, opts: Options{
		LongIDs: true, Hashing: queuefmt.Hashing{Queues: []string{"incoming", "hold", "defer"}, Depth: 2},
	}},
	{name: "clock", body: 100, opts: Options{
		Now: func() time.Time { return time.Now().Add(-time.Hour) },
	}},
}

// deliver puts one message into the spool.
func (sc scenario) deliver(s *Spool) (*File, error) {
	f, err := s.Create(context.Background())
	if err != nil {
		return nil, err
	}
	if sc.hold {
		f.Hold()
	}
	if err := fill(f, bytes.Repeat([]byte("x"), sc.body)); err != nil {
		if commitErr := f.Commit(context.Background()); commitErr == nil {
			return f, errors.New("Commit forgot the error " + err.Error())
		}
		return f, err
	}
	return f, f.Commit(context.Background())
}

// queueFiles lists the regular files below dir.
func queueFiles(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// checkComplete requires a whole queue file that is marked so.
func checkComplete(t testing.TB, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Error(err)
		return
	}
	if info.Mode() != 0o700 {
		t.Errorf("%s: mode %v", path, info.Mode())
	}
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if report, err := queuefmt.Verify(f); err != nil || len(report.Tolerated) > 0 || report.End != info.Size() {
		t.Errorf("%s: %v %v", path, err, report.Tolerated)
	}
}

// run delivers one message with a fault and returns the operations.
func (sc scenario) run(t *testing.T, short bool, fail func(n int, op, name string) error) (fsys *faultFS, dir string, err error) {
	t.Helper()
	dir, err = os.MkdirTemp(t.TempDir(), "queue")
	if err != nil {
		t.Fatal(err)
	}
	for _, queue := range []string{"incoming", "hold"} {
		if err := os.Mkdir(filepath.Join(dir, queue), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	real, err := OpenFS(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	fsys = &faultFS{FS: real, short: short, named: sc.named}
	opts := sc.opts
	opts.FS = fsys
	opts.Warn = func(string) {}
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	fsys.n, fsys.ops, fsys.fail = 0, nil, fail
	_, err = sc.deliver(s)
	if closeErr := s.Close(context.Background()); closeErr != nil && err == nil {
		t.Errorf("Close: %v", closeErr)
	}
	if fsys.open != 0 {
		t.Errorf("%d files are still open", fsys.open)
	}
	if n := s.group.unfinished.Load(); n != 0 || len(s.open) != 0 {
		t.Errorf("%d files may yet join, %d in the list", n, len(s.open))
	}
	return fsys, dir, err
}

// TestEachCallFails lets each system call of a message's way fail in turn,
// with each error. What remains must be nothing, or a complete file and no
// error.
func TestEachCallFails(t *testing.T) {
	errnos := []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EMFILE, syscall.EDQUOT, syscall.EROFS, syscall.ENOENT, syscall.EEXIST}
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			good, dir, err := sc.run(t, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			files := queueFiles(t, dir)
			if len(files) != 1 {
				t.Fatalf("files: %v", files)
			}
			checkComplete(t, files[0])

			injected := 0
			for n := 1; n <= len(good.ops); n++ {
				for _, errno := range errnos {
					for _, short := range []bool{false, true} {
						if short && !strings.HasPrefix(good.ops[n-1], "write") {
							continue
						}
						what := fmt.Sprintf("%v in %s, short=%v", errno, good.ops[n-1], short)
						hit := false
						fsys, dir, err := sc.run(t, short, func(i int, _, _ string) error {
							if i == n {
								hit = true
								return errno
							}
							return nil
						})
						if !hit {
							t.Errorf("%s: not reached", what)
						}
						injected++
						files := queueFiles(t, dir)
						switch {
						case err != nil && len(files) > 0:
							t.Errorf("%s: error %v, but %v\n%s", what, err, files, strings.Join(fsys.ops, "\n"))
						case err != nil && errno == syscall.EEXIST && strings.HasPrefix(good.ops[n-1], "mkdir"):
							// a lie: the directory is not there
						case err != nil && !errors.Is(err, errno):
							t.Errorf("%s: error %v", what, err)
						case err == nil && len(files) != 1:
							t.Errorf("%s: success, but %v", what, files)
						case err == nil:
							// Only where another try helps, or where
							// there was nothing to do.
							op, _, _ := strings.Cut(good.ops[n-1], " ")
							retried := errno == syscall.EEXIST && (op == "create" || op == "rename" || op == "mkdir")
							missing := errno == syscall.ENOENT && (op == "remove" || op == "rename" || op == "settime" || op == "link" || op == "lstat")
							// Then each log is looked for.
							logs := op == "lstat" && slices.Contains(logQueues[:], strings.TrimPrefix(good.ops[n-1], "lstat "))
							if !retried && !missing && !logs {
								t.Errorf("%s: success", what)
							}
							checkComplete(t, files[0])
						}
					}
				}
			}
			if injected < 50 {
				t.Errorf("only %d faults", injected)
			}
		})
	}
}

// TestDiskDies lets every call fail from one on. A file may remain then, for
// it cannot be removed; but if it is marked as complete, it must be.
func TestDiskDies(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			good, _, err := sc.run(t, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n <= len(good.ops); n++ {
				_, dir, err := sc.run(t, true, func(i int, op, _ string) error {
					if i >= n && op != "close" {
						return syscall.EIO
					}
					return nil
				})
				if err == nil && !strings.HasPrefix(good.ops[n-1], "close") {
					t.Errorf("dead from %s on: success", good.ops[n-1])
				}
				for _, name := range queueFiles(t, dir) {
					info, err := os.Stat(name)
					if err != nil {
						t.Fatal(err)
					}
					if info.Mode()&0o100 != 0 {
						checkComplete(t, name)
					}
				}
			}
		})
	}
}
