package queuefmt

import (
	"fmt"
)

// FaultKind classes what is wrong with a queue file.
type FaultKind int

// The kinds of faults.
const (
	FaultRecord  FaultKind = iota + 1 // a record's length or data cannot be read
	FaultType                         // a record type that the group may not hold
	FaultOrder                        // a record at the wrong place, or twice
	FaultMissing                      // a record that must be there is not
	FaultSize                         // a size record that is malformed or untrue
	FaultCount                        // a recipient count that is untrue
	FaultPointer                      // a pointer record that leads nowhere or in circles
	FaultValue                        // a record with malformed data
)

// String names the kind in one word.
func (k FaultKind) String() string {
	switch k {
	case FaultRecord:
		return "record"
	case FaultType:
		return "type"
	case FaultOrder:
		return "order"
	case FaultMissing:
		return "missing"
	case FaultSize:
		return "size"
	case FaultCount:
		return "count"
	case FaultPointer:
		return "pointer"
	case FaultValue:
		return "value"
	}
	return "unknown"
}

// FormatError is a fault in a queue file.
type FormatError struct {
	// Offset is the position, in bytes from the start of the file, of the
	// type byte of the record at fault, or the length of the file when
	// something is missing at its end.
	Offset int64

	// Type is the record's type, or that of the record which is missing where
	// the file ends too early. 0 means no record.
	Type RecordType

	Kind FaultKind

	// Reason says in words what is wrong. For FaultRecord it is the text
	// that Postfix logs (record.c, rec_get_raw), without the file name.
	Reason string

	// Tolerated means that qmgr(8) warns about the fault, or ignores it,
	// and delivers the message all the same.
	Tolerated bool
}

// Error gives offset and reason.
func (e *FormatError) Error() string {
	return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason)
}
