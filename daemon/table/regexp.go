package table

import (
	"context"
	"sync"

	"github.com/qmqpd/qmqpd/daemon/ere"
)

// openRegexp opens a table of POSIX regular expressions in the C library's
// dialect, by default extended and caseless; keys and patterns are bytes.
// Source: Postfix 3.10 dict_regexp.c; glibc regcomp(3).
func openRegexp(o *opening) (Table, error) { return openRules(o, &regexpEngine{}) }

// regexpEngine compiles POSIX patterns, and keeps working memory of matches for
// reuse.
type regexpEngine struct {
	patterns ere.Set
	idle     sync.Pool // of *regexpSession
}

func (*regexpEngine) secondPattern() bool   { return true }
func (*regexpEngine) backslashCloses() bool { return true }
func (*regexpEngine) unclosed() string      { return "skipping" }
func (*regexpEngine) badIndex() string      { return "out-of-range" }
func (*regexpEngine) close() error          { return nil }

func (*regexpEngine) options(p *ruleParser, flags string) (options uint32, rest string, ok bool) {
	read := ere.Extended | ere.IgnoreCase
	i := 0
	for ; i < len(flags) && !isSpace(flags[i]) && flags[i] != '!'; i++ {
		switch flags[i] {
		case 'i':
			read ^= ere.IgnoreCase
		case 'm':
			read ^= ere.Newline
		case 'x':
			read ^= ere.Extended
		default:
			p.warn("unknown regexp option \"%s\": skipping this rule", flags[i:i+1])
			return 0, "", false
		}
	}
	return uint32(read), flags[i:], true
}

func (e *regexpEngine) compile(pattern string, options uint32) (matcher, string) {
	program, err := e.patterns.Compile(pattern, ere.Options(options))
	if err != nil {
		return nil, err.Error()
	}
	return regexpMatcher{program}, ""
}

// regexpSession is one key, and working memory that goes back to its engine.
type regexpSession struct {
	engine *regexpEngine
	memory ere.Work
}

func (e *regexpEngine) begin(key string) session {
	s, ok := e.idle.Get().(*regexpSession)
	if !ok {
		s = &regexpSession{engine: e}
	}
	s.memory.Begin(key)
	return s
}

func (s *regexpSession) work() *ere.Work { return &s.memory }

func (s *regexpSession) end() error {
	s.memory.End()
	s.engine.idle.Put(s)
	return nil
}

type regexpMatcher struct{ program *ere.Program }

func (m regexpMatcher) groups() int         { return m.program.Groups() }
func (m regexpMatcher) filter() *ere.Filter { return m.program.Filter() }

func (m regexpMatcher) match(ctx context.Context, s session, spans []int) (matched bool, problem string) {
	return m.program.Match(ctx, s.work(), spans)
}
