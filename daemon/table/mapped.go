package table

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/errno"
)

// mappedFile is a file in memory. Slices of it show later writes to the file,
// so they are used under a lock and copied before they are given away.
type mappedFile struct {
	fd   int
	data []byte
}

func mapFile(fd int) (*mappedFile, error) {
	f := &mappedFile{fd: fd}
	return f, f.remap()
}

// remap maps the file in its current size.
func (f *mappedFile) remap() error {
	f.unmap()
	var info unix.Stat_t
	if err := unix.Fstat(f.fd, &info); err != nil {
		return err
	}
	switch info.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		return unix.EISDIR
	default:
		return unix.EINVAL
	}
	if info.Size == 0 {
		return nil
	}
	if info.Size != int64(int(info.Size)) {
		return unix.EFBIG
	}
	data, err := unix.Mmap(f.fd, 0, int(info.Size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	f.data = data
	return nil
}

func (f *mappedFile) unmap() {
	if f != nil && f.data != nil {
		_ = unix.Munmap(f.data)
		f.data = nil
	}
}

// at returns n bytes from offset, if they are mapped.
func (f *mappedFile) at(offset, n int64) ([]byte, error) {
	if offset < 0 || n < 0 || offset > int64(len(f.data)) || n > int64(len(f.data))-offset {
		return nil, damaged("%d bytes at offset %d of %d", n, offset, len(f.data))
	}
	return f.data[offset : offset+n : offset+n], nil
}

// reach makes sure that the file is mapped up to size, since it may have grown.
// Slices that were got before may then be invalid.
func (f *mappedFile) reach(size int64) error {
	if size <= int64(len(f.data)) {
		return nil
	}
	if err := f.remap(); err != nil {
		return errors.New(errno.Text(err))
	}
	if size > int64(len(f.data)) {
		return damaged("it ends at offset %d before %d", len(f.data), size)
	}
	return nil
}
