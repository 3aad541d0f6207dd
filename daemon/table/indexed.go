package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/errno"
)

// indexedFile is a table in a file that postmap(1) writes: hash, btree, cdb,
// lmdb. After it was opened it needs nothing but its descriptor. The file is
// mapped into memory, and what it says is checked before use; a damaged file
// is an error, and never costs more memory than its own size.
type indexedFile struct {
	typ, name   string
	file        *os.File
	fd          int
	lock        lockStyle
	multiWriter bool // readers see new contents without opening again
	mtime       int64
	source      string // how messages name the file: "FILE.db", "lmdb:NAME"

	// mu makes lookups wait for each other: a lock belongs to the open file,
	// so a reader would end the lock of another one.
	mu     sync.Mutex
	data   *mappedFile
	index  index
	try1   bool   // keys may end in NUL
	try0   bool   // keys may do without
	keyBuf []byte // key and NUL
}

// index finds keys in the file of one format. It is used under a lock.
type index interface {
	// get returns the value of a key; it is valid until the next call.
	get(key []byte) (value []byte, found bool, err error)
}

type lockStyle int

const (
	noLock lockStyle = iota
	flockStyle
	fcntlStyle
)

// errDamaged is the cause of all errors about the contents of a file. Postfix
// sees EINVAL from its database library.
var errDamaged = errors.New("file is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// openIndexed opens path and finishes what all formats have in common. newIndex
// reads the file's header; its error becomes the reason why the table is
// unavailable, so it has Postfix's words.
func openIndexed(o *opening, suffix string, lock lockStyle, newIndex func(*mappedFile) (index, error)) (*indexedFile, error) {
	path := o.name + suffix
	file, err := os.Open(path)
	if err != nil {
		return nil, &cannotOpen{"open database " + path + ": " + errno.Text(err)}
	}
	t := &indexedFile{typ: o.typ, name: path, source: path, file: file, fd: int(file.Fd()), lock: lock, try1: true, try0: true}
	if o.flags&Lock == 0 {
		t.lock = noLock
	}
	if err := t.open(o, path, newIndex); err != nil {
		t.data.unmap()
		file.Close()
		return nil, err
	}
	return t, nil
}

func (t *indexedFile) open(o *opening, path string, newIndex func(*mappedFile) (index, error)) error {
	if t.lock == flockStyle {
		if err := t.acquire(); err != nil {
			return fatalError("shared-lock database "+path+" for open: "+errno.Text(err), err)
		}
		defer t.release()
	}
	var err error
	if t.data, err = mapFile(t.fd); err != nil {
		if o.typ == "cdb" {
			// Its library maps first and looks then.
			problem := err
			switch {
			case errors.Is(err, unix.EISDIR):
				problem = unix.ENODEV
			case errors.Is(err, unix.EINVAL):
				problem = unix.EPROTO
			}
			return fatalError("dict_cdbq_open: unable to init "+path+": "+errno.Text(problem), err)
		}
		return &cannotOpen{"open database " + path + ": " + errno.Text(err)}
	}
	if err := guard(func() (err error) {
		t.index, err = newIndex(t.data)
		return err
	}); err != nil {
		return err
	}
	var info unix.Stat_t
	if err := unix.Fstat(t.fd, &info); err != nil {
		return fatalError("fstat "+path+": "+errno.Text(err), err)
	}
	t.mtime = modified(&info)
	if t.lock == noLock && o.typ != "cdb" {
		return nil
	}
	if source, err := os.Stat(o.name); err == nil {
		if changed := source.ModTime().Unix(); changed > t.mtime && changed < time.Now().Unix()-100 {
			o.log().Warningf("database %s is older than source file %s", path, o.name)
		}
	}
	return nil
}

func (t *indexedFile) Type() string { return t.typ }
func (t *indexedFile) Name() string { return t.name }
func (t *indexedFile) Kind() Kind   { return Fixed }

func (t *indexedFile) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data.unmap()
	return t.file.Close()
}

// Lookup tries the key with a NUL at its end, then without. The first form
// that hits is the one the file was written with, and the only one from then
// on. Source: Postfix 3.10 dict_db.c, dict_db_lookup, and its sisters.
func (t *indexedFile) Lookup(_ context.Context, key string) (string, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.acquire(); err != nil {
		return "", false, t.fatal(t.name+": lock dictionary: "+errno.Text(err), err)
	}
	defer t.release()
	t.keyBuf = append(append(t.keyBuf[:0], key...), 0)
	if t.try1 {
		value, found, err := t.get(t.keyBuf)
		if err != nil || found {
			t.try0 = t.try0 && !found
			return value, found, err
		}
	}
	if t.try0 {
		value, found, err := t.get(t.keyBuf[:len(key)])
		t.try1 = t.try1 && !found
		return value, found, err
	}
	return "", false, nil
}

func (t *indexedFile) get(key []byte) (text string, found bool, err error) {
	err = guard(func() (err error) {
		var value []byte
		value, found, err = t.index.get(key)
		if i := bytes.IndexByte(value, 0); i >= 0 {
			value = value[:i]
		}
		text = string(value)
		return err
	})
	if err != nil {
		return "", false, t.fatal("error reading "+t.source+": "+err.Error(), err)
	}
	return text, found, nil
}

// guard runs read, and turns a panic into an error. The file may be cut short
// under our hands, by a program that does not know of locks: then there is no
// memory behind the mapping, or a number changes after it was checked.
func guard(read func() error) (err error) {
	if !debug.SetPanicOnFault(true) {
		defer debug.SetPanicOnFault(false)
	}
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	return read()
}

func (t *indexedFile) fatal(text string, cause error) error {
	return &Error{Class: Fatal, Type: t.typ, Name: t.name, Text: text, Err: cause}
}

func (t *indexedFile) modifiedAt() int64 { return t.mtime }

// changed follows Postfix 3.10 dict.c, dict_changed_name, for files that were
// opened for reading.
func (t *indexedFile) changed() (bool, error) {
	var info unix.Stat_t
	if err := unix.Fstat(t.fd, &info); err != nil {
		return false, err
	}
	changed := !t.multiWriter && t.mtime > 0 && modified(&info) != t.mtime
	return changed || info.Nlink == 0, nil
}

// modified is the time of the last change, in whole seconds.
func modified(info *unix.Stat_t) int64 {
	seconds, _ := info.Mtim.Unix()
	return seconds
}

// acquire takes the shared lock; it waits for a writer.
func (t *indexedFile) acquire() error {
	switch t.lock {
	case flockStyle:
		if tryFlock(t.fd) {
			return nil
		}
		return ignoringEINTR(func() error { return unix.Flock(t.fd, unix.LOCK_SH) })
	case fcntlStyle:
		if tryFcntl(t.fd) {
			return nil
		}
		return ignoringEINTR(func() error {
			return unix.FcntlFlock(uintptr(t.fd), fcntlWait, &unix.Flock_t{Type: unix.F_RDLCK})
		})
	}
	return nil
}

// release cannot fail on a descriptor that was locked before.
func (t *indexedFile) release() {
	switch t.lock {
	case flockStyle:
		unlockFlock(t.fd)
	case fcntlStyle:
		unlockFcntl(t.fd)
	}
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
