package table

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Berkeley DB files, hash and btree, as library version 5.3 writes them. A
// file is a row of pages of one size; page 0 is the meta page. Numbers have
// the byte order of the machine that wrote the file. Page layouts: Berkeley DB
// db_page.h, described in the comments of hash.go and btree.go.

// Page types.
const (
	pageHashUnsorted = 2
	pageBtreeInner   = 3
	pageBtreeLeaf    = 5
	pageOverflow     = 7
	pageHashMeta     = 8
	pageBtreeMeta    = 9
	pageHash         = 13
)

const (
	bdbHashMagic  = 0x00061561
	bdbBtreeMagic = 0x00053162
	bdbMetaSize   = 512 // the smallest page, and all of the meta page that counts
	bdbPageHeader = 26  // LSN, page number, previous, next, entries, free, level, type
)

// bdbFile reads the pages of one Berkeley DB file.
type bdbFile struct {
	file     *pageFile
	order    binary.ByteOrder
	magic    uint32
	metaType byte
	meta     [bdbMetaSize]byte
	pageSize int64
	lastPage uint32
	page     []byte
	overflow []byte
	key      []byte // an off-page key
	value    []byte // an off-page value
}

// openBDB opens a file of the type that the magic number tells.
func openBDB(o *opening, magic uint32, metaType byte, newIndex func(*bdbFile) (index, error)) (Table, error) {
	t, err := openIndexed(o, ".db", flockStyle, func(f *pageFile) (index, error) {
		b := &bdbFile{file: f, magic: magic, metaType: metaType}
		idx, err := b.check(newIndex)
		switch {
		case errors.Is(err, errDamaged):
			// The library's error for all that it does not like.
			return nil, &cannotOpen{"open database " + o.name + ".db: " + Strerror(unix.EINVAL)}
		case err != nil:
			return nil, &cannotOpen{"open database " + o.name + ".db: " + err.Error()}
		}
		return idx, nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (b *bdbFile) check(newIndex func(*bdbFile) (index, error)) (index, error) {
	if err := b.readMeta(); err != nil {
		return nil, err
	}
	size, err := b.file.size()
	if err != nil {
		return nil, err
	}
	if size%b.pageSize != 0 {
		return nil, damaged("size %d is no multiple of the page size", size)
	}
	return newIndex(b)
}

// readMeta reads the meta page. That happens for every lookup, since postmap
// rewrites the file in place.
func (b *bdbFile) readMeta() error {
	if err := b.file.readFull(b.meta[:], 0); err != nil {
		return err
	}
	switch b.magic {
	case binary.LittleEndian.Uint32(b.meta[12:]):
		b.order = binary.LittleEndian
	case binary.BigEndian.Uint32(b.meta[12:]):
		b.order = binary.BigEndian
	default:
		return damaged("magic number")
	}
	version := b.order.Uint32(b.meta[16:])
	if version < 7 || version > 10 || b.magic == bdbBtreeMagic && version < 8 {
		return damaged("version %d", version)
	}
	size := b.order.Uint32(b.meta[20:])
	if size < 512 || size > 65536 || size&(size-1) != 0 {
		return damaged("page size %d", size)
	}
	if b.meta[24] != 0 || b.meta[26]&1 != 0 {
		return damaged("encrypted or with checksums")
	}
	if b.meta[25] != b.metaType {
		return damaged("meta page of type %d", b.meta[25])
	}
	b.lastPage = b.order.Uint32(b.meta[32:])
	if b.pageSize != int64(size) {
		b.pageSize = int64(size)
		b.page = make([]byte, size)
		b.overflow = make([]byte, size)
	}
	return nil
}

// readPage reads page number into buf and checks its header.
func (b *bdbFile) readPage(buf []byte, number uint32) error {
	if number == 0 || number > b.lastPage {
		return damaged("page %d of %d", number, b.lastPage)
	}
	if err := b.file.readFull(buf, int64(number)*b.pageSize); err != nil {
		return err
	}
	if is := b.order.Uint32(buf[8:]); is != number {
		// Hash files have pages that were set aside and never written.
		if is == 0 && b.magic == bdbHashMagic && allZero(buf) {
			return nil
		}
		return damaged("page %d says it is %d", number, is)
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// entries is the number of items on the page, whose offsets follow its header.
func (b *bdbFile) entries() (int, error) {
	n := int(b.order.Uint16(b.page[20:]))
	if bdbPageHeader+2*n > len(b.page) {
		return 0, damaged("%d entries on a page", n)
	}
	return n, nil
}

// offset is where item i of the page starts.
func (b *bdbFile) offset(i int) int {
	return int(b.order.Uint16(b.page[bdbPageHeader+2*i:]))
}

// chain appends the contents of an overflow chain, length bytes in all, to buf.
func (b *bdbFile) chain(buf []byte, number, length uint32) ([]byte, error) {
	if int64(length) > (int64(b.lastPage)+1)*b.pageSize {
		return nil, damaged("item of %d bytes", length)
	}
	for left := int(length); left > 0; {
		if err := b.readPage(b.overflow, number); err != nil {
			return nil, err
		}
		// All pages but the last are full.
		n := min(left, len(b.overflow)-bdbPageHeader)
		if b.overflow[25] != pageOverflow || int(b.order.Uint16(b.overflow[22:])) != n {
			return nil, damaged("overflow page %d", number)
		}
		buf = append(buf, b.overflow[bdbPageHeader:bdbPageHeader+n]...)
		number = b.order.Uint32(b.overflow[16:])
		left -= n
	}
	return buf, nil
}

// compareChain compares key with an off-page key. Of a key that is longer than
// the one asked for, it reads no more than shows the difference.
func (b *bdbFile) compareChain(key []byte, number, length uint32) (int, error) {
	if int64(length) <= int64(len(key))+b.pageSize {
		var err error
		if b.key, err = b.chain(b.key[:0], number, length); err != nil {
			return 0, err
		}
		return bytes.Compare(key, b.key), nil
	}
	for {
		if err := b.readPage(b.overflow, number); err != nil {
			return 0, err
		}
		part := b.overflow[bdbPageHeader:]
		if b.overflow[25] != pageOverflow || int(b.order.Uint16(b.overflow[22:])) != len(part) {
			return 0, damaged("overflow page %d", number)
		}
		n := min(len(key), len(part))
		if order := bytes.Compare(key[:n], part[:n]); order != 0 {
			return order, nil
		}
		if key = key[n:]; len(key) == 0 {
			return -1, nil
		}
		number = b.order.Uint32(b.overflow[16:])
	}
}
