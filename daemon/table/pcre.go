package table

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

// Options have the values of PCRE2.
const (
	pcreCaseless      = 0x00000008
	pcreDollarEndOnly = 0x00000010
	pcreDotAll        = 0x00000020
	pcreExtended      = 0x00000080
	pcreMultiline     = 0x00000400
	pcreUngreedy      = 0x00040000
	pcreAnchored      = 0x80000000
)

func (pcreSyntax) options(p *ruleParser, flags string) (options uint32, rest string, ok bool) {
	options = pcreCaseless | pcreDotAll
	i := 0
	for ; i < len(flags) && !isSpace(flags[i]); i++ {
		switch flags[i] {
		case 'i':
			options ^= pcreCaseless
		case 'm':
			options ^= pcreMultiline
		case 's':
			options ^= pcreDotAll
		case 'x':
			options ^= pcreExtended
		case 'A':
			options ^= pcreAnchored
		case 'E':
			options ^= pcreDollarEndOnly
		case 'U':
			options ^= pcreUngreedy
		case 'X':
			p.warn("ignoring obsolete regexp option \"X\"")
		default:
			p.warn("unknown regexp option \"%s\": skipping this rule", flags[i:i+1])
			return 0, "", false
		}
	}
	return options, flags[i:], true
}
