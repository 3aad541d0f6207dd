package mainconf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// Error is a syntax error in a configuration file.
type Error struct {
	File   string // as given to the parser
	Line   int    // first physical line of the logical line, from 1
	Offset int    // byte offset of that line
	// Text is the complete message as Postfix 3.10 prints it after "fatal: ".
	Text string
	// Warnings counts the document's warnings that stock prints before this
	// error.
	Warnings int
}

// Error returns Text. Note that Postfix names file and line in some of its
// messages only: those about master.cf's fields lack both. See Located.
func (e *Error) Error() string { return e.Text }

// Position returns where the error is for people to read, FILE:LINE, or "" for
// an error that is not from a file: that of ParseService.
func (e *Error) Position() string {
	if e.Line == 0 {
		return ""
	}
	return e.File + ":" + strconv.Itoa(e.Line)
}

// Located returns the error as people need it, with file and line in its text: e
// itself if Text names them or there are none, else an error with "FILE:LINE: "
// in front that wraps e.
func (e *Error) Located() error {
	line := strconv.Itoa(e.Line)
	switch {
	case e.Line == 0,
		strings.HasPrefix(e.Text, e.File+", line "+line+": "),
		strings.HasPrefix(e.Text, "file "+e.File+": line "+line+": "):
		return e
	}
	return fmt.Errorf("%s: %w", e.Position(), e)
}

// FirstError returns the first *Error of what a parser returned: the one at
// which a stock program stops. The result is nil when err holds none.
func FirstError(err error) *Error {
	var first *Error
	if errors.As(err, &first) {
		return first
	}
	return nil
}

// Errors returns each *Error of what a parser returned, in file order: for all to be
// told where they are. The result is nil when err holds none.
func Errors(err error) []*Error {
	var all *multierror.Error
	if !errors.As(err, &all) {
		if first := FirstError(err); first != nil {
			return []*Error{first}
		}
		return nil
	}
	var list []*Error
	for _, err := range all.Errors {
		list = append(list, Errors(err)...)
	}
	return list
}

// WarningKind says what a Warning is about.
type WarningKind int

// The warnings that reading a file can give.
const (
	WarnNull         WarningKind = iota // text after a null byte is not seen
	WarnLeadingSpace                    // a continuation line that continues nothing
	WarnOverride                        // a main.cf entry replaces an earlier, different one
	WarnArgument                        // a malformed {argument} in master.cf
)

// Warning is something that Postfix warns about while reading a file.
type Warning struct {
	Kind WarningKind
	File string
	Line int // first physical line, from 1
	Last int // last physical line
	// Name and Value are the overridden entry of WarnOverride.
	Name, Value string
	// Text is the logical line of WarnLeadingSpace, and the complaint of
	// WarnArgument.
	Text string
}

// String returns the message as Postfix prints it after "warning: ".
func (w Warning) String() string {
	switch w.Kind {
	case WarnNull:
		lines := strconv.Itoa(w.Line)
		if w.Line != w.Last {
			lines += "-" + strconv.Itoa(w.Last)
		}
		return w.File + ", line " + lines + ": text after null byte may be ignored"
	case WarnLeadingSpace:
		text, more := cString(w.Text), ""
		if len(w.Text) > 30 {
			more = "..."
		}
		if len(text) > 30 {
			text = text[:30]
		}
		return w.File + ": logical line must not start with whitespace: \"" + text + more + "\""
	case WarnOverride:
		return w.File + ", line " + strconv.Itoa(w.Line) + ": overriding earlier entry: " + w.Name + "=" + w.Value
	case WarnArgument:
		// Stock names the file without its directory and without a line.
		return "master.cf: " + w.Text
	}
	return fmt.Sprintf("%s, line %d: unknown warning %d", w.File, w.Line, w.Kind)
}

// errorList collects errors in file order.
type errorList struct{ all *multierror.Error }

func (l *errorList) add(e *Error) { l.all = multierror.Append(l.all, e) }

func (l *errorList) err() error {
	if l.all == nil {
		return nil
	}
	return l.all
}
