package matchlist

import (
	"context"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// WithLog returns a list with the same patterns that logs its own lines to
// log, for instance one with the verbose level of a single session. Problems of
// the tables themselves still go to the table set's logger. At verbose level 1
// Match tells what it compares and what the tables tell, at level 2 each table
// lookup.
func (l *List) WithLog(log table.Logger) *List {
	same := *l
	same.setLog(log)
	return &same
}

// Match reports whether the list admits the client with this name and address.
// Patterns are tried in order, each with the name first; the first that hits
// decides. name is "unknown" for a client without a verified name, addr is
// printed without brackets. Source: Postfix 3.10 match_list.c,
// match_list_match.
func (l *List) Match(ctx context.Context, name, addr string) (bool, error) {
	ctx = l.traced(ctx)
	foldedName, foldedAddr := table.Fold(name, l.unicode), table.Fold(addr, l.unicode)
	client := newAddress(foldedAddr)
	for i := range l.patterns {
		p := &l.patterns[i]
		hit, err := l.hostname(ctx, p, foldedName)
		if err == nil && !hit {
			hit, err = l.hostaddr(ctx, p, client)
		}
		if err != nil {
			return false, err
		}
		if hit {
			return !p.negate, nil
		}
	}
	if l.verbose != nil {
		l.verbosef(1, "match_list_match: %s: no match", name)
		l.verbosef(1, "match_list_match: %s: no match", addr)
	}
	return false, nil
}

// hostname compares a folded host name with one pattern. Source: Postfix 3.10
// match_ops.c, match_hostname.
func (l *List) hostname(ctx context.Context, p *pattern, name string) (bool, error) {
	if l.verbose != nil {
		l.verbosef(1, "match_hostname: %s: %s ~? %s", l.param, name, p.text)
	}
	if p.table == nil {
		return l.literalName(p.text, name), nil
	}
	for entry := name; entry != ""; {
		if len(entry) == len(name) || p.table.Kind() == table.Fixed {
			_, found, err := p.table.Lookup(ctx, entry)
			if l.verbose != nil {
				l.verboseLookup(p.table, entry, found)
			}
			if err != nil {
				return false, l.lookupProblem(p.table, err)
			}
			if found {
				return true, nil
			}
		}
		dot := strings.IndexByte(entry[1:], '.')
		if dot < 0 {
			break
		}
		entry = entry[1+dot:]
		if l.parents {
			entry = entry[1:]
		}
	}
	return false, nil
}

func (l *List) literalName(pattern, name string) bool {
	if name == pattern {
		return true
	}
	if len(name) <= len(pattern) || !strings.HasSuffix(name, pattern) {
		return false
	}
	if l.parents {
		return name[len(name)-len(pattern)-1] == '.'
	}
	return pattern[0] == '.'
}

// hostaddr compares an address with one pattern. Source: Postfix 3.10
// match_ops.c, match_hostaddr.
func (l *List) hostaddr(ctx context.Context, p *pattern, client address) (bool, error) {
	if l.verbose != nil {
		l.verbosef(1, "match_hostaddr: %s: %s ~? %s", l.param, client.text, p.text)
	}
	if !client.plausible {
		return false, nil
	}
	if p.table != nil {
		_, found, err := p.table.Lookup(ctx, client.text)
		if err != nil {
			return false, l.lookupProblem(p.table, err)
		}
		return found, nil
	}
	hit, err := p.cidr.match(p.text, client)
	if err != nil {
		l.log.Warningf("%s: %v", l.param, err)
		return false, &table.Error{Class: table.Retry, Text: l.param + ": " + err.Error(), Err: err}
	}
	return hit, nil
}

// traced has the tables tell of lookups, too.
func (l *List) traced(ctx context.Context) context.Context {
	if l.verbose == nil || l.verbose.Verbose() == 0 {
		return ctx
	}
	return table.WithTrace(ctx, l.log)
}

func (l *List) lookupProblem(t table.Table, err error) error {
	if table.ClassOf(err) == table.Fatal {
		return err
	}
	l.log.Warningf("%s: %s:%s: table lookup problem", l.param, t.Type(), t.Name())
	return err
}

func (l *List) setLog(log table.Logger) {
	l.log = log
	l.verbose, _ = log.(table.Verbose)
}

// verbosef is only called when l.verbose is set.
func (l *List) verbosef(level int, format string, args ...any) {
	if l.verbose.Verbose() >= level {
		l.log.Infof(format, args...)
	}
}

func (l *List) verboseLookup(t table.Table, key string, found bool) {
	result := "notfound"
	if found {
		result = "found"
	}
	l.verbosef(2, "match_hostname: %s: lookup %s:%s %s: %s", l.param, t.Type(), t.Name(), key, result)
}
