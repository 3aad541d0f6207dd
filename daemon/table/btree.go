package table

import "bytes"

// btreeIndex is a Berkeley DB B+tree. Inner pages have items of key length,
// type, child page and key; leaves have pairs of items, length, type and
// contents. Keys are compared byte by byte, a shorter one first.
type btreeIndex struct{ *bdbFile }

const leafLevel = 1

// Flags of the meta page: keys are numbers, or compressed.
const btreeOtherKeys = 0x02 | 0x80

func openBtree(o *opening) (Table, error) {
	return openBDB(o, bdbBtreeMagic, newBtreeIndex)
}

func newBtreeIndex(b *bdbFile) (index, error) {
	if flags := b.order.Uint32(b.meta[48:]); flags&btreeOtherKeys != 0 {
		return nil, damaged("flags %#x", flags)
	}
	return &btreeIndex{b}, nil
}

func (x *btreeIndex) get(key []byte) ([]byte, bool, error) {
	if err := x.readMeta(); err != nil {
		return nil, false, err
	}
	number := x.order.Uint32(x.meta[88:])
	for level := 256; ; {
		page, err := x.readPage(number)
		if err != nil {
			return nil, false, err
		}
		x.page = page
		// Every step goes one level down, so the walk ends.
		is := int(x.page[24])
		if level < 256 && is != level-1 || is < leafLevel {
			return nil, false, damaged("page %d has level %d below %d", number, is, level)
		}
		level = is
		switch x.page[25] {
		case pageBtreeLeaf:
			if level != leafLevel {
				return nil, false, damaged("leaf %d at level %d", number, level)
			}
			return x.leaf(key)
		case pageBtreeInner:
			if number, err = x.child(key); err != nil {
				return nil, false, err
			}
		default:
			return nil, false, damaged("page %d has type %d", number, x.page[25])
		}
	}
}

// child returns the page below an inner page that would have the key.
func (x *btreeIndex) child(key []byte) (uint32, error) {
	n, err := x.entries()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, damaged("inner page without entries")
	}
	// The last entry whose key is not larger; the first one is smaller than
	// every key.
	i, equal, err := bisect(n, func(i int) (int, error) {
		if i == 0 {
			return 1, nil
		}
		return x.compareInner(key, i)
	})
	if err != nil {
		return 0, err
	}
	if !equal {
		i--
	}
	item, err := x.bytesAt(x.offset(i), 12)
	if err != nil {
		return 0, err
	}
	return x.order.Uint32(item[4:]), nil
}

// bisect finds the entry of n that is equal, or else the first larger one: compare
// says how the key stands to an entry. It looks at the entries at which the library
// looks, in that order, so on a damaged page, where they may be out of order, it
// finds what the library finds.
func bisect(n int, compare func(i int) (int, error)) (i int, equal bool, err error) {
	first := 0
	for left := n; left > 0; left /= 2 {
		i := first + left/2
		order, err := compare(i)
		if err != nil || order == 0 {
			return i, err == nil, err
		}
		if order > 0 {
			first = i + 1
			left--
		}
	}
	return first, false, nil
}

func (x *btreeIndex) compareInner(key []byte, i int) (int, error) {
	offset := x.offset(i)
	item, err := x.bytesAt(offset, 12)
	if err != nil {
		return 0, err
	}
	switch item[2] &^ leafDeleted {
	case leafPlain:
		text, err := x.bytesAt(offset+12, int(x.order.Uint16(item)))
		return bytes.Compare(key, text), err
	case leafOffPage:
		reference, err := x.bytesAt(offset+12, 12)
		if err != nil {
			return 0, err
		}
		return x.compareChain(key, x.order.Uint32(reference[4:]), x.order.Uint32(reference[8:]))
	}
	return 0, damaged("inner key of type %d", item[2])
}

// leaf looks for the key on the current page. Values of one key are entries of the
// same page, each with the key, or have a tree of their own; the first counts that
// is not deleted.
func (x *btreeIndex) leaf(key []byte) ([]byte, bool, error) {
	n, err := x.entries()
	if err != nil {
		return nil, false, err
	}
	if n%2 != 0 {
		return nil, false, damaged("leaf with a key that has no value")
	}
	i, found, err := bisect(n/2, func(i int) (int, error) { return x.compareLeaf(key, 2*i) })
	if err != nil || !found {
		return nil, false, err
	}
	// Entries of one key share its item.
	for i > 0 && x.offset(2*i-2) == x.offset(2*i) {
		i--
	}
	item, err := x.leafItem(2*i + 1)
	for err == nil && item.deleted && i+1 < n/2 && x.offset(2*i+2) == x.offset(2*i) {
		i++
		item, err = x.leafItem(2*i + 1)
	}
	if err != nil || item.deleted {
		return nil, false, err
	}
	value, err := x.contents(item)
	return value, err == nil, err
}

func (x *btreeIndex) compareLeaf(key []byte, i int) (int, error) {
	item, err := x.leafItem(i)
	switch {
	case err != nil:
		return 0, err
	case item.kind == leafPlain:
		return bytes.Compare(key, item.bytes), nil
	case item.kind == leafOffPage:
		return x.compareChain(key, item.page, item.length)
	}
	return 0, damaged("key of type %d", item.kind)
}
