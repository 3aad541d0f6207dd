package table

import "context"

// pipeTable asks the first member for the key, the next one for that result,
// and so on. The members belong to the set. Source: Postfix 3.10 dict_pipe.c.
type pipeTable struct {
	name    string
	members []Table
}

func openPipemap(o *opening) (Table, error) {
	members, err := openMembers(o, "dict_pipe_open")
	if err != nil {
		return nil, err
	}
	return &pipeTable{o.name, members}, nil
}

func (t *pipeTable) Type() string { return "pipemap" }
func (t *pipeTable) Name() string { return t.name }
func (t *pipeTable) Kind() Kind   { return t.members[0].Kind() }
func (t *pipeTable) Close() error { return nil }

func (t *pipeTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	for _, member := range t.members {
		value, found, err := member.Lookup(ctx, key)
		if err != nil || !found {
			return "", false, err
		}
		key = value
	}
	return key, true, nil
}
