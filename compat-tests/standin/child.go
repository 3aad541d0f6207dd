package standin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Record is one status record of a child: 12 bytes in native byte order.
type Record struct {
	PID        int32
	Generation uint32
	// Status is 0 for TAKEN and 1 for AVAIL.
	Status int32
}

func (r Record) String() string {
	switch r.Status {
	case 0:
		return fmt.Sprintf("TAKEN generation %d", r.Generation)
	case 1:
		return fmt.Sprintf("AVAIL generation %d", r.Generation)
	}
	return fmt.Sprintf("status %d generation %d", r.Status, r.Generation)
}

// ChildSpec says how master(8) starts a child.
type ChildSpec struct {
	// Root is the folder that the child sees as /.
	Root string
	// Program is the path of the executable inside the root.
	Program string
	// Argv is the whole argument vector, the program's name included.
	Argv []string
	// Env is the whole environment.
	Env []string
	// Dir is the working directory inside the root.
	Dir string
	// Sockets are the listening sockets, given on from descriptor 6.
	Sockets []*Listener
	// Stdin and Stdout replace /dev/null, when not nil.
	Stdin, Stdout, Stderr *os.File
	// NoStatus leaves the descriptors from 3 on closed.
	NoStatus bool
	// Faults are system calls that fail.
	Faults []Fault
	// OpenFiles, if not zero, is the hard limit of open files.
	OpenFiles uint64
}

// Child is a process started by the stand-in master(8).
type Child struct {
	PID int

	started time.Time
	status  *os.File

	mu      sync.Mutex
	changed chan struct{}
	records []Record
	partial []byte

	drained chan struct{} // closed when no more records can come

	done  chan struct{}
	end   syscall.WaitStatus
	ended time.Time
}

// masterSignals leaves SIGPIPE ignored for children, as master(8) does, and no other
// signal, as it is where the tests are started by nohup(1) or in the background.
var masterSignals = sync.OnceFunc(func() {
	signal.Ignore(syscall.SIGPIPE)
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) {
			// What is caught is not handed on. Nobody listens: it goes on to do nothing here.
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
})

// StartChild starts a child as master(8) would, and kills it when t ends if
// it still runs.
func StartChild(t testing.TB, spec ChildSpec) *Child {
	t.Helper()
	masterSignals()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	files := []uintptr{null.Fd(), null.Fd(), null.Fd()}
	for i, f := range []*os.File{spec.Stdin, spec.Stdout, spec.Stderr} {
		if f != nil {
			files[i] = f.Fd()
		}
	}
	c := &Child{changed: make(chan struct{}), drained: make(chan struct{}), done: make(chan struct{})}
	if !spec.NoStatus {
		// A socket pair made by hand: an *os.File would change the blocking
		// mode of a descriptor that is shared with the child.
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(pair[1])
		if err := syscall.SetNonblock(pair[0], true); err != nil {
			t.Fatal(err)
		}
		c.status = os.NewFile(uintptr(pair[0]), "status")
		flow := make([]int, 2)
		if err := syscall.Pipe2(flow, syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(flow[0])
		defer syscall.Close(flow[1])
		files = append(files, uintptr(flow[0]), uintptr(flow[1]), uintptr(pair[1]))
		for _, ln := range spec.Sockets {
			files = append(files, uintptr(ln.fd))
		}
	}
	c.started = time.Now()
	start := func() (int, error) {
		pid, err := syscall.ForkExec(spec.Program, spec.Argv, &syscall.ProcAttr{
			Dir:   spec.Dir,
			Env:   spec.Env,
			Files: files,
			// It stops before its first instruction.
			Sys: &syscall.SysProcAttr{Chroot: spec.Root, Ptrace: spec.OpenFiles > 0},
		})
		if err != nil || spec.OpenFiles == 0 {
			return pid, err
		}
		return pid, limitFiles(pid, spec.OpenFiles)
	}
	if len(spec.Faults) == 0 && spec.OpenFiles == 0 {
		c.PID, err = start()
	} else {
		c.PID, err = faulty(spec.Faults, start)
	}
	if err != nil {
		t.Fatalf("start %s: %v", spec.Program, err)
	}
	go c.wait()
	if c.status != nil {
		go c.readStatus()
	} else {
		close(c.drained)
	}
	t.Cleanup(func() {
		c.CloseStatus()
		select {
		case <-c.done:
		default:
			syscall.Kill(c.PID, syscall.SIGKILL)
			<-c.done
		}
	})
	return c
}

// limitFiles limits the open files of a traced process that is about to run, and lets it
// run. The thread must be the one that started it.
func limitFiles(pid int, n uint64) error {
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: n, Max: n}
	return errors.Join(unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil), syscall.PtraceDetach(pid))
}

func (c *Child) wait() {
	for {
		var end syscall.WaitStatus
		_, err := syscall.Wait4(c.PID, &end, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		c.end, c.ended = end, time.Now()
		close(c.done)
		return
	}
}

func (c *Child) readStatus() {
	defer close(c.drained)
	buf := make([]byte, 4096)
	for {
		n, err := c.status.Read(buf)
		c.mu.Lock()
		c.partial = append(c.partial, buf[:n]...)
		for ; len(c.partial) >= 12; c.partial = c.partial[12:] {
			c.records = append(c.records, Record{
				PID:        int32(binary.NativeEndian.Uint32(c.partial)),
				Generation: binary.NativeEndian.Uint32(c.partial[4:]),
				Status:     int32(binary.NativeEndian.Uint32(c.partial[8:])),
			})
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// CloseStatus closes master's end of the status channel, as a reload does.
func (c *Child) CloseStatus() {
	if c.status != nil {
		hangUp(c.status)
		c.status.Close()
	}
}

// EndStatus closes master's end of the status channel, as CloseStatus does,
// but reads what a child that has ended has left there.
func (c *Child) EndStatus() {
	select {
	case <-c.done:
		<-c.drained
	default:
	}
	c.CloseStatus()
}

// Records returns the status records so far, and the bytes of an unfinished
// one.
func (c *Child) Records() (whole []Record, rest []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Record(nil), c.records...), append([]byte(nil), c.partial...)
}

// WaitRecords waits until the child has sent n status records or has ended, and
// reports whether there are n.
func (c *Child) WaitRecords(n int, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	ended := c.done
	for {
		c.mu.Lock()
		have, changed := len(c.records), c.changed
		c.mu.Unlock()
		if have >= n {
			return true
		}
		if ended == nil {
			return false
		}
		select {
		case <-changed:
		case <-ended:
			ended = nil
			select {
			case <-c.drained: // what it wrote last has been read
			case <-timer.C:
				return false
			}
		case <-timer.C:
			return false
		}
	}
}

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Wait waits for the child's end and for its last status records. It returns
// false if that has not come in time; the child then still runs.
func (c *Child) Wait(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for _, end := range []chan struct{}{c.done, c.drained} {
		select {
		case <-end:
		case <-timer.C:
			return false
		}
	}
	return true
}

// End tells how the child has ended, such as "exit 0" or "signal 15", and how
// long it ran. Only for a child whose end has been waited for.
func (c *Child) End() (how string, ran time.Duration) {
	<-c.done
	ran = c.ended.Sub(c.started)
	if c.end.Signaled() {
		return fmt.Sprintf("signal %d", c.end.Signal()), ran
	}
	return fmt.Sprintf("exit %d", c.end.ExitStatus()), ran
}

// Signal sends a signal to the child.
func (c *Child) Signal(sig syscall.Signal) { syscall.Kill(c.PID, sig) }
