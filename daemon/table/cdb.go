package table

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/errno"
)

// A constant database: 256 pairs of (position, slots) point to hash tables,
// whose slots are (hash, position of the record); a record is key length, data
// length, key, data. All numbers are 32 bits, little-endian. postmap replaces
// the file by a rename, so there is no lock. Source: D. J. Bernstein's cdb
// specification; Postfix 3.10 dict_cdb.c.

const cdbHeader = 2048

// errProtocol is what the cdb library reports for every kind of damage.
var errProtocol = errors.New(errno.Text(unix.EPROTO))

type cdbIndex struct {
	file *mappedFile
	// end is where the records end: the library has it from the first pair, and
	// looks for records before and for hash tables behind it.
	end int64
}

func openCDB(o *opening) (Table, error) {
	t, err := openIndexed(o, ".cdb", noLock, func(f *mappedFile) (index, error) {
		x, err := newCDBIndex(f)
		if err != nil {
			return nil, fatalError("dict_cdbq_open: unable to init "+o.name+".cdb: "+errProtocol.Error(), err)
		}
		return x, nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func newCDBIndex(f *mappedFile) (index, error) {
	header, err := f.at(0, cdbHeader)
	if err != nil {
		return nil, err
	}
	end := int64(binary.LittleEndian.Uint32(header))
	return &cdbIndex{f, min(max(end, cdbHeader), int64(len(f.data)))}, nil
}

func cdbHash(key []byte) uint32 {
	h := uint32(5381)
	for _, c := range key {
		h = (h<<5 + h) ^ uint32(c)
	}
	return h
}

func (x *cdbIndex) get(key []byte) ([]byte, bool, error) {
	h := cdbHash(key)
	pointer, err := x.file.at(8*int64(h&255), 8)
	if err != nil {
		return nil, false, errProtocol
	}
	start, slots := int64(binary.LittleEndian.Uint32(pointer)), int64(binary.LittleEndian.Uint32(pointer[4:]))
	if slots == 0 {
		return nil, false, nil
	}
	table, err := x.file.at(start, 8*slots)
	if err != nil || start < x.end {
		return nil, false, errProtocol
	}
	first := int64(h>>8) % slots
	for i := range slots {
		at := first + i
		if at >= slots {
			at -= slots
		}
		slot := table[8*at:]
		position := binary.LittleEndian.Uint32(slot[4:])
		if position == 0 {
			return nil, false, nil
		}
		if binary.LittleEndian.Uint32(slot) != h {
			continue
		}
		value, found, err := x.record(int64(position), key)
		if err != nil {
			return nil, false, errProtocol
		}
		if found {
			return value, true, nil
		}
	}
	return nil, false, nil
}

// record returns the data of the record at position, if it has the key.
func (x *cdbIndex) record(position int64, key []byte) ([]byte, bool, error) {
	head, err := x.at(position, 8)
	if err != nil {
		return nil, false, err
	}
	keyLen, dataLen := int64(binary.LittleEndian.Uint32(head)), int64(binary.LittleEndian.Uint32(head[4:]))
	if keyLen != int64(len(key)) {
		return nil, false, nil
	}
	record, err := x.at(position+8, keyLen+dataLen)
	if err != nil || !bytes.Equal(record[:keyLen], key) {
		return nil, false, err
	}
	return record[keyLen:], true, nil
}

// at returns bytes of records.
func (x *cdbIndex) at(offset, n int64) ([]byte, error) {
	if offset+n > x.end {
		return nil, damaged("%d bytes at offset %d of records up to %d", n, offset, x.end)
	}
	return x.file.at(offset, n)
}
