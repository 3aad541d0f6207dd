package table_test

import (
	"context"
	"os"
	"path/filepath"
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
