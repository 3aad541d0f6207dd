package spool

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// Flow slows down those who bring mail to the pace of the queue manager,
// which takes it (in_flow_delay).
type Flow interface {
	// Take waits for leave to create a file; its error is that of ctx.
	Take(ctx context.Context) error

	// Give returns a leave that the queue manager will not: the message
	// went where it does not look.
	Give()
}

// PipeFlow is the flow control of a child of master(8): qmgr(8) puts a byte
// into a pipe for each message that it takes from incoming/ (Postfix
// mail_flow.c). Without a master there is no pipe, and no need for a Flow.
type PipeFlow struct {
	Read, Write int           // descriptors, 3 and 4 from master(8); non-blocking
	Delay       time.Duration // in_flow_delay
}

// Take reads one byte, or, when there is none, waits for Delay.
func (p PipeFlow) Take(ctx context.Context) error {
	var b [1]byte
	n, err := retry(func() (int, error) { return unix.Read(p.Read, b[:]) })
	if err == nil && n == 1 {
		return nil
	}
	t := time.NewTimer(p.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Give writes one byte. A full pipe is as good.
func (p PipeFlow) Give() {
	_, _ = retry(func() (int, error) { return unix.Write(p.Write, []byte{0}) })
}
