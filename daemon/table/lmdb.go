package table

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/errno"
)

// LMDB 0.9 files with data version 1, as 64-bit machines write them, in the
// byte order of this machine. Pages 0 and 1 are meta pages,
// of which the one with the larger transaction number counts. A writer adds
// pages and then a meta page, under an exclusive lock, so readers see each
// transaction whole and need not open the file again. Source: LMDB mdb.c,
// struct MDB_page, MDB_meta, MDB_node; Postfix 3.10 dict_lmdb.c.

const (
	lmdbMagic      = 0xBEEFC0DE
	lmdbHeader     = 16
	lmdbTreeHead   = 48
	lmdbMetaSize   = 152
	lmdbMaxDepth   = 32
	lmdbNoRoot     = ^uint64(0)
	lmdbBranch     = 0x01
	lmdbLeaf       = 0x02
	lmdbOverflow   = 0x04
	lmdbMeta       = 0x08
	lmdbNodeHeader = 8

	// Flags of nodes.
	lmdbBigData    = 0x01 // the value is on pages of its own
	lmdbTree       = 0x02 // the value is the head of a tree
	lmdbDuplicates = 0x04 // the values of a key are a page inside the node, or a tree

	lmdbPacked = 0x20 // flag of pages: nothing but keys of one size

	// What tells pages of a tree apart.
	lmdbKinds = lmdbBranch | lmdbLeaf | lmdbPacked

	// Flags of trees: keys compared from their ends, keys that are numbers. Others
	// tell how the values of a key are kept in order.
	lmdbReverse = 0x02
	lmdbNumbers = 0x08
)

type lmdbIndex struct {
	file     *mappedFile
	order    byteOrder
	pageSize int64
	reverse  bool // keys are compared from their ends
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
	// LMDB refuses to look for an empty key, which a pipemap may come to ask for.
	errLMDBKeySize = errors.New("MDB_BAD_VALSIZE: Unsupported size of key/DB name/data, or wrong DUPFIXED size")
)

// errLMDBKeys is for files in which LMDB would look for numbers.
var errLMDBKeys = errors.New("keys are numbers")

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
	if len(f.data) == 0 {
		return nil, errLMDBEmpty
	}
	x := &lmdbIndex{file: f}
	if err := x.readMeta(); err != nil {
		return nil, lmdbError(err, errLMDBInvalid)
	}
	return x, nil
}

// readMeta reads both meta pages and keeps the newer one's contents.
func (x *lmdbIndex) readMeta() error {
	meta, err := x.file.at(0, lmdbMetaSize)
	if err != nil {
		return errLMDBInvalid
	}
	x.order.big = binary.NativeEndian.Uint16([]byte{0, 1}) == 1
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
	flags := x.order.Uint16(meta[92:])
	if flags&lmdbNumbers != 0 {
		return errLMDBKeys
	}
	x.reverse = flags&lmdbReverse != 0
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

// lmdbError has LMDB's words for damage.
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
	if len(key) == 0 {
		return nil, false, errLMDBKeySize
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
		switch flags := x.order.Uint16(x.page[10:]); flags & lmdbKinds {
		case lmdbLeaf:
			return x.leaf(key)
		case lmdbBranch:
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
	// The first node is smaller than every key.
	i, equal, err := x.bisect(key, 1, n)
	if err != nil {
		return 0, err
	}
	if !equal {
		i--
	}
	header, _, _, err := x.node(i)
	if err != nil {
		return 0, err
	}
	return x.childOf(header), nil
}

// childOf is the page that a node of a branch page names.
func (x *lmdbIndex) childOf(header []byte) uint64 {
	lo, hi := x.halves(header)
	return lo | hi<<16 | uint64(x.order.Uint16(header[4:]))<<32
}

// halves returns the low and high 16 bits of a node's number; a big-endian
// machine stores them the other way round.
func (x *lmdbIndex) halves(header []byte) (lo, hi uint64) {
	first, second := uint64(x.order.Uint16(header)), uint64(x.order.Uint16(header[2:]))
	if x.order.big {
		return second, first
	}
	return first, second
}

// compare compares keys as the file has them in order.
func (x *lmdbIndex) compare(a, b []byte) int {
	if !x.reverse {
		return bytes.Compare(a, b)
	}
	for i := 1; i <= min(len(a), len(b)); i++ {
		if order := cmp.Compare(a[len(a)-i], b[len(b)-i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}

func (x *lmdbIndex) leaf(key []byte) ([]byte, bool, error) {
	n, err := x.nodes()
	if err != nil {
		return nil, false, err
	}
	i, found, err := x.bisect(key, 0, n)
	if err != nil || !found {
		return nil, false, err
	}
	header, _, rest, err := x.node(i)
	if err != nil {
		return nil, false, err
	}
	value, err := x.data(header, rest)
	return value, err == nil, err
}

// bisect finds the node of the current page, from first up to n, that has the key,
// or else the first larger one. It looks at the nodes at which the library looks,
// in that order, so on a damaged page it finds what the library finds.
func (x *lmdbIndex) bisect(key []byte, first, n int) (i int, equal bool, err error) {
	low, high := first, n-1
	for low <= high {
		middle := (low + high) / 2
		_, text, _, err := x.node(middle)
		if err != nil {
			return 0, false, err
		}
		switch order := x.compare(key, text); {
		case order < 0:
			high = middle - 1
		case order > 0:
			low = middle + 1
		default:
			return middle, true, nil
		}
	}
	return low, false, nil
}

// data returns the value of a leaf node, or the first one: what follows its key, or
// the pages that it names.
func (x *lmdbIndex) data(header, rest []byte) ([]byte, error) {
	lo, hi := x.halves(header)
	size := int64(lo | hi<<16)
	flags := x.order.Uint16(header[4:])
	if flags == lmdbBigData {
		if len(rest) < 8 {
			return nil, damaged("reference of %d bytes", len(rest))
		}
		return x.bigData(x.order.Uint64(rest), size)
	}
	if size > int64(len(rest)) {
		return nil, damaged("value of %d bytes", size)
	}
	rest = rest[:size]
	switch flags {
	case 0, lmdbTree: // the head of a tree is a value to those who do not know
		return rest, nil
	case lmdbDuplicates:
		x.page = rest
		return x.firstKey()
	case lmdbDuplicates | lmdbTree:
		if size < lmdbTreeHead {
			return nil, damaged("tree of %d bytes", size)
		}
		return x.firstOfTree(x.order.Uint64(rest[40:]))
	}
	return nil, damaged("value with flags %#x", flags)
}

// firstKey returns the first key of the current page, a leaf. Several values of a
// key are kept as keys.
func (x *lmdbIndex) firstKey() ([]byte, error) {
	if len(x.page) < lmdbHeader {
		return nil, damaged("page of %d bytes", len(x.page))
	}
	if x.order.Uint16(x.page[10:])&lmdbPacked != 0 {
		size := int(x.order.Uint16(x.page[8:]))
		if size > len(x.page)-lmdbHeader {
			return nil, damaged("keys of %d bytes", size)
		}
		return x.page[lmdbHeader : lmdbHeader+size], nil
	}
	n, err := x.nodes()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, damaged("leaf without nodes")
	}
	_, key, _, err := x.node(0)
	return key, err
}

// firstOfTree returns the first key of a tree.
func (x *lmdbIndex) firstOfTree(number uint64) ([]byte, error) {
	for depth := 0; depth < lmdbMaxDepth; depth++ {
		if err := x.readPage(number); err != nil {
			return nil, err
		}
		switch flags := x.order.Uint16(x.page[10:]); flags & lmdbKinds {
		case lmdbLeaf, lmdbLeaf | lmdbPacked:
			return x.firstKey()
		case lmdbBranch:
		default:
			return nil, damaged("page %d has flags %#x", number, flags)
		}
		n, err := x.nodes()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, damaged("branch page without nodes")
		}
		header, _, _, err := x.node(0)
		if err != nil {
			return nil, err
		}
		number = x.childOf(header)
	}
	return nil, damaged("tree deeper than %d", lmdbMaxDepth)
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
