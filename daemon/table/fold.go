package table

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:generate go test -run TestFoldTable -update .

// Fold folds text for comparison. With unicode set (smtputf8_enable), text
// that has bytes outside ASCII gets full Unicode case folding, and bytes that
// are not UTF-8 stay as they are; otherwise only A-Z change. Source: Postfix
// 3.10 casefold.c.
func Fold(text string, unicode bool) string {
	upper := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= utf8.RuneSelf && unicode {
			return foldUnicode(text)
		}
		upper = upper || 'A' <= c && c <= 'Z'
	}
	if !upper {
		return text
	}
	folded := []byte(text)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

func foldUnicode(text string) string {
	var folded strings.Builder
	folded.Grow(len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError {
			folded.WriteString(text[i : i+size])
		} else {
			foldRune(&folded, r)
		}
		i += size
	}
	return folded.String()
}

// foldRune writes the folded form of r: its lower case, but for those in
// foldExceptions.
func foldRune(to *strings.Builder, r rune) {
	if r >= utf8.RuneSelf {
		i := sort.Search(len(foldExceptions), func(i int) bool { return foldExceptions[i].r >= r })
		if i < len(foldExceptions) && foldExceptions[i].r == r {
			to.WriteString(foldExceptions[i].folded)
			return
		}
	}
	to.WriteRune(unicode.ToLower(r))
}
