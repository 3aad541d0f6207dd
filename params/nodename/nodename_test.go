//go:build linux

package nodename

import (
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestGet gives the test's thread names of its own, see uts_namespaces(7), and a
// root directory without /proc.
func TestGet(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"", "host", "mail.example.com", strings.Repeat("x", 63), "a." + strings.Repeat("y", 62)} {
		var got string
		result := make(chan error)
		go func() {
			// The thread is not unlocked, and so ends with the goroutine.
			runtime.LockOSThread()
			err := syscall.Unshare(syscall.CLONE_NEWUTS | syscall.CLONE_FS)
			if err == nil {
				err = syscall.Chroot(dir)
			}
			if err == nil {
				err = syscall.Sethostname([]byte(want))
			}
			if err == nil {
				got, err = Get()
			}
			result <- err
		}()
		err := <-result
		if errors.Is(err, syscall.EPERM) {
			t.Skip("only root can name the host")
		}
		if got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}
