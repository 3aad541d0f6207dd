//go:build !linux

package table

// askPending is the ioctl(2) that tells how many bytes of a socket wait to be read, on
// macOS and the BSDs: FIONREAD.
const askPending = 0x4004667f
