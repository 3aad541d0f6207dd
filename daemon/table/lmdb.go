package table

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/errno"
)

// LMDB 0.9 files with data version 1, as 64-bit machines write them, in the
// byte order of this machine or the other one. Pages 0 and 1 are meta pages,
// of which the one with the larger transaction number counts. A writer adds
// pages and then a meta page, under an exclusive lock, so readers see each
// transaction whole and need not open the file again. Source: LMDB mdb.c,
// struct MDB_page, MDB_meta, MDB_node; Postfix 3.10 dict_lmdb.c.

const (
	lmdbMagic      = 0xBEEFC0DE
	lmdbHeader     = 16
	lmdbMetaSize   = 152
	lmdbMaxDepth   = 32
	lmdbNoRoot     = ^uint64(0)
	lmdbBranch     = 0x01
	lmdbLeaf       = 0x02
	lmdbOverflow   = 0x04
	lmdbMeta       = 0x08
	lmdbBigData    = 0x01
	lmdbNodeHeader = 8
)

type lmdbIndex struct {
	file     *mappedFile
	order    byteOrder
	pageSize int64
	root     uint64
	lastPage uint64
	page     []byte // the current one
}

// These have mdb_strerror(3)'s texts for what is not such a file.
var (
	errLMDBInvalid   = errors.New("MDB_INVALID: File is not an LMDB file")
	errLMDBVersion   = errors.New("MDB_VERSION_MISMATCH: Database environment version mismatch")
	errLMDBCorrupted = errors.New("MDB_CORRUPTED: Located page was wrong type")
	errLMDBEmpty     = errors.New(errno.Text(unix.EBADF))
)

func openLMDB(o *opening) (Table, error) {
	t, err := openIndexed(o, ".lmdb", fcntlStyle, func(f *mappedFile) (index, error) {
		x, err := newLMDBIndex(f)
		if err != nil {
			return nil, &cannotOpen{"open database " + o.name + ".lmdb: " + err.Error()}
		}
		return x, nil
	})
	if err != nil {
		return nil, err
	}
	t.name, t.source, t.multiWriter = o.name, "lmdb:"+o.name, true
	if log := o.trace(); log != nil {
		log.Infof("database lmdb:%s: using size limit %d during open", o.name, lmdbLimit(o.set.opt.LMDBMapSize, int64(len(t.data.data))))
	}
	return t, nil
}

// lmdbLimit is the room in memory that Postfix would give a file: the map size,
// or more where the file leaves no room for a transaction. Source: Postfix 3.10
// slmdb.c, slmdb_open.
func lmdbLimit(mapSize, fileSize int64) int64 {
	const transaction = 10240
	if mapSize = max(mapSize, transaction); fileSize > mapSize-transaction {
		return fileSize + transaction
	}
	return mapSize
}

func newLMDBIndex(f *mappedFile) (index, error) {
	x := &lmdbIndex{file: f}
	if err := x.check(); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *lmdbIndex) check() error {
	if len(x.file.data) == 0 {
		return errLMDBEmpty
	}
	return lmdbError(x.readMeta(), errLMDBInvalid)
}

// readMeta reads both meta pages and keeps the newer one's contents.
func (x *lmdbIndex) readMeta() error {
	meta, err := x.file.at(0, lmdbMetaSize)
	if err != nil {
		return errLMDBInvalid
	}
	switch uint32(lmdbMagic) {
	case binary.LittleEndian.Uint32(meta[16:]):
		x.order = littleEndian
	case binary.BigEndian.Uint32(meta[16:]):
		x.order = bigEndian
	default:
		return errLMDBInvalid
	}
	if err := x.checkMeta(meta); err != nil {
		return err
	}
	size := int64(x.order.Uint32(meta[40:]))
	if size < 512 || size > 65536 || size&(size-1) != 0 {
		return errLMDBInvalid
	}
	other, err := x.file.at(size, lmdbMetaSize)
	if err != nil {
		return errLMDBInvalid
	}
	if err := x.checkMeta(other); err != nil {
		return err
	}
	if x.order.Uint64(other[144:]) > x.order.Uint64(meta[144:]) {
		meta = other
	}
	x.pageSize, x.root, x.lastPage = size, x.order.Uint64(meta[128:]), x.order.Uint64(meta[136:])
	if x.lastPage > 1<<47/uint64(size) {
		return damaged("last page %d", x.lastPage)
	}
	// A transaction may have added pages.
	return x.file.reach((int64(x.lastPage) + 1) * size)
}

func (x *lmdbIndex) checkMeta(meta []byte) error {
	if x.order.Uint16(meta[10:])&lmdbMeta == 0 || x.order.Uint32(meta[16:]) != lmdbMagic {
		return errLMDBInvalid
	}
	if x.order.Uint32(meta[20:]) != 1 {
		return errLMDBVersion
	}
	return nil
}

func lmdbError(err, instead error) error {
	if errors.Is(err, errDamaged) {
		return instead
	}
	return err
}

func (x *lmdbIndex) get(key []byte) ([]byte, bool, error) {
	if err := x.readMeta(); err != nil {
		return nil, false, lmdbError(err, errLMDBCorrupted)
	}
	value, found, err := x.search(key)
	return value, found, lmdbError(err, errLMDBCorrupted)
}

func (x *lmdbIndex) search(key []byte) ([]byte, bool, error) {
	if x.root == lmdbNoRoot {
		return nil, false, nil
	}
	number := x.root
	for depth := 0; depth < lmdbMaxDepth; depth++ {
		if err := x.readPage(number); err != nil {
			return nil, false, err
		}
		switch flags := x.order.Uint16(x.page[10:]); {
		case flags&lmdbLeaf != 0:
			return x.leaf(key)
		case flags&lmdbBranch != 0:
			var err error
			if number, err = x.child(key); err != nil {
				return nil, false, err
			}
		default:
			return nil, false, damaged("page %d has flags %#x", number, flags)
		}
	}
	return nil, false, damaged("tree deeper than %d", lmdbMaxDepth)
}

func (x *lmdbIndex) readPage(number uint64) error {
	if number < 2 || number > x.lastPage {
		return damaged("page %d of %d", number, x.lastPage)
	}
	page, err := x.file.at(int64(number)*x.pageSize, x.pageSize)
	if err != nil {
		return err
	}
	if is := x.order.Uint64(page); is != number {
		return damaged("page %d says it is %d", number, is)
	}
	x.page = page
	return nil
}

// nodes is the number of nodes on the current page.
func (x *lmdbIndex) nodes() (int, error) {
	lower := int(x.order.Uint16(x.page[12:]))
	if lower < lmdbHeader || lower > len(x.page) {
		return 0, damaged("page with %d bytes of offsets", lower)
	}
	return (lower - lmdbHeader) / 2, nil
}

// node returns the header of node i, its key, and what follows on the page.
func (x *lmdbIndex) node(i int) (header, key, rest []byte, err error) {
	offset := int(x.order.Uint16(x.page[lmdbHeader+2*i:]))
	if offset < lmdbHeader || offset+lmdbNodeHeader > len(x.page) {
		return nil, nil, nil, damaged("node at %d", offset)
	}
	node := x.page[offset:]
	n := int(x.order.Uint16(node[6:]))
	if lmdbNodeHeader+n > len(node) {
		return nil, nil, nil, damaged("key of %d bytes at %d", n, offset)
	}
	return node[:lmdbNodeHeader], node[lmdbNodeHeader : lmdbNodeHeader+n], node[lmdbNodeHeader+n:], nil
}

func (x *lmdbIndex) child(key []byte) (uint64, error) {
	n, err := x.nodes()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, damaged("branch page without nodes")
	}
	low, high := 0, n
	for high-low > 1 {
		middle := (low + high) / 2
		_, text, _, err := x.node(middle)
		if err != nil {
			return 0, err
		}
		if bytes.Compare(key, text) < 0 {
			high = middle
		} else {
			low = middle
		}
	}
	header, _, _, err := x.node(low)
	if err != nil {
		return 0, err
	}
	lo, hi := x.halves(header)
	return lo | hi<<16 | uint64(x.order.Uint16(header[4:]))<<32, nil
}

// halves returns the low and high 16 bits of a node's number; a big-endian
// writer stores them the other way round.
func (x *lmdbIndex) halves(header []byte) (lo, hi uint64) {
	first, second := uint64(x.order.Uint16(header)), uint64(x.order.Uint16(header[2:]))
	if x.order.big {
		return second, first
	}
	return first, second
}

func (x *lmdbIndex) leaf(key []byte) ([]byte, bool, error) {
	n, err := x.nodes()
	if err != nil {
		return nil, false, err
	}
	low, high := 0, n
	for low < high {
		middle := (low + high) / 2
		header, text, rest, err := x.node(middle)
		if err != nil {
			return nil, false, err
		}
		switch order := bytes.Compare(key, text); {
		case order < 0:
			high = middle
		case order > 0:
			low = middle + 1
		default:
			value, err := x.data(header, rest)
			return value, err == nil, err
		}
	}
	return nil, false, nil
}

// data returns the value of a leaf node: what follows its key, or the pages
// that it names.
func (x *lmdbIndex) data(header, rest []byte) ([]byte, error) {
	lo, hi := x.halves(header)
	size := int64(lo | hi<<16)
	switch flags := x.order.Uint16(header[4:]); flags {
	case 0:
		if size > int64(len(rest)) {
			return nil, damaged("value of %d bytes", size)
		}
		return rest[:size], nil
	case lmdbBigData:
		if len(rest) < 8 {
			return nil, damaged("reference of %d bytes", len(rest))
		}
		return x.bigData(x.order.Uint64(rest), size)
	default:
		return nil, damaged("value with flags %#x", flags)
	}
}

func (x *lmdbIndex) bigData(number uint64, size int64) ([]byte, error) {
	if err := x.readPage(number); err != nil {
		return nil, err
	}
	pages := int64(x.order.Uint32(x.page[12:]))
	if x.order.Uint16(x.page[10:])&lmdbOverflow == 0 || size > pages*x.pageSize-lmdbHeader {
		return nil, damaged("overflow page %d", number)
	}
	return x.file.at(int64(number)*x.pageSize+lmdbHeader, size)
}
