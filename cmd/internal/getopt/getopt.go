// Package getopt reads argument vectors by the rules of getopt(3) as Postfix
// programs use it: short options only, and options end at the first operand.
//
// Kong then fills the program's structure from the attached form (see
// Result.Attached). It does not read the original vector, because it accepts
// long names, options after operands and commas as separators, and words its
// errors differently from the C library.
//
// Sources: POSIX.1-2017 getopt and XBD 12.2; glibc posix/getopt.c for the error
// texts; Postfix 3.10 sys_defs.h, GETOPT (the option string gets a leading "+").
package getopt

import "strings"

// Option is one option as it stood on the command line.
type Option struct {
	// Letter is the option character.
	Letter byte
	// Value is the option argument; empty for options that take none.
	Value string
	// HasValue tells an empty option argument from none.
	HasValue bool
}

// Result is a parsed argument vector.
type Result struct {
	// Options are in command-line order. After an error they are the options
	// that precede it.
	Options []Option
	// Operands are the words after the options, without the "--" that may
	// separate them. Nil after an error.
	Operands []string
}

// Error is an option that the option string does not allow.
type Error struct {
	// Letter is the option character at fault. It is '-' for a word such as
	// "--help".
	Letter byte
	// MissingArgument is true where the letter is known and the vector ends
	// before its argument; otherwise the letter is unknown.
	MissingArgument bool
}

// Error returns the C library's text without the program name that it puts in
// front: "invalid option -- 'z'" or "option requires an argument -- 'c'".
func (e *Error) Error() string {
	text := "invalid option -- '"
	if e.MissingArgument {
		text = "option requires an argument -- '"
	}
	// Not by formatting: the letter is a byte, whatever its encoding.
	return text + string([]byte{e.Letter}) + "'"
}

// Parse reads args, which do not include the program name. Spec is an option
// string as getopt(3) takes it: each letter is an option, and a letter before a
// colon takes an argument, which is the rest of the word or else the next word
// whatever it looks like. Parsing stops at the first word that is "-" or does
// not start with "-", and after the word "--".
//
// The error is an *Error. Parsing stops there; a caller that acts on options in
// order finds those before it in the result.
func Parse(spec string, args []string) (Result, error) {
	var r Result
	for len(args) > 0 {
		word := args[0]
		if word == "--" {
			args = args[1:]
			break
		}
		if len(word) < 2 || word[0] != '-' {
			break
		}
		args = args[1:]
		for i := 1; i < len(word); i++ {
			letter := word[i]
			known, takesArgument := lookup(spec, letter)
			switch {
			case !known:
				return r, &Error{Letter: letter}
			case !takesArgument:
				r.Options = append(r.Options, Option{Letter: letter})
				continue
			case i+1 < len(word):
				r.Options = append(r.Options, Option{letter, word[i+1:], true})
			case len(args) > 0:
				r.Options = append(r.Options, Option{letter, args[0], true})
				args = args[1:]
			default:
				return r, &Error{Letter: letter, MissingArgument: true}
			}
			break
		}
	}
	r.Operands = args
	return r, nil
}

// lookup finds a letter in an option string. The byte that has a meaning of its
// own there is never an option.
func lookup(spec string, letter byte) (known, takesArgument bool) {
	if letter == ':' {
		return false, false
	}
	i := strings.IndexByte(spec, letter)
	if i < 0 {
		return false, false
	}
	return true, i+1 < len(spec) && spec[i+1] == ':'
}

// Attached returns a vector with the same meaning that leaves a parser no
// choice: every option is a word of its own with its argument attached, then
// comes "--", then the operands. An empty option argument cannot be attached
// and follows as an empty word.
func (r Result) Attached() []string {
	words := make([]string, 0, len(r.Options)+1+len(r.Operands))
	for _, o := range r.Options {
		words = append(words, "-"+string([]byte{o.Letter})+o.Value)
		if o.HasValue && o.Value == "" {
			words = append(words, "")
		}
	}
	words = append(words, "--")
	return append(words, r.Operands...)
}
