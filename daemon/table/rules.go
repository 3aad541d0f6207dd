package table

import (
	"context"
	"strings"
	"sync"

	"github.com/qmqpd/qmqpd/daemon/ere"
)

// ruleTable is a list of patterns with results, the common part of the types
// regexp and pcre; the first pattern that matches the key gives the result.
// In memory after it was opened. Source: Postfix 3.10 dict_regexp.c,
// dict_pcre.c.
type ruleTable struct {
	typ, name string
	rules     []rule
	log       Logger
	engine    ruleEngine
	screen    func() *ere.Screen // of the rules' first patterns; made at the first lookup
}

// ruleEngine compiles patterns, and knows where the types differ.
type ruleEngine interface {
	// options reads the flags after a pattern, up to a blank or where the
	// type says that they end.
	options(p *ruleParser, flags string) (options uint32, rest string, ok bool)
	// compile returns Postfix's complaint about a bad pattern.
	compile(pattern string, options uint32) (matcher, string)
	// secondPattern says that "!" after a pattern starts another one.
	secondPattern() bool
	// backslashCloses says that a backslash at the end of the line closes a
	// pattern.
	backslashCloses() bool
	// unclosed and badIndex are words of warnings that differ.
	unclosed() string
	badIndex() string
	// begin prepares for matching one key with many patterns.
	begin(key string) session
	close() error
}

// session is the working memory for one key; its engine's matchers know what
// is in it.
type session interface {
	// work is what the filters of patterns need.
	work() *ere.Work
	// end gives the memory back. After an error, no match means anything.
	end() error
}

// matcher is one compiled pattern.
type matcher interface {
	// groups is the number of groups.
	groups() int
	// match reports whether the pattern matches; with spans, it also stores
	// where the groups 0 to len(spans)/2-1 matched, or -1. problem is what
	// Postfix logs about a match that could not be finished.
	match(ctx context.Context, s session, spans []int) (matched bool, problem string)
	// filter returns what may say quickly that a key does not match; nil if there
	// is none.
	filter() *ere.Filter
}

type rule struct {
	op        ruleOp
	line      int
	negate    bool
	first     matcher
	second    matcher // nil, or another condition
	negate2nd bool
	parts     []part // the result
	groups    int    // the highest $number in it
	end       int    // of an IF: the index of its ENDIF, or -1
}

// part is a piece of a result: text, or the number of a group.
type part struct {
	text  string
	group int
}

func openRules(o *opening, engine ruleEngine) (Table, error) {
	text, err := o.readRules()
	if err != nil {
		return nil, err
	}
	t := &ruleTable{typ: o.typ, name: o.name, log: o.log(), engine: engine}
	var open []int // indexes of IFs without ENDIF so far
	lines := NewLineReader(text, o.name, o.log())
	for {
		line, number, ok := lines.Next()
		if !ok {
			break
		}
		if line = trimRight(line); line == "" {
			continue
		}
		p := &ruleParser{o: o, engine: engine, number: number}
		r, ok := p.rule(line, len(open) > 0)
		if !ok {
			continue
		}
		r.line, r.end = number, -1
		switch r.op {
		case opIf:
			open = append(open, len(t.rules))
		case opEndif:
			t.rules[open[len(open)-1]].end = len(t.rules)
			open = open[:len(open)-1]
		}
		t.rules = append(t.rules, r)
	}
	for i := len(open) - 1; i >= 0; i-- {
		p := &ruleParser{o: o, number: t.rules[open[i]].line}
		p.warn("IF has no matching ENDIF")
	}
	t.screen = sync.OnceValue(t.newScreen)
	return t, nil
}

func (t *ruleTable) newScreen() *ere.Screen {
	filters := make([]*ere.Filter, len(t.rules))
	for i := range t.rules {
		if first := t.rules[i].first; first != nil {
			filters[i] = first.filter()
		}
	}
	return ere.NewScreen(filters)
}

func (t *ruleTable) Type() string { return t.typ }
func (t *ruleTable) Name() string { return t.name }
func (t *ruleTable) Kind() Kind   { return Pattern }
func (t *ruleTable) Close() error { return t.engine.close() }

func (t *ruleTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	if log := tracer(ctx); log != nil {
		log.Infof("dict_%s_lookup: %s: %s", t.typ, t.name, key)
	}
	s := t.engine.begin(key)
	value, found := t.search(ctx, key, s)
	err := s.end()
	if err == nil {
		// A match that was cut short says nothing.
		err = ctx.Err()
	}
	if err != nil {
		return "", false, &Error{Class: Retry, Type: t.typ, Name: t.name, Text: err.Error(), Err: err}
	}
	return value, found, nil
}

// search returns the result of the first rule that holds. It ends early, with a result
// that means nothing, when ctx ends.
func (t *ruleTable) search(ctx context.Context, key string, s session) (string, bool) {
	var memory []int
	for i := 0; i < len(t.rules) && ctx.Err() == nil; i++ {
		r := &t.rules[i]
		switch r.op {
		case opMatch:
			var spans []int
			if size := 2 * (r.groups + 1); r.groups > 0 {
				if size > len(memory) {
					memory = make([]int, max(size, 10))
				}
				spans = memory[:size]
			}
			if !t.firstHolds(ctx, i, s, spans) {
				continue
			}
			if r.second != nil && !t.holds(ctx, r, r.second, r.negate2nd, s, nil) {
				continue
			}
			return r.expand(key, spans), true
		case opIf:
			if t.firstHolds(ctx, i, s, nil) {
				continue
			}
			if r.end < 0 {
				return "", false
			}
			i = r.end
		}
	}
	return "", false
}

// firstHolds is holds for the first pattern of a rule.
func (t *ruleTable) firstHolds(ctx context.Context, rule int, s session, spans []int) bool {
	r := &t.rules[rule]
	if t.screen().Misses(rule, s.work()) {
		return r.negate
	}
	return t.holds(ctx, r, r.first, r.negate, s, spans)
}

// holds is false for a match that failed with an error, negated or not.
func (t *ruleTable) holds(ctx context.Context, r *rule, m matcher, negate bool, s session, spans []int) bool {
	matched, problem := m.match(ctx, s, spans)
	if problem != "" {
		t.log.Warningf("%s map %s, line %d: %s", t.typ, t.name, r.line, problem)
		return false
	}
	return matched != negate
}

func (r *rule) expand(key string, spans []int) string {
	if len(r.parts) == 1 && r.parts[0].group == 0 {
		return r.parts[0].text
	}
	var result strings.Builder
	for _, p := range r.parts {
		switch {
		case p.group == 0:
			result.WriteString(p.text)
		case spans[2*p.group] >= 0:
			result.WriteString(key[spans[2*p.group]:spans[2*p.group+1]])
		}
	}
	return result.String()
}
