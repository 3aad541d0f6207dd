//go:build !linux

package table

import "golang.org/x/sys/unix"

const fcntlWait = unix.F_SETLKW

func tryFlock(fd int) bool { return unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) == nil }

func unlockFlock(fd int) { _ = unix.Flock(fd, unix.LOCK_UN) }

func tryFcntl(fd int) bool {
	return unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_RDLCK}) == nil
}

func unlockFcntl(fd int) {
	_ = unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
}
