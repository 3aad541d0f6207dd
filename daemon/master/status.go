package master

import (
	"encoding/binary"
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Status values.
const (
	statusTaken = 0
	statusAvail = 1
)

// channel is the status channel.
type channel struct {
	fd         int
	pid        int
	generation uint32
	log        *maillog.Logger
}

// notify sends one record of 12 bytes in native byte order: process id,
// generation, status. Source: Postfix 3.10 master_proto.c.
func (c channel) notify(status uint32) error {
	var b [12]byte
	binary.NativeEndian.PutUint32(b[0:], uint32(c.pid))
	binary.NativeEndian.PutUint32(b[4:], c.generation)
	binary.NativeEndian.PutUint32(b[8:], status)
	n, err := writeNow(c.fd, b[:])
	if err != nil {
		err = ignoringEINTR(func() (err error) {
			n, err = unix.Write(c.fd, b[:])
			return err
		})
	}
	if err == nil && n != len(b) {
		err = unix.EIO
	}
	if c.log.Verbose() > 0 {
		if err != nil {
			c.log.Infof("master_notify: status %d: %s", status, errno.Text(err))
		} else {
			c.log.Infof("master_notify: status %d", status)
		}
	}
	return err
}

// writeNow writes to a descriptor in blocking mode if that need not wait. The
// scheduler is not told of the system call, which would cost more than the call
// itself. After an error an ordinary write tells what is the matter.
func writeNow(fd int, b []byte) (int, error) {
	vector := unix.Iovec{Base: &b[0]}
	vector.SetLen(len(b))
	const here = ^uintptr(0) // no position
	n, _, errno := syscall.RawSyscall6(unix.SYS_PWRITEV2, uintptr(fd), uintptr(unsafe.Pointer(&vector)), 1, here, here, unix.RWF_NOWAIT)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
