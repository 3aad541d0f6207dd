package incoming

import (
	"context"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// handle is what the caller holds of a stream. It lets go of it at the end:
// by the time of a late Abort the stream may belong to another message.
type handle struct {
	s  *stream
	id string
}

func (h *handle) QueueID() string { return h.id }

// WriteRecord fails only after the end; trouble with the message is what
// Finish tells.
func (h *handle) WriteRecord(t queuefmt.RecordType, data []byte) error {
	if h.s == nil {
		return spool.ErrClosed
	}
	h.s.write(t, data)
	return nil
}

func (h *handle) Finish(ctx context.Context) (mailstream.Status, string) {
	if h.s == nil {
		return mailstream.StatusBad, ""
	}
	status, reason := h.s.finish(ctx)
	h.release()
	return status, reason
}

func (h *handle) Abort() {
	if h.s != nil {
		h.s.abort()
		h.release()
	}
}

// maxScratch is how much memory of one kind goes to the next message, in
// bytes. One message with a huge header must not keep it for ever.
const maxScratch = 64 << 10

func (h *handle) release() {
	s := h.s
	h.s = nil
	if cap(s.text)+cap(s.record)+cap(s.clean)+cap(s.before)+cap(s.after)+s.addresses.Size()+s.mime.Size() > maxScratch {
		return
	}
	o := s.o
	s.file, s.log, s.ctx = nil, nil, nil
	o.streams.Put(s)
}
