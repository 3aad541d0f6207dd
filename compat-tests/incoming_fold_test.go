package compat

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestIncomingCaseFolding sends every letter that has more than one case as a
// recipient, followed by its other cases: what is a duplicate of what must be
// the same.
func TestIncomingCaseFolding(t *testing.T) {
	t.Parallel()
	var recipients []string
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		forms := []string{s, strings.ToLower(s), strings.ToUpper(s), strings.ToTitle(s), strings.ToUpper(strings.ToLower(s)), strings.ToLower(strings.ToUpper(s))}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			forms = append(forms, string(f))
		}
		different := false
		for _, f := range forms {
			different = different || f != s
		}
		if !different {
			continue
		}
		for _, f := range forms {
			recipients = append(recipients, f+"@x")
		}
	}
	for _, full := range []string{"ss", "i\u0307", "\u02bcn", "j\u030c", "\u03b9\u0308\u0301", "\u0565\u0582", "h\u0331", "fi", "ffi", "st", "\u1f00\u03b9", "\u03b1\u03b9"} {
		recipients = append(recipients, full+"@x")
	}
	d := newDuel(t, commonMain, map[string]settings{"stock": {"duplicate_filter_limit": "0", "enable_original_recipient": "no"}})
	const atOnce = 2000
	var cases []incomingCase
	for i := 0; i < len(recipients); i += atOnce {
		part := recipients[i:min(i+atOnce, len(recipients))]
		cases = append(cases, incomingCase{name: fmt.Sprintf("%+q", part[0]), req: submission{"b\n", "s@x", part}})
	}
	d.run(cases)
}
