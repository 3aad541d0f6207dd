package table

import "context"

// failTable fails every lookup, and says nothing. Source: Postfix 3.10
// dict_fail.c.
type failTable struct{ name string }

func openFail(o *opening) (Table, error) { return &failTable{o.name}, nil }

func (t *failTable) Type() string { return "fail" }
func (t *failTable) Name() string { return t.name }
func (t *failTable) Kind() Kind   { return Pattern }
func (t *failTable) Close() error { return nil }

func (t *failTable) Lookup(context.Context, string) (string, bool, error) {
	return "", false, &Error{Class: Retry, Type: "fail", Name: t.name, Text: "fail:" + t.name + " always fails"}
}
