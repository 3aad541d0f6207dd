package master

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Lock is the lock file that the processes of one service share. Its flock(2)
// lock is the right to accept (the baton); the original takes the same lock in
// the same way, so they can take turns. Byte locks (slots) in the same file, which
// are independent of flock(2) on Linux, count the sessions of all our processes together.
// The file is empty, as the original's, until the service has reached its limit: then
// it holds a note.
//
// On a network file system, where flock(2) is a lock on all bytes, slots are
// not usable; a Postfix queue is not supported there anyway.
type Lock struct {
	file *os.File
	fd   int // of file, which is in blocking mode and never polled

	mu      sync.Mutex
	closed  bool
	wanted  bool // a goroutine is waiting in flock; it closes a closed file
	granted func(error) bool
	slots   map[int]bool // locked by this process
	spare   []int        // of these, in order, what no session uses
}

// OpenLock opens or creates pid/TRANSPORT.SERVICE below the current directory,
// transport and service as in the argument vector. It must happen with root's
// privileges and before chroot.
func OpenLock(transport, service string) (*Lock, error) {
	path := "pid/" + transport + "." + service
	f, why := safeOpen(path)
	if why != "" {
		return nil, maillog.FatalError("open lock file %s: %s", path, why)
	}
	return &Lock{file: f, fd: int(f.Fd()), slots: make(map[int]bool)}, nil
}

// Close closes the file, which gives up all locks; if a goroutine still waits
// for the baton, as soon as it has it.
func (l *Lock) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.granted = true, nil
	if l.wanted {
		return nil
	}
	return l.file.Close()
}

// note is what a process leaves to those that accept after it.
type note struct {
	until, warned time.Time // see Stress
}

// noteSize is the size of a note in the file: the process id of master(8) and two
// times in nanoseconds since 1970, 0 for the zero time.
const noteSize = 24

// writeNote replaces the note. Only the holder of the baton may do that. Where it
// fails, the next process finds out by itself.
func (l *Lock) writeNote(n note) {
	b := make([]byte, 0, noteSize)
	b = binary.BigEndian.AppendUint64(b, uint64(os.Getppid()))
	for _, t := range [...]time.Time{n.until, n.warned} {
		nano := int64(0)
		if !t.IsZero() {
			nano = t.UnixNano()
		}
		b = binary.BigEndian.AppendUint64(b, uint64(nano))
	}
	_, _ = unix.Pwrite(l.fd, b, 0)
}

// readNote returns the note, if there is one and it was written under the same
// master(8).
func (l *Lock) readNote() (note, bool) {
	var b [noteSize]byte
	if n, err := unix.Pread(l.fd, b[:], 0); err != nil || n != noteSize {
		return note{}, false
	}
	if binary.BigEndian.Uint64(b[:]) != uint64(os.Getppid()) {
		return note{}, false
	}
	at := func(i int) time.Time {
		nano := int64(binary.BigEndian.Uint64(b[i:]))
		if nano == 0 {
			return time.Time{}
		}
		return time.Unix(0, nano)
	}
	return note{until: at(8), warned: at(16)}, true
}

// safeOpen opens a file that must be a plain one with one name. It returns
// what is wrong in the original's words. Source: Postfix 3.10 safe_open.c.
func safeOpen(path string) (*os.File, string) {
	f, why, err := safeOpenExisting(path)
	if !errors.Is(err, unix.ENOENT) {
		return f, why
	}
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, unix.EEXIST) {
		f, why, _ = safeOpenExisting(path)
		return f, why
	}
	if err != nil {
		return nil, "cannot create file exclusively: " + errno.Text(err)
	}
	return f, ""
}

func safeOpenExisting(path string) (f *os.File, why string, err error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "cannot open file: " + errno.Text(err), err
	}
	f = os.NewFile(uintptr(fd), path)
	if why = checkOpen(fd, path); why == "" {
		return f, "", nil
	}
	_ = f.Close()
	return nil, why, unix.EPERM
}

func checkOpen(fd int, path string) string {
	var opened, named unix.Stat_t
	if err := unix.Fstat(fd, &opened); err != nil {
		return "bad open file status: " + errno.Text(err)
	}
	if opened.Nlink != 1 {
		return "file has " + strconv.FormatUint(uint64(opened.Nlink), 10) + " hard links"
	}
	if err := unix.Lstat(path, &named); err != nil {
		return "file status changed unexpectedly: " + errno.Text(err)
	}
	if named.Mode&unix.S_IFMT == unix.S_IFLNK {
		// Only root's link in a directory that only root can write to.
		var parent unix.Stat_t
		if named.Uid == 0 && unix.Stat(filepath.Dir(path), &parent) == nil &&
			parent.Uid == 0 && parent.Mode&0o022 == 0 {
			return ""
		}
		return "file is a symbolic link"
	}
	if opened.Dev != named.Dev || opened.Ino != named.Ino || opened.Nlink != named.Nlink || opened.Mode != named.Mode {
		return "file status changed unexpectedly"
	}
	return ""
}

// tryBaton takes the baton if nobody has it.
func (l *Lock) tryBaton() (bool, error) {
	err := ignoringEINTR(func() error { return unix.Flock(l.fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// awaitBaton waits for the baton in a goroutine of its own and then calls
// granted, whose result says whether the baton is still wanted. There is one
// such wait at a time. As flock(2) cannot be interrupted, a wait that was given
// up by forgetBaton lasts until it gets the baton, and gives it back.
func (l *Lock) awaitBaton(granted func(error) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.granted = granted
	if l.wanted {
		return
	}
	l.wanted = true
	go func() {
		err := ignoringEINTR(func() error { return unix.Flock(l.fd, unix.LOCK_EX) })
		l.mu.Lock()
		l.wanted = false
		granted := l.granted
		l.granted = nil
		if l.closed {
			_ = l.file.Close()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		if (granted == nil || !granted(err)) && err == nil {
			l.giveBack()
		}
	}()
}

// giveBack gives the baton back that nobody wants any more. Of a file that has been
// closed meanwhile nothing is left to be given back, and its descriptor's number may be
// that of another one.
func (l *Lock) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		_ = l.releaseBaton()
	}
}

// forgetBaton gives up waiting.
func (l *Lock) forgetBaton() {
	l.mu.Lock()
	l.granted = nil
	l.mu.Unlock()
}

func (l *Lock) releaseBaton() error {
	return ignoringEINTR(func() error { return unix.Flock(l.fd, unix.LOCK_UN) })
}

// takeSlot takes the lowest free one of limit slots and returns its number, or
// false if all are taken. A process that may have them all (greedy) takes a few
// more of those that are free, for the sessions to come; see spare.
func (l *Lock) takeSlot(limit int, greedy bool) (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slot, ok := l.takeSpare(limit - 1); ok {
		return slot, true
	}
	for slot := 0; slot < limit; {
		if l.slots[slot] {
			slot++
			continue
		}
		more := 1
		if greedy {
			for more < slotsAtOnce && slot+more < limit && !l.slots[slot+more] {
				more++
			}
		}
		if more > 1 && l.lockBytes(slot, more, unix.F_WRLCK) != nil {
			more = 1
		}
		if more > 1 || l.lockBytes(slot, 1, unix.F_WRLCK) == nil {
			for i := range more {
				l.slots[slot+i] = true
				if i > 0 {
					l.addSpare(slot + i)
				}
			}
			return slot, true
		}
		slot = l.heldUntil(slot)
	}
	return l.takeSpare(limit)
}

// slotsAtOnce is how many slots a greedy process locks by one system call.
const slotsAtOnce = 16

// takeSpare takes the lowest spare slot below a bound. The last slot of all is
// left alone as long as there may be a lower one: who takes it concludes that
// the limit is reached.
func (l *Lock) takeSpare(bound int) (int, bool) {
	if len(l.spare) == 0 || l.spare[0] >= bound {
		return 0, false
	}
	slot := l.spare[0]
	l.spare = slices.Delete(l.spare, 0, 1)
	return slot, true
}

func (l *Lock) addSpare(slot int) {
	i, _ := slices.BinarySearch(l.spare, slot)
	l.spare = slices.Insert(l.spare, i, slot)
}

// heldUntil returns the slot behind those that another process holds from the
// given one on: the kernel merges neighbouring locks of one owner, so a
// thousand sessions are passed over in one step.
func (l *Lock) heldUntil(slot int) int {
	held := unix.Flock_t{Type: unix.F_WRLCK, Whence: unix.SEEK_SET, Start: int64(slot), Len: 1}
	_ = ignoringEINTR(func() error { return unix.FcntlFlock(uintptr(l.fd), unix.F_OFD_GETLK, &held) })
	// One that was given up in the meantime, which leaves the range as it was, will
	// be found the next time. A lock up to the end of the file has no length.
	return max(slot+1, int(held.Start+held.Len))
}

// releaseSlot ends the use of a slot. With keep it stays locked as a spare one.
func (l *Lock) releaseSlot(slot int, keep bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if keep {
		l.addSpare(slot)
		return
	}
	l.unlock(slot, 1)
}

// releaseSpare gives up the slots that no session uses.
func (l *Lock) releaseSpare() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.spare) > 0 {
		n := 1
		for n < len(l.spare) && l.spare[n] == l.spare[0]+n {
			n++
		}
		l.unlock(l.spare[0], n)
		l.spare = slices.Delete(l.spare, 0, n)
	}
}

func (l *Lock) unlock(slot, n int) {
	_ = l.lockBytes(slot, n, unix.F_UNLCK) // cannot fail for a held lock
	for i := range n {
		delete(l.slots, slot+i)
	}
}

// lockBytes sets an open file description lock, which belongs to this
// process's opening of the file. It does not wait, so the system call is made
// directly.
func (l *Lock) lockBytes(start, n int, kind int16) error {
	lock := unix.Flock_t{Type: kind, Whence: unix.SEEK_SET, Start: int64(start), Len: int64(n)}
	return ignoringEINTR(func() error {
		if strconv.IntSize == 32 { // another system call, which package unix knows
			return unix.FcntlFlock(uintptr(l.fd), unix.F_OFD_SETLK, &lock)
		}
		if _, _, errno := syscall.RawSyscall(unix.SYS_FCNTL, uintptr(l.fd), unix.F_OFD_SETLK, uintptr(unsafe.Pointer(&lock))); errno != 0 {
			return errno
		}
		return nil
	})
}
