package maillog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestStrerror(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{syscall.ENOENT, "No such file or directory"},
		{syscall.EPERM, "Operation not permitted"},
		{syscall.ETIMEDOUT, "Connection timed out"},
		{syscall.EAGAIN, "Resource temporarily unavailable"},
		{syscall.EXDEV, "Invalid cross-device link"},
		{syscall.ENOTSOCK, "Socket operation on non-socket"},
		{syscall.EREMCHG, "Remote address changed"},
		{syscall.EDOTDOT, "RFS specific error"},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "Permission denied"},
		{fmt.Errorf("a: %w", syscall.EISDIR), "Is a directory"},
		{errors.New("own text"), "own text"},
	} {
		if got := Strerror(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestFailure(t *testing.T) {
	l := New(fixed)
	var b bytes.Buffer
	l.AddPlain(&b, "t")
	err := FatalError("chdir(%q): %w", "/x", fs.ErrNotExist)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("cause lost")
	}
	l.Log(err)
	l.Log(fmt.Errorf("while starting: %w", PanicError("watchdog_create: timeout %d is too small", 1)))
	l.Log(errors.New("other"))
	const want = "t: fatal: chdir(\"/x\"): file does not exist\n" +
		"t: panic: watchdog_create: timeout 1 is too small\n" + "t: fatal: other\n"
	if b.String() != want {
		t.Errorf("got %q", b.String())
	}
}
