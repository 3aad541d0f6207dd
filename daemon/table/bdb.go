package table

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/errno"
)

// Berkeley DB files, hash and btree, as library version 5.3 writes them. A
// file is a row of pages of one size; page 0 is the meta page. Numbers have
// the byte order of the machine that wrote the file. Page layouts: Berkeley DB
// db_page.h, described in the comments of hash.go and btree.go.

// Page types.
const (
	pageHashUnsorted = 2
	pageBtreeInner   = 3
	pageRecordInner  = 4
	pageBtreeLeaf    = 5
	pageRecordLeaf   = 6
	pageOverflow     = 7
	pageDuplicates   = 12
	pageHash         = 13
	lastPageType     = 16
)

const (
	bdbHashMagic  = 0x00061561
	bdbBtreeMagic = 0x00053162
	bdbMetaSize   = 512 // the smallest page; what counts of the meta page is there
	bdbPageHeader = 26  // LSN, page number, previous, next, entries, free, level, type
	bdbSumHeader  = 32  // the same, two bytes of nothing, and the page's checksum
	bdbChecksum   = 28
	bdbMetaSum    = 492 // where the meta page has its own
)

// bdbError is an error of the library that is none of the system, so there are no
// words for it.
type bdbError int

const (
	errOldBDB   = bdbError(-30987) // a release before 3.1, which has to be converted
	errPageType = bdbError(-30973) // a first page of a type that there is not
)

func (e bdbError) Error() string { return "Unknown error " + decimal(int(e)) }

// bdbFile reads the pages of one Berkeley DB file.
type bdbFile struct {
	file     *mappedFile
	order    byteOrder
	magic    uint32
	meta     []byte
	pageSize int64
	header   int // of a page
	lastPage uint32
	page     []byte // the current one
	value    []byte // an off-page value
}

// openBDB opens a file of the type that the magic number tells.
func openBDB(o *opening, magic uint32, newIndex func(*bdbFile) (index, error)) (Table, error) {
	t, err := openIndexed(o, ".db", flockStyle, func(f *mappedFile) (index, error) {
		b := &bdbFile{file: f, magic: magic}
		idx, err := b.check(newIndex)
		if err != nil {
			reason := errno.Text(unix.EINVAL) // for all that the library does not like
			if _, ok := err.(bdbError); ok {
				reason = err.Error()
			}
			return nil, &cannotOpen{"open database " + o.name + ".db: " + reason}
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
	b.header = bdbPageHeader
	if b.meta[26]&1 != 0 {
		b.header = bdbSumHeader
		if b.order.Uint32(b.meta[bdbMetaSum:]) != pageSum(b.meta, bdbMetaSum) {
			return damaged("checksum of the meta page")
		}
	}
	oldest, upgradable := uint32(7), uint32(4)
	if b.magic == bdbBtreeMagic {
		oldest, upgradable = 8, 6
	}
	switch version := b.order.Uint32(b.meta[16:]); {
	case version >= upgradable && version < oldest:
		return errOldBDB
	case version < oldest || version > 9:
		return damaged("version %d", version)
	}
	size := b.order.Uint32(b.meta[20:])
	if size < 512 || size > 65536 || size&(size-1) != 0 {
		return damaged("page size %d", size)
	}
	if b.meta[24] != 0 {
		return damaged("encrypted")
	}
	// The magic number decides, not the type; a hash file's must be one that there
	// is, and not that of a page of keys or of an unused one.
	if is := b.meta[25]; b.magic == bdbHashMagic {
		switch {
		case is == 1 || is > lastPageType:
			return errPageType
		case is == 0 || is == pageHash || is == pageHashUnsorted:
			return damaged("first page of type %d", is)
		}
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
	if b.header == bdbSumHeader && b.order.Uint32(page[bdbChecksum:]) != pageSum(page, bdbChecksum) {
		return nil, damaged("checksum of page %d", number)
	}
	return page, nil
}

// pageSum is the checksum of a page, in which the checksum itself, four bytes at
// the place given, counts as zero.
func pageSum(page []byte, at int) uint32 {
	h := uint32(0)
	for i, c := range page {
		if i >= at && i < at+4 {
			c = 0
		}
		h = h*33 + uint32(c)
	}
	return h
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
	if b.header+2*n > len(b.page) {
		return 0, damaged("%d entries on a page", n)
	}
	return n, nil
}

// offset is where item i of the page starts.
func (b *bdbFile) offset(i int) int {
	return int(b.order.Uint16(b.page[b.header+2*i:]))
}

// overflow returns the data of an overflow page, of which left bytes are still
// wanted, and the number of the next one. All pages but the last are full.
func (b *bdbFile) overflow(number uint32, left int) (data []byte, next uint32, err error) {
	page, err := b.readPage(number)
	if err != nil {
		return nil, 0, err
	}
	n := min(left, len(page)-b.header)
	if page[25] != pageOverflow || int(b.order.Uint16(page[22:])) != n {
		return nil, 0, damaged("overflow page %d", number)
	}
	return page[b.header : b.header+n], b.order.Uint32(page[16:]), nil
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

// bytesAt returns n bytes of the current page.
func (b *bdbFile) bytesAt(offset, n int) ([]byte, error) {
	if offset < b.header || n > len(b.page)-offset {
		return nil, damaged("%d bytes at %d of a page", n, offset)
	}
	return b.page[offset : offset+n], nil
}

// bdbItem is an item of a leaf: bytes, or a reference to pages.
type bdbItem struct {
	kind         byte
	deleted      bool
	bytes        []byte
	page, length uint32
}

// Item types of leaves; the high bit marks a deleted item.
const (
	leafPlain      = 1
	leafDuplicates = 2
	leafOffPage    = 3
	leafDeleted    = 0x80
)

// leafItem returns item i of the current page, a leaf. An item is its length,
// type and contents, or a reference.
func (b *bdbFile) leafItem(i int) (bdbItem, error) {
	offset := b.offset(i)
	head, err := b.bytesAt(offset, 3)
	if err != nil {
		return bdbItem{}, err
	}
	item := bdbItem{kind: head[2] &^ leafDeleted, deleted: head[2]&leafDeleted != 0}
	switch item.kind {
	case leafPlain:
		item.bytes, err = b.bytesAt(offset+3, int(b.order.Uint16(head)))
	case leafOffPage, leafDuplicates:
		var reference []byte
		if reference, err = b.bytesAt(offset, 12); err == nil {
			item.page, item.length = b.order.Uint32(reference[4:]), b.order.Uint32(reference[8:])
		}
	default:
		err = damaged("item of type %d", item.kind)
	}
	return item, err
}

// contents returns what an item holds. Of values of one key that have a tree of
// their own that is the first.
func (b *bdbFile) contents(item bdbItem) (value []byte, err error) {
	switch item.kind {
	case leafPlain:
		return item.bytes, nil
	case leafOffPage:
		b.value, err = b.chain(b.value[:0], item.page, item.length)
		return b.value, err
	}
	return b.firstDuplicate(item.page)
}

// firstDuplicate goes down the left side of a tree of values, sorted or not.
func (b *bdbFile) firstDuplicate(number uint32) ([]byte, error) {
	for level := 256; ; {
		page, err := b.readPage(number)
		if err != nil {
			return nil, err
		}
		b.page = page
		// Every step goes down, so the walk ends.
		is := int(page[24])
		if is >= level || is < leafLevel {
			return nil, damaged("page %d has level %d below %d", number, is, level)
		}
		level = is
		n, err := b.entries()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, damaged("page %d of values is empty", number)
		}
		child := 4 // where an inner item has the page
		switch page[25] {
		case pageDuplicates, pageRecordLeaf:
			item, err := b.leafItem(0)
			switch {
			case err == nil && item.kind == leafDuplicates:
				err = damaged("values of a value")
			case err == nil && item.deleted:
				// Nobody but a program that was killed leaves one.
				err = damaged("the first value is deleted")
			}
			if err != nil {
				return nil, err
			}
			return b.contents(item)
		case pageBtreeInner:
		case pageRecordInner:
			child = 0
		default:
			return nil, damaged("page %d of values has type %d", number, page[25])
		}
		item, err := b.bytesAt(b.offset(0), 8)
		if err != nil {
			return nil, err
		}
		number = b.order.Uint32(item[child:])
	}
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
