package table

import "bytes"

// btreeIndex is a Berkeley DB B+tree. Inner pages have items of key length,
// type, child page and key; leaves have pairs of items, length, type and
// contents. Keys are compared byte by byte, a shorter one first.
type btreeIndex struct{ *bdbFile }

// Item types; the high bit marks a deleted item.
const (
	btreePlain   = 1
	btreeOffPage = 3
	btreeDeleted = 0x80
)

const leafLevel = 1

func openBtree(o *opening) (Table, error) {
	return openBDB(o, bdbBtreeMagic, pageBtreeMeta, newBtreeIndex)
}

func newBtreeIndex(b *bdbFile) (index, error) { return &btreeIndex{b}, nil }

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
	switch item[2] &^ btreeDeleted {
	case btreePlain:
		text, err := x.bytesAt(offset+12, int(x.order.Uint16(item)))
		return bytes.Compare(key, text), err
	case btreeOffPage:
		reference, err := x.bytesAt(offset+12, 12)
		if err != nil {
			return 0, err
		}
		return x.compareChain(key, x.order.Uint32(reference[4:]), x.order.Uint32(reference[8:]))
	}
	return 0, damaged("inner key of type %d", item[2])
}

// bytesAt returns n bytes of the current page.
func (x *btreeIndex) bytesAt(offset, n int) ([]byte, error) {
	if offset < bdbPageHeader || n > len(x.page)-offset {
		return nil, damaged("%d bytes at %d of a page", n, offset)
	}
	return x.page[offset : offset+n], nil
}

// leaf looks for the key on the current page.
func (x *btreeIndex) leaf(key []byte) ([]byte, bool, error) {
	n, err := x.entries()
	if err != nil {
		return nil, false, err
	}
	if n%2 != 0 {
		return nil, false, damaged("leaf with a key that has no value")
	}
	low, high := 0, n/2
	for low < high {
		middle := (low + high) / 2
		item, err := x.leafItem(2 * middle)
		if err != nil {
			return nil, false, err
		}
		order, err := x.compareLeaf(key, item)
		if err != nil {
			return nil, false, err
		}
		switch {
		case order < 0:
			high = middle
		case order > 0:
			low = middle + 1
		default:
			return x.leafValue(2*middle + 1)
		}
	}
	return nil, false, nil
}

// leafItem is one item of a leaf: an off-page reference, or the bytes.
type leafItem struct {
	deleted      bool
	bytes        []byte
	offPage      bool
	page, length uint32
}

func (x *btreeIndex) leafItem(i int) (leafItem, error) {
	offset := x.offset(i)
	head, err := x.bytesAt(offset, 3)
	if err != nil {
		return leafItem{}, err
	}
	item := leafItem{deleted: head[2]&btreeDeleted != 0}
	switch head[2] &^ btreeDeleted {
	case btreePlain:
		item.bytes, err = x.bytesAt(offset+3, int(x.order.Uint16(head)))
	case btreeOffPage:
		var reference []byte
		if reference, err = x.bytesAt(offset, 12); err == nil {
			item.offPage, item.page, item.length = true, x.order.Uint32(reference[4:]), x.order.Uint32(reference[8:])
		}
	default:
		err = damaged("item of type %d", head[2])
	}
	return item, err
}

func (x *btreeIndex) compareLeaf(key []byte, item leafItem) (int, error) {
	if item.offPage {
		return x.compareChain(key, item.page, item.length)
	}
	return bytes.Compare(key, item.bytes), nil
}

func (x *btreeIndex) leafValue(i int) ([]byte, bool, error) {
	item, err := x.leafItem(i)
	if err != nil || item.deleted {
		return nil, false, err
	}
	if !item.offPage {
		return item.bytes, true, nil
	}
	x.value, err = x.chain(x.value[:0], item.page, item.length)
	return x.value, err == nil, err
}
