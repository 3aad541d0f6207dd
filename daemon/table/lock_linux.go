package table

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Locks are taken twice for each lookup, and hardly ever have to be waited
// for. The calls below cannot block, so they are made without telling the
// scheduler, which costs as much as the call itself.
//
// The fcntl locks are those of the open file, not of the process: they
// conflict with the process locks that Postfix takes, but do not vanish when
// another descriptor for the same file is closed.

const fcntlWait = unix.F_OFD_SETLKW

func tryFlock(fd int) bool {
	_, _, err := syscall.RawSyscall(unix.SYS_FLOCK, uintptr(fd), unix.LOCK_SH|unix.LOCK_NB, 0)
	return err == 0
}

func unlockFlock(fd int) {
	_, _, _ = syscall.RawSyscall(unix.SYS_FLOCK, uintptr(fd), unix.LOCK_UN, 0)
}

func tryFcntl(fd int) bool { return fcntlNow(fd, unix.F_RDLCK) }

func unlockFcntl(fd int) { fcntlNow(fd, unix.F_UNLCK) }

func fcntlNow(fd int, kind int16) bool {
	lock := unix.Flock_t{Type: kind}
	if strconv.IntSize == 32 { // another system call, which package unix knows
		return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock) == nil
	}
	_, _, err := syscall.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_OFD_SETLK, uintptr(unsafe.Pointer(&lock)))
	return err == 0
}
