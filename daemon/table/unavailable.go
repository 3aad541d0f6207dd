package table

import "context"

// unavailable stands in for a table that could not be opened: every lookup
// logs the reason and fails for now. Source: Postfix 3.10 dict_surrogate.c.
type unavailable struct {
	typ, name, reason string
	log               Logger
}

func (t *unavailable) Type() string { return t.typ }
func (t *unavailable) Name() string { return t.name }
func (t *unavailable) Kind() Kind   { return Pattern }
func (t *unavailable) Close() error { return nil }

func (t *unavailable) Lookup(context.Context, string) (string, bool, error) {
	text := t.typ + ":" + t.name + " is unavailable. " + t.reason
	t.log.Warningf("%s", text)
	return "", false, &Error{Class: Retry, Type: t.typ, Name: t.name, Text: text}
}
