package mainconf

import (
	"slices"
	"strconv"
	"strings"
)

// Master is a master.cf file. It is not changed after parsing and may be read
// by several goroutines at a time.
type Master struct {
	// File is the name that was given to ParseMaster.
	File string
	// Services are the entries in file order.
	Services []*Service
	// Warnings are what postconf(1) warns about, in its order.
	Warnings []Warning

	data string
}

// ParseMaster parses a master.cf file and checks it as postconf(1) does.
//
// The error, if any, holds *Error values in file order; an entry with an error
// gives one for each bad field and is left out of the document, which is
// returned in any case. The texts about fields are Postfix's, which do not say
// where: see Error.Located. Time and memory are linear in len(data), which is
// copied.
//
// Source: Postfix 3.10 postconf_master.c, pcf_read_master.
func ParseMaster(file string, data []byte) (*Master, error) {
	m := &Master{File: file, data: string(data)}
	var errs errorList
	warn := func(w Warning) { m.Warnings = append(m.Warnings, w) }
	lines := newLineReader(file, m.data, warn)
	for {
		line, ok := lines.next()
		if !ok {
			break
		}
		fail := func(text string) {
			errs.add(&Error{
				File:     file,
				Line:     line.First,
				Offset:   line.Offset,
				Text:     text,
				Warnings: len(m.Warnings),
			})
		}
		words, problems := splitService(cString(line.Text))
		if words == nil {
			fail("file " + file + ": line " + itoa(line.First) + ": " + problems[0])
			continue
		}
		for _, p := range problems {
			fail(p)
		}
		if len(problems) > 0 {
			continue
		}
		s := newService(words, wordLines(line, m.data, words), func(complaint string) {
			warn(Warning{Kind: WarnArgument, File: file, Line: line.First, Last: line.Last, Text: complaint})
		})
		s.Line = line
		m.Services = append(m.Services, s)
	}
	m.Services, m.Warnings = slices.Clip(m.Services), slices.Clip(m.Warnings)
	return m, errs.err()
}

// ParseService parses the text of one master.cf entry. The error holds *Error
// values as ParseMaster's does, with no file and no line, and there is no service
// then. Warnings hold their Text only, and so does the service's Line.
//
// As for postconf -M, a newline is white space like any other, '#' begins no comment,
// and what follows a null byte is not seen: whether text is the same in a file only
// ParseMaster can tell.
func ParseService(text string) (*Service, []Warning, error) {
	text = cString(text)
	var errs errorList
	words, problems := splitService(text)
	for _, p := range problems {
		errs.add(&Error{Text: p})
	}
	if err := errs.err(); err != nil {
		return nil, nil, err
	}
	var warnings []Warning
	s := newService(words, make([]int, len(words)), func(complaint string) {
		warnings = append(warnings, Warning{Kind: WarnArgument, Text: complaint})
	})
	s.Line.Text = text
	return s, warnings, nil
}

// wordLines returns the numbers of the physical lines on which the words of a logical
// line begin.
func wordLines(line Line, data string, words []string) []int {
	lines := make([]int, len(words))
	text, pos := line.Text, 0
	number, end := line.First-1, 0 // end of what line number has of text
	rest := data[line.Offset:line.TextEnd]
	for i, word := range words {
		for strings.IndexByte(WordSeparators, text[pos]) >= 0 {
			pos++
		}
		for pos >= end {
			var part string
			part, rest, _ = strings.Cut(rest, "\n")
			if !isComment(part) {
				end += len(part)
			}
			number++
		}
		lines[i] = number
		pos += len(word)
	}
	return lines
}

// Bytes returns a copy of the text of the file: exactly what was parsed. A nil Master
// has none.
func (m *Master) Bytes() []byte {
	if m == nil {
		return nil
	}
	return []byte(m.data)
}

// Lookup returns the services with the given name and type, in file order. A
// nil Master has none.
func (m *Master) Lookup(name, typ string) []*Service {
	if m == nil {
		return nil
	}
	var found []*Service
	for _, s := range m.Services {
		if s.Name() == name && s.Type() == typ {
			found = append(found, s)
		}
	}
	return found
}

// splitService splits an entry into words and says what is wrong with it, in
// the order in which postconf(1) checks. Without words there is one problem,
// the text "bad field count".
func splitService(text string) (words []string, problems []string) {
	words = SplitBraced(text, WordSeparators)
	if len(words) < NumFields {
		return nil, []string{"bad field count"}
	}
	bad := func(field Field) {
		problems = append(problems, "invalid "+field.String()+" field \""+words[field]+"\" in \""+
			strings.ReplaceAll(text, "\n", " ")+"\"")
	}
	switch words[FieldType] {
	case "unix", "fifo", "inet", "pass", "unix-dgram":
	default:
		bad(FieldType)
	}
	for field := FieldPrivate; field <= FieldChroot; field++ {
		if w := words[field]; w != "y" && w != "n" && w != "-" {
			bad(field)
		}
	}
	if w := strings.TrimSuffix(words[FieldWakeup], "?"); w != "-" && !allDigits(w) {
		bad(FieldWakeup)
	}
	if w := words[FieldProcessLimit]; w != "-" && !allDigits(w) {
		bad(FieldProcessLimit)
	}
	return words, problems
}

// allDigits reports whether s has no byte that is not a decimal digit.
func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

func itoa(n int) string { return strconv.Itoa(n) }
