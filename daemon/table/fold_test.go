package table

import "testing"

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		in, ascii, unicode string
	}{
		{"", "", ""},
		{"User@Example.ORG", "user@example.org", "user@example.org"},
		{"\u00d6", "\u00d6", "\u00f6"},
		{"Stra\u00dfe", "stra\u00dfe", "strasse"},
		{"\u1e9e", "\u1e9e", "ss"},
		{"\u03a3\u03c3\u03c2", "\u03a3\u03c3\u03c2", "\u03c3\u03c3\u03c3"},
		{"\u0130", "\u0130", "i\u0307"},
		{"A\xd6B\u00d6", "a\xd6b\u00d6", "a\xd6b\u00f6"},
		{"\u13a0\uab70\u13f8", "\u13a0\uab70\u13f8", "\u13a0\u13a0\u13f0"},
	} {
		if got := Fold(tt.in, false); got != tt.ascii {
			t.Errorf("Fold(%+q, false) = %+q, want %+q", tt.in, got, tt.ascii)
		}
		if got := Fold(tt.in, true); got != tt.unicode {
			t.Errorf("Fold(%+q, true) = %+q, want %+q", tt.in, got, tt.unicode)
		}
	}
}
