package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// layout lists the directories below a queue directory with their modes, as
// Postfix installs them (conf/postfix-files). Those of root are the ones that
// no mail daemon needs to write to.
var layout = []struct {
	name    string
	mode    fs.FileMode
	root    bool // owned by root, else by mail_owner
	setgidp bool // group is that of postdrop(1), setgid_group
}{
	{name: "active", mode: 0o700},
	{name: "bounce", mode: 0o700},
	{name: "corrupt", mode: 0o700},
	{name: "defer", mode: 0o700},
	{name: "deferred", mode: 0o700},
	{name: "flush", mode: 0o700},
	{name: "hold", mode: 0o700},
	{name: "incoming", mode: 0o700},
	{name: "maildrop", mode: 0o730, setgidp: true},
	{name: "pid", mode: 0o755, root: true},
	{name: "private", mode: 0o700},
	{name: "public", mode: 0o710, setgidp: true},
	{name: "saved", mode: 0o700},
	{name: "trace", mode: 0o700},
}

// LayoutOwners says who owns the directories of a new queue directory.
type LayoutOwners struct {
	Mail      Owner // mail_owner and its group
	SetgidGID int   // setgid_group, or OwnGroup
}

// OwnGroup is no group: what is made has the process's.
const OwnGroup = -1

// MakeLayout makes the queue directory dir and the directories in it that
// are missing, durably, so that a Postfix can be pointed at it later. Those
// that exist are left as they are. owners is nil when the process is not root:
// everything then belongs to the process's user, and Postfix's own
// "postfix set-permissions" has to put that right before it can run.
func MakeLayout(dir string, owners *LayoutOwners) error {
	made, err := makeDir(dir, 0o755, nil)
	if err != nil {
		return err
	}
	for _, d := range layout {
		var owner *Owner
		if owners != nil && !d.root {
			o := owners.Mail
			if d.setgidp {
				o.GID = owners.SetgidGID
			} else {
				o.GID = OwnGroup
			}
			owner = &o
		}
		if _, err := makeDir(filepath.Join(dir, d.name), d.mode, owner); err != nil {
			return err
		}
	}
	if err := syncPath(dir); err != nil {
		return err
	}
	if made {
		return syncPath(filepath.Dir(dir))
	}
	return nil
}

// makeDir makes one directory with exactly that mode, whatever the umask.
func makeDir(path string, mode fs.FileMode, owner *Owner) (made bool, err error) {
	if err := os.Mkdir(path, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			info, err := os.Stat(path)
			if err == nil && !info.IsDir() {
				err = &fs.PathError{Op: "mkdir", Path: path, Err: unix.ENOTDIR}
			}
			return false, err
		}
		return false, err
	}
	// Whoever can write to the directory above may have put a link there by now.
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return true, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if owner != nil {
		if err := f.Chown(owner.UID, owner.GID); err != nil {
			return true, err
		}
	}
	return true, f.Chmod(mode)
}

// syncPath makes the entries of a directory durable.
func syncPath(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
