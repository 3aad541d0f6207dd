package master

import (
	"os"
	"os/signal"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DefaultSignals ignores what the original ignores and gives the other signals
// their default action. That is immediate death for SIGTERM, SIGHUP and SIGINT:
// master relies on it to get its ports back, and a soft limit on processor time is
// one by SIGXCPU alone. Go's runtime would report a stack for SIGQUIT, SIGABRT,
// SIGTRAP and SIGSYS, and ignore the others that end a process, so its
// handlers of these are removed. It needs its own for a fault of the program itself
// (SIGSEGV, SIGBUS, SIGFPE, SIGILL), for SIGPROF and for SIGURG, whose default
// action is none, too.
func DefaultSignals() {
	signal.Ignore(unix.SIGPIPE, unix.SIGXFSZ)
	for _, s := range []unix.Signal{
		unix.SIGQUIT, unix.SIGABRT, unix.SIGTRAP, unix.SIGSYS,
		unix.SIGUSR1, unix.SIGUSR2, unix.SIGXCPU, unix.SIGVTALRM, unix.SIGIO, unix.SIGPWR,
	} {
		setDefault(s)
	}
}

// setDefault gives a signal its default action behind the runtime's back. The
// kernel's sigaction is another structure on each processor, but zeros mean the
// default action, no flag and an empty mask on all; a mask has eight bytes, on mips
// sixteen.
func setDefault(s unix.Signal) {
	var action [8]uint64
	for _, mask := range []uintptr{8, 16} {
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, mask, 0, 0)
		if errno == 0 {
			return
		}
	}
}

// Abort ends the process by SIGABRT, as the original does after a panic. It
// returns only if the signal is blocked.
func Abort() {
	setDefault(unix.SIGABRT)
	// To this very thread: then the process is dead before the call returns.
	runtime.LockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGABRT)
}
