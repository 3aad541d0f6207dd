package rewrite

import (
	"encoding/json"
	"os"
	"testing"
)

var stock = Rules{
	Origin: "mx.example.org", Domain: "example.org",
	AppendAtMyorigin: true, SwapBangpath: true, AllowPercentHack: true,
}

// latin1 undoes the encoding of the vectors: one character is one byte.
func latin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

// TestVectors replays envelope addresses that Postfix 3.10.2 rewrote. The
// vectors' settings are those of stock.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/rewrite-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Envelope []struct{ In, S, R string }
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Envelope) != 50 {
		t.Errorf("%d vectors, want 50", len(vectors.Envelope))
	}
	r := New(stock)
	for _, v := range vectors.Envelope {
		in, want := latin1(v.In), latin1(v.R)
		if len(in) == 0 {
			in = []byte("MAILER-DAEMON") // empty_address_recipient
		}
		if got := r.AppendInternal(nil, in); string(got) != string(want) {
			t.Errorf("AppendInternal(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRules(t *testing.T) {
	with := func(change func(*Rules)) Rules {
		r := stock
		change(&r)
		return r
	}
	dot := with(func(r *Rules) { r.AppendDotMydomain = true })
	for _, tt := range []struct {
		name     string
		rules    Rules
		in, want string
	}{
		{"dot: single label", dot, "u@localhost", "u@localhost.example.org"},
		{"dot: trailing dot", dot, "u@host.", "u@host"},
		{"dot: two trailing dots", dot, "u@h..", "u@h.."},
		{"dot: literal", dot, "u@[1.2.3.4]", "u@[1.2.3.4]"},
		{"dot: nothing after at", dot, "u@", "u@"},
		{"dot: no mydomain", with(func(r *Rules) { r.AppendDotMydomain = true; r.Domain = "" }), "u@host", "u@host"},
		{"dot: single-label origin", with(func(r *Rules) { r.AppendDotMydomain = true; r.Origin = "mx" }), "u", "u@mx.example.org"},
		{"no bang", with(func(r *Rules) { r.SwapBangpath = false }), "a!b", "a!b@mx.example.org"},
		{"no percent", with(func(r *Rules) { r.AllowPercentHack = false }), "a%b", "a%b@mx.example.org"},
		{"bang before percent", stock, "a!b%c", "b%c@a"},
		{"bang only", stock, "!", "@"},
		{"source route", stock, "@a,@b:c@d", "c@d"},
		{"colon, but no source route", stock, "a:c@d", "a:c@d"},
		{"no origin", with(func(r *Rules) { r.AppendAtMyorigin = false }), "a", "a"},
		{"empty origin", with(func(r *Rules) { r.Origin = "" }), "a", "a"},
		{"no rules", Rules{}, "@a:b!c%d@e.", "b!c%d@e"},
		{"words in the domain", stock, "u@ex  ample.com", "u@ex ample.com"},
		{"comment in the domain", stock, "u@a(c)b", "u@a (c) b"},
		{"quoted bang", stock, `"a!b"`, `"a!b"@mx.example.org`},
		{"dot before origin", stock, "a.", "a.@mx.example.org"},
		{"8-bit", stock, "\xffu", "\xffu@mx.example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := New(tt.rules).AppendInternal([]byte("<"), []byte(tt.in)); string(got) != "<"+tt.want {
				t.Errorf("AppendInternal(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestExternal(t *testing.T) {
	r := New(stock) // one for all: nothing of a row is left for the next
	for _, tt := range []struct{ name, in, want string }{
		{"bang first", "!a (b)", `"a(b)"@`},
		{"bang not first", "x!a (b)", `"a (b)"@x`},
		{"empty", "", ""},
		{"empty local part", `""`, `""`},
		{"lone at", "@", `""`},
		{"route and nothing", "@a:", `@a:""`},
		{"dot after at", "@.", `""@.`},
		{"quoted", `"a b"@c`, `"a b"@c`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.Append([]byte("<"), []byte(tt.in)); string(got) != "<"+tt.want {
				t.Errorf("Append(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// TestShortCut: the common forms are not taken apart.
func TestShortCut(t *testing.T) {
	dot := stock
	dot.AppendDotMydomain = true
	for _, row := range []struct {
		in         string
		stock, dot bool
	}{
		{"u@h.d", true, true},
		{"a.b+c@h.e.d", true, true},
		{"u@h", true, false},
		{"u.v@h", true, false},
		{"u", false, false},
		{"@h.d", false, false},
		{"u@h.", false, false},
		{"u@", false, false},
		{"a@b@h.d", false, false},
		{"a%b@h.d c", false, false},
	} {
		for _, side := range []struct {
			rules Rules
			want  bool
		}{{stock, row.stock}, {dot, row.dot}} {
			r, internal := New(side.rules), New(side.rules)
			r.Append(nil, []byte(row.in))
			internal.AppendInternal(nil, []byte(row.in))
			if untouched := len(r.tokens.List) == 0; untouched != side.want {
				t.Errorf("%s: short cut %v with append_dot_mydomain %v", row.in, untouched, side.rules.AppendDotMydomain)
			}
			if unquoted := internal.quoted == nil; unquoted != side.want {
				t.Errorf("%s: internal short cut %v", row.in, unquoted)
			}
		}
	}
}

// FuzzRewrite checks, beside bounds, the short cut against the rules themselves.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{
		"u@h", "u@h.d", "u@h.", "a.b@c..d", "@x:y", "a!b", "a%b", "\"a b\"@c", "u@[1]", "@", "", "a\\", "(c)u@h", "u@h (c", "a@b@c.d", ".a@b", "a.@b.c",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, addr []byte, dot bool) {
		rules := stock
		rules.AppendDotMydomain = dot
		r := New(rules)
		if r.isSettled(addr) {
			r.tokens.Reset()
			r.tokens.Scan(addr, 0)
			r.apply()
			if got := r.tokens.AppendAddress(nil); string(got) != string(addr) {
				t.Errorf("%q is taken as settled, but becomes %q", addr, got)
			}
		}
		got := r.AppendInternal(nil, addr)
		if len(got) > 4*len(addr)+40 {
			t.Errorf("%q grew to %q", addr, got)
		}
		if again := New(rules).AppendInternal(nil, addr); string(again) != string(got) {
			t.Errorf("%q became %q, then %q", addr, got, again)
		}
		r.Append(nil, addr)
	})
}
