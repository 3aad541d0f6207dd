package incoming

import "github.com/qmqpd/qmqpd/daemon/table"

// duplicates remembers strings without regard to case (Postfix been_here.c).
type duplicates struct {
	keys map[string]struct{}
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
	folded := table.Fold(string(key), unicode)
	if _, found := d.keys[folded]; found {
		return false
	}
	if limit <= 0 || limit > len(d.keys) {
		if d.keys == nil {
			d.keys = make(map[string]struct{})
		}
		d.keys[folded] = struct{}{}
	}
	return true
}
