package peer

import (
	"io"
	"os"
	"sync"
	"time"
)

// cached is the parsed content of a file that may change.
type cached[T any] struct {
	path  string
	parse func([]byte) T // of a missing file: nil

	mu    sync.Mutex
	known bool
	found bool
	size  int64
	time  time.Time
	info  os.FileInfo
	value T
}

// get returns the value for the present content.
func (c *cached[T]) get() T { v, _ := c.lookup(); return v }

// lookup also tells whether the file can be read.
func (c *cached[T]) lookup() (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.path)
	if err != nil {
		if !c.known || c.found {
			c.known, c.found, c.info, c.value = true, false, nil, c.parse(nil)
		}
		return c.value, false
	}
	// A file that was just written may change again without a new time.
	fresh := time.Since(info.ModTime()) > 2*time.Second
	if c.known && c.found && fresh && os.SameFile(info, c.info) && info.Size() == c.size && info.ModTime().Equal(c.time) {
		return c.value, true
	}
	f, err := os.Open(c.path)
	if err != nil {
		c.known, c.found, c.info, c.value = true, false, nil, c.parse(nil)
		return c.value, false
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		b = nil
	}
	c.known, c.found, c.info, c.size, c.time = true, err == nil, info, info.Size(), info.ModTime()
	c.value = c.parse(b)
	return c.value, c.found
}
