package params

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/mainconf"
)

// Error is a configuration error with which a Postfix program would end.
type Error struct {
	// Name is the parameter, or empty.
	Name string
	// Value is the setting at fault, when there is one: its source tells
	// where to correct it. For a bad macro that may be another parameter's
	// setting, to which the value of Name refers.
	Value Value
	// Text is the complete message as Postfix prints it after "fatal: ".
	Text string
	// Warnings counts the warnings that Postfix would have printed before.
	Warnings int
	// Err is what lies beneath: a mainconf error for a bad macro.
	Err error
}

// Error returns Text.
func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.Err }

// Located returns the error as people need it: with the parameter, if Text lacks its
// name, and with the file and line of the setting at fault, if it stands in a file.
// The error wraps e, or is e itself where there is nothing to add.
func (e *Error) Located() error {
	var err error = e
	if !strings.Contains(e.Text, e.Name) {
		err = fmt.Errorf("%s: %w", e.Name, err)
	}
	if e.Value.Line > 0 {
		err = fmt.Errorf("%s: %w", e.Value.Origin(), err)
	}
	return err
}

// of makes e an error of a parameter. Its value is the setting at fault unless that is
// known to be another.
func (e *Error) of(name string, v Value) {
	e.Name = name
	if e.Value == (Value{}) {
		e.Value = v
	}
}

// Source says where a value comes from.
type Source uint8

// The sources of values.
const (
	SourceNone        Source = iota // the parameter has no value
	SourceDefault                   // the built-in default
	SourceMain                      // main.cf
	SourceMaster                    // an -o option in master.cf
	SourceCommandLine               // an -o option of the running program
	SourceProgram                   // the program itself, such as process_name
)

var sourceNames = [...]string{"unset", "default", "main.cf", "master.cf", "command line", "program"}

func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return "unknown"
}

// Value is the text of a parameter, macros not expanded, and its origin.
type Value struct {
	Text   string
	Source Source
	// File and Line say where in main.cf or master.cf the value stands: on which
	// line its entry begins, or the name=value of its -o. Line is 0 for values of
	// other sources.
	File string
	Line int
	// Service is the name/type of the master.cf entry for SourceMaster.
	Service string
}

// Origin returns the source of the value for people to read: "FILE:LINE",
// "FILE:LINE (NAME/TYPE)" or the name of the source.
func (v Value) Origin() string {
	if v.Line == 0 {
		return v.Source.String()
	}
	text := v.File + ":" + itoa(v.Line)
	if v.Service != "" {
		text += " (" + v.Service + ")"
	}
	return text
}

// macroError converts the error of an expansion to the text with which a
// program ends. Where is empty for postconf's own evaluator, and the name of a
// dictionary for the one that daemons use.
func macroError(err error, where string) string {
	if errors.Is(err, mainconf.ErrMacro) && where != "" {
		return "dictionary " + where + ": " + err.Error()
	}
	return err.Error()
}

// badText returns the value at fault after an expansion of text that failed by x: the
// first one that the expansion came upon whose own syntax is wrong. It reports false
// where that is text itself, or none is: two that refer to each other are both to blame.
func badText(x mainconf.Expander, text string, lookup func(name string) (Value, bool)) (Value, bool) {
	x.Warn = nil // it has been said
	if x.Scan(text, nil) != nil {
		return Value{}, false
	}
	var bad Value
	found := false
	scanned := make(map[string]bool)
	again := x
	again.Lookup = func(name string) (string, bool, error) {
		v, ok := lookup(name)
		raw := x.NotExpanded != nil && x.NotExpanded(name)
		if ok && !found && !raw && !scanned[name] {
			scanned[name] = true
			if x.Scan(v.Text, nil) != nil {
				bad, found = v, true
			}
		}
		return v.Text, ok, nil
	}
	_, _ = again.Expand(text)
	return bad, found
}

// workAfter returns the bound on the work of further expansions: after one that
// exceeded it there is no point in doing as much for each parameter that refers
// to the same one.
func workAfter(err error, bound int) int {
	var excess *mainconf.WorkError
	if errors.As(err, &excess) {
		return 1 << 17
	}
	return bound
}

// errorList collects errors in the order in which they were found.
type errorList struct{ all *multierror.Error }

func (l *errorList) add(e *Error) { l.all = multierror.Append(l.all, e) }

// about reports whether a setting is at fault in an error that was added.
func (l *errorList) about(v Value) bool {
	return v.Source > SourceDefault && l.all != nil && slices.ContainsFunc(l.all.Errors, func(err error) bool {
		var e *Error
		return errors.As(err, &e) && e.Value == v
	})
}

func (l *errorList) first() error {
	if l.all == nil {
		return nil
	}
	return l.all.Errors[0]
}

// err returns the errors so far. They are the caller's: go-multierror appends
// to what it is given.
func (l *errorList) err() error {
	if l.all == nil {
		return nil
	}
	return &multierror.Error{Errors: slices.Clone(l.all.Errors)}
}
