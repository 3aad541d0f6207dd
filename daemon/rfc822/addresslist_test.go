package rfc822

import (
	"strings"
	"testing"
)

// TestAddressList shows the list after "X: ", the addresses in angle quotes.
func TestAddressList(t *testing.T) {
	var l AddressList // one for all: nothing of a row is left for the next
	for _, tt := range []struct{ name, in, addresses, want string }{
		{"one", " joe", "joe", "joe"},
		{"phrase", `"Joe, Q. Doe" <joe@host>`, "joe@host", `"Joe, Q. Doe" <joe@host>`},
		{"dot in a phrase", "Bob B. Bar <bob>", "bob", "Bob B.Bar <bob>"},
		{"three words", "a b c", "a|b|c", "a,\nb,\nc"},
		{"group", "group: a, b@c;", "a|b@c", "group: a,\nb@c;"},
		{"empty group", "undisclosed-recipients:;", "", "undisclosed-recipients: ;"},
		{"colon outside a group", "a:b", "a:b", `"a:b"`},
		{"nothing", "  ", "", ""},
		{"empty route", "Nobody <>", "", "Nobody <>"},
		{"comment only", "(comment)", "", "(comment)"},
		{"comment moves", "a(c1)b@c", "a|b@c", "a,\nb@c (c1)"},
		{"comments after", "a (c1) (c2), b (c3)", "a|b", "a (c1) (c2),\nb (c3)"},
		{"comment inside brackets", "<a@(x)b>", "a@b", "<a@b (x)>"},
		{"route and source route", "<@r1,@r2:u@c>", "@r1, @r2:u@c", "<@r1,@r2:u@c>"},
		{"source route without brackets", "@r1,@r2:u@c", "@r1|@r2:u@c", `""@r1,` + "\n@r2:u@c"},
		{"word after brackets", "Joe <joe@x> junk", "joe@x|junk", "Joe <joe@x>,\njunk"},
		{"phrase without brackets", `"Joe" joe@x`, `"Joe"|joe@x`, "Joe,\njoe@x"},
		{"semicolon", "a;b", "a|b", "a;,\nb"},
		{"escapes", `"a\"b" <c>`, "c", `"a\"b" <c>`},
		{"escaped backslash", `"a\\b" <c>`, "c", `"a\\b" <c>`},
		{"escaped parenthesis", `a (b\)c) d`, "a|d", "a,\n" + `d (b\)c)`},
		{"what ends a phrase", "a, B <b> C <c>; D <d>", "a|b|c|d", "a,\nB <b>C <c>;D <d>"},
		{"phrase in a group", "g: A <a>, b;", "a|b", "g: A <a>,\nb;"},
		{"escaped blank", `a\ b`, `"a b"`, `"a b"`},
		{"backslash at the end", `a\`, "a", "a"},
		{"unclosed quote", `"a b`, `"a b"`, `"a b"`},
		{"unclosed comment", `a (b\`, "a", `a (b\`},
		{"unclosed literal", `a@[1.2`, "a@[1.2]", "a@[1.2]"},
		{"literal with backslash", `a@[1\]2]`, "a@[1]2]", "a@[1]2]"},
		{"unclosed bracket", "a <b", "a<b", `"a<b"`},
		{"bracket without start", "a b> c", "ab|c", "ab>,\nc"},
		{"words in brackets", "<a b>", "ab", "<ab>"},
		{"CR between words", "x@y\rz", "x@y|z", "x@y,\nz"},
		{"control byte", "a\x01b", "\"a\x01b\"", "\"a\x01b\""},
		{"NUL ends", "a, b\x00c", "a|b", "a,\nb"},
		{"8-bit", "\xfc@x", "\xfc@x", "\xfc@x"},
		{"two at", "a@b@c", "a@b@c", `"a@b"@c`},
		{"commas", ",,a,,", "a", ",\n,\na,\n,\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l.Parse([]byte(tt.in), 0)
			var addresses []string
			for i := range l.Len() {
				addresses = append(addresses, string(l.AppendAddress(nil, i)))
			}
			if got := strings.Join(addresses, "|"); got != tt.addresses {
				t.Errorf("addresses of %q: %q, want %q", tt.in, got, tt.addresses)
			}
			if got := string(l.Append([]byte("X: "), nil)); got != "X: "+tt.want {
				t.Errorf("list of %q: %q, want %q", tt.in, got, "X: "+tt.want)
			}
		})
	}
}

func TestAddressListSet(t *testing.T) {
	var l AddressList
	l.Parse([]byte("A <a>, b (c), d"), 0)
	l.Set(0, []byte("a@x"))
	l.Set(2, []byte(`"d e"@y z`))
	if got, want := string(l.Append(nil, nil)), "A <a@x>,\nb (c),\n\"d e\"@y z"; got != want {
		t.Errorf("Append = %q, want %q", got, want)
	}
	if got, want := string(l.AppendAddress(nil, 2)), `"d e"@y z`; got != want {
		t.Errorf("AppendAddress = %q, want %q", got, want)
	}
}

func TestAddressListLimit(t *testing.T) {
	var l AddressList
	l.Parse([]byte("a, b, c, d"), 4)
	if got, want := string(l.Append(nil, nil)), "a,\nb,\n"; got != want {
		t.Errorf("Append = %q, want %q", got, want)
	}
}

func TestTooMuchText(t *testing.T) {
	long := strings.Repeat("x", 250)
	for _, tt := range []struct{ name, in, want, stripped string }{
		{"fits", "a (" + long[:247] + ")", "a (" + long[:247] + ")", ""},
		{"too long", "a (" + long[:248] + "), b", "<a>,\nb", "a (" + long[:248] + ")"},
		{"second element", "b, " + long + " <a b@c>", "b,\n<ab@c>", long + " <ab@c>"},
		{"empty route", long + " <>", "<>", long + " <>"},
		{"no address", "(" + long + ")", "(" + long + ")", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var l AddressList
			l.Parse([]byte(tt.in), 0)
			stripped := ""
			got := string(l.Append(nil, func(b []byte) { stripped = string(b) }))
			if silent := string(l.Append(nil, nil)); silent != got {
				t.Errorf("Append = %q where nobody listens, %q", silent, got)
			}
			if got != tt.want || stripped != tt.stripped {
				t.Errorf("Append = %q, stripped %q; want %q, %q", got, stripped, tt.want, tt.stripped)
			}
		})
	}
}

func FuzzAddressList(f *testing.F) {
	for _, s := range []string{
		"Joe <joe@x>, junk (c) \"q\" [l] a:b;c!d%e|f", "<<>>", ";;::", "(((", `\\\`, "a b > c <", ">,>;>", "(a)(b)<(c)d(e)>(f)",
	} {
		f.Add([]byte(s), 0)
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, limit int) {
		var l AddressList
		l.Parse(text, limit)
		if limit > 0 && len(l.tokens.List) > limit {
			t.Errorf("%d tokens, limit %d", len(l.tokens.List), limit)
		}
		plain := l.Append(nil, nil)
		if len(plain) > 8*len(text)+2 {
			t.Errorf("%q grew to %q", text, plain)
		}
		for i := range l.Len() {
			ext := l.AppendAddress(nil, i)
			if len(ext) == 0 && len(text) < 1 {
				t.Errorf("empty address %d in %q", i, text)
			}
			l.Set(i, ext)
		}
		l.Append(nil, nil)
	})
}
