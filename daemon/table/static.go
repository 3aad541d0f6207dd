package table

import (
	"context"
	"strings"
)

// staticTable gives one value for every key. Source: Postfix 3.10
// dict_static.c.
type staticTable struct{ name, value string }

func openStatic(o *opening) (Table, error) {
	if !strings.HasPrefix(o.name, "{") {
		return &staticTable{name: o.name, value: o.name}, nil
	}
	value, problem := unbrace(o.name, true)
	if problem != "" {
		return nil, &cannotOpen{"bad static:name syntax: " + problem}
	}
	return &staticTable{name: o.name, value: value}, nil
}

func (t *staticTable) Type() string { return "static" }
func (t *staticTable) Name() string { return t.name }
func (t *staticTable) Kind() Kind   { return Fixed }
func (t *staticTable) Close() error { return nil }

func (t *staticTable) Lookup(context.Context, string) (string, bool, error) {
	return t.value, true, nil
}
