package table

import (
	"errors"
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
