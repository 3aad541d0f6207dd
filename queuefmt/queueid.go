package queuefmt

import (
	"fmt"
	"strconv"
	"strings"
)

// idAlphabet holds the digits of the long queue ids: no vowels, so that no
// words come out (Postfix safe_ultostr.c).
const idAlphabet = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"

const (
	longTimeBase  = 52
	longInodeBase = 51 // without 'z', the separator
	longSecWidth  = 6
	longUsecWidth = 4
	longSeparator = 'z'
	shortUsecLen  = 5
	maxIDLen      = 255 // VALID_HOSTNAME_LEN
)

// QueueID is what a queue id says. The time is that of the file's creation.
type QueueID struct {
	Long  bool
	Sec   int64  // seconds since 1970; a short id does not hold them: 0
	Usec  int    // microseconds within the second
	Inode uint64 // inode number of the queue file
}

// ShortID returns the queue id of enable_long_queue_ids = no: five
// hexadecimal digits of microseconds, which are from 0 to 999999, and the inode number.
func ShortID(usec int, inode uint64) string {
	return string(QueueID{Usec: usec, Inode: inode}.Append(nil))
}

// LongID returns the queue id of enable_long_queue_ids = yes, which does not
// repeat within the life of a file system. Sec is not negative, and usec from 0 to 999999.
func LongID(sec int64, usec int, inode uint64) string {
	return string(QueueID{Long: true, Sec: sec, Usec: usec, Inode: inode}.Append(nil))
}

// String returns the id as text.
func (q QueueID) String() string { return string(q.Append(nil)) }

// Append appends the id as text (Postfix mail_queue.h, MQID_ macros).
func (q QueueID) Append(dst []byte) []byte {
	if q.Long {
		dst = appendDigits(dst, uint64(q.Sec), longTimeBase, longSecWidth)
		dst = appendDigits(dst, uint64(q.Usec), longTimeBase, longUsecWidth)
		dst = append(dst, longSeparator)
		return appendDigits(dst, q.Inode, longInodeBase, 1)
	}
	dst = appendHex(dst, uint64(q.Usec), shortUsecLen)
	return appendHex(dst, q.Inode, 1)
}

func appendHex(dst []byte, v uint64, width int) []byte {
	var b [16]byte
	digits := strconv.AppendUint(b[:0], v, 16)
	for n := len(digits); n < width; n++ {
		dst = append(dst, '0')
	}
	for _, c := range digits {
		if c >= 'a' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func appendDigits(dst []byte, v, base uint64, width int) []byte {
	var b [16]byte
	i := len(b)
	for v > 0 {
		i--
		b[i] = idAlphabet[v%base]
		v /= base
	}
	for n := len(b) - i; n < width; n++ {
		dst = append(dst, '0')
	}
	return append(dst, b[i:]...)
}

// ParseQueueID decodes a short or long queue id. An id is long when its last
// 'z' has ten or more characters before it. The result's text may differ from
// id, for Postfix accepts lower-case hexadecimal digits and leading zeros.
func ParseQueueID(id string) (QueueID, error) {
	if !ValidQueueID(id) {
		return QueueID{}, fmt.Errorf("bad mail queue ID: %q", id)
	}
	if sep := longIDSeparator(id); sep >= 0 {
		sec, ok1 := parseDigits(id[:sep-longUsecWidth], longTimeBase)
		usec, ok2 := parseDigits(id[sep-longUsecWidth:sep], longTimeBase)
		inode, ok3 := parseDigits(id[sep+1:], longInodeBase)
		if !ok1 || !ok2 || !ok3 || sec > 1<<63-1 {
			return QueueID{}, fmt.Errorf("bad long queue ID: %q", id)
		}
		return QueueID{Long: true, Sec: int64(sec), Usec: int(usec), Inode: inode}, nil
	}
	if len(id) <= shortUsecLen {
		return QueueID{}, fmt.Errorf("short queue ID without inode number: %q", id)
	}
	usec, err1 := strconv.ParseUint(id[:shortUsecLen], 16, 32)
	inode, err2 := strconv.ParseUint(id[shortUsecLen:], 16, 64)
	if err1 != nil || err2 != nil {
		return QueueID{}, fmt.Errorf("bad short queue ID: %q", id)
	}
	return QueueID{Usec: int(usec), Inode: inode}, nil
}

// longIDSeparator returns the index of the separator of a long id, or -1.
func longIDSeparator(id string) int {
	i := strings.LastIndexByte(id, longSeparator)
	if i < longSecWidth+longUsecWidth {
		return -1
	}
	return i
}

func parseDigits(s string, base uint64) (uint64, bool) {
	if s == "" {
		return 0, false
	}
	var v uint64
	for i := 0; i < len(s); i++ {
		d := strings.IndexByte(idAlphabet, s[i])
		if d < 0 || uint64(d) >= base {
			return 0, false
		}
		if v > (1<<64-1-uint64(d))/base {
			return 0, false
		}
		v = v*base + uint64(d)
	}
	return v, true
}

// ValidQueueID says whether id may be the name of a queue file: one to 255
// letters, digits and underscores (Postfix mail_queue.c, mail_queue_id_ok).
func ValidQueueID(id string) bool {
	if id == "" || len(id) > maxIDLen {
		return false
	}
	for i := 0; i < len(id); i++ {
		if c := id[i]; !isAlnum(c) && c != '_' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return isDigit(c) || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
