package params

import (
	"syscall"
	"testing"
)

// TestNetlinkRefused: what the kernel says of a request is the error.
func TestNetlinkRefused(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	const unknown = 250 // a request for objects that there are not
	if err := netlink(fd, unknown, nil); err != syscall.EOPNOTSUPP {
		t.Errorf("%v", err)
	}
}
