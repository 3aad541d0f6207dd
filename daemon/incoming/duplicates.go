package incoming

import (
	"crypto/sha256"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// duplicates remembers strings without regard to case (Postfix been_here.c). Of each
// it keeps a sum: a client is free to send addresses of 2048 bytes, and to leave a
// thousand of them in each of a thousand sessions that it does not end.
type duplicates struct {
	keys map[[sha256.Size]byte]struct{}
}

func (d *duplicates) reset() {
	if len(d.keys) > 1000 {
		d.keys = nil // clearing a large map costs every later message
	}
	clear(d.keys)
}

// add tells whether key is new. Once limit keys are known (0: no limit), no
// more are remembered.
func (d *duplicates) add(key []byte, unicode bool, limit int) bool {
	sum := sha256.Sum256([]byte(table.Fold(string(key), unicode)))
	if _, found := d.keys[sum]; found {
		return false
	}
	if limit <= 0 || limit > len(d.keys) {
		if d.keys == nil {
			d.keys = make(map[[sha256.Size]byte]struct{})
		}
		d.keys[sum] = struct{}{}
	}
	return true
}
