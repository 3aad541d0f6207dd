package master

import (
	"os"
	"os/signal"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IgnoreSignals ignores what the original ignores. SIGTERM, SIGHUP and SIGINT
// keep their default action, which is immediate death: master relies on it to
// get its ports back.
func IgnoreSignals() {
	signal.Ignore(unix.SIGPIPE, unix.SIGXFSZ)
}

// Abort ends the process by SIGABRT, as the original does after a panic. The
// runtime would turn the signal into a stack trace and an exit status, so its
// handler is removed first. It returns only if the signal is blocked.
func Abort() {
	type sigaction struct {
		handler  uintptr // zero: default action
		flags    uint64
		restorer uintptr
		mask     uint64
	}
	var dfl sigaction
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGABRT),
		uintptr(unsafe.Pointer(&dfl)), 0, unsafe.Sizeof(dfl.mask), 0, 0)
	_ = unix.Kill(os.Getpid(), unix.SIGABRT)
}
