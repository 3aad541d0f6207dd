//go:build darwin || freebsd || netbsd

package directfile

import "syscall"

func modified(s *syscall.Stat_t) syscall.Timespec { return s.Mtimespec }
