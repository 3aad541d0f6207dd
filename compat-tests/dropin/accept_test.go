//go:build !386 && !s390x

package dropin

import "golang.org/x/sys/unix"

// sysAccept is the number of accept(2).
const sysAccept = unix.SYS_ACCEPT
