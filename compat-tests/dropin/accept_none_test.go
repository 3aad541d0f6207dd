//go:build 386 || s390x

package dropin

// sysAccept says that the kernel has accept4(2) alone.
const sysAccept = 0
