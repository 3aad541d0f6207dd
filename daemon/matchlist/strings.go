package matchlist

import (
	"context"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// StringList is a match list whose patterns are compared with one string:
// equal, or present in a table. Its files, tables and negations are those of
// List.
type StringList struct{ list *List }

// ParseStrings reads a list of strings, such as the value of
// parent_domain_matches_subdomains. See Parse.
func ParseStrings(param, text string, set *table.Set, opt Options) (*StringList, error) {
	list, err := Parse(param, text, set, opt)
	if err != nil {
		return nil, err
	}
	return &StringList{list}, nil
}

// Match reports whether text is in the list. A lookup error is of class Fatal,
// with Postfix's text, unless Options.WarnLookup says otherwise. Source:
// Postfix 3.10 match_ops.c, match_string.
func (s *StringList) Match(ctx context.Context, text string) (bool, error) {
	l := s.list
	ctx = l.traced(ctx)
	folded := table.Fold(text, l.unicode)
	for i := range l.patterns {
		p := &l.patterns[i]
		if l.verbose != nil {
			l.verbosef(1, "match_string: %s: %s ~? %s", l.param, folded, p.text)
		}
		hit := p.text == folded
		if p.table != nil {
			var err error
			if _, hit, err = p.table.Lookup(ctx, folded); err != nil {
				return false, l.lookupFailed(p.table, err)
			}
		}
		if hit {
			return !p.negate, nil
		}
	}
	if l.verbose != nil {
		l.verbosef(1, "match_list_match: %s: no match", text)
	}
	return false, nil
}

func (l *List) lookupFailed(t table.Table, err error) error {
	if table.ClassOf(err) == table.Fatal {
		return err
	}
	text := l.param + ": " + t.Type() + ":" + t.Name() + ": table lookup problem"
	class := table.Fatal
	if l.warn {
		l.log.Warningf("%s", text)
		class = table.Retry
	}
	return &table.Error{Class: class, Type: t.Type(), Name: t.Name(), Text: text, Err: err}
}
