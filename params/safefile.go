//go:build unix

package params

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// maxSmallFile bounds what ReadSafely reads of a file.
const maxSmallFile = 1 << 20

// ReadSafely returns the beginning of a file, at most one megabyte, that
// cannot have been slipped in by a user: it must have one hard link, and a
// symbolic link to it must belong to root and stand in a directory that only
// root can change. The texts of the errors are Postfix's. Source: Postfix 3.10
// safe_open.c, safe_open_exist.
func ReadSafely(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError{"cannot open file: " + reason(err), err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileError{"bad open file status: " + reason(err), err}
	}
	opened, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return nil, fileError{"bad open file status", nil}
	case opened.Nlink != 1:
		return nil, fileError{"file has " + itoa(int(opened.Nlink)) + " hard links", syscall.EPERM}
	case info.IsDir():
		return nil, fileError{"file is a directory", syscall.EISDIR}
	}
	var named syscall.Stat_t
	if err := syscall.Lstat(name, &named); err != nil {
		return nil, fileError{"file status changed unexpectedly: " + reason(err), err}
	}
	if named.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		var parent syscall.Stat_t
		if named.Uid != 0 || syscall.Stat(filepath.Dir(name), &parent) != nil || parent.Uid != 0 || parent.Mode&0o022 != 0 {
			return nil, fileError{"file is a symbolic link", syscall.EPERM}
		}
	} else if opened.Dev != named.Dev || opened.Ino != named.Ino || opened.Nlink != named.Nlink || opened.Mode != named.Mode {
		return nil, fileError{"file status changed unexpectedly", syscall.EPERM}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSmallFile))
	if err != nil {
		return nil, fileError{"read error: " + reason(err), err}
	}
	return data, nil
}

// fileError is an error with Postfix's text.
type fileError struct {
	text string
	err  error
}

func (e fileError) Error() string { return e.text }
func (e fileError) Unwrap() error { return e.err }
