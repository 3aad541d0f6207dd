package postfix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRemoveStale removes what a test program left that was killed, but not
// what it had mounted there.
func TestRemoveStale(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	gone := exec.Command("/bin/true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	cache, kept := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(cache, fmt.Sprintf("run-%d-1", gone.Process.Pid))
	live := filepath.Join(cache, fmt.Sprintf("run-%d-1", os.Getpid()))
	for _, dir := range []string{stale + "/a b", live} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount(filepath.Dir(kept), stale+"/a b", "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(stale+"/a b", syscall.MNT_DETACH) })
	removeStale(cache)
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("the stale root: %v", err)
	}
	for _, path := range []string{kept, live} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
