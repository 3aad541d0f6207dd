package matchlist

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Options say how a list is read and matched.
type Options struct {
	// Parents lets a domain cover its subdomains: the list's parameter is
	// named in parent_domain_matches_subdomains.
	Parents bool
	// ReadFile reads a file that the list names. Nil means os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Skip says which types of tables are left out of the list. Nil means
	// none.
	Skip func(typ string) bool
	// WarnLookup is for a StringList. It logs a table that fails as a warning,
	// and the error is of class Retry: the process can go on. Without it the
	// error is Fatal, and logging it is up to the caller. A List always warns,
	// and keeps the error's class.
	WarnLookup bool
}

// List is a parsed match list. The zero value has no patterns.
type List struct {
	param    string
	parents  bool
	unicode  bool
	warn     bool // Options.WarnLookup
	log      table.Logger
	verbose  table.Verbose // log, if it knows a verbose level
	patterns []pattern
}

// pattern is one element of a list, negations and files resolved.
type pattern struct {
	negate bool
	// text is the folded literal, or the name of the registered table.
	text  string
	table table.Table // nil for a literal
	cidr  cidrPattern
}

// tableFlags are the flags with which Postfix opens tables in match lists.
// There is no folding: search strings are folded before the lookup.
const tableFlags = table.Lock | table.UTF8Request

const (
	// noFile is the type that Postfix invents for a file it cannot read.
	noFile = "non-existent"
	// maxNesting is where a file that includes itself stops: Postfix runs
	// out of file descriptors there, too.
	maxNesting = 1000
	// maxFiles bounds files that include themselves more than once.
	maxFiles = 100_000
)

// Parse reads a list. param is the parameter's name, for messages. Tables are
// opened through set, which also has the logger and the rule for folding.
func Parse(param, text string, set *table.Set, opt Options) (*List, error) {
	setOptions := set.Options()
	p := parser{
		list: &List{param: param, parents: opt.Parents, unicode: setOptions.UTF8, warn: opt.WarnLookup},
		set:  set,
		read: opt.ReadFile,
		skip: opt.Skip,
	}
	p.list.setLog(setOptions.Log)
	if p.read == nil {
		p.read = os.ReadFile
	}
	if err := p.parse(text, false, 0); err != nil {
		return nil, err
	}
	return p.list, nil
}

type parser struct {
	list  *List
	set   *table.Set
	read  func(string) ([]byte, error)
	skip  func(string) bool
	files int
}

// parse adds the patterns of text. Source: Postfix 3.10 match_list.c,
// match_list_parse.
func (p *parser) parse(text string, negate bool, nesting int) error {
	for {
		item, rest, ok := table.NextToken(text)
		if !ok {
			return nil
		}
		if item[0] == '#' {
			if len(rest) > 20 {
				rest = rest[:20]
			}
			p.list.log.Warningf("%s: #comment after other text is not allowed: %s %s...", p.list.param, item, rest)
			return nil
		}
		text = rest
		if err := p.add(item, negate, nesting); err != nil {
			return err
		}
	}
}

func (p *parser) add(item string, negate bool, nesting int) error {
	for strings.HasPrefix(item, "!") {
		negate = !negate
		item = item[1:]
	}
	switch {
	case item == "":
		return &table.Error{Class: table.Fatal, Text: p.list.param + ": no pattern after '!'"}
	case item[0] == '/':
		return p.addFile(item, negate, nesting)
	case isTable(item):
		if typ, _, _ := strings.Cut(item, ":"); p.skip != nil && p.skip(typ) {
			return nil
		}
		t, err := p.set.Open(item, tableFlags)
		if err != nil {
			return err
		}
		p.list.patterns = append(p.list.patterns, pattern{negate: negate, text: table.RegisteredName(item, tableFlags), table: t})
	default:
		literal := table.Fold(item, p.list.unicode)
		p.list.patterns = append(p.list.patterns, pattern{negate: negate, text: literal, cidr: newCIDRPattern(literal)})
	}
	return nil
}

// isTable tells "type:table" from a literal. An IPv6 address without brackets
// is taken for a table.
func isTable(item string) bool {
	return item[0] != '[' && strings.IndexByte(item, ':') >= 0
}

func (p *parser) addFile(path string, negate bool, nesting int) error {
	if p.files++; p.files > maxFiles {
		return &table.Error{Class: table.Fatal, Text: p.list.param + ": " + path + ": too many files included"}
	}
	content, err := p.readFile(path, nesting)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return &table.Error{Class: table.Fatal, Text: "match_list_parse: read file " + path + ": " + errno.Text(err), Err: err}
	case err != nil:
		// The negation is lost, which makes no difference to an error.
		t, err := p.set.Unavailable(noFile, path, "open file "+path+": "+errno.Text(err))
		if err != nil {
			return err
		}
		p.list.patterns = append(p.list.patterns, pattern{text: noFile + ":" + path, table: t})
		return nil
	}
	lines := table.NewLineReader(string(content), path, p.list.log)
	for {
		lines.CountFromHere() // so does Postfix, which reads such files without numbers
		line, _, ok := lines.Next()
		if !ok {
			return nil
		}
		if err := p.parse(line, negate, nesting+1); err != nil {
			return err
		}
	}
}

func (p *parser) readFile(path string, nesting int) ([]byte, error) {
	if nesting >= maxNesting {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EMFILE}
	}
	return p.read(path)
}
