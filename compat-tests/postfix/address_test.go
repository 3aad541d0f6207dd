package postfix

import (
	"runtime"
	"syscall"
	"testing"
)

// TestHasAddress asks in a network namespace whose loopback interface is down, and so
// has no address.
func TestHasAddress(t *testing.T) {
	// The thread is not unlocked, and so ends with the goroutine.
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Skip(err)
	}
	if !HasAddress(t, "127.0.0.1") {
		t.Error("no IPv4")
	}
	if HasAddress(t, "::1") {
		t.Error("::1 is there")
	}
}
