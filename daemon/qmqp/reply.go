package qmqp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/netstring"
)

// Reply is the server's answer: a code and a text.
type Reply struct {
	Code byte // K, Z or D
	Text string
}

// The reply codes: success, temporary failure, permanent failure.
const (
	success = 'K'
	retry   = 'Z'
	hard    = 'D'
)

// statusReply maps a completion status, and the reason that came with it, to a
// reply. One message may suffer from several errors; the first in this order is
// told. Source: qmqpd_send_status.
func statusReply(status mailstream.Status, why, queueID string) Reply {
	has := func(bit mailstream.Status) bool { return status&bit != 0 }
	switch {
	case status == 0:
		return Reply{success, "Ok: queued as " + queueID}
	case has(mailstream.StatusDefer):
		return Reply{retry, "Error: " + why}
	case has(mailstream.StatusBad):
		return internalError(status)
	case has(mailstream.StatusSize):
		return Reply{hard, "Error: message too large"}
	case has(mailstream.StatusHops):
		return Reply{hard, "Error: too many hops"}
	case has(mailstream.StatusContent):
		code := byte(hard)
		if why != "" && why[0] == '4' {
			code = retry
		}
		return Reply{code, "Error: " + why}
	case has(mailstream.StatusWrite):
		return Reply{retry, "Error: queue file write error"}
	case has(mailstream.StatusRecipients):
		return Reply{hard, "Error: no recipients specified"}
	default:
		return internalError(status)
	}
}

// internalError prints the status as the signed number that it is in Postfix.
func internalError(status mailstream.Status) Reply {
	return Reply{retry, fmt.Sprintf("Error: internal error %d", int32(status))}
}

// reply sends r, pausing before bad news to slow down run-away clients, and
// logs it before that if asked to and it is not a success. The error says that the
// client cannot be reached: netstring.ErrClosed or ErrTimeout.
func (s *Session) reply(ctx context.Context, r Reply, logIt bool) error {
	if r.Code == hard && s.cfg.SoftBounce {
		r.Code = retry
	}
	text := append(append(make([]byte, 0, len(r.Text)+1), r.Code), r.Text...)
	s.line = netstring.AppendNetstring(s.line[:0], text)
	if s.log.Verbose() > 1 {
		s.log.Infof("netstring_put: write netstring len %d data %s", len(text), text[:min(len(text), 30)])
	}
	if logIt && r.Code != success {
		s.log.Warningf("%s: %s: %s", s.queueID, s.nameadr, r.Text)
	}
	if r.Code != success {
		pause(ctx, s.cfg.ErrorDelay)
	}
	if s.in.TimedOut() {
		// The client has been given up already; stock does not write to
		// a stream that timed out.
		return netstring.ErrTimeout
	}
	write := s.conn.Write
	if r.Code == success && s.client.Family != 0 {
		// The client hears of the end together with the reply. A client
		// with bad news may have sent what was not read.
		write = s.conn.WriteLast
	}
	switch _, err := write(s.line); {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return netstring.ErrTimeout
	default:
		return netstring.ErrClosed
	}
}

// pause sleeps for d, or less if the context ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
