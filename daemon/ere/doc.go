// Package ere has POSIX regular expressions as the GNU C library matches them,
// and automata that try many patterns on one key at once.
//
// Keys and patterns are bytes, as in the C locale. A [Program] is a pattern as
// regcomp(3) and regexec(3) have it. A [Filter] answers quickly that a key does
// not match, for POSIX patterns and for the plain ones of Perl's syntax, whose
// matches are another library's work. A [Screen] asks many filters together. The
// patterns of a table are made by one [Set], and matched with a [Work].
package ere

// Options say how a POSIX pattern is read, as the flags of regcomp(3) do.
type Options uint32

const (
	IgnoreCase Options = 1 << iota // REG_ICASE
	Newline                        // REG_NEWLINE
	Extended                       // REG_EXTENDED
)

// PerlOptions say how a pattern of Perl's syntax is read. They have the values of
// PCRE2.
type PerlOptions uint32

const (
	PerlCaseless      PerlOptions = 0x00000008
	PerlDollarEndOnly PerlOptions = 0x00000010
	PerlDotAll        PerlOptions = 0x00000020
	PerlExtended      PerlOptions = 0x00000080
	PerlMultiline     PerlOptions = 0x00000400
	PerlUngreedy      PerlOptions = 0x00040000
	PerlAnchored      PerlOptions = 0x80000000
)
