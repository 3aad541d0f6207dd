package table

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/errno"
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
	bdbMetaSize   = 512 // the smallest page; what counts of the meta page is there
	bdbPageHeader = 26  // LSN, page number, previous, next, entries, free, level, type
)

// bdbFile reads the pages of one Berkeley DB file.
type bdbFile struct {
	file     *mappedFile
	order    byteOrder
	magic    uint32
	metaType byte
	meta     []byte
	pageSize int64
	lastPage uint32
	page     []byte // the current one
	value    []byte // an off-page value
}

// openBDB opens a file of the type that the magic number tells.
func openBDB(o *opening, magic uint32, metaType byte, newIndex func(*bdbFile) (index, error)) (Table, error) {
	t, err := openIndexed(o, ".db", flockStyle, func(f *mappedFile) (index, error) {
		b := &bdbFile{file: f, magic: magic, metaType: metaType}
		idx, err := b.check(newIndex)
		if err != nil {
			// The library's error for all that it does not like.
			return nil, &cannotOpen{"open database " + o.name + ".db: " + errno.Text(unix.EINVAL)}
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
	if int64(len(b.file.data))%b.pageSize != 0 {
		return nil, damaged("size %d is no multiple of the page size", len(b.file.data))
	}
	return newIndex(b)
}

// readMeta reads the meta page. That happens for every lookup, since postmap
// rewrites the file in place.
func (b *bdbFile) readMeta() error {
	if err := b.file.reach(bdbMetaSize); err != nil {
		return err
	}
	b.meta = b.file.data[:bdbMetaSize]
	switch b.magic {
	case binary.LittleEndian.Uint32(b.meta[12:]):
		b.order = littleEndian
	case binary.BigEndian.Uint32(b.meta[12:]):
		b.order = bigEndian
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
	b.pageSize, b.lastPage = int64(size), b.order.Uint32(b.meta[32:])
	if end := (int64(b.lastPage) + 1) * b.pageSize; end > int64(len(b.file.data)) {
		if err := b.file.reach(end); err != nil {
			return err
		}
		b.meta = b.file.data[:bdbMetaSize]
	}
	return nil
}

// readPage returns a page after checking its header.
func (b *bdbFile) readPage(number uint32) ([]byte, error) {
	if number == 0 || number > b.lastPage {
		return nil, damaged("page %d of %d", number, b.lastPage)
	}
	page, err := b.file.at(int64(number)*b.pageSize, b.pageSize)
	if err != nil {
		return nil, err
	}
	if is := b.order.Uint32(page[8:]); is != number {
		// Hash files have pages that were set aside and never written.
		if is == 0 && b.magic == bdbHashMagic && allZero(page) {
			return page, nil
		}
		return nil, damaged("page %d says it is %d", number, is)
	}
	return page, nil
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

// overflow returns the data of an overflow page, of which left bytes are still
// wanted, and the number of the next one. All pages but the last are full.
func (b *bdbFile) overflow(number uint32, left int) (data []byte, next uint32, err error) {
	page, err := b.readPage(number)
	if err != nil {
		return nil, 0, err
	}
	n := min(left, len(page)-bdbPageHeader)
	if page[25] != pageOverflow || int(b.order.Uint16(page[22:])) != n {
		return nil, 0, damaged("overflow page %d", number)
	}
	return page[bdbPageHeader : bdbPageHeader+n], b.order.Uint32(page[16:]), nil
}

// chain appends the contents of an overflow chain, length bytes in all, to buf.
func (b *bdbFile) chain(buf []byte, number, length uint32) ([]byte, error) {
	if int64(length) > (int64(b.lastPage)+1)*b.pageSize {
		return nil, damaged("item of %d bytes", length)
	}
	for left := int(length); left > 0; {
		data, next, err := b.overflow(number, left)
		if err != nil {
			return nil, err
		}
		buf = append(buf, data...)
		number, left = next, left-len(data)
	}
	return buf, nil
}

// compareChain compares key with an off-page key. Of a key that is longer than
// the one asked for, it reads no more than shows the difference.
func (b *bdbFile) compareChain(key []byte, number, length uint32) (int, error) {
	if int64(length) > (int64(b.lastPage)+1)*b.pageSize {
		return 0, damaged("key of %d bytes", length)
	}
	for left := int(length); left > 0; {
		data, next, err := b.overflow(number, left)
		if err != nil {
			return 0, err
		}
		n := min(len(key), len(data))
		if order := bytes.Compare(key[:n], data); n < len(data) || order != 0 {
			return order, nil
		}
		key, number, left = key[n:], next, left-len(data)
	}
	return min(len(key), 1), nil
}
