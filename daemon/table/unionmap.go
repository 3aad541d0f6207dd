package table

import "context"

// unionTable asks all members for the key and joins what they find with
// commas. The members belong to the set. Source: Postfix 3.10 dict_union.c.
type unionTable struct {
	name    string
	members []Table
}

func openUnionmap(o *opening) (Table, error) {
	members, err := openMembers(o, "dict_union_open")
	if err != nil {
		return nil, err
	}
	return &unionTable{o.name, members}, nil
}

func (t *unionTable) Type() string { return "unionmap" }
func (t *unionTable) Name() string { return t.name }
func (t *unionTable) Kind() Kind   { return t.members[0].Kind() }
func (t *unionTable) Close() error { return nil }

// Lookup does not find a key whose values are all empty, and separates no
// value from empty ones before it, as Postfix.
func (t *unionTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	joined := ""
	for _, member := range t.members {
		value, found, err := member.Lookup(ctx, key)
		if err != nil {
			return "", false, err
		}
		if !found {
			continue
		}
		if joined != "" {
			joined += ","
		}
		joined += value
	}
	return joined, joined != "", nil
}
