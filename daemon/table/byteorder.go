package table

import "encoding/binary"

// byteOrder is the order of the machine that wrote a file. The zero value is
// little-endian. It is binary.ByteOrder without the cost of an interface.
type byteOrder struct{ big bool }

var (
	littleEndian = byteOrder{}
	bigEndian    = byteOrder{big: true}
)

func (o byteOrder) Uint16(b []byte) uint16 {
	if o.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (o byteOrder) Uint32(b []byte) uint32 {
	if o.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (o byteOrder) Uint64(b []byte) uint64 {
	if o.big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}
