package postconf

import (
	"errors"
	"strings"
	"syscall"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params/errno"
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
	return r.scanTableLists(newBracedText(expanded), local)
}

// scanTableLists looks at the list that is the text, and at the lists in braces in
// it, each where it stands.
func (r *run) scanTableLists(text bracedText, local *scope) error {
	lists := []tableList{{end: len(text.text), recurse: true}} // each in the one before it
	for len(lists) > 0 {
		list := &lists[len(lists)-1]
		word := text.word(list)
		if word.start == word.end || r.isComment(text, word, list, local) {
			lists = lists[:len(lists)-1]
			continue
		}
		var (
			inner tableList
			err   error
		)
		if text.text[word.start] == '{' {
			inner.recurse = list.recurse
			inner.start, inner.end, err = r.stripBraces(text, word, local)
			if !list.recurse {
				inner = tableList{}
			}
		} else {
			inner, err = r.scanTable(text, word, list.recurse, local)
		}
		if err != nil {
			return err
		}
		if inner.start < inner.end {
			lists = append(lists, inner)
		}
	}
	return nil
}

// isComment reports whether a word ends its list, and warns.
func (r *run) isComment(text bracedText, word span, list *tableList, local *scope) bool {
	if text.text[word.start] != '#' || !r.traits.commentCheck {
		return false
	}
	after := text.text[list.start:list.end]
	r.warn(r.fileName(local) + ": #comment after other text is not allowed: " +
		text.of(word) + " " + after[:min(20, len(after))] + "...")
	return true
}

// scanTable looks at a word that may be type:name. It returns the list that the
// name is, if it is one, else an empty one.
func (r *run) scanTable(text bracedText, word span, recurse bool, local *scope) (inner tableList, err error) {
	typ, name, ok := strings.Cut(text.of(word), ":")
	for ok && (typ == "proxy" || typ == "debug" && r.traits.debugTables) {
		typ, name, ok = strings.Cut(name, ":")
	}
	if !ok {
		return inner, nil
	}
	switch {
	case strings.HasPrefix(name, "/"):
		if suffixes := r.Profile.ClientParams(typ); suffixes != nil {
			return inner, r.checkClient(typ, name, suffixes)
		}
	case strings.HasPrefix(name, "."):
	case strings.HasPrefix(name, "{"):
		regex := r.traits.regexTables && (typ == "regexp" || typ == "pcre")
		inner.recurse = recurse && !regex
		inner.start, inner.end, err = r.stripBraces(text, span{word.end - len(name), word.end}, local)
	default:
		for _, suffix := range r.Profile.ClientParams(typ) {
			r.reference(name+"_"+suffix, local, true)
		}
	}
	return inner, err
}

// maxBraceWarnings bounds the text of all warnings about braces in one run, in
// bytes. Stock warns of each level of braces that are not closed, with all that
// follows: two megabytes for 2,000 of them, twenty gigabytes for 200,000.
const maxBraceWarnings = 16 << 20

// stripBraces returns where the text between the braces of word is, and warns
// about what is not right with them. The error is that there was too much to warn
// about.
func (r *run) stripBraces(text bracedText, word span, local *scope) (start, end int, err error) {
	inner, problem := text.withoutBraces(word)
	if problem != "" {
		all := text.of(word)
		problem += " in \"" + all + "\""
		if r.braceWarnings += len(problem); r.braceWarnings > maxBraceWarnings {
			return 0, 0, &Fatal{"warnings about braces take more than " + itoa(maxBraceWarnings) +
				" bytes: \"" + all[:min(len(all), 60)] + "\""}
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
	return inner.start, inner.end, nil
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
			r.warn("open \"" + typ + "\" configuration \"" + path + "\": " + errno.Text(failure))
		}
		return nil
	}
	doc, err := mainconf.ParseMain(path, data)
	if err := r.report(doc.Warnings, err); err != nil {
		return err
	}
	if failure != nil {
		r.warn("read \"" + typ + "\" configuration \"" + path + "\": " + errno.Text(failure))
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
