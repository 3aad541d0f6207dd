package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// bufferSize is how much of a file is held back before it is written: most
// messages need one write.
const bufferSize = 16 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:0] }

func putBuffer(b []byte) {
	if cap(b) == bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}

// File is an unfinished queue file. It ends with Commit or Discard. The first
// error sticks: what follows it has no effect, and Commit returns it.
type File struct {
	spool   *Spool
	id      string
	created time.Time

	mu   sync.Mutex
	h    Handle
	path string // where the file is now, or will be, relative to the queue directory
	err  error

	begun   int64       // see groupCommit.begin
	unnamed bool        // the file is not at path yet
	mode    fs.FileMode // permission bits that it was made with
	done    bool
	hold    bool

	buf     []byte // what follows the bytes that were written
	written int64

	// What the records say of the size record.
	first, last queuefmt.RecordType
	size        queuefmt.Size // as measured
	set         bool
	given       queuefmt.Size // as given to SetSize
}

// QueueID returns the message's queue id.
func (f *File) QueueID() string { return f.id }

// Created returns the time that went into the queue id. Its seconds go into
// an added Message-Id.
func (f *File) Created() time.Time { return f.created }

// Offset returns the size of the file so far, in bytes: where the next record
// will stand.
func (f *File) Offset() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.offset()
}

func (f *File) offset() int64 { return f.written + int64(len(f.buf)) }

// WriteRecord appends a record. The error is ErrTooBig when the file would
// grow past Options.MaxSize.
func (f *File) WriteRecord(t queuefmt.RecordType, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usable(); err != nil {
		return err
	}
	n := queuefmt.RecordSize(len(data))
	if max := f.spool.opts.MaxSize; max > 0 && f.offset()+int64(n) > max {
		f.err = ErrTooBig
		return f.err
	}
	if len(data) > queuefmt.MaxRecordData {
		f.err = &Error{Op: "write", Path: f.path, Err: fmt.Errorf("record of %d bytes", len(data))}
		return f.err
	}
	start := f.offset()
	if len(f.buf)+n > cap(f.buf) {
		if err := f.flush(); err != nil {
			return err
		}
	}
	if n <= cap(f.buf) {
		f.buf = queuefmt.AppendRecord(f.buf, t, data)
	} else if err := f.write(queuefmt.AppendRecord(make([]byte, 0, n), t, data)); err != nil {
		return err
	}
	f.measure(t, start)
	return nil
}

// measure follows what the size record must say.
func (f *File) measure(t queuefmt.RecordType, start int64) {
	if start == 0 {
		f.first = t
	}
	f.last = t
	switch t {
	case queuefmt.RecMessage:
		f.size.DataOffset = f.offset()
	case queuefmt.RecExtracted:
		f.size.DataSize = start - f.size.DataOffset
		f.size.ContentLength = f.size.DataSize
	case queuefmt.RecRecipient:
		f.size.Recipients++
	}
}

// Measure returns the size record's numbers as the records written so far
// make them: data size and offset, recipients, content length. Flags and
// options are 0.
func (f *File) Measure() queuefmt.Size {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// SetSize rewrites the size record, which must be the file's first record.
func (f *File) SetSize(size queuefmt.Size) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usable(); err != nil {
		return err
	}
	rec := size.Record().AppendTo(make([]byte, 0, queuefmt.SizeRecordLen))
	if f.first != queuefmt.RecSize || f.offset() < queuefmt.SizeRecordLen || len(rec) != queuefmt.SizeRecordLen {
		f.err = &Error{Op: "set size of", Path: f.path, Err: errors.New("no room for the size record")}
		return f.err
	}
	f.set, f.given = true, size
	return f.patch(rec, 0)
}

// patch overwrites bytes that are in the file. f.mu is held.
func (f *File) patch(p []byte, off int64) error {
	if off < f.written {
		n := min(int64(len(p)), f.written-off)
		if _, err := f.h.WriteAt(p[:n], off); err != nil {
			f.err = &Error{Op: "write", Path: f.path, Err: err}
			return f.err
		}
		p, off = p[n:], off+n
	}
	if len(p) > 0 {
		copy(f.buf[off-f.written:], p)
	}
	return nil
}

// Hold makes Commit put the message on hold: into hold/, without telling the
// queue manager.
func (f *File) Hold() {
	f.mu.Lock()
	f.hold = true
	f.mu.Unlock()
}

func (f *File) usable() error {
	if f.done {
		return ErrClosed
	}
	return f.err
}

// flush writes what was held back.
func (f *File) flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	b := f.buf
	f.buf = f.buf[:0]
	return f.write(b)
}

func (f *File) write(b []byte) error {
	n, err := f.h.Write(b)
	f.written += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		f.err = &Error{Op: "write", Path: f.path, Err: err}
	}
	return f.err
}

// Discard removes the file. After a Commit or an earlier Discard it does
// nothing.
func (f *File) Discard() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return nil
	}
	return f.discard(nil)
}

// discard closes and removes the file because of cause, and returns cause
// together with what goes wrong now.
func (f *File) discard(cause error) error {
	defer f.spool.forget(f)
	errs := &multierror.Error{ErrorFormat: joinErrors}
	if cause != nil {
		errs = multierror.Append(errs, cause)
	}
	// The name goes first: no moment may come in which a file that was
	// reported as failed looks finished and unattended.
	if !f.unnamed {
		if err := f.spool.fs.Remove(f.path); err != nil && !errors.Is(err, syscall.ENOENT) {
			errs = multierror.Append(errs, &Error{Op: "remove", Path: f.path, Err: err})
		}
	}
	if err := f.close(); err != nil && cause == nil {
		errs = multierror.Append(errs, err)
	}
	if len(errs.Errors) == 1 {
		return errs.Errors[0]
	}
	return errs.ErrorOrNil()
}

// joinErrors puts several errors on one line.
func joinErrors(errs []error) string {
	text := ""
	for i, err := range errs {
		if i > 0 {
			text += "; "
		}
		text += err.Error()
	}
	return text
}

// close ends the use of the file, whatever became of it. A second call does nothing.
func (f *File) close() error {
	if f.done {
		return nil
	}
	f.done = true
	f.spool.group.unfinished.Add(-1)
	putBuffer(f.buf)
	f.buf = nil
	if err := f.h.Close(); err != nil {
		return &Error{Op: "close", Path: f.path, Err: err}
	}
	return nil
}
