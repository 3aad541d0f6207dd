package mainconf

import (
	"cmp"
	"errors"
	"math"
	"strconv"
	"strings"
)

// relational evaluates the expression {left} OP {right} at the start of text.
// It returns the expression's value, "true" or "", and what follows it. Source:
// Postfix 3.10 mac_expand.c, mac_exp_parse_relational.
func (e *expansion) relational(text string) (value, rest string, ok bool) {
	left, rest, ok := e.payload(text)
	if !ok {
		return "", "", false
	}
	op, compare, rest, ok := e.operator(left, rest)
	if !ok {
		return "", "", false
	}
	right, rest, ok := e.payload(rest)
	if !ok {
		return "", "", false
	}
	leftValue := e.evaluate(left)
	rightValue := e.evaluate(right)
	if e.fatal != nil {
		return "", "", false
	}
	if !e.scanning() {
		// As in stock, the comparison is made even after an error in an
		// operand, with what that operand gave so far.
		order, ok := compare(leftValue, rightValue)
		if !ok {
			e.status |= statusError
		} else if holds(order, op) {
			value = "true"
		}
	}
	if e.status&statusError != 0 {
		return "", "", false
	}
	return value, rest, true
}

// operator reads the operator after the operand left. It returns how that compares,
// and what follows it, which begins with a brace.
func (e *expansion) operator(left, text string) (op string, compare func(left, right string) (int, bool), rest string, ok bool) {
	n := 0
	for n < len(text) && strings.IndexByte("<>!=?+-*/~&|%", text[n]) >= 0 {
		n++
	}
	op, rest = text[:n], text[n:]
	switch op {
	case "==", "!=", "<", "<=", ">=", ">":
	default:
		// The quotation marks are stock's.
		e.fail(`"==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "...` +
			left + "}>>>" + first(text, 20) + "\"")
		return "", nil, "", false
	}
	n = 0
	for n < len(rest) && isAlnum(rest[n]) {
		n++
	}
	compare = e.compareValues
	if suffix := rest[:n]; suffix != "" {
		if suffix != "level" {
			e.fail("bad operator suffix at: \"..." + op + ">>>" + suffix + "\"")
			return "", nil, "", false
		}
		compare = e.compareLevels
		rest = rest[n:]
	}
	braced := skipWords(rest)
	if braced == "" || braced[0] != '{' {
		e.fail(`"{expression}" expected at: "...{` + left + "} " + op + ">>>" + first(rest, 20) + "\"")
		return "", nil, "", false
	}
	return op, compare, braced, true
}

// evaluate expands an operand, which starts counting levels anew.
func (e *expansion) evaluate(operand string) string {
	sub := expansion{run: e.run}
	var out strings.Builder
	if !e.scanning() {
		sub.out = &out
	}
	e.status |= sub.parse(operand)
	return out.String()
}

// holds reports whether operator op holds for operands with the given order.
func holds(order int, op string) bool {
	switch op {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	default:
		return order > 0
	}
}

// compareValues compares two operands: as numbers if both consist of decimal
// digits, else byte by byte.
func (e *expansion) compareValues(left, right string) (order int, ok bool) {
	if left == "" || right == "" || !allDigits(left) || !allDigits(right) {
		return strings.Compare(left, right), true
	}
	l, err := strconv.ParseInt(left, 10, 64)
	if err != nil {
		e.fatal = &NumberError{Text: left}
		return 0, false
	}
	r, err := strconv.ParseInt(right, 10, 64)
	if err != nil {
		e.fatal = &NumberError{Text: right}
		return 0, false
	}
	return cmp.Compare(l, r), true
}

func (e *expansion) compareLevels(left, right string) (order int, ok bool) {
	l, err := ParseLevel(left)
	if err == nil {
		var r Level
		if r, err = ParseLevel(right); err == nil {
			return cmp.Compare(l, r), true
		}
	}
	e.warn(err.Error())
	return 0, false
}

// Level is a compatibility level, major[.minor[.patch]], in a form that can be
// compared: minor and patch take ten bits each.
type Level int64

// LevelError is the error of text that is no compatibility level.
type LevelError struct{ Text string }

// Error returns Postfix's message.
func (e *LevelError) Error() string {
	return "malformed compatibility level syntax: \"" + e.Text + "\""
}

const levelBits = 10

// ParseLevel converts the text of a compatibility level. Numbers are read as
// strtol(3) does, so that white space and a sign may precede each. The error
// is a *LevelError. Source: Postfix 3.10 compat_level.c.
func ParseLevel(text string) (Level, error) {
	var level Level
	rest := text
	for shift := 2 * levelBits; shift >= 0; shift -= levelBits {
		limit := int64(1)<<levelBits - 1
		if shift == 2*levelBits {
			limit = math.MaxInt64 >> (2 * levelBits)
		}
		n, after, err := ParseLong(rest)
		if err != nil || n < 0 || n > limit {
			break
		}
		level |= Level(n) << shift
		if after == "" {
			return level, nil
		}
		if after[0] != '.' {
			break
		}
		rest = after[1:]
	}
	return 0, &LevelError{Text: text}
}

// The errors of ParseLong.
var (
	ErrNoNumber = errors.New("no number")
	ErrRange    = errors.New("number out of range")
)

// ParseLong reads a decimal number at the start of text as strtol(3) does in
// base 10: white space and one sign may precede the digits. It returns what
// follows the number. The error is ErrNoNumber, with all of text as the rest, or
// ErrRange, with the nearest number that fits.
func ParseLong(text string) (n int64, rest string, err error) {
	s := trimLeftSpace(text)
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	i := 0
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	if i == 0 {
		return 0, text, ErrNoNumber
	}
	digits := s[:i]
	if negative {
		digits = "-" + digits
	}
	// ParseInt returns the nearest number with a range error.
	n, parseErr := strconv.ParseInt(digits, 10, 64)
	if parseErr != nil {
		err = ErrRange
	}
	return n, s[i:], err
}
