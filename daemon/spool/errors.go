package spool

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrTooBig is the error of a file that would grow past Options.MaxSize. It
// is an EFBIG, which is also what a file system's own limit gives: test with
// errors.Is(err, syscall.EFBIG).
var ErrTooBig = fmt.Errorf("queue file size limit exceeded: %w", syscall.EFBIG)

// ErrClosed is the error of a File after Commit or Discard, and of a Spool
// after Close.
var ErrClosed = errors.New("queue file or spool is closed")

// Error is a failed operation on a queue file.
type Error struct {
	Op   string // what failed: "create", "rename", "write", ...
	Path string // the file, relative to the queue directory
	Err  error
}

// Error gives operation, path and cause.
func (e *Error) Error() string { return e.Op + " " + e.Path + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
