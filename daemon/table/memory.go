package table

import "context"

// memoryTable keeps keys and values in memory: the types internal, inline and
// texthash. Source: Postfix 3.10 dict_ht.c.
type memoryTable struct {
	typ, name string
	entries   map[string]string
}

// newMemory returns an empty table. Postfix opens one of type internal, says so,
// and gives it the other type.
func newMemory(o *opening) *memoryTable {
	if log := o.trace(); log != nil {
		log.Infof("dict_open: internal:%s", o.name)
	}
	return &memoryTable{typ: o.typ, name: o.name, entries: map[string]string{}}
}

// openInternal opens a table that stays empty, since nobody can write to it.
func openInternal(o *opening) (Table, error) {
	return &memoryTable{typ: o.typ, name: o.name}, nil
}

func (t *memoryTable) Type() string { return t.typ }
func (t *memoryTable) Name() string { return t.name }
func (t *memoryTable) Kind() Kind   { return Fixed }
func (t *memoryTable) Close() error { return nil }

func (t *memoryTable) Lookup(_ context.Context, key string) (string, bool, error) {
	value, found := t.entries[key]
	return value, found, nil
}
