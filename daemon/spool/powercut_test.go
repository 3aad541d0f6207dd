package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// simFS is a file system in memory that knows what a power cut would leave of
// it. It promises no more than POSIX: fsync of a file makes the content and
// the mode of that file durable, fsync of a directory the names in it. Of all
// that was not synced, any part may or may not be on the disk: each write, each
// mode, each half of a rename by itself.
type simFS struct {
	mu      sync.Mutex
	inodes  []*simInode
	root    *simInode
	events  []simEvent // what was done and not yet made durable, and what was
	shared  bool       // CanSyncAll
	unnamed bool       // CanCreateUnnamed
	broken  string     // an operation that does nothing: "sync", "syncdir", "syncall"
	syncs   map[string]int

	// fails says which syncs of a kind fail, from 1 on. What such a sync was to
	// write will never reach the disk, and nobody hears of that again: the
	// kernel's memory of it is clean.
	fails map[string]func(n int) bool
	lost  map[int]bool
}

type simInode struct {
	number  uint64
	dir     bool
	mode    fs.FileMode
	content []byte
	names   map[string]*simInode
}

// simEvent is one change, or the end of a sync, or the moment in which success
// was reported.
type simEvent struct {
	inode *simInode // the file written, or the directory changed

	// One of these.
	write   []byte
	offset  int64
	mode    fs.FileMode
	name    string // with target: added; without: removed
	target  *simInode
	durable []int  // indices of the events that are durable from here on
	ack     string // the path of the message that is safe from here on
	want    []byte // its content
}

func newSimFS(shared bool) *simFS {
	f := &simFS{shared: shared, syncs: make(map[string]int), lost: make(map[int]bool)}
	f.root = f.node(true, 0o755)
	for _, d := range layout {
		f.root.names[d.name] = f.node(true, d.mode) // durable from the start
	}
	return f
}

func (f *simFS) node(dir bool, mode fs.FileMode) *simInode {
	n := &simInode{number: uint64(len(f.inodes) + 1000), dir: dir, mode: mode}
	if dir {
		n.names = make(map[string]*simInode)
	}
	f.inodes = append(f.inodes, n)
	return n
}

func (f *simFS) add(e simEvent) { f.events = append(f.events, e) }

// find returns the directory of a path and the last part of the path.
func (f *simFS) find(name string) (*simInode, string, error) {
	dir := f.root
	parts := strings.Split(path.Clean(name), "/")
	for _, p := range parts[:len(parts)-1] {
		dir = dir.names[p]
		if dir == nil {
			return nil, "", syscall.ENOENT
		}
	}
	return dir, parts[len(parts)-1], nil
}

func (f *simFS) lookup(name string) (*simInode, error) {
	dir, last, err := f.find(name)
	if err != nil {
		return nil, err
	}
	n := dir.names[last]
	if n == nil {
		return nil, syscall.ENOENT
	}
	return n, nil
}

func (f *simFS) Create(name string, mode fs.FileMode) (Handle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, last, err := f.find(name)
	if err != nil {
		return nil, err
	}
	if dir.names[last] != nil {
		return nil, syscall.EEXIST
	}
	n := f.node(false, mode)
	dir.names[last] = n
	f.add(simEvent{inode: dir, name: last, target: n})
	return &simHandle{fs: f, inode: n}, nil
}

func (f *simFS) CanCreateUnnamed(string) bool { return f.unnamed }

func (f *simFS) CreateUnnamed(dir string, mode fs.FileMode) (Handle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.node(false, mode)
	f.add(simEvent{inode: n, mode: mode})
	return &simHandle{fs: f, inode: n}, nil
}

func (h *simHandle) Link(name string) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	dir, last, err := h.fs.find(name)
	if err != nil {
		return err
	}
	if dir.names[last] != nil {
		return syscall.EEXIST
	}
	dir.names[last] = h.inode
	h.fs.add(simEvent{inode: dir, name: last, target: h.inode})
	return nil
}

func (f *simFS) Rename(old, new string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	from, oldName, err := f.find(old)
	if err != nil {
		return err
	}
	to, newName, err := f.find(new)
	if err != nil {
		return err
	}
	n := from.names[oldName]
	switch {
	case n == nil:
		return syscall.ENOENT
	case to.names[newName] != nil:
		return syscall.EEXIST
	}
	delete(from.names, oldName)
	to.names[newName] = n
	f.add(simEvent{inode: to, name: newName, target: n})
	f.add(simEvent{inode: from, name: oldName})
	return nil
}

func (f *simFS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, last, err := f.find(name)
	if err != nil {
		return err
	}
	if dir.names[last] == nil {
		return syscall.ENOENT
	}
	delete(dir.names, last)
	f.add(simEvent{inode: dir, name: last})
	return nil
}

func (f *simFS) Mkdir(name string, mode fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, last, err := f.find(name)
	if err != nil {
		return err
	}
	if dir.names[last] != nil {
		return syscall.EEXIST
	}
	n := f.node(true, mode)
	dir.names[last] = n
	f.add(simEvent{inode: dir, name: last, target: n})
	return nil
}

func (f *simFS) RemoveDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, last, err := f.find(name)
	if err != nil {
		return err
	}
	switch n := dir.names[last]; {
	case n == nil:
		return syscall.ENOENT
	case len(n.names) > 0:
		return syscall.ENOTEMPTY
	}
	delete(dir.names, last)
	f.add(simEvent{inode: dir, name: last})
	return nil
}

func (f *simFS) Chown(string, int, int) error    { return nil }
func (f *simFS) SetTime(string, time.Time) error { return nil }
func (f *simFS) List(string) ([]string, error)   { return nil, syscall.ENOSYS }
func (f *simFS) Close() error                    { return nil }
func (f *simFS) CanSyncAll() bool                { return f.shared }
func (f *simFS) SyncAll() error                  { return f.sync("syncall", nil) }

func (f *simFS) Stat(name string) (Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.lookup(name)
	if err != nil {
		return Info{}, err
	}
	mode := n.mode
	if n.dir {
		mode |= fs.ModeDir
	}
	return Info{Inode: n.number, Mode: mode, Size: int64(len(n.content))}, nil
}

func (f *simFS) SyncDir(name string) error {
	f.mu.Lock()
	n, err := f.lookup(name)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.sync("syncdir", n)
}

// sync makes the events of an inode, or all, durable that are there when it
// begins. It takes its time, so that others can do much meanwhile.
func (f *simFS) sync(op string, n *simInode) error {
	f.mu.Lock()
	f.syncs[op]++
	failed := f.fails[op] != nil && f.fails[op](f.syncs[op])
	var durable []int
	for i, e := range f.events {
		if e.inode != nil && (n == nil || e.inode == n) {
			durable = append(durable, i)
		}
	}
	if failed {
		for _, i := range durable {
			f.lost[i] = !f.durable(i)
		}
	}
	f.mu.Unlock()
	for range 50 {
		runtime.Gosched()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if failed {
		return syscall.EIO
	}
	if op != f.broken {
		f.add(simEvent{durable: durable})
	}
	return nil
}

// heal ends the failures. What they took remains lost.
func (f *simFS) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = nil
}

// durable tells whether an event has been made durable.
func (f *simFS) durable(i int) bool {
	for _, e := range f.events {
		if slices.Contains(e.durable, i) {
			return true
		}
	}
	return false
}

// ack notes that a message was reported as safe.
func (f *simFS) ack(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.lookup(name)
	if err != nil {
		return err
	}
	f.add(simEvent{ack: name, want: bytes.Clone(n.content)})
	return nil
}

type simHandle struct {
	fs    *simFS
	inode *simInode
	pos   int64
}

func (h *simHandle) Write(p []byte) (int, error) {
	n, err := h.WriteAt(p, h.pos)
	h.pos += int64(n)
	return n, err
}

func (h *simHandle) WriteAt(p []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	h.inode.content = overwrite(h.inode.content, p, off)
	h.fs.add(simEvent{inode: h.inode, write: bytes.Clone(p), offset: off})
	return len(p), nil
}

func overwrite(b, p []byte, off int64) []byte {
	if need := int(off) + len(p); need > len(b) {
		b = append(b, make([]byte, need-len(b))...)
	}
	copy(b[off:], p)
	return b
}

func (h *simHandle) Stat() (Info, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return Info{Inode: h.inode.number, Mode: h.inode.mode, Size: int64(len(h.inode.content)), ModTime: time.Now()}, nil
}

func (h *simHandle) Chmod(mode fs.FileMode) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	h.inode.mode = mode
	h.fs.add(simEvent{inode: h.inode, mode: mode})
	return nil
}

func (h *simHandle) Chown(int, int) error { return nil }
func (h *simHandle) Sync() error          { return h.fs.sync("sync", h.inode) }
func (h *simHandle) Close() error         { return nil }

// disk is what a power cut leaves.
type disk struct {
	content map[*simInode][]byte
	mode    map[*simInode]fs.FileMode
	names   map[*simInode]map[string]*simInode
}

// after returns what is there when the power fails after the first n events,
// and the durable ones and those that keep chooses have reached the disk.
func (f *simFS) after(n int, keep func() bool) disk {
	durable := make(map[int]bool)
	for _, e := range f.events[:n] {
		for _, i := range e.durable {
			durable[i] = true
		}
	}
	d := disk{make(map[*simInode][]byte), make(map[*simInode]fs.FileMode), make(map[*simInode]map[string]*simInode)}
	d.names[f.root] = f.root.names // the queues are there since long
	for i, e := range f.events[:n] {
		if e.inode == nil || f.lost[i] || !durable[i] && !keep() {
			continue
		}
		switch {
		case e.name != "":
			if d.names[e.inode] == nil {
				d.names[e.inode] = make(map[string]*simInode)
			}
			if e.target != nil {
				d.names[e.inode][e.name] = e.target
			} else {
				delete(d.names[e.inode], e.name)
			}
		case e.mode != 0:
			d.mode[e.inode] = e.mode
		default:
			d.content[e.inode] = overwrite(d.content[e.inode], e.write, e.offset)
		}
	}
	return d
}

// check says whether the message is there, whole.
func (d disk) check(f *simFS, name string, want []byte) error {
	n := f.root
	for _, p := range strings.Split(name, "/") {
		n = d.names[n][p]
		if n == nil {
			return fmt.Errorf("%s is gone: no %s", name, p)
		}
	}
	if d.mode[n] != modeReady {
		return fmt.Errorf("%s: mode %v", name, d.mode[n])
	}
	if !bytes.Equal(d.content[n], want) {
		return fmt.Errorf("%s: content differs", name)
	}
	return nil
}

// cutPower cuts the power after each event from the first success on, with
// nothing kept that was not synced, with everything, and with random parts. It
// returns the first message that was lost.
func (f *simFS) cutPower(rnd *rand.Rand) error {
	acked := make(map[string][]byte)
	for i, e := range f.events {
		if e.ack != "" {
			acked[e.ack] = e.want
		}
		if len(acked) == 0 {
			continue
		}
		choices := []func() bool{
			func() bool { return false },
			func() bool { return true },
			func() bool { return rnd.IntN(2) == 0 },
			func() bool { return rnd.IntN(8) == 0 },
		}
		for _, keep := range choices {
			d := f.after(i+1, keep)
			for name := range maps.Keys(acked) {
				if err := d.check(f, name, acked[name]); err != nil {
					return fmt.Errorf("power cut after event %d of %d: %w", i+1, len(f.events), err)
				}
			}
		}
	}
	return nil
}

// simulate delivers messages by several writers at once.
func simulate(t *testing.T, f *simFS, opts Options, writers, each int) {
	t.Helper()
	opts.FS = f
	s, err := Open("", opts)
	if err != nil {
		t.Fatal(err)
	}
	if f.shared {
		s.group.choose = alwaysShare()
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for m := range each {
				file, err := s.Create(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				if (w+m)%5 == 4 {
					file.Hold()
				}
				body := bytes.Repeat([]byte{byte('a' + w)}, 10)
				if m == 1 {
					body = bytes.Repeat(body, bufferSize/5)
				}
				if err := fill(file, body); err != nil {
					t.Error(err)
				}
				if (w+m)%7 == 6 {
					if err := file.Discard(); err != nil {
						t.Error(err)
					}
					continue
				}
				if err := file.Commit(context.Background()); err != nil {
					t.Error(err)
					return
				}
				if err := f.ack(file.path); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// alwaysShare is a chooser that will not change its mind.
func alwaysShare() chooser { return chooser{best: shared, turn: 1 << 30, left: 1 << 30} }

// powerCuts are the ways in which messages are made durable.
var powerCuts = []struct {
	name           string
	shared         bool
	opts           Options
	writers, each  int
	needs          string // a kind of sync that must have been used
	brokenBy       []string
	mustShareSyncs bool
}{
	{name: "one writer", writers: 1, each: 8, needs: "sync", brokenBy: []string{"sync", "syncdir"}},
	{name: "one writer, sharing", shared: true, writers: 1, each: 8, needs: "sync", brokenBy: []string{"sync", "syncdir"}},
	{name: "many writers", writers: 8, each: 3, needs: "sync", brokenBy: []string{"sync", "syncdir"}},
	{name: "many writers, sharing", shared: true, writers: 8, each: 3, needs: "syncall", brokenBy: []string{"syncall"}, mustShareSyncs: true},
	{name: "hashed", shared: true, writers: 8, each: 3, needs: "syncall",
		opts: Options{LongIDs: true, Hashing: queuefmt.Hashing{Queues: []string{"incoming", "hold"}, Depth: 2}}},
	{name: "hashed, each for itself", writers: 4, each: 3, needs: "syncdir",
		opts:     Options{Hashing: queuefmt.Hashing{Queues: []string{"incoming", "hold"}, Depth: 1}},
		brokenBy: []string{"syncdir"}},
}

// TestPowerCut: no message is lost for which Commit reported success, whenever
// the power fails and whatever the disk made of what was not synced.
func TestPowerCut(t *testing.T) {
	for _, tt := range powerCuts {
		t.Run(tt.name, func(t *testing.T) {
			for round := range 4 {
				f := newSimFS(tt.shared)
				f.unnamed = round%2 == 0
				simulate(t, f, tt.opts, tt.writers, tt.each)
				if err := f.cutPower(rand.New(rand.NewPCG(uint64(round), 1))); err != nil {
					t.Fatal(err)
				}
				if f.syncs[tt.needs] == 0 {
					t.Errorf("syncs: %v", f.syncs)
				}
				if tt.mustShareSyncs && f.syncs["sync"]+f.syncs["syncall"] >= tt.writers*tt.each {
					t.Errorf("nothing was shared: %v", f.syncs)
				}
			}
		})
	}
}

// TestPowerCutFindsLoss: the simulation finds a sync that does nothing.
func TestPowerCutFindsLoss(t *testing.T) {
	for _, tt := range powerCuts {
		for _, op := range tt.brokenBy {
			t.Run(tt.name+" without "+op, func(t *testing.T) {
				for _, unnamed := range []bool{false, true} {
					f := newSimFS(tt.shared)
					f.broken, f.unnamed = op, unnamed
					simulate(t, f, tt.opts, tt.writers, tt.each)
					if err := f.cutPower(rand.New(rand.NewPCG(1, 1))); err == nil {
						t.Errorf("no message was lost, unnamed=%v", unnamed)
					}
				}
			})
		}
	}
}

// TestSyncFails: a sync that fails takes unfinished files with it, of which
// nobody hears again. No message that is answered K may be one of those; and
// when the disk is well again, the server takes messages as before.
func TestSyncFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		shared bool
		fails  map[string]func(n int) bool
		depth  int // of hashed queues
	}{
		{"the first shared", true, map[string]func(int) bool{"syncall": func(n int) bool { return n == 1 }}, 0},
		{"each shared", true, map[string]func(int) bool{"syncall": func(int) bool { return true }}, 0},
		{"a file now and then", false, map[string]func(int) bool{"sync": func(n int) bool { return n%16 == 1 }}, 0},
		{"a directory now and then", false, map[string]func(int) bool{"syncdir": func(n int) bool { return n%8 == 1 }}, 0},
		{"the first shared, hashed", true, map[string]func(int) bool{"syncall": func(n int) bool { return n == 1 }}, 2},
		{"a directory now and then, hashed", true, map[string]func(int) bool{"syncdir": func(n int) bool { return n%6 == 1 }}, 1},
		{"a directory now and then, hashed twice", false, map[string]func(int) bool{"syncdir": func(n int) bool { return n%8 == 1 }}, 2},
	} {
		for _, unnamed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, unnamed=%v", tt.name, unnamed), func(t *testing.T) {
				f := newSimFS(tt.shared)
				f.unnamed, f.fails = unnamed, tt.fails
				s, err := Open("", Options{FS: f, Hashing: queuefmt.Hashing{Queues: []string{QueueIncoming}, Depth: tt.depth}})
				if err != nil {
					t.Fatal(err)
				}
				if tt.shared {
					s.group.choose = alwaysShare()
				}
				var mu sync.Mutex
				load := func(each int) (good, bad int) {
					var wg sync.WaitGroup
					for range 8 {
						wg.Go(func() {
							for range each {
								file, err := s.Create(context.Background())
								if err == nil {
									if err := fill(file, []byte("x")); err != nil {
										t.Error(err)
									}
									err = file.Commit(context.Background())
								}
								mu.Lock()
								if err == nil {
									good++
									err = f.ack(file.path)
								} else {
									bad++
									if errors.Is(err, syscall.EIO) {
										err = nil
									}
								}
								mu.Unlock()
								if err != nil {
									t.Error(err)
								}
							}
						})
					}
					wg.Wait()
					return good, bad
				}
				good, bad := load(6)
				t.Logf("%d messages accepted, %d not; syncs %v", good, bad, f.syncs)
				if bad == 0 {
					t.Error("no sync failed")
				}
				// How many share the fate of a sync is the scheduler's choice.
				// Once none fails any more, none may be refused.
				f.heal()
				if good, bad = load(1); bad > 0 {
					t.Errorf("after the last failure %d messages accepted, %d not", good, bad)
				}
				if err := f.cutPower(rand.New(rand.NewPCG(1, 1))); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestNoSyncAll: where the call is not allowed, each file is synced by itself.
func TestNoSyncAll(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM} {
		f := &noSyncAll{simFS: newSimFS(true), errno: errno}
		s, err := Open("", Options{FS: f})
		if err != nil {
			t.Fatal(err)
		}
		s.group.choose = alwaysShare()
		var wg, created sync.WaitGroup
		created.Add(10)
		for range 10 {
			wg.Go(func() {
				file, err := s.Create(context.Background())
				created.Done()
				if err != nil {
					t.Error(err)
					return
				}
				created.Wait() // else each may be alone
				if err := errors.Join(fill(file, []byte("x")), file.Commit(context.Background()), f.ack(file.path)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if f.calls.Load() != 1 {
			t.Errorf("%v: SyncAll was called %d times, want once", errno, f.calls.Load())
		}
		if err := f.cutPower(rand.New(rand.NewPCG(1, 1))); err != nil {
			t.Error(err)
		}
	}
}

type noSyncAll struct {
	*simFS
	errno syscall.Errno
	calls atomic.Int32
}

func (f *noSyncAll) SyncAll() error {
	f.calls.Add(1)
	return f.errno
}

// TestWhoseFailure: a failed sync is the failure of each file that is open, and
// of no later one; a directory that cannot be opened, of the one whose it is.
func TestWhoseFailure(t *testing.T) {
	for _, tt := range []struct {
		op      string
		errno   syscall.Errno
		spreads bool
	}{
		{"sync", syscall.EIO, true},
		{"sync", syscall.ENOSPC, true},
		{"syncdir", syscall.EIO, true},
		{"syncdir", syscall.EMFILE, false},
		{"syncdir", syscall.ENFILE, false},
		{"syncdir", syscall.ENOENT, false},
		{"syncdir", syscall.EACCES, false},
	} {
		t.Run(fmt.Sprintf("%s, %v", tt.op, tt.errno), func(t *testing.T) {
			var broken atomic.Bool
			f := &faultFS{FS: newSimFS(false), fail: func(_ int, op, _ string) error {
				if op == tt.op && broken.Load() {
					return tt.errno
				}
				return nil
			}}
			s, err := Open("", Options{FS: f})
			if err != nil {
				t.Fatal(err)
			}
			create := func() *File {
				file, err := s.Create(t.Context())
				if err == nil {
					err = fill(file, []byte("x"))
				}
				if err != nil {
					t.Fatal(err)
				}
				return file
			}
			before, cause := create(), create()
			broken.Store(true)
			if err := cause.Commit(t.Context()); !errors.Is(err, tt.errno) {
				t.Errorf("the file whose sync fails: %v", err)
			}
			broken.Store(false)
			if err := before.Commit(t.Context()); tt.spreads && !errors.Is(err, tt.errno) || !tt.spreads && err != nil {
				t.Errorf("a file that was open: %v", err)
			}
			if err := create().Commit(t.Context()); err != nil {
				t.Errorf("a later file: %v", err)
			}
		})
	}
}

// TestDirectoryWithoutOwner: a new directory of a hashed queue that could not be
// given to mail_owner is not left for the next message, which would find it good.
func TestDirectoryWithoutOwner(t *testing.T) {
	fail := true
	f := &faultFS{FS: newSimFS(false), fail: func(_ int, op, _ string) error {
		if op == "chown" && fail {
			return syscall.EIO
		}
		return nil
	}}
	s, err := Open("", Options{FS: f, Owner: &Owner{UID: 1, GID: 1}, Hashing: queuefmt.Hashing{Queues: []string{QueueIncoming}, Depth: 1},
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context()); !errors.Is(err, syscall.EIO) {
		t.Fatalf("the first message: %v", err)
	}
	fail = false
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, op := range f.ops {
		if what, dir, _ := strings.Cut(op, " "); what == "mkdir" || what == "chown" || what == "rmdir" {
			dirs = append(dirs, what+" "+path.Dir(dir))
		}
	}
	want := "mkdir incoming, chown incoming, rmdir incoming, mkdir incoming, chown incoming"
	if got := strings.Join(dirs, ", "); got != want {
		t.Errorf("%.500s, want %s", got, want)
	}
}
