package maillog

import (
	"errors"
	"fmt"
)

// Failure is a condition for which the original logs Text with Severity Fatal
// or Panic, waits a second and ends the process. A concurrent server ends only
// the session that met it.
//
// Text is byte for byte what the original logs, so it does not follow Go's
// style for error texts.
type Failure struct {
	Severity Severity
	Text     string
	Err      error // what Text was made from; may be nil
}

func (f *Failure) Error() string { return f.Text }

func (f *Failure) Unwrap() error { return f.Err }

// FatalError returns a *Failure with severity Fatal. An operand that is an error
// can be unwrapped from the result if the format has %w for it; its text is
// then as for %s.
func FatalError(format string, args ...any) error { return failure(Fatal, format, args) }

// PanicError is FatalError for conditions after which the original ends by
// SIGABRT.
func PanicError(format string, args ...any) error { return failure(Panic, format, args) }

func failure(s Severity, format string, args []any) error {
	err := fmt.Errorf(format, args...)
	return &Failure{Severity: s, Text: err.Error(), Err: errors.Unwrap(err)}
}

// Log writes the line for an error that ends a process or session: with the
// severity and text of a *Failure, with severity Fatal for any other error.
func (l *Logger) Log(err error) {
	var f *Failure
	if errors.As(err, &f) {
		l.Logf(f.Severity, "%s", f.Text)
		return
	}
	l.Fatalf("%v", err)
}

// Last is Log for the end of a process: nothing is logged after it.
func (l *Logger) Last(err error) {
	if l == nil {
		return
	}
	l.Log(err)
	l.End()
}

// End drops what is logged from now on, by whatever goroutine still runs.
func (l *Logger) End() {
	if l == nil {
		return
	}
	l.core.mu.Lock()
	l.core.ended = true
	l.core.mu.Unlock()
}
