package postconf

import (
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// bracedText is text that is taken apart at its braces, level by level. To search
// for the end of each level anew would take long where there are many.
type bracedText struct {
	text string
	// closed is where the brace is that closes the one at an index, or 0. Nil if
	// there are no braces.
	closed []int32
}

// span is a part of a text.
type span struct{ start, end int }

// tableList is a part of a text that is a list of words; start moves on.
type tableList struct {
	start, end int
	recurse    bool // into the lists that are its words
}

func newBracedText(text string) bracedText {
	t := bracedText{text: text}
	if strings.IndexByte(text, '{') < 0 {
		return t
	}
	t.closed = make([]int32, len(text))
	var open []int32
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '{':
			open = append(open, int32(i))
		case text[i] == '}' && len(open) > 0:
			t.closed[open[len(open)-1]] = int32(i)
			open = open[:len(open)-1]
		}
	}
	return t
}

func (t bracedText) of(s span) string { return t.text[s.start:s.end] }

// word takes the next word off a list; separators inside {} do not count. The
// rest starts behind the one separator that ended the word.
func (t bracedText) word(list *tableList) span {
	isSeparator := func(i int) bool { return strings.IndexByte(mainconf.ListSeparators, t.text[i]) >= 0 }
	for list.start < list.end && isSeparator(list.start) {
		list.start++
	}
	word := span{list.start, list.end}
	for i := list.start; i < list.end; i++ {
		if isSeparator(i) {
			word.end, list.start = i, i+1
			return word
		}
		if t.text[i] != '{' {
			continue
		}
		if t.closed[i] == 0 {
			break // the rest
		}
		i = int(t.closed[i])
	}
	list.start = list.end
	return word
}

// withoutBraces returns what is between the braces of word, white space
// included, and what is wrong with them. Source: Postfix 3.10 extpar.c.
func (t bracedText) withoutBraces(word span) (inner span, problem string) {
	end := int(t.closed[word.start])
	switch {
	case end == 0:
		return span{word.start + 1, word.end}, "missing '}'"
	case end+1 < word.end:
		problem = "syntax error after '}'"
	}
	return span{word.start + 1, end}, problem
}
