package queuefmt

import (
	"slices"
	"strings"
)

// Hashing says which queues are spread over subdirectories, and how deeply.
// The zero value spreads none.
type Hashing struct {
	Queues []string // hash_queue_names, default deferred and defer
	Depth  int      // hash_queue_depth, default 1; less than 1 spreads none
}

// maxDepth is how many levels of subdirectories a path is given at most. Postfix
// has no bound of its own: the system refuses a path that is too long. For any
// system, this many levels are too many.
const maxDepth = 4096

// Hashed says whether the queue is spread. Case is ignored.
func (h Hashing) Hashed(queue string) bool {
	return h.Depth >= 1 && slices.ContainsFunc(h.Queues, func(q string) bool { return strings.EqualFold(q, queue) })
}

// Dir returns the directory, relative to the queue directory and without a
// slash at its end, that holds the file of that id in that queue. The
// subdirectories are named after the first characters of the id, for a long
// id after the five hexadecimal digits of its microseconds, and "_" behind the
// last one (Postfix mail_queue.c, mail_queue_dir). A Depth above 4096 is 4096;
// the system then refuses the path as too long, as it does with Postfix.
func (h Hashing) Dir(queue, id string) string {
	if !h.Hashed(queue) {
		return queue
	}
	if sep := longIDSeparator(id); sep >= 0 {
		// Zero where those are no digits.
		usec, _ := parseDigits(id[sep-longUsecWidth:sep], longTimeBase)
		id = string(appendHex(nil, usec, shortUsecLen))
	}
	depth := min(h.Depth, maxDepth)
	b := make([]byte, 0, len(queue)+2*depth)
	b = append(b, queue...)
	for i := range depth {
		c := byte('_')
		if i < len(id) {
			c = id[i]
		}
		b = append(b, '/', c)
	}
	return string(b)
}

// Path returns the path, relative to the queue directory, of the file of
// that id in that queue. Neither is checked: an id from outside that
// ValidQueueID refuses may lead out of the queue directory.
func (h Hashing) Path(queue, id string) string {
	return h.Dir(queue, id) + "/" + id
}
