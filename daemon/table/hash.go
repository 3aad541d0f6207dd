package table

import "bytes"

// hashIndex is Berkeley DB's extended linear hashing. The meta page has the
// number of the last bucket and two masks; a bucket is a chain of pages, and
// spares[k] tells how far its first page is shifted. Page items alternate
// between keys and values; they are packed from the page's end, so an item
// ends where the one before it starts.
type hashIndex struct{ *bdbFile }

// Item types.
const (
	hashPlain      = 1
	hashDuplicates = 2 // values of one key: length, value, length again
	hashOffPage    = 3
	hashOffPageSet = 4 // values of one key that have a tree of their own
)

func openHash(o *opening) (Table, error) {
	return openBDB(o, bdbHashMagic, newHashIndex)
}

func newHashIndex(b *bdbFile) (index, error) { return &hashIndex{b}, nil }

// bdbHash is the library's own function. A file that was made with another one is
// not told from others, and keys are not found there.
func bdbHash(key []byte) uint32 {
	h := uint32(0)
	for _, c := range key {
		h = h*16777619 ^ uint32(c)
	}
	return h
}

// bucketPage returns the first page of the bucket that would have the key.
func (x *hashIndex) bucketPage(key []byte) (uint32, error) {
	maxBucket, high, low := x.order.Uint32(x.meta[72:]), x.order.Uint32(x.meta[76:]), x.order.Uint32(x.meta[80:])
	bucket := bdbHash(key) & high
	if bucket > maxBucket {
		bucket &= low
	}
	k := 0
	for uint64(1)<<k < uint64(bucket)+1 {
		k++
	}
	if k >= 32 {
		return 0, damaged("bucket %d", bucket)
	}
	return bucket + x.order.Uint32(x.meta[96+4*k:]), nil
}

func (x *hashIndex) get(key []byte) ([]byte, bool, error) {
	if err := x.readMeta(); err != nil {
		return nil, false, err
	}
	number, err := x.bucketPage(key)
	if err != nil {
		return nil, false, err
	}
	// A chain that runs in a circle meets the page remembered last.
	remembered, steps, limit := uint32(0), 0, 1
	for number != 0 {
		if number == remembered {
			return nil, false, damaged("page %d follows itself", number)
		}
		if steps++; steps == limit {
			remembered, steps, limit = number, 0, 2*limit
		}
		page, err := x.readPage(number)
		if err != nil {
			return nil, false, err
		}
		x.page = page
		switch t := x.page[25]; {
		case t == pageHash, t == pageHashUnsorted:
		case t == 0 && x.order.Uint32(x.page[8:]) == 0: // never written
			return nil, false, nil
		default:
			return nil, false, damaged("page %d has type %d", number, t)
		}
		value, found, err := x.search(key)
		if err != nil || found {
			return value, found, err
		}
		number = x.order.Uint32(x.page[16:])
	}
	return nil, false, nil
}

// search looks for the key on the current page.
func (x *hashIndex) search(key []byte) ([]byte, bool, error) {
	n, err := x.entries()
	if err != nil {
		return nil, false, err
	}
	if n%2 != 0 {
		return nil, false, damaged("page with a key that has no value")
	}
	for i := 0; i < n; i += 2 {
		item, err := x.item(i)
		if err != nil {
			return nil, false, err
		}
		equal := false
		switch item[0] {
		case hashPlain:
			equal = bytes.Equal(item[1:], key)
		case hashOffPage:
			if equal, err = x.equalOffPage(item, key); err != nil {
				return nil, false, err
			}
		default:
			return nil, false, damaged("key of type %d", item[0])
		}
		if equal {
			value, err := x.valueAt(i + 1)
			return value, err == nil, err
		}
	}
	return nil, false, nil
}

// item returns the bytes of an item: its type, then its contents.
func (x *hashIndex) item(i int) ([]byte, error) {
	end := len(x.page)
	if i > 0 {
		end = x.offset(i - 1)
	}
	start := x.offset(i)
	if start < x.header || start >= end || end > len(x.page) {
		return nil, damaged("item %d from %d to %d", i, start, end)
	}
	item := x.page[start:end]
	if item[0] == hashOffPage && len(item) != 12 || item[0] == hashOffPageSet && len(item) != 8 {
		return nil, damaged("reference of %d bytes", len(item))
	}
	return item, nil
}

func (x *hashIndex) equalOffPage(item, key []byte) (bool, error) {
	length := x.order.Uint32(item[8:])
	if int64(length) != int64(len(key)) {
		return false, nil
	}
	order, err := x.compareChain(key, x.order.Uint32(item[4:]), length)
	return order == 0, err
}

func (x *hashIndex) valueAt(i int) ([]byte, error) {
	item, err := x.item(i)
	if err != nil {
		return nil, err
	}
	switch item[0] {
	case hashPlain:
		return item[1:], nil
	case hashDuplicates:
		if len(item) < 3 {
			return nil, damaged("values of %d bytes", len(item))
		}
		n := int(x.order.Uint16(item[1:]))
		if n > len(item)-3 {
			return nil, damaged("value of %d bytes", n)
		}
		return item[3 : 3+n], nil
	case hashOffPageSet:
		return x.firstDuplicate(x.order.Uint32(item[4:]))
	case hashOffPage:
		x.value, err = x.chain(x.value[:0], x.order.Uint32(item[4:]), x.order.Uint32(item[8:]))
		return x.value, err
	}
	return nil, damaged("value of type %d", item[0])
}
