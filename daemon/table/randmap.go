package table

import "context"

// randTable gives one of its values by chance, whatever the key. Source:
// Postfix 3.10 dict_random.c.
type randTable struct {
	name   string
	values []string
	intN   func(n int) int
}

func openRandmap(o *opening) (Table, error) {
	values, ok := members(o.name)
	if !ok {
		return nil, &cannotOpen{`bad syntax: "randmap:` + o.name + `"; need "randmap:{value...}"`}
	}
	return &randTable{o.name, values, o.set.opt.IntN}, nil
}

func (t *randTable) Type() string { return "randmap" }
func (t *randTable) Name() string { return t.name }
func (t *randTable) Kind() Kind   { return Pattern }
func (t *randTable) Close() error { return nil }

func (t *randTable) Lookup(context.Context, string) (string, bool, error) {
	return t.values[t.intN(len(t.values))], true, nil
}
