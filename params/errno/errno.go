// Package errno gives system errors the words of the C library, as Postfix
// logs them for %m.
package errno

import (
	"errors"
	"syscall"
)

// NoNumber is what Postfix prints when the system has reported no error. Source:
// Postfix 3.10 mystrerror.c, mystrerror.
const NoNumber = "Application error"

// Text returns strerror(3)'s text in the C locale for the error number that
// err wraps: "No such file or directory". An error without a number gets its
// own text, nil "Success", and the number zero NoNumber.
func Text(err error) string {
	if err == nil {
		return "Success"
	}
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err.Error()
	}
	if number == 0 {
		return NoNumber
	}
	// Go's table has glibc's words, but without the capital at the start.
	text := []byte(number.Error())
	if len(text) > 0 && 'a' <= text[0] && text[0] <= 'z' {
		text[0] -= 'a' - 'A'
	}
	return string(text)
}
