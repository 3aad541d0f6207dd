package table

import (
	"strings"
	"unicode/utf8"
)

// openInline reads a table from its own name: "{key=value, { key = value with
// blanks }}". Quotes and backslashes protect blanks in a key, and stay in it.
// Source: Postfix 3.10 dict_inline.c.
func openInline(o *opening) (Table, error) {
	bad := func(problem string) (Table, error) {
		return nil, &cannotOpen{problem + `: "inline:` + o.name + `"; need "inline:{name=value...}"`}
	}
	if o.utf8() && !utf8.ValidString(o.name) {
		return bad("bad UTF-8 syntax")
	}
	n := balancedBraces(o.name)
	if n == 0 || n < len(o.name) || n == 2 {
		return bad("bad syntax")
	}
	t := newMemory(o)
	for _, element := range splitList(o.name[1 : n-1]) {
		problem := ""
		if element[0] == '{' {
			if element, problem = unbrace(element, true); problem != "" {
				return bad(problem)
			}
		}
		key, value, problem := splitQuotedPair(element)
		if problem != "" {
			return bad(problem)
		}
		t.entries[o.foldKey(key)] = value
	}
	if len(t.entries) == 0 {
		return bad("empty table")
	}
	return t, nil
}

// splitQuotedPair splits "key = value" at the first equals sign or blank that
// is not quoted. Source: Postfix 3.10 split_qnameval.c.
func splitQuotedPair(s string) (key, value, problem string) {
	s = trimLeft(s)
	if s == "" {
		return "", "", "no key found; expected format: key = value"
	}
	end, quoted := skipQuoted(s, func(c byte) bool { return isSpace(c) || c == '=' })
	if quoted {
		return "", "", "unbalanced '\"'"
	}
	rest := trimLeft(s[end:])
	if !strings.HasPrefix(rest, "=") {
		return "", "", "missing '=' after attribute name"
	}
	return s[:end], trimLeft(trimRight(rest[1:])), ""
}

// skipQuoted returns the index of the first byte that ends a word; bytes
// between double quotes or after a backslash do not. quoted says that a quote
// is still open there.
func skipQuoted(s string, ends func(byte) bool) (i int, quoted bool) {
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case ends(c):
			if !quoted {
				return i, false
			}
		case c == '"':
			quoted = !quoted
		}
	}
	return len(s), quoted
}
