package postconf

import (
	"errors"
	"strings"
	"syscall"

	"github.com/qmqpd/qmqpd/mainconf"
)

// scanTables looks for type:name tables in a parameter's value. A name that is
// a path is a database client's configuration file, whose names are checked;
// any other is the prefix of parameter names. Source: Postfix 3.10
// postconf_dbms.c.
func (r *run) scanTables(value string, local *scope) error {
	// The wrong branch of a condition may be taken; it is stock's choice.
	expanded, err := r.expand(value, local)
	if err != nil {
		return err
	}
	if strings.IndexByte(expanded, ':') < 0 && strings.IndexByte(expanded, '{') < 0 &&
		strings.IndexByte(expanded, '#') < 0 {
		return nil
	}
	return r.scanTableList(expanded, local, true)
}

func (r *run) scanTableList(list string, local *scope, recurse bool) error {
	for {
		word, rest := nextBraced(list)
		if word == "" {
			return nil
		}
		list = rest
		if word[0] == '#' && r.traits.commentCheck {
			text := rest
			if len(text) > 20 {
				text = text[:20]
			}
			r.warn(r.fileName(local) + ": #comment after other text is not allowed: " + word + " " + text + "...")
			return nil
		}
		if word[0] == '{' {
			inner, err := r.stripBraces(word, local)
			if err != nil {
				return err
			}
			if recurse {
				if err := r.scanTableList(inner, local, recurse); err != nil {
					return err
				}
			}
			continue
		}
		typ, name, ok := strings.Cut(word, ":")
		for ok && (typ == "proxy" || typ == "debug" && r.traits.debugTables) {
			typ, name, ok = strings.Cut(name, ":")
		}
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(name, "/"):
			if suffixes := r.Profile.ClientParams(typ); suffixes != nil {
				if err := r.checkClient(typ, name, suffixes); err != nil {
					return err
				}
			}
		case strings.HasPrefix(name, "."):
		case strings.HasPrefix(name, "{"):
			inner, err := r.stripBraces(name, local)
			if err != nil {
				return err
			}
			regex := r.traits.regexTables && (typ == "regexp" || typ == "pcre")
			if err := r.scanTableList(inner, local, recurse && !regex); err != nil {
				return err
			}
		default:
			for _, suffix := range r.Profile.ClientParams(typ) {
				r.reference(name+"_"+suffix, local, true)
			}
		}
	}
}

// nextBraced takes the next word off a list; separators inside {} do not
// count. The rest starts behind the one separator that ended the word.
func nextBraced(list string) (word, rest string) {
	list = strings.TrimLeft(list, mainconf.ListSeparators)
	level := 0
	for i := 0; i < len(list); i++ {
		c := list[i]
		switch {
		case c == '{':
			level++
		case c == '}' && level > 0:
			level--
		case level == 0 && strings.IndexByte(mainconf.ListSeparators, c) >= 0:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// maxBraceWarnings bounds the text of all warnings about braces in one run, in
// bytes. Stock warns of each level of braces that are not closed, with all that
// follows: two megabytes for 2,000 of them, twenty gigabytes for 200,000.
const maxBraceWarnings = 16 << 20

// stripBraces returns the text between the braces of word, and warns about
// what is not right with them. The error is that there was too much to warn
// about.
func (r *run) stripBraces(word string, local *scope) (string, error) {
	inner, problem := withoutBraces(word)
	if problem != "" {
		if r.braceWarnings += len(problem); r.braceWarnings > maxBraceWarnings {
			return "", &Fatal{"warnings about braces take more than " + itoa(maxBraceWarnings) +
				" bytes: \"" + word[:min(len(word), 60)] + "\""}
		}
		where := r.fileName(local)
		if !r.traits.fullPaths {
			where = where[strings.LastIndexByte(where, '/')+1:]
		}
		if local != nil {
			where += ":" + local.nameSpace
		}
		r.warn(where + ": " + problem)
	}
	return inner, nil
}

// withoutBraces returns what is between the braces of word, white space
// included, and what is wrong with them. Source: Postfix 3.10 extpar.c.
func withoutBraces(word string) (inner, problem string) {
	level := 0
	for i := 0; i < len(word); i++ {
		switch word[i] {
		case '{':
			level++
		case '}':
			level--
		}
		if level > 0 {
			continue
		}
		if i+1 < len(word) {
			problem = "syntax error after '}' in \"" + word + "\""
		}
		return word[1:i], problem
	}
	return word[1:], "missing '}' in \"" + word + "\""
}

// checkClient reads the configuration file of a database client, and warns
// about the names in it that the client does not know.
func (r *run) checkClient(typ, path string, suffixes []string) error {
	table := typ + ":" + path
	if r.clients[table] {
		return nil
	}
	// Stock keeps the settings of services and those of clients in one place,
	// and takes a service of this name and type for the client.
	if list := r.byName[table]; len(list) > 0 && list[len(list)-1].settings != nil {
		return nil
	}
	if r.clients == nil {
		r.clients = make(map[string]bool)
	}
	r.clients[table] = true
	data, opened, failure := readClient(path)
	if failure != nil && !opened {
		if !errors.Is(failure, syscall.EACCES) {
			r.warn("open \"" + typ + "\" configuration \"" + path + "\": " + reason(failure))
		}
		return nil
	}
	doc, err := mainconf.ParseMain(path, data)
	if err := r.report(doc.Warnings, err); err != nil {
		return err
	}
	if failure != nil {
		r.warn("read \"" + typ + "\" configuration \"" + path + "\": " + reason(failure))
		return nil
	}
	if r.request.quiet {
		return nil
	}
	set := settings{}
	for e := range doc.Effective {
		set[e.Name] = e.Value
	}
	for _, s := range suffixes {
		delete(set, s)
	}
	for _, name := range r.orderOfClient(set, doc) {
		r.warn(table + ": unused parameter: " + name + "=" + set[name])
	}
	return nil
}
