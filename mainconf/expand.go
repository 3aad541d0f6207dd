package mainconf

import (
	"errors"
	"strings"
)

// DefaultMaxWork is the bound on one expansion when Expander.MaxWork is 0.
//
// A unit of work is one byte scanned, or a quarter of a byte produced; each
// macro or piece of literal text costs 64 units more, each warning 8192. The
// default admits values of many megabytes, a few million macro references and
// some 30000 warnings, and takes about half a second to exhaust. Without a
// bound, a=$b$b, b=$c$c, ... doubles at each of up to 100 levels; stock Postfix
// then runs until it is out of memory.
const DefaultMaxWork = 256 << 20

const (
	stepWork    = 64      // the price of a macro or a piece of literal text
	warningWork = 8 << 10 // the price of a warning

	// maxNesting is Postfix's limit on macros within macros.
	maxNesting = 100
	// maxDepth bounds what maxNesting does not see: the operands of relational
	// expressions start counting anew. Stock overflows its stack there.
	maxDepth = 5000
)

// ErrMacro is the error of an expansion with a syntax error, after the
// warnings that say which. Its text is Postfix's.
var ErrMacro = errors.New("macro processing error")

// NumberError is the error of a relational expression between digit strings
// of which one does not fit a signed 64-bit number.
type NumberError struct{ Text string }

// Error returns Postfix's message. Stock stops with this message alone, not
// with ErrMacro's.
func (e *NumberError) Error() string { return "mac_exp_eval: bad conversion: " + e.Text }

// LookupError is the error of an expansion whose Lookup failed.
type LookupError struct {
	Name string // that was looked up
	Err  error  // of Lookup
}

// Error returns the text of Err.
func (e *LookupError) Error() string { return e.Err.Error() }

func (e *LookupError) Unwrap() error { return e.Err }

// WorkError is the error of an expansion that exceeded its bound.
type WorkError struct {
	Text string // the beginning of the text that was to be expanded
	Max  int    // the bound, in units of work
}

func (e *WorkError) Error() string {
	return "macro expansion takes more than " + itoa(e.Max) + " steps: \"" + e.Text + "\""
}

// Function computes the value of ${name{text}} from the expanded text. The
// text of an error is a warning; the expansion then fails with ErrMacro.
type Function func(text string) (string, error)

// Expander expands $name in configuration values. The zero value expands all
// names to nothing. An Expander has no state of its own; the functions in it
// decide whether it can be used by several goroutines.
type Expander struct {
	// Lookup returns the unexpanded value of a name. An unknown name is not an
	// error; it has the value "" and counts as undefined. An error ends the
	// expansion at once: there are no more warnings. Nil knows no names.
	Lookup func(name string) (value string, ok bool, err error)
	// Warn receives Postfix's warnings, without "warning: ". Nil drops them.
	Warn func(text string)
	// NotExpanded, if not nil, says that the value of a name is inserted as
	// it is. Postfix 3.11 and later do so for raw parameters.
	NotExpanded func(name string) bool
	// Function, if not nil, enables ${name{text}}, new in Postfix 3.11. It
	// returns the function with that name, or nil.
	Function func(name string) Function
	// Once turns off the expansion of the values that Lookup returns.
	Once bool
	// MaxWork bounds the work of one call; see DefaultMaxWork. 0 or less means
	// DefaultMaxWork.
	MaxWork int
}

// Expand returns text with all macros replaced by their values, recursively.
// The error is ErrMacro, a *NumberError, a *WorkError or a *LookupError; the
// result is then empty.
func (x *Expander) Expand(text string) (string, error) {
	if strings.IndexByte(text, '$') < 0 {
		return text, nil
	}
	run := newRun(x, text)
	var out strings.Builder
	e := expansion{run: run, out: &out, notExpanded: x.NotExpanded}
	status := e.parse(text)
	switch {
	case run.fatal != nil:
		return "", run.fatal
	case status&statusError != 0:
		return "", ErrMacro
	}
	return out.String(), nil
}

// Scan finds the names that text refers to, without looking into their
// values. Unlike evaluation it visits both results of a condition and the
// operands of relational expressions. Visit is called for each reference, in
// Postfix's order; test is true for ${name?...} and ${name:...}. If it is nil,
// only the syntax is checked. Lookup is not used. The other errors are those of
// Expand.
func (x *Expander) Scan(text string, visit func(name string, test bool)) error {
	if strings.IndexByte(text, '$') < 0 {
		return nil
	}
	if visit == nil {
		visit = func(string, bool) {}
	}
	run := newRun(x, text)
	run.visit = visit
	e := expansion{run: run}
	status := e.parse(text)
	switch {
	case run.fatal != nil:
		return run.fatal
	case status&statusError != 0:
		return ErrMacro
	}
	return nil
}

// status bits, as in Postfix's mac_parse.h.
const (
	statusError = 1 << iota
	statusUndefined
)

// run is the state shared by an expansion and those of its operands.
type run struct {
	x     *Expander
	text  string
	visit func(name string, test bool) // not nil when scanning
	work  int                          // units left
	depth int
	fatal error // ends everything
}

func newRun(x *Expander, text string) *run {
	r := &run{x: x, text: text, work: x.MaxWork}
	if r.work <= 0 {
		r.work = DefaultMaxWork
	}
	return r
}

func (r *run) warn(text string) {
	// An error in a deeply nested value is followed by a warning for each
	// piece on the way out.
	if r.spend(warningWork+len(text)) && r.x.Warn != nil && r.fatal == nil {
		r.x.Warn(text)
	}
}

// spend pays for n units of work and reports whether they were left.
func (r *run) spend(n int) bool {
	if r.work -= n; r.work >= 0 {
		return true
	}
	if r.fatal == nil {
		limit := r.x.MaxWork
		if limit <= 0 {
			limit = DefaultMaxWork
		}
		r.fatal = &WorkError{Text: first(r.text, 60), Max: limit}
	}
	return false
}
