package rfc822

import "testing"

func TestAppendQuoted(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "user@example.com", "user@example.com"},
		{"no domain", "no-at", "no-at"},
		{"empty", "", `""`},
		{"lone at", "@", `""@`},
		{"blank", "a b@x", `"a b"@x`},
		{"quotes are data", `"q r"@x`, `"\"q r\""@x`},
		{"comma", "r@x, y@z", `"r@x, y"@z`},
		{"brackets", "<r@x>", `"<r"@x>`},
		{"leading dot", ".a@x", `".a"@x`},
		{"trailing dot", "a.@x", `"a."@x`},
		{"two dots", "a..b@x", `"a..b"@x`},
		{"dots", "a.b.c@x", "a.b.c@x"},
		{"8-bit", "\xc3\xb6@x", "\xc3\xb6@x"},
		{"CR gets a backslash", "a\rb@x", "\"a\\\rb\"@x"},
		{"LF does not", "a\nb@x", "\"a\nb\"@x"},
		{"DEL", "a\x7fb@x", "\"a\x7fb\"@x"},
		{"NUL ends", "a\x00b@x", "a"},
		{"NUL first", "\x00a", `""`},
		{"percent and bang are atoms", "a%b!c|d", "a%b!c|d"},
		{"source route", "@a,@b:user@c", "@a,@b:user@c"},
		{"source route, odd local part", "@a:a b@c", `@a:"a b"@c`},
		{"source route, nothing after", "@a:", `@a:""`},
		{"two ats", "a@b@c", `"a@b"@c`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendQuoted([]byte("<"), []byte(tt.in))); got != "<"+tt.want {
				t.Errorf("AppendQuoted(%q) = %q, want %q", tt.in, got, "<"+tt.want)
			}
		})
	}
}

func TestAppendQuotedLocal(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "a@b": `"a@b"`, "@r:a": "@r:a", "@r:a b": `@r:"a b"`, "": `""`, "\x00a": `""`, "a b\x00c": `"a b"`,
	} {
		if got := string(AppendQuotedLocal([]byte("<"), []byte(in))); got != "<"+want {
			t.Errorf("%q: %q, want %q", in, got, "<"+want)
		}
	}
}

func TestAppendUnquoted(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "user@example.com", "user@example.com"},
		{"quoted", `"a b"@x`, "a b@x"},
		{"escaped quote", `"\"q r\""@x`, `"q r"@x`},
		{"quoted at", `"a@b"@c`, "a@b@c"},
		{"domain is copied", `"a"@[x\]"`, `a@[x\]"`},
		{"backslash outside quotes", `a\ b@x`, "a b@x"},
		{"backslash at the end", `"a\`, "a"},
		{"source route is copied", `@"a":"b c"@d`, `@"a":b c@d`},
		{"empty", `""`, ""},
		{"empty local part", `""@`, "@"},
		{"last unquoted at", `"a"@b@"c"`, `a@b@"c"`},
		{"NUL ends", "\"a\x00b\"@x", "a"},
		{"NUL first", "\x00a", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendUnquoted([]byte("<"), []byte(tt.in))); got != "<"+tt.want {
				t.Errorf("AppendUnquoted(%q) = %q, want %q", tt.in, got, "<"+tt.want)
			}
		})
	}
}

func FuzzQuoteRoundTrip(f *testing.F) {
	for _, s := range []string{"user@example.com", "a b@x", `"q"@x`, "@a:b c@d", "@", "", "a\\b@c\\d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := AppendQuoted(nil, []byte(s))
		again := AppendUnquoted(nil, quoted)
		want, _, _ := cutNUL(s)
		// A domain that holds a quote or a backslash is not undone: it was
		// not quoted in the first place, but unquoting looks for the last
		// unquoted "@" across it. The length stays bounded all the same.
		if len(quoted) > 2*len(want)+2 {
			t.Errorf("quoting %q grew to %q", s, quoted)
		}
		if !hasOddDomain(want) && string(again) != want {
			t.Errorf("unquote(quote(%q)) = %q through %q", s, again, quoted)
		}
	})
}
