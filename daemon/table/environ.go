package table

import (
	"context"
	"os"
)

// environTable looks keys up in the process environment. Source: Postfix 3.10
// dict_env.c.
type environTable struct{ name string }

func openEnviron(o *opening) (Table, error) { return &environTable{o.name}, nil }

func (t *environTable) Type() string { return "environ" }
func (t *environTable) Name() string { return t.name }
func (t *environTable) Kind() Kind   { return Fixed }
func (t *environTable) Close() error { return nil }

func (t *environTable) Lookup(_ context.Context, key string) (string, bool, error) {
	value, found := os.LookupEnv(key)
	return value, found, nil
}
