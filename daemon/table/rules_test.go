package table_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// needPCRE skips a test where the library is left out.
func needPCRE(t *testing.T) {
	t.Helper()
	set := table.NewSet(table.Options{})
	defer set.Close()
	tbl, err := set.Open("pcre:{{/a/ b}}", 0)
	if err == nil {
		_, _, err = tbl.Lookup(context.Background(), "a")
	}
	if err != nil {
		t.Skip(err)
	}
}

func TestPCREExplodes(t *testing.T) {
	needPCRE(t)
	if table.RaceEnabled {
		t.Skip("the race detector makes ten million steps slow")
	}
	log := &recorder{}
	tbl := open(t, `pcre:{{/^(a+)+$/ one}, {!/^(a+)+$/ two}, {/b$/ three}}`, listFlags, log)
	value, found, err := tbl.Lookup(context.Background(), strings.Repeat("a", 40)+"b")
	if value != "three" || !found || err != nil {
		t.Errorf("Lookup = %q, %v, %v, want three", value, found, err)
	}
	name := tbl.Name()
	want := []string{
		"warning: pcre map " + name + ", line 1: match limit exceeded",
		"warning: pcre map " + name + ", line 2: match limit exceeded",
	}
	if diff := cmp.Diff(want, log.take()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// A match cut short is no reason for a negated rule to hold.
func TestRulesEndWithContext(t *testing.T) {
	tbl := open(t, `regexp:{{!/(a|ba)*c\>/ REJECT}}`, listFlags, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	value, found, err := tbl.Lookup(ctx, strings.Repeat("a", 100_000)+"c")
	if found || !errors.Is(err, context.Canceled) {
		t.Errorf("Lookup = %q, %v, %v, want %v", value, found, err, context.Canceled)
	}
}

func TestPCREConcurrently(t *testing.T) {
	needPCRE(t)
	tbl := open(t, `pcre:{{/^(\w+)@(\w+)$/ $2.$1}, {/^$/ empty}}`, listFlags, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			long := strings.Repeat("x", 100*i+1)
			for range 200 {
				value, found, err := tbl.Lookup(context.Background(), long+"@host")
				if value != "host."+long || !found || err != nil {
					t.Errorf("Lookup = %.40q, %v, %v", value, found, err)
				}
			}
		})
	}
	wg.Wait()
	if value, found, err := tbl.Lookup(context.Background(), ""); value != "empty" || !found || err != nil {
		t.Errorf("Lookup of nothing = %q, %v, %v", value, found, err)
	}
}

func TestMaps(t *testing.T) {
	needPCRE(t)
	log := &recorder{}
	set := table.NewSet(table.Options{Log: log, UTF8: true})
	maps, err := set.OpenMaps("canonical_maps", "inline:{a=1, e=} pcre:{{/^[ab]/ 2}}, fail:x", table.FoldFix|table.Lock|table.UTF8Request)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		key, value string
		fixed      bool
		class      table.Class
		failed     bool
		log        []string
	}{
		{key: "A", value: "1"},
		{key: "b", value: "2"},
		{key: "b", fixed: true},
		{key: ""},
		{key: "e", failed: true, class: table.Config, log: []string{
			"warning: canonical_maps lookup of e returns an empty string result",
			"warning: canonical_maps should return NO RESULT in case of NOT FOUND",
		}},
		{key: "x", failed: true, class: table.Retry, log: []string{`warning: fail:x lookup error for "x"`}},
	}
	for _, tt := range tests {
		find := maps.Find
		if tt.fixed {
			find = maps.FindFixed
		}
		value, found, err := find(context.Background(), tt.key)
		if value != tt.value || found != (tt.value != "") || (err != nil) != tt.failed {
			t.Errorf("Find(%q) = %q, %v, %v", tt.key, value, found, err)
		}
		if err != nil && table.ClassOf(err) != tt.class {
			t.Errorf("Find(%q): class %v, want %v", tt.key, table.ClassOf(err), tt.class)
		}
		if diff := cmp.Diff(tt.log, log.take()); diff != "" {
			t.Errorf("Find(%q) log (-want +got):\n%s", tt.key, diff)
		}
	}
}
