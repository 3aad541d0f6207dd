package table

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// A constant database: 256 pairs of (position, slots) point to hash tables,
// whose slots are (hash, position of the record); a record is key length, data
// length, key, data. All numbers are 32 bits, little-endian. postmap replaces
// the file by a rename, so there is no lock. Source: D. J. Bernstein's cdb
// specification; Postfix 3.10 dict_cdb.c.

const cdbHeader = 2048

// errProtocol is what the cdb library reports for every kind of damage.
var errProtocol = errors.New(Strerror(unix.EPROTO))

type cdbIndex struct {
	file   *pageFile
	header [cdbHeader]byte
	chunk  [8 * 16]byte
	small  [8]byte
}

func openCDB(o *opening) (Table, error) {
	t, err := openIndexed(o, ".cdb", noLock, func(f *pageFile) (index, error) {
		idx := &cdbIndex{file: f}
		if err := f.readFull(idx.header[:], 0); err != nil {
			reason := Strerror(unix.EPROTO)
			if !errors.Is(err, errDamaged) {
				reason = err.Error()
			}
			return nil, fatalError("dict_cdbq_open: unable to init "+o.name+".cdb: "+reason, err)
		}
		return idx, nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
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
	slot := x.header[8*(h&255):]
	start, slots := int64(binary.LittleEndian.Uint32(slot)), int64(binary.LittleEndian.Uint32(slot[4:]))
	if slots == 0 {
		return nil, false, nil
	}
	// Slots are read in groups, up to the table's end and then from its start.
	first := int64(h>>8) % slots
	for visited := int64(0); visited < slots; {
		at := (first + visited) % slots
		n := min(int64(len(x.chunk)/8), slots-at, slots-visited)
		chunk := x.chunk[:8*n]
		if err := x.file.readFull(chunk, start+8*at); err != nil {
			return nil, false, cdbError(err)
		}
		for ; len(chunk) > 0; chunk = chunk[8:] {
			position := binary.LittleEndian.Uint32(chunk[4:])
			if position == 0 {
				return nil, false, nil
			}
			if binary.LittleEndian.Uint32(chunk) != h {
				continue
			}
			value, found, err := x.record(int64(position), key)
			if err != nil || found {
				return value, found, cdbError(err)
			}
		}
		visited += n
	}
	return nil, false, nil
}

// record returns the data of the record at position, if it has the key.
func (x *cdbIndex) record(position int64, key []byte) ([]byte, bool, error) {
	if err := x.file.readFull(x.small[:], position); err != nil {
		return nil, false, err
	}
	keyLen, dataLen := binary.LittleEndian.Uint32(x.small[:]), binary.LittleEndian.Uint32(x.small[4:])
	if int64(keyLen) != int64(len(key)) {
		return nil, false, nil
	}
	record, err := x.file.readSized(int64(keyLen)+int64(dataLen), position+8)
	if err != nil || !bytes.Equal(record[:keyLen], key) {
		return nil, false, err
	}
	return record[keyLen:], true, nil
}

func cdbError(err error) error {
	if errors.Is(err, errDamaged) {
		return errProtocol
	}
	return err
}
