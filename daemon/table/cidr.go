package table

import (
	"context"
	"errors"
	"strings"
)

// cidrTable is a list of network rules; the first that matches the address
// gives the result. In memory after it was opened. Source: Postfix 3.10
// dict_cidr.c.
type cidrTable struct {
	name  string
	rules []cidrRule
}

type ruleOp uint8

const (
	opMatch ruleOp = iota
	opIf
	opEndif
)

type cidrRule struct {
	op      ruleOp
	negate  bool
	network Network
	value   string
	line    int
	// end is the index of the ENDIF of an IF, or -1: then an IF whose
	// condition fails ends the search.
	end int
}

func openCIDR(o *opening) (Table, error) {
	text, err := o.readRules()
	if err != nil {
		return nil, err
	}
	t, log := &cidrTable{name: o.name}, o.trace()
	var open []int // indexes of IFs without ENDIF so far
	lines := NewLineReader(text, o.name, o.log())
	for {
		line, number, ok := lines.Next()
		if !ok {
			break
		}
		rule, err := parseCIDRRule(line, len(open) > 0)
		if err != nil {
			o.log().Warningf("cidr map %s, line %d: %v: skipping this rule", o.name, number, err)
			continue
		}
		if log != nil && rule.op != opEndif {
			log.Infof("dict_cidr_open: add %s %s", rule.network, rule.value)
		}
		rule.line, rule.end = number, -1
		switch rule.op {
		case opIf:
			open = append(open, len(t.rules))
		case opEndif:
			t.rules[open[len(open)-1]].end = len(t.rules)
			open = open[:len(open)-1]
		}
		t.rules = append(t.rules, rule)
	}
	for i := len(open) - 1; i >= 0; i-- {
		o.log().Warningf("cidr map %s, line %d: IF has no matching ENDIF", o.name, t.rules[open[i]].line)
	}
	return t, nil
}

// keyword tells whether a rule starts with the word, in any case, followed by
// neither letter nor digit.
func keyword(line, word string) bool {
	return len(line) >= len(word) && strings.EqualFold(line[:len(word)], word) &&
		(len(line) == len(word) || !isAlnum(line[len(word)]))
}

func parseCIDRRule(line string, nested bool) (cidrRule, error) {
	var rule cidrRule
	var pattern string
	switch {
	case keyword(line, "if"):
		rule.op = opIf
		pattern, rule.negate = stripNegation(line[2:])
		pattern = trimRight(pattern)
	case keyword(line, "endif"):
		rule.op = opEndif
		if trimLeft(line[5:]) != "" {
			return rule, errors.New("garbage after ENDIF")
		}
		if !nested {
			return rule, errors.New("ENDIF without IF")
		}
		return rule, nil
	default:
		pattern, rule.negate = stripNegation(line)
		i := 0
		for i < len(pattern) && !isSpace(pattern[i]) {
			i++
		}
		pattern, rule.value = pattern[:i], trimLeft(trimRight(pattern[i:]))
	}
	if pattern == "" {
		return rule, errors.New("no address pattern")
	}
	var err error
	if rule.network, err = ParseNetwork(pattern); err != nil {
		return rule, err
	}
	if rule.op == opMatch && rule.value == "" {
		return rule, errors.New("no lookup result")
	}
	return rule, nil
}

// stripNegation skips blanks and exclamation marks; each mark inverts.
func stripNegation(s string) (rest string, negate bool) {
	for s != "" && (s[0] == '!' || isSpace(s[0])) {
		if s[0] == '!' {
			negate = !negate
		}
		s = s[1:]
	}
	return s, negate
}

func (t *cidrTable) Type() string { return "cidr" }
func (t *cidrTable) Name() string { return t.name }
func (t *cidrTable) Kind() Kind   { return Pattern }
func (t *cidrTable) Close() error { return nil }

func (t *cidrTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	if log := tracer(ctx); log != nil {
		log.Infof("dict_cidr_lookup: %s: %s", t.name, key)
	}
	addr, ok := ParseAddr(key)
	if !ok {
		return "", false, nil
	}
	is6, bits := addr.Is6(), addrBits(addr)
	for i := 0; i < len(t.rules); i++ {
		switch rule := &t.rules[i]; rule.op {
		case opMatch:
			if rule.holds(is6, bits) {
				return rule.value, true, nil
			}
		case opIf:
			if rule.holds(is6, bits) {
				continue
			}
			if rule.end < 0 {
				return "", false, nil
			}
			i = rule.end
		}
	}
	return "", false, nil
}

// holds is false for addresses of the other family, negated or not.
func (r *cidrRule) holds(is6 bool, addr bits128) bool {
	return is6 == r.network.is6 && r.network.containsBits(addr) != r.negate
}
