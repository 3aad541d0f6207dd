package qmqp

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/qmqpd/qmqpd/daemon/netstring"
)

// AppendRequest appends a client's request to dst: one netstring of the
// message, the envelope sender and the recipients as netstrings.
func AppendRequest(dst, message []byte, sender string, recipients []string) []byte {
	size := encodedSize(len(message)) + encodedSize(len(sender))
	for _, r := range recipients {
		size += encodedSize(len(r))
	}
	dst = strconv.AppendInt(dst, int64(size), 10)
	dst = append(dst, ':')
	dst = netstring.AppendNetstring(dst, message)
	dst = netstring.AppendNetstring(dst, []byte(sender))
	for _, r := range recipients {
		dst = netstring.AppendNetstring(dst, []byte(r))
	}
	return append(dst, ',')
}

// encodedSize is the size of a netstring with n bytes.
func encodedSize(n int) int { return len(strconv.Itoa(n)) + 1 + n + 1 }

// maxReply bounds what a client reads, in bytes.
const maxReply = 64 << 10

// ReadReply reads the server's reply. Any text may follow the code, which must
// be K, Z or D.
func ReadReply(r io.Reader) (Reply, error) {
	text, err := netstring.NewReader(r, 512).Append(nil, maxReply)
	if err != nil {
		return Reply{}, fmt.Errorf("reply: %w", err)
	}
	if len(text) == 0 {
		return Reply{}, errors.New("reply: empty")
	}
	switch text[0] {
	case success, retry, hard:
		return Reply{text[0], string(text[1:])}, nil
	}
	return Reply{}, fmt.Errorf("reply: unknown code %q", text[0])
}
