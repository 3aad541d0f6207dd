package postfix

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
)

// HasAddress tells whether this machine can listen on an IP address. Without IPv6 it
// cannot on ::1, and where the kernel lacks the protocol not even on "::". IPv4 every
// machine has.
func HasAddress(t testing.TB, addr string) bool {
	t.Helper()
	if !strings.Contains(addr, ":") {
		return true
	}
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return false
	case err != nil:
		t.Fatal(err)
	}
	l.Close()
	return true
}

// NeedAddress skips the test where HasAddress is false, and counts it as a skipped case.
// RequireVariable makes no difference: a Postfix is there.
func NeedAddress(t testing.TB, addr string) {
	t.Helper()
	if !HasAddress(t, addr) {
		count(t)
		t.Skipf("SKIPPED: no IPv6 on this machine: %s cannot be listened on", addr)
	}
}
