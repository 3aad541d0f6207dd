package mainconf

import "strings"

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
	if !e.spend(len(value)) || e.fatal != nil {
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
	rest := skipWords(text)
	read := e.named
	if rest != "" && rest[0] == '{' {
		read = e.compared
	}
	s, ok := read(text, rest)
	switch {
	case !ok:
		return e.status
	case s.op != 0:
		if !e.conditional(s.op, s.results, s.value != "") {
			return e.status
		}
	case !s.defined:
		e.status |= statusUndefined
	case s.value == "":
	case e.x.Once || s.asIs:
		e.write(s.value)
	default:
		e.status |= e.parse(s.value)
	}
	e.level--
	return e.status
}

// subject is what a macro asks about.
type subject struct {
	value   string
	defined bool
	asIs    bool   // the value is not to be expanded
	op      byte   // '?', ':' or 0
	results string // what follows it
}

// compared reads a macro that starts with a relational expression, and evaluates
// that. It returns false when there is nothing more to be done with the macro.
func (e *expansion) compared(_, rest string) (s subject, ok bool) {
	var afterwards string
	s.value, afterwards, ok = e.relational(rest)
	if !ok {
		return s, false
	}
	s.defined = !e.scanning()
	if afterwards == "" {
		return s, true
	}
	s.op, s.results = afterwards[0], afterwards[1:]
	if s.op != '?' && s.op != ':' {
		e.fail("\"?\" or \":\" expected at: \"...}>>>" + first(afterwards, 20) + "\"")
		return s, false
	}
	return s, true
}

// named reads a macro that starts with a name, and looks that up. It returns false
// when there is nothing more to be done with the macro, for one because it was a
// call, which stays counted as in stock.
func (e *expansion) named(text, name string) (s subject, ok bool) {
	n := 0
scan:
	for ; ; n++ {
		after := skipWords(name[n:])
		switch {
		case after == "":
			break scan
		case after[0] == '?' || after[0] == ':':
			s.op, s.results = after[0], after[1:]
			break scan
		case after[0] == '{' && e.x.Function != nil:
			e.call(name[:n], after)
			return s, false
		case !isAlnum(name[n]) && name[n] != '_':
			bad := len(text) - len(name) + n
			e.fail("attribute name syntax error at: \"..." + text[:bad] + ">>>" + first(text[bad:], 20) + "\"")
			return s, false
		}
	}
	name = name[:n]
	if e.scanning() {
		e.visit(name, s.op != 0)
		return s, true
	}
	if e.x.Lookup == nil {
		return s, true
	}
	s.asIs = e.notExpanded != nil && e.notExpanded(name)
	var err error
	if s.value, s.defined, err = e.x.Lookup(name); err != nil {
		e.fatal = &LookupError{Name: name, Err: err}
		e.status |= statusError
		return s, false
	}
	if !s.defined {
		s.value = ""
	}
	return s, true
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
	n := balanced(text)
	if n == 0 {
		e.fail("unbalanced {} in attribute expression: \"" + text + "\"")
		return "", "", false
	}
	return text[1 : n-1], skipWords(text[n:]), true
}

// call evaluates ${name{text}}. Source: Postfix 3.11 mac_expand.c,
// mac_exp_parse_function.
func (e *expansion) call(name, text string) {
	argument, rest, ok := e.payload(text)
	if !ok {
		return
	}
	argument = trimRightSpace(skipWords(argument))
	if rest != "" {
		e.fail("unexpected input at: \"..." + argument + "}>>>" + first(rest, 20) + "\"")
		return
	}
	function := e.x.Function(name)
	if function == nil {
		e.fail("unknown function \"" + name + "\" at\"...>>>" + name + "{" + argument + "}\"")
		return
	}
	value := e.evaluate(argument)
	if e.status&statusError != 0 || e.scanning() {
		return
	}
	result, err := function(value)
	if err != nil {
		e.fail(err.Error())
		return
	}
	e.write(result)
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
