package queuefmt

import (
	"fmt"
	"strconv"
)

// AppendTime appends the data of an arrival time record, RecTime: seconds
// since 1970 and microseconds, without padding (REC_TYPE_TIME_FORMAT).
func AppendTime(dst []byte, sec, usec int64) []byte {
	dst = strconv.AppendInt(dst, sec, 10)
	dst = append(dst, ' ')
	return strconv.AppendInt(dst, usec, 10)
}

// AppendWarnTime appends the data of a RecWarnTime record, which has a fixed
// size so that qmgr(8) can overwrite it (REC_TYPE_WARN_FORMAT).
func AppendWarnTime(dst []byte, sec int64) []byte { return appendPadded(dst, sec) }

// ParseTime reads the data of a time record, or another that holds one number.
// Missing microseconds are 0, as for every Postfix program.
func ParseTime(data []byte) (sec, usec int64, err error) {
	b := cutNUL(data)
	sec, rest, ok := scanInt(b)
	if !ok {
		return 0, 0, fmt.Errorf("no time: %.100q", b)
	}
	usec, _, _ = scanInt(rest)
	return sec, usec, nil
}
