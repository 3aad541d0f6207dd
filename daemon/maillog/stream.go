package maillog

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// stream writes lines to a file such as stderr, or to any writer.
type stream struct {
	mu sync.Mutex
	w  io.Writer
	fd int // -1 for a writer that never has to wait, or is not a file
}

func newStream(w io.Writer) *stream {
	s := &stream{w: w, fd: -1}
	if f, ok := w.(*os.File); ok {
		// Not f.Fd(): that may change the blocking mode, which stderr
		// shares with other processes.
		if c, err := f.SyscallConn(); err == nil {
			_ = c.Control(func(fd uintptr) {
				if mayWait(int(fd)) {
					s.fd = int(fd)
				}
			})
		}
	}
	return s
}

// mayWait tells a descriptor that has to be asked before each line from a
// plain file and /dev/null, which take everything at once.
func mayWait(fd int) bool {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return true
	}
	null := st.Mode&unix.S_IFMT == unix.S_IFCHR && uint64(st.Rdev) == unix.Mkdev(1, 3)
	return st.Mode&unix.S_IFMT != unix.S_IFREG && !null
}

// try writes at once unless that might block. A pipe that polls writable
// takes PIPE_BUF bytes, more than a line has.
func (s *stream) try(line []byte) bool {
	if s.fd >= 0 {
		p := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(p, 0)
		if err != nil || n == 0 || len(line) > 4096 {
			return false
		}
	}
	s.wait(line)
	return true
}

func (s *stream) wait(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.w.Write(line) // an unwritable stderr has nowhere to complain
}

// close leaves the writer open: it belongs to the caller.
func (s *stream) close() {}
