package table

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ruleParser reads one rule of a regexp or pcre table. Every method that
// returns false has logged why.
type ruleParser struct {
	o      *opening
	engine ruleEngine
	number int // of the rule's first line
}

func (p *ruleParser) warn(format string, args ...any) {
	p.o.log().Warningf("%s map %s, line %d: %s", p.o.typ, p.o.name, p.number, fmt.Sprintf(format, args...))
}

// pattern is a pattern as written in a rule.
type pattern struct {
	text    string
	options uint32
	negate  bool
}

func (p *ruleParser) rule(line string, nested bool) (rule, bool) {
	switch {
	case !isAlnum(line[0]):
		return p.matchRule(line)
	case keyword(line, "if"):
		return p.ifRule(line[2:])
	case keyword(line, "endif"):
		if !nested {
			p.warn("ignoring ENDIF without matching IF")
			return rule{}, false
		}
		if trimLeft(line[5:]) != "" {
			p.warn("ignoring extra text after ENDIF")
		}
		return rule{op: opEndif}, true
	}
	p.warn("ignoring unrecognized request")
	return rule{}, false
}

func (p *ruleParser) matchRule(line string) (r rule, ok bool) {
	first, rest, ok := p.pattern(line)
	if !ok {
		return r, false
	}
	var second *pattern
	if rest != "" && rest[0] == '!' && p.engine.secondPattern() {
		var pat pattern
		if pat, rest, ok = p.pattern(rest); !ok {
			return r, false
		}
		second = &pat
	}
	result := trimLeft(rest)
	if result == "" {
		p.warn("no replacement text: using empty string")
	}
	parts, highest, ok := p.result(result)
	if !ok {
		p.warn("bad replacement syntax: skipping this rule")
		return r, false
	}
	if highest > 0 && first.negate {
		p.warn("$number found in negative match replacement text: skipping this rule")
		return r, false
	}
	if highest > 0 && p.o.flags&NoRegsub != 0 {
		p.warn("regular expression substitution is not allowed: skipping this rule")
		return r, false
	}
	if r.first, ok = p.compile(first); !ok {
		return r, false
	}
	if highest > uint64(r.first.groups()) {
		p.warn("out of range replacement index \"%d\": skipping this rule", int32(highest))
		return r, false
	}
	r.parts, r.groups = parts, int(highest)
	if second != nil {
		if r.second, ok = p.compile(*second); !ok {
			return r, false
		}
		r.negate2nd = second.negate
	}
	r.negate = first.negate
	return r, true
}

func (p *ruleParser) ifRule(text string) (r rule, ok bool) {
	pat, rest, ok := p.pattern(trimLeft(text))
	if !ok {
		return r, false
	}
	if rest = trimLeft(rest); rest != "" {
		p.warn("ignoring extra text after IF statement: \"%s\"", rest)
		p.warn("do not prepend whitespace to statements between IF and ENDIF")
	}
	r.op, r.negate = opIf, pat.negate
	r.first, ok = p.compile(pat)
	return r, ok
}

func (p *ruleParser) compile(pat pattern) (matcher, bool) {
	m, problem := p.engine.compile(pat.text, pat.options)
	if problem != "" {
		p.warn("%s", problem)
	}
	return m, problem == ""
}

// pattern cuts "[!] DELIM pattern DELIM flags" off the text. The delimiter is
// any byte; a backslash protects it, and stays in the pattern, even where the
// delimiter is a backslash. One that ends the text protects nothing, and may stand
// for the delimiter.
func (p *ruleParser) pattern(text string) (pat pattern, rest string, ok bool) {
	text, pat.negate = stripNegation(text)
	if text == "" {
		p.warn("no regexp: skipping this rule")
		return pat, "", false
	}
	delimiter, text := text[0], text[1:]
	end := 0
	for end < len(text) {
		if text[end] == '\\' {
			if end == len(text)-1 && p.engine.backslashCloses() {
				break
			}
			end++
		} else if text[end] == delimiter {
			break
		}
		end++
	}
	if end >= len(text) {
		p.warn("no closing regexp delimiter \"%s\": %s this rule", string([]byte{delimiter}), p.engine.unclosed())
		return pat, "", false
	}
	pat.text = text[:end]
	pat.options, rest, ok = p.engine.options(p, text[end+1:])
	return pat, rest, ok
}

// result splits a result into text and $number references. Source: Postfix
// 3.10 mac_parse.c and the prescan functions of both modules.
func (p *ruleParser) result(text string) (parts []part, highest uint64, ok bool) {
	literal := ""
	flush := func() {
		if literal != "" {
			parts = append(parts, part{text: literal})
			literal = ""
		}
	}
	rest := text
	// A bad reference lets the scan go on, and spoils the rule at the end.
	ok = true
	for rest != "" {
		if n := strings.IndexByte(rest, '$'); n != 0 {
			if n < 0 {
				n = len(rest)
			}
			literal += rest[:n]
			rest = rest[n:]
			continue
		}
		if len(rest) > 1 && rest[1] == '$' {
			literal += "$"
			rest = rest[2:]
			continue
		}
		flush()
		bracketed := len(rest) > 1 && (rest[1] == '(' || rest[1] == '{')
		var name, problem string
		if name, rest, problem = reference(rest[1:]); problem != "" {
			p.o.log().Warningf("%s: \"%s\"", problem, text)
			return nil, 0, false
		}
		if bracketed && !ok {
			return nil, 0, false
		}
		group, valid := p.group(name)
		ok = ok && valid
		highest = max(highest, group)
		parts = append(parts, part{group: int(group)})
	}
	flush()
	return parts, highest, ok
}

// reference reads what follows a dollar sign: name, (name) or {name}.
func reference(text string) (name, rest, problem string) {
	if text == "" || text[0] != '(' && text[0] != '{' {
		n := 0
		for n < len(text) && (isAlnum(text[n]) || text[n] == '_') {
			n++
		}
		name, rest = text[:n], text[n:]
	} else {
		open, closing := text[0], byte(')')
		if open == '{' {
			closing = '}'
		}
		level, n := 1, 1
		for ; level > 0; n++ {
			if n == len(text) {
				return "", "", "truncated macro reference"
			}
			switch text[n] {
			case open:
				level++
			case closing:
				level--
			}
		}
		name, rest = text[1:n-1], text[n:]
	}
	if name == "" {
		return "", "", "empty macro name"
	}
	return name, rest, ""
}

// group reads the number of a group, from 1 on. As in a C program, it has 32
// bits and a sign, and a negative one is larger than all others.
func (p *ruleParser) group(name string) (uint64, bool) {
	if !allDigits(name) {
		p.warn("non-numeric replacement index \"%s\"", name)
		return 0, false
	}
	n, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	if int32(n) == 0 {
		p.warn("%s replacement index \"%s\"", p.engine.badIndex(), name)
		return 0, false
	}
	return uint64(int64(int32(n))), true
}
