package table

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
)

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
	if utf8.ValidString(text) {
		return foldValid(text)
	}
	var folded strings.Builder
	start := 0
	flush := func(end int) {
		if start < end {
			folded.WriteString(foldValid(text[start:end]))
		}
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			flush(i)
			folded.WriteByte(text[i])
			start = i + 1
		}
		i += size
	}
	flush(len(text))
	return folded.String()
}

// foldValid folds text that is UTF-8.
func foldValid(text string) string {
	return strings.Map(foldCherokee, cases.Fold().String(text))
}

// foldCherokee does what package cases leaves out: Cherokee letters fold to
// upper case, because lower case came to Unicode later (CaseFolding.txt).
func foldCherokee(r rune) rune {
	switch {
	case 0x13F8 <= r && r <= 0x13FD:
		return r - 0x13F8 + 0x13F0
	case 0xAB70 <= r && r <= 0xABBF:
		return r - 0xAB70 + 0x13A0
	}
	return r
}
