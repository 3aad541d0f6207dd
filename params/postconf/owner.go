package postconf

import (
	"os"
	"syscall"
)

// ownedByRoot reports whether only root can change a file.
func ownedByRoot(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0 && info.Mode().Perm()&0o022 == 0
}
