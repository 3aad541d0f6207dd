package table

import (
	"errors"
	"syscall"
)

// Class says what a failed lookup or open means for the caller.
type Class int

const (
	// Retry: the table is temporarily out of order.
	Retry Class = iota
	// Config: the table, or an entry in it, is wrong.
	Config
	// Fatal: Postfix logs the text as "fatal:" and ends the process.
	Fatal
)

// Error is the failure of one table.
type Error struct {
	Class Class
	// Type and Name are the table's; both are empty when there is no table.
	Type, Name string
	// Text is the message: for Fatal what Postfix prints after "fatal: ",
	// otherwise what it logged, or would have.
	Text string
	// Err is the cause, if there is one.
	Err error
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of an error from this package; any other error
// counts as Retry.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Retry
}

func fatalError(text string, cause error) *Error {
	return &Error{Class: Fatal, Text: text, Err: cause}
}

// Strerror returns the C library's text for a system error, as Postfix prints
// it for %m: "No such file or directory". It looks through wrapped errors;
// an error without an error number gets its own text.
func Strerror(err error) string {
	if err == nil {
		return "Success"
	}
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err.Error()
	}
	text := []byte(number.Error())
	// Go's table has glibc's words but for the capital at the start.
	if len(text) > 0 && 'a' <= text[0] && text[0] <= 'z' {
		text[0] -= 'a' - 'A'
	}
	return string(text)
}
