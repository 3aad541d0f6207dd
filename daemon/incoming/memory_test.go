package incoming

import (
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/daemon/spool"
)

// memory is a file system in memory: enough of one for a queue.
type memory struct {
	mu     sync.Mutex
	files  map[string]*memoryFile
	inodes uint64
	fail   map[string]error // by operation
}

type memoryFile struct {
	fs    *memory
	inode uint64
	mode  fs.FileMode
	data  []byte
}

func newMemory() *memory {
	return &memory{files: make(map[string]*memoryFile), inodes: 0xCC9DE, fail: make(map[string]error)}
}

func (m *memory) lock() (unlock func()) {
	m.mu.Lock()
	return m.mu.Unlock
}

func (m *memory) Create(name string, mode fs.FileMode) (spool.Handle, error) {
	defer m.lock()()
	if err := m.fail["create"]; err != nil {
		return nil, err
	}
	if m.files[name] != nil {
		return nil, syscall.EEXIST
	}
	m.inodes++
	f := &memoryFile{fs: m, inode: m.inodes, mode: mode}
	m.files[name] = f
	return f, nil
}

func (m *memory) CreateUnnamed(string, fs.FileMode) (spool.Handle, error) {
	return nil, syscall.EOPNOTSUPP
}

func (m *memory) Rename(old, new string) error {
	defer m.lock()()
	m.files[new] = m.files[old]
	delete(m.files, old)
	return nil
}

func (m *memory) Remove(name string) error {
	defer m.lock()()
	if m.files[name] == nil {
		return syscall.ENOENT
	}
	delete(m.files, name)
	return nil
}

func (m *memory) Mkdir(string, fs.FileMode) error { return nil }
func (m *memory) RemoveDir(string) error          { return nil }
func (m *memory) Chown(string, int, int) error    { return nil }
func (m *memory) SetTime(string, time.Time) error { return nil }
func (m *memory) List(string) ([]string, error)   { return nil, nil }
func (m *memory) SyncDir(string) error            { return nil }
func (m *memory) CanSyncAll() bool                { return false }
func (m *memory) CanCreateUnnamed(string) bool    { return false }
func (m *memory) SyncAll() error                  { return nil }
func (m *memory) Close() error                    { return nil }
func (m *memory) Stat(name string) (spool.Info, error) {
	defer m.lock()()
	if f := m.files[name]; f != nil {
		return f.info(), nil
	}
	if name == spool.QueueIncoming {
		return spool.Info{Mode: fs.ModeDir | 0o700}, nil
	}
	return spool.Info{}, syscall.ENOENT
}

func (f *memoryFile) info() spool.Info {
	return spool.Info{Inode: f.inode, Mode: f.mode, Size: int64(len(f.data)), ModTime: now()}
}

func (f *memoryFile) Write(p []byte) (int, error) {
	if err := f.fs.fail["write"]; err != nil {
		return 0, err
	}
	f.data = append(f.data, p...)
	return len(p), nil
}
func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) { return copy(f.data[off:], p), nil }
func (f *memoryFile) Link(string) error                        { return syscall.ENOENT }
func (f *memoryFile) Stat() (spool.Info, error)                { return f.info(), nil }
func (f *memoryFile) Chmod(mode fs.FileMode) error             { f.mode = mode; return nil }
func (f *memoryFile) Chown(int, int) error                     { return nil }
func (f *memoryFile) Sync() error                              { return f.fs.fail["sync"] }
func (f *memoryFile) Close() error                             { return nil }
