// Package sockpath makes the path of a UNIX-domain socket fit into an address.
package sockpath

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Fits tells whether an address has room for the path and the NUL behind it
// (unix(7), sun_path).
func Fits(path string) bool { return len(path) < len(unix.RawSockaddrUnix{}.Path) }

// Short calls use with a path of the same socket that fits, if need be one by way of
// its directory's descriptor. That takes a /proc. The error is that of use, or why
// there is no such path.
func Short(path string, use func(short string) error) error {
	if Fits(path) {
		return use(path)
	}
	var fd int
	var err error
	for {
		if fd, err = unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	defer unix.Close(fd)
	return use("/proc/self/fd/" + strconv.Itoa(fd) + "/" + filepath.Base(path))
}
