package hostname

import (
	"io"
	"os"
	"sync"
	"time"
)

// lookInterval is how long a file is taken to be unchanged: too short to be
// noticed, and long enough that clients who come together share a look.
const lookInterval = 20 * time.Millisecond

// cached is the parsed content of a file that may change.
type cached[T any] struct {
	path  string
	parse func([]byte) T // of a missing file: nil

	mu     sync.Mutex
	looked time.Time
	known  bool
	found  bool
	info   os.FileInfo // of the file as it was read
	value  T
}

// get returns the value for the present content.
func (c *cached[T]) get() T { v, _ := c.lookup(); return v }

// lookup also tells whether the file can be read.
func (c *cached[T]) lookup() (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.known && now.Sub(c.looked) < lookInterval {
		return c.value, c.found
	}
	c.looked = now
	info, err := os.Stat(c.path)
	if err != nil {
		if !c.known || c.found {
			c.known, c.found, c.info, c.value = true, false, nil, c.parse(nil)
		}
		return c.value, false
	}
	// A file that was just written may change again without a new time.
	settled := time.Since(info.ModTime()) > 2*time.Second
	if c.known && c.found && settled && os.SameFile(info, c.info) && info.Size() == c.info.Size() && info.ModTime().Equal(c.info.ModTime()) {
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
	c.known, c.found, c.info, c.value = true, err == nil, info, c.parse(b)
	return c.value, c.found
}
