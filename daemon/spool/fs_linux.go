package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// dirFS is the real file system under an open queue directory. It names files
// relative to the directory's descriptor, so that it goes on working after a
// chroot(2), and calls the system directly: the os package would register
// each queue file with the poller, which costs system calls and gains nothing.
type dirFS struct {
	root int
	// wary: somebody else can write to the queues, and might have our rights used by
	// links. trusted is how many names of a path may be links all the same.
	wary    bool
	trusted int
}

// OpenFS opens a queue directory. Close it after use. owner, if not nil, is the user
// whom the queues belong to while the process is root. Nothing is made, changed or
// removed then that is not below a queue: symbolic links there are not followed, as
// that user may have put them where a directory, or a file, was a moment ago.
func OpenFS(dir string, owner *Owner) (FS, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	d := &dirFS{root: fd, wary: owner != nil}
	var st unix.Stat_t
	if err := retryErr(func() error { return unix.Fstat(fd, &st) }); err != nil {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "stat", Path: dir, Err: err}
	}
	if st.Uid == 0 && st.Mode&0o022 == 0 {
		d.trusted = 1 // a queue may be elsewhere, if root says so
	}
	return d, nil
}

// at calls use with a directory and the name in it that the path means: links are
// followed in none but trusted parts, and never in the name.
func (d *dirFS) at(path string, use func(dir int, name string) error) error {
	if len(path) >= unix.PathMax {
		// As the kernel has it. Step by step there would be no end to directories
		// in directories.
		return unix.ENAMETOOLONG
	}
	parts := strings.Count(path, "/") // besides the name
	if !d.wary || parts <= d.trusted {
		return retryErr(func() error { return use(d.root, path) })
	}
	dir, names := d.root, strings.Split(path, "/")
	for i, name := range names[:parts] {
		flags := unix.O_NOFOLLOW
		if i < d.trusted {
			flags = 0
		}
		fd, err := retry(func() (int, error) {
			return unix.Openat(dir, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
		})
		if dir != d.root {
			unix.Close(dir)
		}
		if err != nil {
			return err
		}
		dir = fd
	}
	defer unix.Close(dir)
	return retryErr(func() error { return use(dir, names[parts]) })
}

// open is at for a file or directory to open. The flags need not say that links are not
// followed.
func (d *dirFS) open(path string, flags int, mode fs.FileMode) (fd int, err error) {
	if d.wary && strings.Count(path, "/") >= d.trusted {
		flags |= unix.O_NOFOLLOW
	}
	err = d.at(path, func(dir int, name string) error {
		fd, err = unix.Openat(dir, name, flags|unix.O_CLOEXEC, uint32(mode.Perm()))
		return err
	})
	return fd, err
}

// retry repeats a system call that a signal has interrupted.
func retry[T any](call func() (T, error)) (T, error) {
	for {
		v, err := call()
		if err != unix.EINTR {
			return v, err
		}
	}
}

func retryErr(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func (d *dirFS) Create(name string, mode fs.FileMode) (Handle, error) {
	fd, err := d.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, mode)
	if err != nil {
		return nil, err
	}
	return &fdHandle{fd: fd, fs: d}, nil
}

// CanCreateUnnamed tries with a name that is taken, so that nothing changes. It
// takes a file system with O_TMPFILE, and a /proc or the right to do without.
func (d *dirFS) CanCreateUnnamed(dir string) bool {
	h, err := d.CreateUnnamed(dir, modeUnfinished)
	if err != nil {
		return false
	}
	err = h.Link(dir)
	return h.Close() == nil && err == unix.EEXIST
}

func (d *dirFS) CreateUnnamed(dir string, mode fs.FileMode) (Handle, error) {
	fd, err := d.open(dir, unix.O_RDWR|unix.O_TMPFILE, mode)
	if err != nil {
		return nil, err
	}
	return &fdHandle{fd: fd, fs: d}, nil
}

func (d *dirFS) Rename(old, new string) error {
	return d.at(old, func(oldDir int, old string) error {
		return d.at(new, func(newDir int, new string) error {
			err := unix.Renameat2(oldDir, old, newDir, new, unix.RENAME_NOREPLACE)
			if err != unix.EINVAL && err != unix.ENOSYS {
				return err
			}
			// The file system cannot do it in one step. Names hold the inode
			// number of the file, so nobody races for the new one.
			if _, err := statAt(newDir, new); err == nil {
				return unix.EEXIST
			}
			return unix.Renameat(oldDir, old, newDir, new)
		})
	})
}

func (d *dirFS) Remove(name string) error {
	return d.at(name, func(dir int, name string) error { return unix.Unlinkat(dir, name, 0) })
}

func (d *dirFS) Mkdir(name string, mode fs.FileMode) error {
	return d.at(name, func(dir int, name string) error { return unix.Mkdirat(dir, name, uint32(mode.Perm())) })
}

func (d *dirFS) RemoveDir(name string) error {
	return d.at(name, func(dir int, name string) error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) })
}

// Chown opens the directory, which by now may be anything, such as one more name of a
// file of root's.
func (d *dirFS) Chown(name string, uid, gid int) error {
	fd, err := d.openDir(name)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return retryErr(func() error { return unix.Fchown(fd, uid, gid) })
}

func (d *dirFS) SetTime(name string, t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	return d.at(name, func(dir int, name string) error {
		return unix.UtimesNanoAt(dir, name, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	})
}

func (d *dirFS) Stat(name string) (info Info, err error) {
	err = d.at(name, func(dir int, name string) error {
		info, err = statAt(dir, name)
		return err
	})
	return info, err
}

func statAt(dir int, name string) (Info, error) {
	var st unix.Stat_t
	err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return info(&st), err
}

func (d *dirFS) List(name string) ([]string, error) {
	fd, err := d.openDir(name)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return f.Readdirnames(-1)
}

func (d *dirFS) SyncDir(name string) error {
	fd, err := d.openDir(name)
	if err != nil {
		return err
	}
	err = retryErr(func() error { return unix.Fsync(fd) })
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	return err
}

// CanSyncAll is true for file systems whose syncfs(2) is known to end with
// the disk's cache flushed, under a kernel that reports write errors through
// it (5.8; syncfs(2)). A network or user-space file system may know nothing
// of the call.
func (d *dirFS) CanSyncAll() bool {
	if !d.holds(QueueIncoming, QueueHold) {
		return false
	}
	var st unix.Statfs_t
	if err := retryErr(func() error { return unix.Fstatfs(d.root, &st) }); err != nil {
		return false
	}
	if st.Type != unix.EXT4_SUPER_MAGIC && st.Type != unix.XFS_SUPER_MAGIC {
		return false
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return false
	}
	return kernelAtLeast(unix.ByteSliceToString(uts.Release[:]), 5, 8)
}

// holds tells whether the directories are in the file system of the queue directory,
// the only one that SyncAll syncs: another one may be mounted there.
func (d *dirFS) holds(names ...string) bool {
	var root, dir unix.Stat_t
	if err := retryErr(func() error { return unix.Fstat(d.root, &root) }); err != nil {
		return false
	}
	for _, name := range names {
		err := retryErr(func() error { return unix.Fstatat(d.root, name, &dir, 0) })
		if err == unix.ENOENT {
			continue // it will be made there
		}
		if err != nil || dir.Dev != root.Dev {
			return false
		}
	}
	return true
}

// kernelAtLeast compares the first two numbers of a release like 6.1.0-13.
func kernelAtLeast(release string, major, minor int) bool {
	a, rest, _ := strings.Cut(release, ".")
	b := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil {
		return false
	}
	return x > major || x == major && y >= minor
}

// SyncAll ends with the sync of a directory that has not changed. Ext4 without
// a journal flushes the disk's cache before it writes the last directory
// blocks, and it takes another flush to have them on the disk; elsewhere this
// finds little to do.
func (d *dirFS) SyncAll() error {
	if err := retryErr(func() error { return unix.Syncfs(d.root) }); err != nil {
		return err
	}
	return retryErr(func() error { return unix.Fsync(d.root) })
}

func (d *dirFS) openDir(name string) (int, error) {
	return d.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

func (d *dirFS) Close() error { return unix.Close(d.root) }

// fdHandle is a file descriptor.
type fdHandle struct {
	fd int
	fs *dirFS
}

// Link names the file by its descriptor. That takes a privilege, or Linux 6.10;
// the way through /proc does not.
func (h *fdHandle) Link(name string) error {
	return h.fs.at(name, func(dir int, name string) error {
		err := unix.Linkat(h.fd, "", dir, name, unix.AT_EMPTY_PATH)
		if err != unix.ENOENT && err != unix.EPERM {
			return err
		}
		// It may be the new name's directory that is missing.
		proc := "/proc/self/fd/" + strconv.Itoa(h.fd)
		return unix.Linkat(unix.AT_FDCWD, proc, dir, name, unix.AT_SYMLINK_FOLLOW)
	})
}

func (h *fdHandle) Write(p []byte) (int, error) {
	return writeAll(p, func(p []byte, _ int) (int, error) { return unix.Write(h.fd, p) })
}

func (h *fdHandle) WriteAt(p []byte, off int64) (int, error) {
	return writeAll(p, func(p []byte, done int) (int, error) { return unix.Pwrite(h.fd, p, off+int64(done)) })
}

// writeAll repeats a call that wrote only a part.
func writeAll(p []byte, write func(rest []byte, done int) (int, error)) (int, error) {
	done := 0
	for done < len(p) {
		n, err := write(p[done:], done)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.ErrShortWrite
		}
		done += n
	}
	return done, nil
}

func (h *fdHandle) Stat() (Info, error) {
	var st unix.Stat_t
	err := retryErr(func() error { return unix.Fstat(h.fd, &st) })
	return info(&st), err
}

func (h *fdHandle) Chmod(mode fs.FileMode) error {
	return retryErr(func() error { return unix.Fchmod(h.fd, uint32(mode.Perm())) })
}

func (h *fdHandle) Chown(uid, gid int) error {
	return retryErr(func() error { return unix.Fchown(h.fd, uid, gid) })
}

func (h *fdHandle) Sync() error {
	return retryErr(func() error { return unix.Fsync(h.fd) })
}

// Close is not repeated after EINTR: Linux has freed the descriptor by then.
func (h *fdHandle) Close() error {
	if err := unix.Close(h.fd); err != unix.EINTR {
		return err
	}
	return nil
}

// info translates a stat structure.
func info(st *unix.Stat_t) Info {
	mode := fs.FileMode(st.Mode & 0o777)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	}
	return Info{
		Inode:   st.Ino,
		Mode:    mode,
		Size:    st.Size,
		ModTime: time.Unix(st.Mtim.Unix()),
	}
}
