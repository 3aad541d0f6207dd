package mainconf

import "strings"

// Separators and grouping characters of Postfix configuration text.
const (
	ListSeparators = ", \t\r\n" // between the elements of a list
	WordSeparators = " \t\r\n"  // between words
)

// NameValueError says why text is not of the form name = value. The texts are
// Postfix's.
type NameValueError string

// The two ways in which SplitNameValue fails.
const (
	ErrMissingName   NameValueError = "missing attribute name"
	ErrMissingEquals NameValueError = "missing '=' after attribute name"
)

func (e NameValueError) Error() string { return string(e) }

// SplitNameValue splits "name = value". White space around the name and the
// value is removed; the value may be empty and may contain anything. Only the
// text up to the first null byte is seen. The error is a NameValueError.
// Source: Postfix 3.10 split_nameval.c.
func SplitNameValue(text string) (name, value string, err error) {
	text = trimLeftSpace(cString(text))
	if text == "" || text[0] == '=' {
		return "", "", ErrMissingName
	}
	end := 0
	for end < len(text) && !isSpace(text[end]) && text[end] != '=' {
		end++
	}
	rest := trimLeftSpace(text[end:])
	if rest == "" || rest[0] != '=' {
		return "", "", ErrMissingEquals
	}
	return text[:end], trimRightSpace(trimLeftSpace(rest[1:])), nil
}

// SplitList splits a list of words at ListSeparators. The result is nil when
// there is no word.
func SplitList(text string) []string { return Split(text, ListSeparators) }

// Split splits text into the words between runs of the bytes in separators.
// Source: Postfix 3.10 mystrtok.c.
func Split(text, separators string) []string {
	return split(text, separators, false)
}

// SplitBraced is Split, but separators inside balanced {} do not count. The
// braces stay; they need not begin a word. An unbalanced '{' takes the rest of
// the text; a lone '}' is ordinary text. Source: Postfix 3.10 mystrtok.c,
// mystrtokq.
func SplitBraced(text, separators string) []string {
	return split(text, separators, true)
}

func split(text, separators string, braces bool) []string {
	var words []string
	start, level := -1, 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case level == 0 && strings.IndexByte(separators, c) >= 0:
			if start >= 0 {
				words = append(words, text[start:i])
				start = -1
			}
			continue
		case braces && c == '{':
			level++
		case level > 0 && c == '}':
			level--
		}
		if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		words = append(words, text[start:])
	}
	return words
}

// ParenError says that text is not one balanced pair of braces. The texts are
// Postfix's.
type ParenError string

func (e ParenError) Error() string { return string(e) }

// ExtractBraces returns the text inside the {} that surround text, without
// white space around it. Like Postfix it returns the best payload it can find
// together with the error, so that a caller may warn and go on. Source:
// Postfix 3.10 extpar.c with EXTPAR_FLAG_STRIP.
func ExtractBraces(text string) (string, error) {
	payload, err := insideBraces(text)
	return trimRightSpace(trimLeftSpace(payload)), err
}

func insideBraces(text string) (string, error) {
	if text == "" || text[0] != '{' {
		return text, ParenError("no '{' at start of text in \"" + text + "\"")
	}
	n := balanced(text)
	if n == 0 {
		return text[1:], ParenError("missing '}' in \"" + text + "\"")
	}
	if n != len(text) {
		return text[1 : n-1], ParenError("syntax error after '}' in \"" + text + "\"")
	}
	return text[1 : n-1], nil
}

// balanced returns the length of the balanced {text} at the start of text, or
// 0. Source: Postfix 3.10 balpar.c.
func balanced(text string) int {
	level := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			level++
		case '}':
			if level--; level == 0 {
				return i + 1
			}
		}
		if level == 0 {
			return 0
		}
	}
	return 0
}

func trimLeftSpace(s string) string {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	return s[i:]
}

func trimRightSpace(s string) string {
	n := len(s)
	for n > 0 && isSpace(s[n-1]) {
		n--
	}
	return s[:n]
}
