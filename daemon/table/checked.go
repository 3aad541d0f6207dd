package table

import (
	"context"
	"unicode/utf8"
)

// checked folds keys and keeps text that is not UTF-8 away from a table. It
// surrounds every table whose flags ask for either. Source: Postfix 3.10
// dict_utf8.c, and the folding in each dict_* module for when UTF-8 is off.
type checked struct {
	Table
	utf8 bool
	fold bool
	log  Logger
}

const badUTF8 = "malformed UTF-8 or invalid codepoint"

// wrap adds the key and value checks that flags ask for.
func wrap(t Table, flags Flags, opt Options) Table {
	c := &checked{Table: t, log: opt.Log, utf8: opt.UTF8 && flags&UTF8Request != 0, fold: folds(t.Kind(), flags)}
	switch t.(type) {
	case *unionTable, *pipeTable, *proxyTable, *memcacheTable:
		// Without UTF-8 each type folds by itself, and these leave it to their members,
		// to proxymap(8), and to the backup.
		c.fold = c.fold && c.utf8
	}
	if !c.utf8 && !c.fold {
		return t
	}
	return c
}

func folds(kind Kind, flags Flags) bool {
	if kind == Fixed {
		return flags&FoldFix != 0
	}
	return flags&FoldMul != 0
}

func (c *checked) Lookup(ctx context.Context, key string) (string, bool, error) {
	if c.utf8 && !utf8.ValidString(key) {
		c.log.Warningf("%s:%s: non-UTF-8 key \"%s\": %s", c.Type(), c.Name(), key, badUTF8)
		return "", false, nil
	}
	folded := key
	if c.fold {
		folded = Fold(key, c.utf8)
	}
	value, found, err := c.Table.Lookup(ctx, folded)
	if found && c.utf8 && !utf8.ValidString(value) {
		c.log.Warningf("%s:%s: key \"%s\": non-UTF-8 value \"%s\": %s", c.Type(), c.Name(), key, value, badUTF8)
		return "", false, &Error{Class: Config, Type: c.Type(), Name: c.Name(), Text: "non-UTF-8 value"}
	}
	return value, found, err
}

func (c *checked) modifiedAt() int64 {
	if w, ok := c.Table.(watched); ok {
		return w.modifiedAt()
	}
	return 0
}

func (c *checked) changed() (bool, error) {
	if w, ok := c.Table.(watched); ok {
		return w.changed()
	}
	return false, nil
}
