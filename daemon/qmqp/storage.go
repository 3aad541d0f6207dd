package qmqp

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Storage says where message content waits while the envelope is read: in
// memory up to a size, beyond that in a temporary file. The zero value keeps
// everything in memory.
type Storage struct {
	// MemoryPerMessage is how many bytes of one message stay in memory.
	// Zero means all; 16 kB do in any case.
	MemoryPerMessage int
	// Budget, if not nil, bounds what all messages together hold in
	// memory.
	Budget *Budget
	// TempFile creates the file for the rest of a message. The file has no
	// name, or loses it before TempFile returns. It must be set where
	// MemoryPerMessage or Budget is.
	TempFile func() (*os.File, error)
}

// A Budget is an amount of memory that sessions share. It is safe for
// concurrent use.
type Budget struct {
	left atomic.Int64
}

// NewBudget returns a budget of n bytes.
func NewBudget(n int64) *Budget {
	b := new(Budget)
	b.left.Store(n)
	return b
}

func (b *Budget) take(n int) bool {
	if b == nil {
		return true
	}
	if b.left.Add(-int64(n)) < 0 {
		b.left.Add(int64(n))
		return false
	}
	return true
}

func (b *Budget) give(n int) {
	if b != nil {
		b.left.Add(int64(n))
	}
}

// freeMemory is what a message may hold outside the budget, in bytes, as long as it
// holds no more. It is also the size of the buffers that are used again.
const freeMemory = 16 << 10

// content is the content of one message: its head in memory, and the rest, if
// any, in a file.
type content struct {
	storage *Storage
	head    []byte
	taken   int // bytes of head's capacity taken from the budget
	file    *os.File
	chunk   []byte // on its way to the file
	err     error  // why content could not be stored; the rest is dropped

	// The run of > bytes that fromLine saw last; empty at first.
	runStart, runEnd int64
}

var headPool = sync.Pool{New: func() any {
	b := make([]byte, 0, freeMemory)
	return &b
}}

func (st *Storage) newContent() *content {
	return &content{storage: st, runEnd: -1}
}

// chunkSize is how much goes to the file at once, in bytes: file systems take
// large pieces at less cost.
const chunkSize = 128 << 10

var chunkPool = sync.Pool{New: func() any {
	b := make([]byte, 0, chunkSize)
	return &b
}}

// close gives memory and file back. A second call does nothing.
func (c *content) close() {
	if c.file != nil {
		c.file.Close()
	}
	if cap(c.chunk) > 0 {
		chunk := c.chunk[:0]
		chunkPool.Put(&chunk)
	}
	c.storage.Budget.give(c.taken)
	c.taken = 0
	if cap(c.head) == freeMemory {
		head := c.head[:0]
		headPool.Put(&head)
	}
	c.head, c.chunk, c.file = nil, nil, nil
}

// Write implements netstring.Roomy, as Room and Filled do. Like these it fails only
// in c.err: the request is read to its end even if its content cannot be kept.
func (c *content) Write(p []byte) (int, error) {
	n := len(p)
	for c.err == nil && len(p) > 0 {
		room := c.Room()
		m := copy(room, p)
		c.Filled(m)
		p = p[m:]
	}
	return n, nil
}

// Room returns memory for more content: of the head, or of a piece of the file.
// There is none after an error.
func (c *content) Room() []byte {
	if c.err == nil && c.file == nil {
		if c.head == nil { // until now, the client has sent nothing to keep
			c.head = *headPool.Get().(*[]byte)
		}
		if len(c.head) < cap(c.head) || c.grow(len(c.head)+1) {
			return c.head[len(c.head):cap(c.head)]
		}
		if c.file, c.err = c.storage.TempFile(); c.err == nil {
			c.chunk = (*chunkPool.Get().(*[]byte))[:0]
		}
	}
	if c.err != nil {
		return nil
	}
	return c.chunk[len(c.chunk):cap(c.chunk)]
}

// Filled tells that n bytes have been put into what Room returned.
func (c *content) Filled(n int) {
	if c.file == nil {
		c.head = c.head[:len(c.head)+n]
		return
	}
	if c.chunk = c.chunk[:len(c.chunk)+n]; len(c.chunk) == cap(c.chunk) {
		c.flush()
	}
}

// flush writes what has been collected for the file.
func (c *content) flush() {
	if c.err == nil && len(c.chunk) > 0 {
		_, c.err = c.file.Write(c.chunk)
	}
	c.chunk = c.chunk[:0]
}

// complete follows the last byte: now the content can be read.
func (c *content) complete() { c.flush() }

// window returns memory through which a complete file is read.
func (c *content) window() []byte {
	if cap(c.chunk) > 0 {
		return c.chunk[:0]
	}
	return make([]byte, 0, chunkSize)
}

// grow makes room for n bytes in head, if that is within the limits.
func (c *content) grow(n int) bool {
	limit := c.storage.MemoryPerMessage
	if limit > 0 && n > limit {
		return false
	}
	if n <= cap(c.head) {
		return true
	}
	size := max(n, 2*cap(c.head))
	if limit > 0 {
		size = min(size, limit)
	}
	more := size - c.taken
	if !c.storage.Budget.take(more) {
		return false
	}
	c.taken += more
	head := make([]byte, len(c.head), size)
	copy(head, c.head)
	if cap(c.head) == freeMemory {
		old := c.head[:0]
		headPool.Put(&old)
	}
	c.head = head
	return true
}

// ReadAt reads from head and file as if they were one.
func (c *content) ReadAt(p []byte, off int64) (n int, err error) {
	if off < int64(len(c.head)) {
		n = copy(p, c.head[off:])
		p, off = p[n:], off+int64(n)
	}
	if len(p) == 0 {
		return n, nil
	}
	if c.file == nil {
		return n, io.EOF
	}
	m, err := c.file.ReadAt(p, off-int64(len(c.head)))
	return n + m, err
}

// TempFileIn returns a function for Storage.TempFile that creates files
// without a name in dir, so that nothing is left behind by a crash.
func TempFileIn(dir string) func() (*os.File, error) {
	return func() (*os.File, error) {
		f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE|unix.O_CLOEXEC, 0o600)
		if err == nil || !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
			return f, err
		}
		// The file system cannot do it. A name with a dot is one that
		// qmgr(8) does not look at.
		f, err = os.CreateTemp(dir, "content.*")
		if err != nil {
			return nil, err
		}
		if err := os.Remove(f.Name()); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
}
