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
	low, high := 0, n
	for high-low > 1 {
		middle := (low + high) / 2
		order, err := x.compareInner(key, middle)
		if err != nil {
			return 0, err
		}
		if order < 0 {
			high = middle
		} else {
			low = middle
		}
	}
	item, err := x.bytesAt(x.offset(low), 12)
	if err != nil {
		return 0, err
	}
	return x.order.Uint32(item[4:]), nil
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

// leaf looks for the key on the current page. Values of one key are items of the
// same page, each with the key, or have a tree of their own; the first counts.
func (x *btreeIndex) leaf(key []byte) ([]byte, bool, error) {
	n, err := x.entries()
	if err != nil {
		return nil, false, err
	}
	if n%2 != 0 {
		return nil, false, damaged("leaf with a key that has no value")
	}
	low, high, found := 0, n/2, false
	for low < high {
		middle := (low + high) / 2
		order, err := x.compareLeaf(key, 2*middle)
		if err != nil {
			return nil, false, err
		}
		if order <= 0 {
			high, found = middle, order == 0
		} else {
			low = middle + 1
		}
	}
	if !found {
		return nil, false, nil
	}
	item, err := x.leafItem(2*low + 1)
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
