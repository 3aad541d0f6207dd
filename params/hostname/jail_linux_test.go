package hostname

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestLongHostnameInJail: a name of 64 bytes has a domain to search in even where
// there is no /proc. The test's thread gets a name and a root directory of its own.
func TestLongHostnameInJail(t *testing.T) {
	domain := strings.Repeat("y", 62)
	dir := t.TempDir()
	var search []string
	result := make(chan error)
	go func() {
		// The thread is not unlocked, and so ends with the goroutine.
		runtime.LockOSThread()
		err := syscall.Unshare(syscall.CLONE_NEWUTS | syscall.CLONE_FS)
		if err == nil {
			err = syscall.Chroot(dir)
		}
		if err == nil {
			err = syscall.Sethostname([]byte("a." + domain))
		}
		if err == nil {
			search = parseResolvConf(nil, "", 53, noEnviron).search
		}
		result <- err
	}()
	switch err := <-result; {
	case errors.Is(err, syscall.EPERM):
		t.Skip("only root can name the host")
	case err != nil:
		t.Fatal(err)
	}
	if !slices.Equal(search, []string{domain}) {
		t.Errorf("search %q", search)
	}
}
