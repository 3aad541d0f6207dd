package spool

import (
	"errors"
	"fmt"
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

// sharing is a Spool that syncs files together, and n files in it that are complete.
func sharing(t *testing.T, f FS, depth, n int) (*Spool, []*File) {
	t.Helper()
	s, err := Open("", Options{FS: f, Hashing: queuefmt.Hashing{Queues: []string{QueueIncoming}, Depth: depth}})
	if err != nil {
		t.Fatal(err)
	}
	s.group.choose = alwaysShare()
	files := make([]*File, n)
	for i := range files {
		if files[i], err = s.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := fill(files[i], []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	return s, files
}

// unnamedDisk is a simulated disk on which files can be without a name.
func unnamedDisk() *simFS {
	disk := newSimFS(true)
	disk.unnamed = true
	return disk
}

// slowSync lets SyncAll wait.
type slowSync struct {
	*faultFS
	begun, end chan bool
}

func (f *slowSync) SyncAll() error {
	f.begun <- true
	<-f.end
	return f.faultFS.SyncAll()
}

// TestNamedLast: while others are being synced, no file has a name that is not
// among them: a journal could take the name along, and not the content.
func TestNamedLast(t *testing.T) {
	f := &slowSync{&faultFS{FS: unnamedDisk()}, make(chan bool), make(chan bool)}
	s, files := sharing(t, f, 0, 3)
	var wg sync.WaitGroup
	commit := func(file *File) {
		wg.Go(func() {
			if err := file.Commit(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	commit(files[0])
	<-f.begun
	commit(files[1])
	commit(files[2])
	for joined := 0; joined < 2; runtime.Gosched() {
		s.group.mu.Lock()
		if b := s.group.pending; b != nil {
			joined = len(b.files)
		}
		s.group.mu.Unlock()
	}
	named := func() (names []string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, op := range f.ops {
			if name, ok := strings.CutPrefix(op, "link "); ok {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	want := []string{files[0].path}
	if got := named(); !slices.Equal(got, want) {
		t.Errorf("named during the sync: %q, want %q", got, want)
	}
	f.end <- true
	<-f.begun
	want = []string{files[0].path, files[1].path, files[2].path}
	slices.Sort(want)
	if got := named(); !slices.Equal(got, want) {
		t.Errorf("named during the next sync: %q, want %q", got, want)
	}
	f.end <- true
	wg.Wait()
}

// TestNameFails: a file that cannot be named is no trouble to those that share its
// sync; and when it is its directory that has gone, that is made again.
func TestNameFails(t *testing.T) {
	for _, tt := range []struct {
		errno   syscall.Errno
		times   int
		syncAll error // of the sync of all
		want    error
	}{
		{syscall.EEXIST, 1, nil, syscall.EEXIST},
		{syscall.ENOSPC, 1, nil, syscall.ENOSPC},
		{syscall.ENOENT, 1, nil, nil},
		{syscall.ENOENT, 1, syscall.ENOSYS, nil},
		{syscall.ENOENT, 2, nil, syscall.ENOENT},
	} {
		t.Run(fmt.Sprintf("%v %d times, %v", tt.errno, tt.times, tt.syncAll), func(t *testing.T) {
			var victim string
			failed := 0
			f := &faultFS{FS: unnamedDisk(), fail: func(_ int, op, name string) error {
				if op == "link" && name == victim && failed < tt.times {
					failed++
					return tt.errno
				}
				if op == "syncall" {
					return tt.syncAll
				}
				return nil
			}}
			_, files := sharing(t, f, 1, 4)
			victim = files[1].path
			errs := make([]error, 3) // the last one is under way till the end
			var wg sync.WaitGroup
			for i, file := range files[:3] {
				wg.Go(func() { errs[i] = file.Commit(t.Context()) })
			}
			wg.Wait()
			if errs[0] != nil || errs[2] != nil {
				t.Errorf("the others: %v, %v", errs[0], errs[2])
			}
			if !errors.Is(errs[1], tt.want) {
				t.Errorf("the file: %v, want %v", errs[1], tt.want)
			}
			if tt.want != nil {
				if got, want := errs[1].Error(), "link "+victim+": "+tt.errno.Error(); got != want {
					t.Errorf("error %q, want %q", got, want)
				}
			}
			mkdirs := 0
			for _, op := range f.ops {
				if op == "mkdir "+path.Dir(victim) {
					mkdirs++
				}
			}
			want := 1
			if tt.errno == syscall.ENOENT {
				want = 2
			}
			if mkdirs != want {
				t.Errorf("its directory was made %d times, want %d", mkdirs, want)
			}
		})
	}
}

// TestNamingIsNoSync: the time that it takes to name the files of a batch does not count
// as that of a slow sync, after which files are kept apart.
func TestNamingIsNoSync(t *testing.T) {
	var late atomic.Int64
	f := &faultFS{FS: unnamedDisk(), fail: func(_ int, op, _ string) error {
		if op == "link" {
			late.Add(int64(2 * slowShare))
		}
		return nil
	}}
	s, files := sharing(t, f, 0, 2)
	s.group.now = func() time.Time { return time.Unix(1e9, late.Load()) }
	if err := files[0].Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if late.Load() == 0 || !slices.ContainsFunc(f.ops, func(op string) bool { return strings.HasPrefix(op, "syncall") }) {
		t.Fatalf("no batch: %q", f.ops)
	}
	if !s.group.pause.IsZero() {
		t.Errorf("files are kept apart till %v", s.group.pause)
	}
}
