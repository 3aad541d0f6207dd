package table

import "golang.org/x/sys/unix"

// askPending is the ioctl(2) that tells how many bytes of a socket wait to be read.
const askPending = unix.SIOCINQ
