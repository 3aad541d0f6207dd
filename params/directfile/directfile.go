// Package directfile reads small regular files with as few system calls as
// there can be: open, fstat, read, close. The package os asks for each file
// whether it can be waited for, which takes six more, and memory for good. A
// program that lives for a hundred messages reads a dozen files each time.
package directfile

import (
	"io"
	"io/fs"
	"syscall"
)

// File is an open file.
type File struct {
	fd   int
	name string
}

// Open opens a file for reading. The errors of this package are those of the
// package os: *fs.PathError, with the same operations.
func Open(name string) (File, error) {
	for {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		switch err {
		case nil:
			return File{fd, name}, nil
		case syscall.EINTR:
		default:
			return File{}, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

// Close closes the file.
func (f File) Close() error { return syscall.Close(f.fd) }

// Read implements io.Reader.
func (f File) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(f.fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Stat fills in what fstat(2) says.
func (f File) Stat(s *syscall.Stat_t) error {
	for {
		switch err := syscall.Fstat(f.fd, s); err {
		case nil:
			return nil
		case syscall.EINTR:
		default:
			return &fs.PathError{Op: "stat", Path: f.name, Err: err}
		}
	}
}

// Version tells apart the states of a file that is written to: by its size and
// when it was last modified.
type Version struct {
	size     int64
	modified syscall.Timespec
}

// Version returns the present one.
func (f File) Version() (Version, error) {
	var s syscall.Stat_t
	if err := f.Stat(&s); err != nil {
		return Version{}, err
	}
	return Version{s.Size, modified(&s)}, nil
}

// ReadAll reads the rest of the file: all of it, unless Read was called before.
func (f File) ReadAll() ([]byte, error) {
	size := 0
	var s syscall.Stat_t
	if err := f.Stat(&s); err == nil && s.Mode&syscall.S_IFMT == syscall.S_IFREG && s.Size < 1<<30 {
		size = int(s.Size)
	}
	// One more byte than there should be: when that is not filled, the end was
	// reached.
	b := make([]byte, 0, max(size+1, 512))
	for {
		n, err := f.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err == io.EOF, err == nil && size > 0 && len(b) == size:
			return b, nil
		case err != nil:
			return b, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

// ReadFile is os.ReadFile.
func ReadFile(name string) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadAll()
}

// ReadNames returns the names in a directory, in its own order, without "." and
// "..". With an error come the names before it.
func ReadNames(dir string) (names []string, err error) {
	fd := -1
	for fd < 0 {
		fd, err = syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err != nil && err != syscall.EINTR {
			return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
		}
	}
	defer syscall.Close(fd)
	buf := make([]byte, 4096)
	for {
		n, err := syscall.ReadDirent(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return names, &fs.PathError{Op: "readdirent", Path: dir, Err: err}
		}
		if n == 0 {
			return names, nil
		}
		_, _, names = syscall.ParseDirent(buf[:n], -1, names)
	}
}
