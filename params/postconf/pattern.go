package postconf

import (
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// pattern selects services, and something in them. Each part is "*" or
// literal.
type pattern struct {
	text    string
	service string
	typ     string
	part    string // a field or a parameter
	matched bool
}

// parsePattern splits service_name[/type[/part]] into at most maxParts parts.
// Source: Postfix 3.10 postconf_match.c.
func parsePattern(text string, maxParts int) (pattern, bool) {
	p := pattern{text: text, service: "*", typ: "*", part: "*"}
	if strings.HasPrefix(text, "/") {
		return p, false
	}
	parts := mainconf.Split(text, "/") // empty parts vanish
	if len(parts) == 0 || len(parts) > maxParts {
		return p, false
	}
	for i, target := range []*string{&p.service, &p.typ, &p.part} {
		if i == len(parts) {
			break
		}
		if parts[i] != "*" && strings.Contains(parts[i], "*") {
			return p, false
		}
		*target = parts[i]
	}
	return p, true
}

func (p *pattern) matches(s *scope) bool {
	return matchPart(p.service, s.Name()) && matchPart(p.typ, s.Type())
}

func matchPart(pattern, text string) bool { return pattern == "*" || pattern == text }

// patterns parses the operands; form is how stock describes them.
func (r *run) patterns(maxParts int, form string) ([]pattern, error) {
	list := make([]pattern, len(r.request.operands))
	for i, text := range r.request.operands {
		p, ok := parsePattern(text, maxParts)
		if !ok {
			return nil, &Fatal{form}
		}
		if maxParts == 3 && r.request.mode&masterFields != 0 && p.part != "*" {
			if _, ok := mainconf.ParseField(p.part); !ok {
				return nil, &Fatal{"invalid service attribute name: \"" + p.part + "\""}
			}
		}
		list[i] = p
	}
	return list, nil
}

// forServices calls show for each entry and each operand that matches it, with what the
// operand wants of it, or for all of each entry without operands.
func (r *run) forServices(maxParts int, form string, show func(s *scope, part string) error) error {
	list, err := r.patterns(maxParts, form)
	if err != nil {
		return err
	}
	for _, s := range r.services {
		if len(list) == 0 {
			if err := show(s, "*"); err != nil {
				return err
			}
		}
		for i := range list {
			if !list[i].matches(s) {
				continue
			}
			list[i].matched = true
			if err := show(s, list[i].part); err != nil {
				return err
			}
		}
	}
	r.warnUnmatched(list)
	return nil
}

// warnUnmatched warns about patterns that matched nothing.
func (r *run) warnUnmatched(list []pattern) {
	for _, p := range list {
		if !p.matched {
			r.warn("unmatched request: \"" + p.text + "\"")
		}
	}
}
