package standin

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fault is a system call that fails in a child, always.
type Fault struct {
	// Call is the number of the system call.
	Call uintptr
	// Arg, if positive, counts the arguments from 1: only calls in which that one
	// is Value fail.
	Arg   int
	Value uint32
	// Err is what it fails with.
	Err syscall.Errno
}

// faulty runs start in a thread of its own in which the calls fail, and hands
// that on to the children that it starts.
func faulty(faults []Fault, start func() (int, error)) (pid int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		if err = FailCalls(faults); err == nil {
			pid, err = start()
		}
	}()
	<-done
	return pid, err
}

// FailCalls has the kernel refuse system calls of this thread, which must be locked,
// and of the children that it starts: see seccomp(2). There is no way back.
func FailCalls(faults []Fault) error {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
		number = 0  // of the call, in what the filter sees
		first  = 16 // argument, each in 8 bytes
	)
	low := uint32(0)
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		low = 4
	}
	var program []unix.SockFilter
	for _, f := range faults {
		refuse := unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(f.Err)}
		is := []unix.SockFilter{{Code: load, K: number}, {Code: equal, K: uint32(f.Call), Jf: 1}, refuse}
		if f.Arg > 0 {
			at := uint32(first+8*(f.Arg-1)) + low
			is = []unix.SockFilter{{Code: load, K: number}, {Code: equal, K: uint32(f.Call), Jf: 3}, {Code: load, K: at}, {Code: equal, K: f.Value, Jf: 1}, refuse}
		}
		program = append(program, is...)
	}
	program = append(program, unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW})
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&fprog)), 0, 0)
}
