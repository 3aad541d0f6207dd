// Package mailstream is the seam between receiving a message and storing it:
// something with a queue id that takes queue-file records and ends with a
// status (Postfix mail_stream(3)).
//
// Two packages stand behind it: cleanup hands the records to a running
// cleanup(8), incoming writes the queue file itself. A session cannot tell
// them apart.
package mailstream

import (
	"context"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// Status is the set of completion bits of cleanup(8) (cleanup_user.h). Zero
// means that the message is queued durably.
//
// The client is told K for zero, and otherwise Z, to try again later, or D, which
// soft_bounce makes Z. One bit is told, the first of these: StatusDefer (Z with the
// reason), StatusBad (Z), StatusSize (D), StatusHops (D), StatusContent (D with the
// reason, or Z if that begins with the digit 4), StatusWrite (Z), StatusRecipients (D).
// With none of them it is Z and an internal error with the number of the status.
type Status uint32

// The completion bits.
const (
	StatusBad        Status = 1 << 0  // internal or protocol error
	StatusWrite      Status = 1 << 1  // the queue file could not be written
	StatusSize       Status = 1 << 2  // message_size_limit exceeded
	StatusContent    Status = 1 << 3  // content rejected; the reason says why
	StatusHops       Status = 1 << 4  // hopcount_limit reached
	StatusRecipients Status = 1 << 6  // no recipients
	StatusProxy      Status = 1 << 7  // proxied content rejected
	StatusDefer      Status = 1 << 8  // service unavailable; the reason says why
	StatusNoPerm     Status = 1 << 9  // denied by a filter's own request
	StatusBareLF     Status = 1 << 16 // bare line feed (SMTP only)
)

// Opener begins messages. It may be used by several goroutines at once.
type Opener interface {
	// Open allocates a queue id. The context bounds the whole message, not
	// only the call: cancelling it makes later operations fail. Lines about
	// this message go to log. An error means that there is no stream and no
	// reply to the client; a *maillog.Failure says what Postfix would have
	// died of, and has not been logged. Without an error the stream is not nil.
	//
	// Whatever waits, here and in the Stream, must end when the context does:
	// the session waits for it, and the end of the server for the session. A
	// panic is logged and ends the session, without a reply.
	Open(ctx context.Context, log *maillog.Logger) (Stream, error)
}

// Stream takes the records of one message: T, [L], S, [V], A..., R..., M,
// content, X, E. They are a queue file but for the size record, which comes first
// there (see queuefmt.File.SetSize). A client may have named no recipient. It belongs
// to one goroutine.
//
// Finish or Abort ends it, whichever is called first. A session always calls Abort
// when it closes, after Finish too, and maybe twice: those calls must do nothing, so
// that a message stays where Finish has put it.
type Stream interface {
	// After an error of WriteRecord no more records come, but Abort; the client
	// is told to try again. The error itself is told to nobody: what it is about
	// the Stream logs.
	queuefmt.RecordWriter

	// QueueID is known from Open on.
	QueueID() string

	// Finish asks for the verdict after the E record. With Status zero
	// the message is durable: it survives a crash from here on. With another
	// nothing of it stays in the queue, as after Abort. The reason is the text
	// that goes with StatusContent and StatusDefer; that of others is not told.
	Finish(ctx context.Context) (status Status, reason string)

	// Abort gives the message up; nothing of it stays in the queue.
	Abort()
}

// Forgetter is a Stream that collects records before it passes them on. Abort passes
// on what is left, as closing does in Postfix (vstream_fclose).
type Forgetter interface {
	Stream

	// Forget drops what has been collected: a session that ends where Postfix's
	// process would have died calls it before Abort.
	Forget()
}
