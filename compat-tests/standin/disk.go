package standin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Disk is a disk with a volatile cache that remembers in which order it was
// written and flushed, so that a power cut at any moment can be played
// afterwards.
//
// It is a file in a file system of its own (FUSE, linux/fuse.h); a loop device
// on that file makes a disk of it. What the kernel sends to the disk arrives
// here as a write, and a flush of the disk's cache as an fsync. The protocol is
// spoken by hand, since it counts which writes were answered when a flush came.
type Disk struct {
	// Path is the file that is the disk.
	Path string

	dev     int // /dev/fuse
	closing atomic.Bool
	end     chan struct{}

	mu   sync.Mutex
	now  []byte         // what the disk says when it is read
	fail func() bool    // which writes fail; nil: none
	base map[int][]byte // what it said when the record began, without empty blocks; nil before
	log  []diskEvent

	// Requests are read by one goroutine and answered by another, as a disk
	// takes orders while it works.
	requests chan fuseRequest
	answered atomic.Int64 // writes since the record began
}

// diskBlock is the piece that a power cut does not tear: what disks of today
// write at once.
const diskBlock = 4096

// diskEvent is a write, or the end of a flush.
type diskEvent struct {
	offset int64
	data   []byte
	flush  bool
	// covers is, of a flush, how many of the record's writes had been answered
	// when it was asked for. A disk owes no more.
	covers int64
}

type fuseRequest struct {
	opcode  uint32
	unique  uint64
	node    uint64
	body    []byte
	written int64 // how many writes had been answered when this came
}

const (
	fuseRoot, fuseFile = 1, 2 // node ids
	fuseName           = "disk"
	fuseMaxWrite       = 128 << 10

	// Operations. All others are refused with ENOSYS, and not asked for again.
	fuseLookup  = 1
	fuseForget  = 2
	fuseGetattr = 3
	fuseOpen    = 14
	fuseRead    = 15
	fuseWrite   = 16
	fuseStatfs  = 17
	fuseRelease = 18
	fuseFsync   = 20
	fuseFlush   = 25
	fuseInit    = 26
	fuseDestroy = 38
	fuseForgets = 42
)

// NewDisk makes a disk that says what the file image says. The error is that of a
// machine without FUSE, or without the right to mount it. The disk is there until
// the test ends; what was mounted from it must be gone by then.
func NewDisk(t testing.TB, image string) (*Disk, error) {
	t.Helper()
	content, err := readSparse(image)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/fuse: %w", err)
	}
	options := "fd=" + strconv.Itoa(dev) + ",rootmode=40000,user_id=0,group_id=0"
	if err := unix.Mount("standin-disk", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		unix.Close(dev)
		return nil, fmt.Errorf("mount FUSE: %w", err)
	}
	d := &Disk{
		Path:     filepath.Join(dir, fuseName),
		dev:      dev,
		end:      make(chan struct{}),
		now:      content,
		requests: make(chan fuseRequest, 1024),
	}
	go d.read()
	go d.answer()
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount the disk: %v", err)
		}
		// It may be mounted still in the name space of another test.
		d.closing.Store(true)
		<-d.end
		unix.Close(dev)
	})
	if err := d.refusePoll(); err != nil {
		t.Fatal(err)
	}
	return d, nil
}

// refusePoll has the kernel ask once whether the file is ready, and never again. Go's
// runtime asks that of each file that it opens, in a system call that holds up a
// garbage collection; and while one waits, nobody here answers the kernel.
func (d *Disk) refusePoll() error {
	fd, err := unix.Open(d.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return err
}

// readSparse reads a file and touches no memory for its holes.
func readSparse(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	content := make([]byte, info.Size())
	block := make([]byte, 64<<10)
	for at := 0; at < len(content); at += len(block) {
		n, err := io.ReadFull(f, block)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		if !empty(block[:n]) {
			copy(content[at:], block[:n])
		}
	}
	return content, nil
}

func empty(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// Record begins the record. Nothing may be under way to the disk.
func (d *Disk) Record() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.base = make(map[int][]byte)
	for at := 0; at < len(d.now); at += diskBlock {
		if b := d.now[at:min(at+diskBlock, len(d.now))]; !empty(b) {
			d.base[at] = bytes.Clone(b)
		}
	}
	d.log = nil
	d.answered.Store(0)
}

// FailWrites lets one of so many writes fail with EIO from now on; 0 lets none.
//
// The loop device takes a write for whole of which a part failed, so only the
// first part of one fails, and with it all of it.
func (d *Disk) FailWrites(oneIn int, random *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = nil
	if oneIn > 0 {
		d.fail = func() bool { return random.IntN(oneIn) == 0 }
	}
}

// continues tells whether a write may be the next part of one that was recorded.
func (d *Disk) continues(offset int64) bool {
	for _, e := range d.log[max(0, len(d.log)-64):] {
		if !e.flush && e.offset+int64(len(e.data)) == offset {
			return true
		}
	}
	return false
}

// Position is how many events the record has.
func (d *Disk) Position() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// Cut writes to the file image what the disk says when the power fails after
// the record's first n events: all that was flushed by then, and of the rest
// what random leaves, block by block.
func (d *Disk) Cut(n int, random *rand.Rand, image string) error {
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	defer f.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.Truncate(int64(len(d.now))); err != nil {
		return err
	}
	for at, b := range d.base {
		if _, err := f.WriteAt(b, int64(at)); err != nil {
			return err
		}
	}
	var owed, writes int64
	for _, e := range d.log[:n] {
		if e.flush {
			owed = max(owed, e.covers)
		}
	}
	loss := random.Float64() // some cuts lose nearly all, some hardly anything
	for _, e := range d.log[:n] {
		if e.flush {
			continue
		}
		writes++
		for at := 0; at < len(e.data); at += diskBlock {
			if writes > owed && random.Float64() < loss {
				continue
			}
			if _, err := f.WriteAt(e.data[at:min(at+diskBlock, len(e.data))], e.offset+int64(at)); err != nil {
				return err
			}
		}
	}
	return f.Close()
}

// read takes requests from the kernel as soon as they are there.
func (d *Disk) read() {
	defer close(d.requests)
	buf := make([]byte, fuseMaxWrite+4096)
	ready := []unix.PollFd{{Fd: int32(d.dev), Events: unix.POLLIN}}
	for !d.closing.Load() {
		n, err := unix.Read(d.dev, buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			_, _ = unix.Poll(ready, 50)
			continue
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOENT): // ENOENT: taken back
			continue
		case err != nil: // ENODEV: it is no longer mounted
			return
		}
		le := binary.LittleEndian
		d.requests <- fuseRequest{
			opcode:  le.Uint32(buf[4:]),
			unique:  le.Uint64(buf[8:]),
			node:    le.Uint64(buf[16:]),
			body:    bytes.Clone(buf[40:n]),
			written: d.answered.Load(),
		}
	}
}

func (d *Disk) answer() {
	defer close(d.end)
	for r := range d.requests {
		body, errno := d.serve(r)
		if r.opcode == fuseForget || r.opcode == fuseForgets {
			continue // wants no answer
		}
		le := binary.LittleEndian
		out := le.AppendUint32(nil, uint32(16+len(body)))
		out = le.AppendUint32(out, uint32(-int32(errno)))
		out = le.AppendUint64(out, r.unique)
		if r.opcode == fuseWrite && errno == 0 {
			d.answered.Add(1)
		}
		_, _ = unix.Write(d.dev, append(out, body...))
	}
}

func (d *Disk) serve(r fuseRequest) ([]byte, unix.Errno) {
	le := binary.LittleEndian
	switch r.opcode {
	case fuseInit:
		out := le.AppendUint32(le.AppendUint32(nil, 7), 31)          // version
		out = append(out, r.body[8:12]...)                           // max_readahead: as asked for
		out = le.AppendUint32(out, 1<<5)                             // FUSE_BIG_WRITES
		out = le.AppendUint16(le.AppendUint16(out, 64), 48)          // max_background, congestion_threshold
		out = le.AppendUint32(le.AppendUint32(out, fuseMaxWrite), 1) // max_write, time_gran
		return append(out, make([]byte, 64-len(out))...), 0
	case fuseLookup:
		if r.node != fuseRoot || string(r.body) != fuseName+"\x00" {
			return nil, unix.ENOENT
		}
		out := le.AppendUint64(nil, fuseFile)
		out = append(out, make([]byte, 32)...) // generation, and how long this holds: ask again
		return d.attributes(out, fuseFile), 0
	case fuseGetattr:
		return d.attributes(make([]byte, 16), r.node), 0
	case fuseOpen:
		return make([]byte, 16), 0
	case fuseRead:
		d.mu.Lock()
		defer d.mu.Unlock()
		size := uint64(len(d.now))
		from := min(le.Uint64(r.body[8:]), size)
		return bytes.Clone(d.now[from:min(from+uint64(le.Uint32(r.body[16:])), size)]), 0
	case fuseWrite:
		return d.write(int64(le.Uint64(r.body[8:])), r.body[40:])
	case fuseFsync:
		// Time for others to write what this does not cover.
		time.Sleep(100 * time.Microsecond)
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.base != nil {
			d.log = append(d.log, diskEvent{flush: true, covers: r.written})
		}
		return nil, 0
	case fuseStatfs:
		out := make([]byte, 80)
		le.PutUint32(out[40:], diskBlock)
		le.PutUint32(out[44:], 255) // longest name
		le.PutUint32(out[48:], diskBlock)
		return out, 0
	case fuseRelease, fuseFlush, fuseDestroy, fuseForget, fuseForgets:
		return nil, 0
	}
	return nil, unix.ENOSYS
}

func (d *Disk) write(offset int64, data []byte) ([]byte, unix.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if offset < 0 || offset+int64(len(data)) > int64(len(d.now)) {
		return nil, unix.ENOSPC
	}
	if d.fail != nil && !d.continues(offset) && d.fail() {
		return nil, unix.EIO
	}
	copy(d.now[offset:], data)
	if d.base != nil {
		d.log = append(d.log, diskEvent{offset: offset, data: data})
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(len(data))), 0
}

// attributes appends a struct fuse_attr.
func (d *Disk) attributes(out []byte, node uint64) []byte {
	attr := make([]byte, 88)
	le := binary.LittleEndian
	le.PutUint64(attr, node)
	mode := uint32(unix.S_IFDIR | 0o755)
	if node == fuseFile {
		mode = unix.S_IFREG | 0o600
		le.PutUint64(attr[8:], uint64(len(d.now)))
		le.PutUint64(attr[16:], uint64(len(d.now)/512))
	}
	le.PutUint32(attr[60:], mode)
	le.PutUint32(attr[64:], 1) // links
	le.PutUint32(attr[80:], diskBlock)
	return append(out, attr...)
}
