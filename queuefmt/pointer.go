package queuefmt

import (
	"math"
)

// Sizes of a pointer record, in bytes.
const (
	pointerDataLen   = 15
	PointerRecordLen = 2 + pointerDataLen
)

// reverseJumpLimit is how many pointer records that do not lead forward are
// followed in one file (Postfix record.c, rec_goto).
const reverseJumpLimit = 10000

// PointerRecord returns a pointer record to the offset; 0 makes a
// placeholder that readers skip.
func PointerRecord(offset int64) Record {
	return Record{Type: RecPointer, Data: appendPadded(nil, offset)}
}

// ParsePointer reads the data of a pointer record: digits after optional
// white space. No digits at all mean 0, as for Postfix. ok is false for
// anything else and for a number that is no file offset.
func ParsePointer(data []byte) (offset int64, ok bool) {
	for _, c := range trimLeft(cutNUL(data)) {
		if !isDigit(c) || offset > math.MaxInt64/10 {
			return 0, false
		}
		offset *= 10
		if d := int64(c - '0'); offset > math.MaxInt64-d {
			return 0, false
		} else {
			offset += d
		}
	}
	return offset, true
}

// A jumper counts the jumps of one pass through a file.
type jumper struct {
	last    int64
	reverse int
	targets map[int64]struct{} // of the jumps back, if each may be made once
}

// jump checks a jump to offset, which is not 0.
func (j *jumper) jump(offset int64, once bool) bool {
	if offset <= j.last {
		j.reverse++
		if j.reverse > reverseJumpLimit {
			return false
		}
		if once {
			if _, again := j.targets[offset]; again {
				return false
			}
			if j.targets == nil {
				j.targets = make(map[int64]struct{})
			}
			j.targets[offset] = struct{}{}
		}
	}
	j.last = offset
	return true
}
