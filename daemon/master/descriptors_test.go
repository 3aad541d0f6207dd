package master

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inheriting names the variable that makes this program a child that looks at its
// descriptors.
const inheriting = "MASTER_TEST_INHERITING"

// last is one descriptor more than it asks for.
const last = ListenFD + 2

// heir says what it has inherited.
func heir() int {
	fmt.Printf("listeners %v", Listeners(2))
	for fd := flowRead; fd <= last; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		fmt.Printf(", %d: %d %v", fd, flags, err)
	}
	for fd := last; fd >= StatusFD; fd-- {
		_ = unix.Close(fd) // behind it there may be some that Go itself has opened
		fmt.Printf(", %d", Inherited())
	}
	fmt.Println()
	return 0
}

// A child closes what it got from master(8) when it runs something, and knows how much
// that was.
func TestInherited(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), inheriting+"=1")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	for range last - flowRead + 1 {
		c.ExtraFiles = append(c.ExtraFiles, null)
	}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
	const want = "listeners [6 7], 3: 1 <nil>, 4: 1 <nil>, 5: 1 <nil>, 6: 1 <nil>, 7: 1 <nil>, 8: 0 <nil>, 3, 2, 1, 0\n"
	if out.String() != want {
		t.Errorf("%swant %s", &out, want)
	}
	// With status channel and two sockets, or what stands in their places.
	for inherited := range 5 {
		err := CheckInherited(inherited, 2)
		if inherited >= 3 {
			if err != nil {
				t.Errorf("%d: %v", inherited, err)
			}
			continue
		}
		wantFailure(t, err, "event_enable_read: epoll_ctl EPOLL_CTL_ADD: Bad file descriptor")
	}
}

// limitFiles sets the limit of open files until the function returned is called.
func limitFiles(t *testing.T, n uint64) (restore func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	set := func(r unix.Rlimit) {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
			t.Fatal(err)
		}
	}
	set(unix.Rlimit{Cur: n, Max: old.Max})
	return func() { set(old) }
}

func TestOpenFilesBound(t *testing.T) {
	for n, want := range map[uint64]int{1: 1, 68: 1, 69: 1, 73: 1, 74: 2, 114: 10, 1024: 192} {
		restore := limitFiles(t, n)
		got := OpenFilesBound()
		restore()
		if got != want {
			t.Errorf("%d files: %d sessions, want %d", n, got, want)
		}
	}
}

func TestPollable(t *testing.T) {
	s := newService(t, Inet)
	fds := []int{s.listener, s.status[1]}
	// Those of tests before this one may still be closed.
	open := func() (fds []string) {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			fds = append(fds, name.Name())
		}
		return fds
	}
	before := open()
	if err := errors.Join(pollable(fds), pollable(fds)); err != nil {
		t.Error(err)
	}
	for _, fd := range open() {
		if !slices.Contains(before, fd) {
			t.Errorf("descriptor %s is left open", fd)
		}
	}
	restore := limitFiles(t, 3)
	err := pollable(fds)
	served := Serve(t.Context(), s.config)
	restore()
	for _, err := range []error{err, served} {
		if err == nil || !strings.HasPrefix(err.Error(), "event_enable_read: epoll_create: Too many open files") {
			t.Error(err)
		}
	}
}
