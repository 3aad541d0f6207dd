package table

import "github.com/qmqpd/qmqpd/daemon/ere"

// openPCRE opens a table of Perl-compatible regular expressions, by default
// caseless and with a dot that matches newlines; keys and patterns are bytes.
// Source: Postfix 3.10 dict_pcre.c.
func openPCRE(o *opening) (Table, error) {
	engine, err := newPCREEngine()
	if err != nil {
		return nil, err
	}
	t, err := openRules(o, engine)
	if err != nil {
		_ = engine.close()
		return nil, err
	}
	return t, nil
}

// pcreSyntax is the part of pcre rules that does not need the library.
type pcreSyntax struct{}

func (pcreSyntax) secondPattern() bool   { return false }
func (pcreSyntax) backslashCloses() bool { return false }
func (pcreSyntax) unclosed() string      { return "ignoring" }
func (pcreSyntax) badIndex() string      { return "out of range" }

func (pcreSyntax) options(p *ruleParser, flags string) (options uint32, rest string, ok bool) {
	read := ere.PerlCaseless | ere.PerlDotAll
	i := 0
	for ; i < len(flags) && !isSpace(flags[i]); i++ {
		switch flags[i] {
		case 'i':
			read ^= ere.PerlCaseless
		case 'm':
			read ^= ere.PerlMultiline
		case 's':
			read ^= ere.PerlDotAll
		case 'x':
			read ^= ere.PerlExtended
		case 'A':
			read ^= ere.PerlAnchored
		case 'E':
			read ^= ere.PerlDollarEndOnly
		case 'U':
			read ^= ere.PerlUngreedy
		case 'X':
			p.warn("ignoring obsolete regexp option \"X\"")
		default:
			p.warn("unknown regexp option \"%s\": skipping this rule", flags[i:i+1])
			return 0, "", false
		}
	}
	return uint32(read), flags[i:], true
}
