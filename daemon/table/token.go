package table

import (
	"strconv"
	"strings"
)

// isSpace is C's isspace for ASCII, the only blanks Postfix knows.
func isSpace(c byte) bool {
	return c == ' ' || '\t' <= c && c <= '\r'
}

func isAlnum(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func trimLeft(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// isSeparator tells the separators of lists: comma and blanks, but not the
// vertical tab and form feed that isSpace knows.
func isSeparator(c byte) bool {
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'
}

// NextToken splits the first element off a list. Elements are separated by
// any number of commas and blanks; a separator inside braces does not count,
// and the braces stay in the element. Source: Postfix 3.10 mystrtok.c,
// mystrtokq.
func NextToken(list string) (token, rest string, ok bool) {
	for len(list) > 0 && isSeparator(list[0]) {
		list = list[1:]
	}
	if list == "" {
		return "", "", false
	}
	level := 0
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '{':
			level++
		case c == '}' && level > 0:
			level--
		case level == 0 && isSeparator(c):
			return list[:i], list[i+1:], true
		}
	}
	return list, "", true
}

// splitList returns all elements of a list, by NextToken.
func splitList(list string) []string {
	var tokens []string
	for {
		token, rest, ok := NextToken(list)
		if !ok {
			return tokens
		}
		tokens = append(tokens, token)
		list = rest
	}
}

// balancedBraces returns the length of the text from an opening brace to the
// brace that closes it, or 0 if there is none. Source: Postfix 3.10 balpar.c.
func balancedBraces(s string) int {
	level := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			level++
		case '}':
			if level--; level == 0 {
				return i + 1
			}
		}
		if level <= 0 {
			return 0
		}
	}
	return 0
}

// unbrace takes the braces off a text; problem is Postfix's complaint, or
// empty. Source: Postfix 3.10 extpar.c.
func unbrace(s string, strip bool) (inside, problem string) {
	switch n := balancedBraces(s); {
	case s == "" || s[0] != '{':
		problem = `no '{' at start of text in "` + s + `"`
		inside = s
	case n == 0:
		problem = `missing '}' in "` + s + `"`
		inside = s[1:]
	default:
		if n < len(s) {
			problem = `syntax error after '}' in "` + s + `"`
		}
		inside = s[1 : n-1]
	}
	if strip {
		inside = trimLeft(trimRight(inside))
	}
	return inside, problem
}

// members splits the name of a composite table, "{...}", into its elements;
// ok is false when Postfix calls it bad syntax.
func members(name string) (list []string, ok bool) {
	n := balancedBraces(name)
	if n == 0 || n < len(name) || n == 2 {
		return nil, false
	}
	list = splitList(name[1 : n-1])
	return list, len(list) > 0
}

// cString cuts text at its first NUL, where a C program stops reading.
func cString(s string) string {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return s
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func decimal(n int) string { return strconv.Itoa(n) }
