package postconf

import (
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// arg is an item of a command line as it is printed: an option with its value
// stays together.
type arg struct {
	text     string
	value    string
	hasValue bool
	braces   bool // the value or else the text contains white space
}

// items calls yield for the items of a service's command line. It expands
// option values for -x. The first argument that is no option is never put in
// braces, even if it contains white space: stock does not look.
func (r *run) items(s *scope, args []string, yield func(arg)) error {
	options := true
	for i := 0; i < len(args); i++ {
		a := arg{text: args[i]}
		switch {
		case !options:
			a.braces = hasBlank(a.text)
		case !mainconf.IsOption(a.text):
			options = false
		case mainconf.OptionTakesValue(a.text) && i+1 < len(args):
			i++
			a.value, a.hasValue = args[i], true
			if a.text == "-o" && r.request.mode&expandValues != 0 {
				var err error
				if a.value, err = r.expand(a.value, s); err != nil {
					return err
				}
			}
			a.braces = hasBlank(a.value)
		}
		yield(a)
	}
	return nil
}

func hasBlank(s string) bool { return strings.ContainsAny(s, whiteSpace) }

// printArgs prints a service's command-line arguments after length bytes of a
// line, and ends it. Pairing is what stock adds to the length of an option and
// its value. Source: Postfix 3.10 postconf_master.c, pcf_print_master_entry and
// pcf_print_master_field.
func (r *run) printArgs(s *scope, args []string, length, pairing int) error {
	fold := r.request.mode&foldLines != 0
	add := func(text string) {
		r.out.text(text)
		length += len(text)
	}
	err := r.items(s, args, func(a arg) {
		size := len(a.text)
		if a.hasValue {
			length = lineLimit // such pairs get a line of their own
			size += len(a.value) + pairing
			if a.braces {
				size += 2
			}
		}
		// Stock forgets the blank after a short command name.
		if length > len(indent) {
			if !fold || length+1+size < lineLimit {
				add(" ")
			} else {
				r.out.text("\n" + indent)
				length = len(indent)
			}
		}
		for _, text := range a.words() {
			add(text)
		}
		if a.hasValue {
			length = lineLimit
		}
	})
	if err != nil {
		return err
	}
	r.out.text("\n")
	r.flushIfVerbose()
	return nil
}

// words returns the pieces of an item with the braces that it needs.
func (a arg) words() []string {
	switch {
	case a.hasValue && a.braces:
		return []string{a.text, " {", a.value, "}"}
	case a.hasValue:
		return []string{a.text, " ", a.value}
	case a.braces:
		return []string{"{", a.text, "}"}
	}
	return []string{a.text}
}

// printJSON prints a command line, or what stands before its arguments, as an
// object. Source: Postfix 3.11 postconf_master.c.
func (r *run) printJSON(s *scope, label, command string, args []string) error {
	r.out.text("{\"")
	r.out.quoted(label)
	r.out.text("\": ")
	var line strings.Builder
	line.WriteString(command)
	err := r.items(s, args, func(a arg) {
		line.WriteByte(' ')
		for _, text := range a.words() {
			line.WriteString(text)
		}
	})
	if err != nil {
		return err
	}
	r.out.text("\"")
	r.out.quoted(line.String())
	r.out.text("\"}\n")
	r.flushIfVerbose()
	return nil
}
