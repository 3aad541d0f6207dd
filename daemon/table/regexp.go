package table

import "sync"

// openRegexp opens a table of POSIX regular expressions in the C library's
// dialect, by default extended and caseless; keys and patterns are bytes.
// Source: Postfix 3.10 dict_regexp.c; glibc regcomp(3).
func openRegexp(o *opening) (Table, error) { return openRules(o, &ereEngine{}) }

// ereEngine compiles POSIX patterns with the files ere*.go. It also keeps
// working memory of matches for reuse.
type ereEngine struct {
	programs int
	idle     sync.Pool // of *ereSession
}

const (
	ereIgnoreCase uint32 = 1 << iota
	ereNewline
	ereExtended
)

func (*ereEngine) secondPattern() bool   { return true }
func (*ereEngine) backslashCloses() bool { return true }
func (*ereEngine) unclosed() string      { return "skipping" }
func (*ereEngine) badIndex() string      { return "out-of-range" }
func (*ereEngine) close() error          { return nil }

func (*ereEngine) options(p *ruleParser, flags string) (options uint32, rest string, ok bool) {
	options = ereExtended | ereIgnoreCase
	i := 0
	for ; i < len(flags) && !isSpace(flags[i]) && flags[i] != '!'; i++ {
		switch flags[i] {
		case 'i':
			options ^= ereIgnoreCase
		case 'm':
			options ^= ereNewline
		case 'x':
			options ^= ereExtended
		default:
			p.warn("unknown regexp option \"%s\": skipping this rule", flags[i:i+1])
			return 0, "", false
		}
	}
	return options, flags[i:], true
}

func (e *ereEngine) compile(pattern string, options uint32, _ bool) (matcher, string) {
	program, err := compileERE(pattern, options)
	if err != nil {
		return nil, err.Error()
	}
	program.number = e.programs
	e.programs++
	return program, ""
}

// ereSession is one key, and working memory that goes back to its engine.
type ereSession struct {
	engine   *ereEngine
	key      string
	upper    string // the key for patterns that ignore case
	work     ereWork
	automata automata
}

func (e *ereEngine) begin(key string) session {
	s, ok := e.idle.Get().(*ereSession)
	if !ok {
		s = &ereSession{engine: e}
	}
	s.key, s.upper = key, upperASCII(key)
	return s
}

func (s *ereSession) plain(p *ereProgram) (string, *automata) {
	switch {
	case s.key == "":
		return "", nil
	case p.ignoreCase:
		return s.upper, &s.automata
	}
	return s.key, &s.automata
}

func (s *ereSession) end() {
	s.key, s.upper = "", ""
	s.automata.forget()
	s.engine.idle.Put(s)
}
