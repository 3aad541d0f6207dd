package mainconf

import (
	"errors"
	"strings"
)

// DefaultMaxWork is the bound on one expansion when Expander.MaxWork is 0.
//
// A unit of work is one byte scanned, a quarter of a byte produced; each macro
// or piece of literal text costs 64 units more, each warning 8192. The default
// admits values of many megabytes, a few million macro references and some
// 30000 warnings, and takes well under a second to exhaust. Without a bound, a=$b$b, b=$c$c, ... doubles at each of up to 100
// levels; stock Postfix then runs until it is out of memory.
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
	// error; it has the value "" and counts as undefined. Nil knows no names.
	Lookup func(name string) (value string, ok bool)
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
	// MaxWork bounds the work of one call; see DefaultMaxWork. 0 means
	// DefaultMaxWork.
	MaxWork int
}

// Expand returns text with all macros replaced by their values, recursively.
// The error is ErrMacro, a *NumberError or a *WorkError; the result is then
// empty.
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
// Postfix's order; test is true for ${name?...} and ${name:...}. Lookup is not
// used. The error is as for Expand.
func (x *Expander) Scan(text string, visit func(name string, test bool)) error {
	if strings.IndexByte(text, '$') < 0 {
		return nil
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

// expansion is one evaluation of a text: of the whole value, or of an operand
// of a relational expression. Source: Postfix 3.10 mac_expand.c, MAC_EXP_CONTEXT.
type expansion struct {
	*run
	out         *strings.Builder // nil when scanning
	status      int
	level       int
	notExpanded func(name string) bool
}

func (e *expansion) scanning() bool { return e.visit != nil }

// fail warns and puts the expansion into the error state.
func (e *expansion) fail(text string) int {
	e.warn(text)
	e.status |= statusError
	return e.status
}

// parse splits value into literal text and macros and evaluates each. Its own
// syntax errors are returned; the caller adds them to e.status, so that what
// precedes them on the same level has been evaluated. Source: Postfix 3.10
// mac_parse.c.
func (e *expansion) parse(value string) (status int) {
	if e.depth++; e.depth > maxDepth {
		e.depth--
		return e.fail("unreasonable macro call nesting: \"" + first(value, 60) + "\"")
	}
	defer func() { e.depth-- }()
	if !e.spend(len(value)) {
		return e.status | statusError
	}
	rest := value
	for rest != "" {
		literal, after := takeLiteral(rest)
		rest = after
		if rest == "" {
			if literal != "" && status&statusError == 0 {
				status |= e.literal(literal)
			}
			break
		}
		if literal != "" {
			status |= e.literal(literal)
		}
		rest = rest[1:] // the '$'
		var macro string
		if rest != "" && (rest[0] == '{' || rest[0] == '(') {
			end := closing(rest)
			if end < 0 {
				e.warn("truncated macro reference: \"" + value + "\"")
				status |= statusError
			}
			// Stock stops here after an error of an earlier macro, too.
			if status&statusError != 0 {
				break
			}
			if !e.spend(end) {
				return status | statusError
			}
			macro, rest = rest[1:end], rest[end+1:]
		} else {
			n := 0
			for n < len(rest) && (isAlnum(rest[n]) || rest[n] == '_') {
				n++
			}
			macro, rest = rest[:n], rest[n:]
		}
		if macro == "" {
			e.warn("empty macro name: \"" + value + "\"")
			status |= statusError
			break
		}
		status |= e.macro(macro)
		if e.fatal != nil {
			return status | statusError
		}
	}
	return status
}

// takeLiteral returns the literal text at the start of s, in which $$ stands
// for $, and what follows it: nothing, or text that starts with a macro's '$'.
func takeLiteral(s string) (literal, rest string) {
	i := strings.IndexByte(s, '$')
	if i < 0 {
		return s, ""
	}
	if i+1 >= len(s) || s[i+1] != '$' {
		return s[:i], s[i:]
	}
	var b strings.Builder
	for {
		b.WriteString(s[:i])
		s = s[i:]
		if len(s) < 2 || s[1] != '$' {
			return b.String(), s
		}
		b.WriteByte('$')
		s = s[2:]
		if i = strings.IndexByte(s, '$'); i < 0 {
			b.WriteString(s)
			return b.String(), ""
		}
	}
}

// closing returns the index of the bracket that closes the one at s[0], or -1.
// Only brackets of the same kind nest.
func closing(s string) int {
	opening, close := s[0], byte('}')
	if opening == '(' {
		close = ')'
	}
	level := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case opening:
			level++
		case close:
			if level--; level == 0 {
				return i
			}
		}
	}
	return -1
}

// enter counts a macro or a literal. It returns false when there is nothing
// more to be done with it. As in stock, a piece that is met in the error state
// stays counted.
func (e *expansion) enter(text string) bool {
	if !e.spend(stepWork) {
		e.status |= statusError
		return false
	}
	if e.level++; e.level > maxNesting+1 {
		if !e.spend(len(text)) {
			e.status |= statusError
			return false
		}
		e.fail("unreasonable macro call nesting: \"" + text + "\"")
	}
	return e.status&statusError == 0
}

func (e *expansion) literal(text string) int {
	if !e.enter(text) {
		return e.status
	}
	e.write(text)
	e.level--
	return e.status
}

func (e *expansion) write(text string) {
	if e.out == nil {
		return
	}
	// Output costs more than reading: it is kept.
	if !e.spend(4 * len(text)) {
		e.status |= statusError
		return
	}
	e.out.WriteString(text)
}

// macro evaluates what stands between the brackets of a macro. Source:
// Postfix 3.10 mac_expand.c, mac_expand_callback.
func (e *expansion) macro(text string) int {
	if !e.enter(text) {
		return e.status
	}
	var (
		value      string
		defined    bool
		asIs       bool
		op         byte // '?', ':' or 0
		afterwards string
	)
	if rest := skipWords(text); rest != "" && rest[0] == '{' {
		var ok bool
		value, afterwards, ok = e.relational(rest)
		if !ok {
			return e.status
		}
		defined = !e.scanning()
		if afterwards != "" {
			op = afterwards[0]
			if op != '?' && op != ':' {
				return e.fail("\"?\" or \":\" expected at: \"...}>>>" + first(afterwards, 20) + "\"")
			}
			afterwards = afterwards[1:]
		}
	} else {
		name := rest
		n := 0
	scan:
		for ; ; n++ {
			after := skipWords(name[n:])
			switch {
			case after == "":
				break scan
			case after[0] == '?' || after[0] == ':':
				op, afterwards = after[0], after[1:]
				break scan
			case after[0] == '{' && e.x.Function != nil:
				// As in stock, the call stays counted.
				return e.call(name[:n], after)
			case !isAlnum(name[n]) && name[n] != '_':
				bad := len(text) - len(rest) + n
				return e.fail("attribute name syntax error at: \"..." + text[:bad] + ">>>" + first(text[bad:], 20) + "\"")
			}
		}
		name = name[:n]
		if e.scanning() {
			e.visit(name, op != 0)
		} else if e.x.Lookup != nil {
			asIs = e.notExpanded != nil && e.notExpanded(name)
			if value, defined = e.x.Lookup(name); !defined {
				value = ""
			}
		}
	}
	if op != 0 {
		if !e.conditional(op, afterwards, value != "") {
			return e.status
		}
	} else {
		switch {
		case !defined:
			e.status |= statusUndefined
		case value == "":
		case e.x.Once || asIs:
			e.write(value)
		default:
			e.status |= e.parse(value)
		}
	}
	e.level--
	return e.status
}

// conditional evaluates what follows the ? or : of a macro. It returns false
// after a syntax error. As in stock, the result that is not wanted is not
// checked, and the wanted one is evaluated before what follows it is checked.
func (e *expansion) conditional(op byte, text string, isSet bool) bool {
	if op == '?' {
		result, rest, ok := e.operand(text)
		if !ok {
			return false
		}
		if isSet || e.scanning() {
			e.status |= e.parse(result)
		}
		if rest == "" {
			return true
		}
		if rest[0] != ':' {
			e.fail("\":\" expected at: \"..." + result + "}>>>" + first(rest, 20) + "\"")
			return false
		}
		text = rest[1:]
	}
	result, rest, ok := e.operand(text)
	if !ok {
		return false
	}
	if !isSet || e.scanning() {
		e.status |= e.parse(result)
	}
	if rest != "" {
		e.fail("unexpected input at: \"..." + result + "}>>>" + first(rest, 20) + "\"")
		return false
	}
	return true
}

// operand splits text into the operand at its start and what follows. An
// operand without braces takes everything.
func (e *expansion) operand(text string) (operand, rest string, ok bool) {
	if braced := skipWords(text); braced != "" && braced[0] == '{' {
		return e.payload(braced)
	}
	return text, "", true
}

// payload returns what is inside the braces at the start of text, and what
// follows them and white space.
func (e *expansion) payload(text string) (payload, rest string, ok bool) {
	n := balanced(text, "{}")
	if n == 0 {
		e.fail("unbalanced {} in attribute expression: \"" + text + "\"")
		return "", "", false
	}
	return text[1 : n-1], skipWords(text[n:]), true
}

// call evaluates ${name{text}}. Source: Postfix 3.11 mac_expand.c,
// mac_exp_parse_function.
func (e *expansion) call(name, text string) int {
	argument, rest, ok := e.payload(text)
	if !ok {
		return e.status
	}
	argument = trimRightSpace(skipWords(argument))
	if rest != "" {
		return e.fail("unexpected input at: \"..." + argument + "}>>>" + first(rest, 20) + "\"")
	}
	function := e.x.Function(name)
	if function == nil {
		return e.fail("unknown function \"" + name + "\" at\"...>>>" + name + "{" + argument + "}\"")
	}
	value := e.evaluate(argument)
	if e.status&statusError != 0 || e.scanning() {
		return e.status
	}
	result, err := function(value)
	if err != nil {
		return e.fail(err.Error())
	}
	e.write(result)
	return e.status
}

// skipWords returns s without leading separators of words.
func skipWords(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t' || s[0] == '\r' || s[0] == '\n') {
		s = s[1:]
	}
	return s
}

// first returns at most n bytes of s.
func first(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
