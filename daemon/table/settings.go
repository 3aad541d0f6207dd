package table

import (
	"errors"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/params/errno"
)

// settings are the options of a database table: a file of "name = value"
// lines, or main.cf parameters that start with the table's name. Source:
// Postfix 3.10 cfg_parser.c.
type settings struct {
	// label begins messages about the settings of a file: its name.
	label string
	// prefix stands before the names of settings in main.cf.
	prefix string
	lookup func(string) (string, bool)
}

func (o *opening) readSettings() (*settings, error) {
	if o.name[0] != '/' && o.name[0] != '.' {
		parameter := o.set.opt.Parameter
		if parameter == nil {
			parameter = func(string) (string, bool) { return "", false }
		}
		prefix := o.name + "_"
		return &settings{prefix: prefix, lookup: func(name string) (string, bool) { return parameter(prefix + name) }}, nil
	}
	text, err := o.readRules()
	if ClassOf(err) == Fatal {
		return nil, fatalError("read "+o.name+": "+errno.Text(errors.Unwrap(err)), err)
	}
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	lines := NewLineReader(text, o.name, o.log())
	for {
		line, number, ok := lines.Next()
		if !ok {
			break
		}
		name, value, problem := splitPair(line)
		if problem != "" {
			return nil, fatalError(o.name+", line "+decimal(number)+": "+problem+": \""+line+"\"", nil)
		}
		if old, double := values[name]; double && old != value {
			o.log().Warningf("%s, line %d: overriding earlier entry: %s=%s", o.name, number, name, old)
		}
		values[name] = value
	}
	return &settings{label: o.name + ": ", lookup: func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}}, nil
}

// splitPair splits "name = value". Source: Postfix 3.10 split_nameval.c.
func splitPair(line string) (name, value, problem string) {
	line = trimLeft(line)
	if line == "" || line[0] == '=' {
		return "", "", "missing attribute name"
	}
	end := 0
	for end < len(line) && !isSpace(line[end]) && line[end] != '=' {
		end++
	}
	rest := trimLeft(line[end:])
	if !strings.HasPrefix(rest, "=") {
		return "", "", "missing '=' after attribute name"
	}
	return line[:end], trimLeft(trimRight(rest[1:])), ""
}

func (s *settings) text(name, standard string) string {
	if value, ok := s.lookup(name); ok {
		return value
	}
	return standard
}

// number reads an integer; a minimum of 0 means none, as in Postfix. The error
// is of class Fatal.
func (s *settings) number(name string, standard, minimum int) (int, error) {
	n := standard
	if value, ok := s.lookup(name); ok {
		var err error
		if n, err = strconv.Atoi(trimLeft(value)); err != nil || n != int(int32(n)) {
			return 0, fatalError(s.label+"bad numerical configuration: "+s.prefix+name+" = "+value, err)
		}
	}
	if minimum != 0 && n < minimum {
		return 0, fatalError(s.label+"invalid "+s.prefix+name+" parameter value "+decimal(n)+" < "+decimal(minimum), nil)
	}
	return n, nil
}

// checkQueryTemplate checks a template. Source: Postfix 3.10 db_common.c,
// db_common_parse.
func checkQueryTemplate(table, template string) error {
	for i := 0; i < len(template); i++ {
		if template[i] != '%' {
			continue
		}
		if i++; i == len(template) || strings.IndexByte("%sSudUD123456789", template[i]) < 0 {
			return fatalError("db_common_parse: "+table+": Invalid query template: "+template, nil)
		}
	}
	return nil
}

// expandQuery puts a key into a template: %s is the key, %u its local part, %d
// its domain, %1 to %9 the domain's labels from the right. ok is false for a
// key that lacks what the template needs, and for an empty result. Source:
// Postfix 3.10 db_common.c, db_common_expand.
func expandQuery(template, key string) (query string, ok bool) {
	if key == "" {
		return "", false
	}
	at := strings.LastIndexByte(key, '@')
	user, domain := key, ""
	if at >= 0 {
		user, domain = key[:at], key[at+1:]
	}
	labels := strings.FieldsFunc(domain, func(r rune) bool { return r == '.' })
	var out strings.Builder
	for i := 0; i < len(template); i++ {
		if template[i] != '%' {
			out.WriteByte(template[i])
			continue
		}
		i++
		switch c := template[i]; c {
		case '%':
			out.WriteByte('%')
		case 's', 'S':
			out.WriteString(key)
		case 'u', 'U':
			if at == 0 {
				return "", false
			}
			out.WriteString(user)
		default:
			if domain == "" {
				return "", false
			}
			if c == 'd' || c == 'D' {
				out.WriteString(domain)
				continue
			}
			n := int(c - '0')
			if n > len(labels) {
				return "", false
			}
			out.WriteString(labels[len(labels)-n])
		}
	}
	return out.String(), out.Len() > 0
}
