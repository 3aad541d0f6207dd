package postfix

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// linked are the parts of the template that a private root shares by hard
// links: programs and data that nobody writes to.
var linked = []string{
	"usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "opt",
	"usr/share/postfix", "usr/share/perl", "usr/share/perl5", "usr/share/zoneinfo",
}

// copied are the parts that a private root has for itself.
var copied = []string{"etc", "var/spool/postfix", "var/lib/postfix"}

// makeRoot fills the empty folder dst with a private copy of the template.
func makeRoot(template, dst string) error {
	for _, dir := range []string{"dev", "home", "proc", "root", "run", "tmp", "usr/share", "var/lib", "var/log", "var/mail", "var/spool", "var/tmp"} {
		if err := os.MkdirAll(filepath.Join(dst, dir), 0o755); err != nil {
			return err
		}
	}
	for _, dir := range []string{"tmp", "var/tmp", "var/mail"} {
		if err := os.Chmod(filepath.Join(dst, dir), 0o777|os.ModeSticky); err != nil {
			return err
		}
	}
	for _, name := range []string{"bin", "lib", "lib64", "sbin"} {
		if err := os.Symlink("usr/"+name, filepath.Join(dst, name)); err != nil {
			return err
		}
	}
	for _, dir := range linked {
		if err := copyTree(filepath.Join(template, dir), filepath.Join(dst, dir), os.Link); err != nil {
			return err
		}
	}
	for _, dir := range copied {
		if err := copyTree(filepath.Join(template, dir), filepath.Join(dst, dir), copyFile); err != nil {
			return err
		}
	}
	return makeDevices(filepath.Join(dst, "dev"))
}

// copyTree makes dst a copy of the folder src, with owners, modes and
// symbolic links; each regular file by the function file. Sockets and other
// special files are left out, and a missing src is nothing to copy.
func copyTree(src, dst string, file func(src, dst string) error) error {
	return filepath.WalkDir(src, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == src && os.IsNotExist(err) {
				return nil
			}
			return err
		}
		target := dst + path[len(src):]
		switch entry.Type() {
		case fs.ModeDir:
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if err := os.Mkdir(target, 0o755); err != nil {
				return err
			}
			return sameOwner(info, target)
		case fs.ModeSymlink:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(to, target)
		case 0:
			return file(path, target)
		}
		return nil
	})
}

// copyFile copies one regular file with its owner and mode. It may be a program, to be
// run at once.
func copyFile(src, dst string) error {
	return Unforked(func() error { return copyData(src, dst) })
}

func copyData(src, dst string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return sameOwner(info, dst)
}

func sameOwner(info fs.FileInfo, path string) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: no owner known", path)
	}
	if err := os.Lchown(path, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	return syscall.Chmod(path, st.Mode&0o7777)
}

// makeDevices makes the few devices that Postfix and its scripts open.
func makeDevices(dir string) error {
	for name, minor := range map[string]int{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		path := filepath.Join(dir, name)
		if err := syscall.Mknod(path, syscall.S_IFCHR|0o666, 1<<8|minor); err != nil {
			return fmt.Errorf("mknod %s: %w", path, err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			return err
		}
	}
	return nil
}
