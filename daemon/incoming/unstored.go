package incoming

import (
	"context"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// unstored is the stream of a message for which no queue file could be made.
type unstored struct{}

func (unstored) QueueID() string { return "NOQUEUE" }

func (unstored) WriteRecord(queuefmt.RecordType, []byte) error { return nil }

func (unstored) Finish(context.Context) (mailstream.Status, string) {
	return mailstream.StatusWrite, ""
}

func (unstored) Abort() {}
