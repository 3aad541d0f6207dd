package spool

import (
	"io/fs"
	"time"
)

// FS is what a Spool asks of the file system. All names are relative to the
// queue directory. Errors are, or wrap, a syscall.Errno. It exists so that
// tests can fail each operation in turn and cut the power between any two.
type FS interface {
	// Create makes and opens a new file; EEXIST when the name is taken.
	Create(name string, mode fs.FileMode) (Handle, error)

	// CanCreateUnnamed says whether CreateUnnamed and Link work in the
	// directory.
	CanCreateUnnamed(dir string) bool

	// CreateUnnamed makes and opens a new file without a name, in the
	// file system of the directory. It vanishes when it is closed, or the
	// power fails, before it was given one by Link.
	CreateUnnamed(dir string, mode fs.FileMode) (Handle, error)

	// Rename moves a file and replaces none: EEXIST when new is taken.
	Rename(old, new string) error

	// Remove removes a file; ENOENT when there is none.
	Remove(name string) error

	// Mkdir makes a directory.
	Mkdir(name string, mode fs.FileMode) error

	// RemoveDir removes an empty directory; ENOENT when there is none.
	RemoveDir(name string) error

	// Chown gives a directory to an owner and a group.
	Chown(name string, uid, gid int) error

	// SetTime sets a file's access and modification time.
	SetTime(name string, t time.Time) error

	// Stat describes a file or directory, not following a symbolic link.
	Stat(name string) (Info, error)

	// List gives the names in a directory, in no order.
	List(name string) ([]string, error)

	// SyncDir makes the directory's present entries durable.
	SyncDir(name string) error

	// CanSyncAll says whether SyncAll can be relied on.
	CanSyncAll() bool

	// SyncAll makes durable what was done in the queue directory before
	// the call, files and directories alike, or returns an error that may
	// have to do with other files.
	SyncAll() error

	// Close ends the use of the queue directory.
	Close() error
}

// Handle is an open queue file.
type Handle interface {
	// Write appends at the handle's position; a short write comes with
	// an error.
	Write(p []byte) (int, error)

	// WriteAt writes at an offset and leaves the position alone.
	WriteAt(p []byte, off int64) (int, error)

	// Link gives a name to a file that was made by CreateUnnamed; EEXIST
	// when it is taken.
	Link(name string) error

	Stat() (Info, error)
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error

	// Sync makes content and attributes durable.
	Sync() error
	Close() error
}

// Info is what the file system says of a file.
type Info struct {
	Inode   uint64
	Mode    fs.FileMode // type and permission bits
	Size    int64
	ModTime time.Time
}
