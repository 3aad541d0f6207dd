package table_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// result is a lookup's: "= value", "not found", or an error's class and text.
func result(ctx context.Context, tbl table.Table, key string) string {
	value, found, err := tbl.Lookup(ctx, key)
	switch {
	case err != nil:
		class := map[table.Class]string{table.Retry: "retry", table.Config: "config", table.Fatal: "fatal"}[table.ClassOf(err)]
		if found || value != "" {
			class += " with " + value
		}
		return class + ": " + err.Error()
	case found:
		return "= " + value
	case value != "":
		return "not found, " + value
	}
	return "not found"
}

// What tables without a server give for a key.
func TestLookups(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("# none\nkey value\n  goes on\n\"a b\" quoted \nKEY2\tv\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Minute)
	if err := os.Chtimes(text, past, past); err != nil {
		t.Fatal(err)
	}
	t.Setenv("table_test", "from outside")
	const nets = "cidr:{{10.0.0.0/8 ten}, {if 192.168.0.0/16}, {192.168.7.1 one}, {!192.168.8.0/24 not eight}, {endif}, {192.168.8.8 eight}, {2001:db8::/33 low}}"
	const words = "regexp:{{/^(a+)(b*)$/ $2-$1}, {/^x/i no}, {if /^key/}, {!/1$/ other}, {endif}, {/^key1$/ one}, {/^cost$/ $$1}}"
	tests := []struct {
		spec string
		kind table.Kind
		want map[string]string
	}{
		{"static:v", table.Fixed, map[string]string{"any": "= v", "": "= v"}},
		{"static:{ v w }", table.Fixed, map[string]string{"any": "= v w"}},
		{"fail:x", table.Pattern, map[string]string{"any": "retry: fail:x always fails"}},
		{"environ:x", table.Fixed, map[string]string{"table_test": "= from outside", "table_test_none": "not found"}},
		{"inline:{a=1, {b = two words}, c==}", table.Fixed, map[string]string{"a": "= 1", "A": "= 1", "b": "= two words", "c": "= =", "d": "not found"}},
		{"texthash:" + text, table.Fixed, map[string]string{
			"key": "= value  goes on", "Key": "= value  goes on", `"a b"`: "= quoted", "key2": "= v", "a": "not found", "#": "not found",
		}},
		{"randmap:{one}", table.Pattern, map[string]string{"any": "= one"}},
		{"unionmap:{inline:{a=1,b=2},inline:{b=3,c={}},inline:{d=4}}", table.Fixed, map[string]string{"a": "= 1", "b": "= 2,3", "c": "= {}", "d": "= 4", "e": "not found"}},
		{"unionmap:{inline:{a=1},fail:x}", table.Fixed, map[string]string{"a": "retry: fail:x always fails"}},
		{"unionmap:{randmap:{x},inline:{a=1}}", table.Pattern, map[string]string{"a": "= x,1"}},
		{"pipemap:{inline:{a=b,c=d},inline:{b=2}}", table.Fixed, map[string]string{"a": "= 2", "c": "not found", "b": "not found"}},
		{"pipemap:{randmap:{a},fail:x,static:y}", table.Pattern, map[string]string{"k": "retry: fail:x always fails"}},
		{nets, table.Pattern, map[string]string{
			"9.255.255.255": "not found", "10.0.0.0": "= ten", "10.255.255.255": "= ten", "11.0.0.0": "not found",
			"192.168.7.1": "= one", "192.168.7.2": "= not eight", "192.168.8.8": "= eight", "192.168.8.9": "not found",
			"2001:db8::1": "= low", "2001:db8:7fff:ffff::": "= low", "2001:db8:8000::": "not found", "10.0.0": "not found", "": "not found",
		}},
		{"cidr:{{0.0.0.0/0 four}, {::/0 six}}", table.Pattern, map[string]string{"::1": "= six", "10.0.0.1": "= four"}},
		{"cidr:{{::/0 six}, {0.0.0.0/0 four}}", table.Pattern, map[string]string{"::": "= six", "0.0.0.0": "= four"}},
		{"regexp:{{/^d.e/m none}, {/^c/m second}, {/^a.b/ any}, {/b$/m end}}", table.Pattern, map[string]string{
			"a\nc": "= second", "a\nb": "= any", "d\ne": "not found", "b\nd": "= end", "c\nd": "= second",
		}},
		{words, table.Pattern, map[string]string{
			"aab": "= b-aa", "AAB": "= B-AA", "a": "= -a", "xy": "= no", "XY": "not found", "key2": "= other", "key1": "= one", "other": "not found", "cost": "= $1",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			log := &recorder{}
			tbl := open(t, tt.spec, listFlags|table.FoldFix, log)
			got := map[string]string{}
			for key := range tt.want {
				got[key] = result(t.Context(), tbl, key)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || tbl.Kind() != tt.kind {
				t.Errorf("kind %v, lookups (-want +got):\n%s", tbl.Kind(), diff)
			}
			if lines := log.take(); lines != nil {
				t.Errorf("log: %q", lines)
			}
		})
	}
}

// Tables made of tables fold a key by Unicode's rules, which are there for all types,
// but not by those of ASCII: that each type does by itself.
func TestComposedTablesFold(t *testing.T) {
	for _, tt := range []struct {
		spec string
		utf8 bool
		want string
	}{
		{"unionmap:{inline:{ab=in},regexp:{{/^(A)(.*)/m upper $1}}}", false, "= in,upper A"},
		{"unionmap:{inline:{ab=in},regexp:{{/^(A)(.*)/m upper $1}}}", true, "= in,upper a"},
		{"pipemap:{inline:{ab=XY},pipemap:{inline:{xy=Z},regexp:{{/^Z(.*)/ <$1>}}}}", false, "= <>"},
	} {
		set := table.NewSet(table.Options{Log: &recorder{}, UTF8: tt.utf8})
		tbl, err := set.Open(tt.spec, listFlags|table.FoldFix|table.UTF8Request)
		if err != nil {
			t.Fatal(err)
		}
		if got := result(t.Context(), tbl, "AB"); got != tt.want {
			t.Errorf("%s, UTF-8 %v: %s, want %s", tt.spec, tt.utf8, got, tt.want)
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An address of the other family is in no network, not even the one of all addresses.
func TestNetworkFamily(t *testing.T) {
	for pattern, want := range map[string][2]bool{"0.0.0.0/0": {true, false}, "::/0": {false, true}} {
		n, err := table.ParseNetwork(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{n.Contains(netip.IPv4Unspecified()), n.Contains(netip.IPv6Unspecified())}; got != want {
			t.Errorf("%s has 0.0.0.0 and ::: %v, want %v", pattern, got, want)
		}
	}
}

// What the log says of lines that are not rules, as postmap(1) has it, and that the
// rules around them are kept.
func TestLineWarnings(t *testing.T) {
	tests := []struct {
		typ  string
		text string // a rule for each line of the log, in order, and others
		log  []string
		want map[string]string
	}{
		{
			"cidr",
			"  10.0.0.0/8 starts with blanks and is long\n[10.0.0.0 x\n[10.0.0.0]y x\n10.0.0 x\n10.0.0.0/x x\n10.0.0.0/33 x\n2001:db8::/129 x\n" +
				"10.0.0/8 x\n2001::db8::/64 x\n10.0.0.1/8 x\n[2001:db8::1]/32 x\nfe80::1%lo x\n10.0.0.0/8\nif\n!\nendif\n" +
				"[10.0.0.0/99999999999999999999] x\n[10.0.0.0]/264 ten\n[2001:db8::/65] low\n[::1] one\nif 10.0.0.0/8\nendif x\nif 192.0.2.0/24",
			[]string{
				"FILE: logical line must not start with whitespace: \"  10.0.0.0/8 starts with blank...\"",
				"line 2: missing ']' character after \"[10.0.0.0\"",
				"line 3: garbage after \"[10.0.0.0]\"",
				"line 4: bad address pattern: \"10.0.0\"",
				"line 5: bad mask value in \"10.0.0.0/x\"",
				"line 6: bad mask length in \"10.0.0.0/33\"",
				"line 7: bad mask length in \"2001:db8::/129\"",
				"line 8: bad network value in \"10.0.0/8\"",
				"line 9: bad network value in \"2001::db8::/64\"",
				"line 10: non-null host address bits in \"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" instead",
				"line 11: non-null host address bits in \"2001:db8::1/32\", perhaps you should use \"2001:db8::/32\" instead",
				"line 12: bad address pattern: \"fe80::1%lo\"",
				"line 13: no lookup result",
				"line 14: no address pattern",
				"line 15: no address pattern",
				"line 16: ENDIF without IF",
				"line 17: bad mask length in \"10.0.0.0/99999999999999999999\"",
				"line 22: garbage after ENDIF",
				"cidr map FILE, line 23: IF has no matching ENDIF",
				"cidr map FILE, line 21: IF has no matching ENDIF",
			},
			map[string]string{"10.1.2.3": "= ten", "2001:db8::1": "= low", "2001:db8:0:0:8000::": "not found", "::1": "= one", "fe80::1%lo": "not found", "192.0.2.1": "not found"},
		},
		{
			"regexp", "garbage\n/a\n/a/q x\n/^q$/\nendif\nif\n/b/!\n/(/ x\n/a/!/(/ x\n/a/ $1\n/a/ ${1\n/a/ $(1\n/a/ $\n!/a/ $1\nif /b/ x\n/x/ y\nendif x\n" +
				"/^p\\/q$/ slash\n/^a/!/b$/ first\n/^a/!!/b$/ both\n!/^./ nothing\n/^(d)(e)(f)(g)(h)(i)(j)(k)?/ <${8}$(7)$6-$1$$>\n/^x$/m line\n/^y/i Y\n/^z+/x plus\nif /^w/ \n/1/ one\nif /2/",
			[]string{
				"regexp map FILE, line 1: ignoring unrecognized request",
				"regexp map FILE, line 2: no closing regexp delimiter \"/\": skipping this rule",
				"regexp map FILE, line 3: unknown regexp option \"q\": skipping this rule",
				"regexp map FILE, line 4: no replacement text: using empty string",
				"regexp map FILE, line 5: ignoring ENDIF without matching IF",
				"regexp map FILE, line 6: no regexp: skipping this rule",
				"regexp map FILE, line 7: no regexp: skipping this rule",
				"regexp map FILE, line 8: Unmatched ( or \\(",
				"regexp map FILE, line 9: Unmatched ( or \\(",
				"regexp map FILE, line 10: out of range replacement index \"1\": skipping this rule",
				"truncated macro reference: \"${1\"",
				"regexp map FILE, line 11: bad replacement syntax: skipping this rule",
				"truncated macro reference: \"$(1\"",
				"regexp map FILE, line 12: bad replacement syntax: skipping this rule",
				"empty macro name: \"$\"",
				"regexp map FILE, line 13: bad replacement syntax: skipping this rule",
				"regexp map FILE, line 14: $number found in negative match replacement text: skipping this rule",
				"regexp map FILE, line 15: ignoring extra text after IF statement: \"x\"",
				"regexp map FILE, line 15: do not prepend whitespace to statements between IF and ENDIF",
				"regexp map FILE, line 17: ignoring extra text after ENDIF",
				"regexp map FILE, line 28: IF has no matching ENDIF",
				"regexp map FILE, line 26: IF has no matching ENDIF",
			},
			map[string]string{"p/q": "= slash", "ac": "= first", "abc": "= first", "ab": "= both", "q": "= ", "defghij": "= <ji-d$>", "defghijk": "= <kji-d$>", "x": "= line", "y": "= Y", "z": "not found", "z+": "= plus", "w1": "= one", "w2": "not found", "w": "not found"},
		},
		{ // a backslash that ends the text
			"regexp", "/a\\\n\\c\\b\\\n\\d\\ x\n",
			[]string{
				"regexp map FILE, line 1: no replacement text: using empty string",
				"regexp map FILE, line 2: no replacement text: using empty string",
				"regexp map FILE, line 3: no closing regexp delimiter \"\\\": skipping this rule",
			},
			map[string]string{"a": "= ", "b": "not found", "c": "= ", "d": "not found"},
		},
		{
			"pcre", "/a\\\n\\c\\b\\\n/d/ x\n",
			[]string{
				"pcre map FILE, line 1: no closing regexp delimiter \"/\": ignoring this rule",
				"pcre map FILE, line 2: no closing regexp delimiter \"\\\": ignoring this rule",
			},
			map[string]string{"a": "not found", "b": "not found", "d": "= x"},
		},
		{
			"pcre", "/aaa)b/ x\n/(a)(x)?b/ <$1$2>\n",
			[]string{"pcre map FILE, line 1: error in regex at offset 3: unmatched closing parenthesis"},
			map[string]string{"ab": "= <a>", "aaa)b": "not found"},
		},
		{
			"texthash", "  k v\n \t \na\na b\nA c\n\xff d\n\"e\n# x\n",
			[]string{
				"FILE: logical line must not start with whitespace: \"  k v\"",
				"FILE, line 3: expected format: key whitespace value -- ignoring this line",
				"FILE, line 5: duplicate entry: \"A\"",
				"FILE, line 6: non-UTF-8 input \"\xff d\" -- ignoring this line",
				"FILE, line 7: unbalanced '\"' in '\"e' -- ignoring this line",
			},
			map[string]string{"a": "= b", "A": "= b", "k": "not found"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.typ, func(t *testing.T) {
			if tt.typ == "pcre" {
				needPCRE(t)
			}
			name := filepath.Join(t.TempDir(), "rules")
			if err := os.WriteFile(name, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			past := time.Now().Add(-time.Minute)
			if err := os.Chtimes(name, past, past); err != nil {
				t.Fatal(err)
			}
			log := &recorder{}
			tbl := open(t, tt.typ+":"+name, listFlags|table.FoldFix|table.DupWarn, log)
			var want []string
			for _, line := range tt.log {
				if strings.HasPrefix(line, "line ") {
					line = "cidr map FILE, " + line + ": skipping this rule"
				}
				want = append(want, "warning: "+strings.ReplaceAll(line, "FILE", name))
			}
			if diff := cmp.Diff(want, log.take()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			got := map[string]string{}
			for key := range tt.want {
				got[key] = result(t.Context(), tbl, key)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("lookups (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRandmap: each value can be chosen, and nothing but them.
func TestRandmap(t *testing.T) {
	next := 0
	set := table.NewSet(table.Options{IntN: func(n int) int {
		if n != 3 {
			t.Errorf("a number below %d is asked for", n)
		}
		return next
	}})
	defer set.Close()
	tbl, err := set.Open("randmap:{a, b, d}", listFlags)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a", "b", "d"} {
		if got, found, err := tbl.Lookup(t.Context(), "key"); got != want || !found || err != nil {
			t.Errorf("number %d: %q, %v, %v; want %q", next, got, found, err, want)
		}
		next++
	}
}
