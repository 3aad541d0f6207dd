package postconf

import (
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// columns are where the fields of a master.cf entry stand at the earliest.
var columns = [mainconf.NumFields]int{0, 11, 17, 25, 33, 41, 49, 57}

// showEntries is -M. Source: Postfix 3.10 postconf_master.c,
// pcf_show_master_entries.
func (r *run) showEntries() error {
	return r.forServices(2, "-M option requires service_name[/type]", func(s *scope, _ string) error {
		return r.printEntry(s)
	})
}

func (r *run) printEntry(s *scope) error {
	if r.request.mode&showJSON != 0 {
		return r.printJSON(s, s.nameSpace, strings.Join(s.Words[:mainconf.NumFields], " "), s.Args)
	}
	length := 0
	for field, word := range s.Words[:mainconf.NumFields] {
		if length > 0 {
			pad := max(1, columns[field]-length)
			r.out.text(strings.Repeat(" ", pad))
			length += pad
		}
		r.out.text(word)
		length += len(word)
	}
	return r.printArgs(s, s.Args, length, 3)
}

// showFields is -F. Source: Postfix 3.10 postconf_master.c,
// pcf_show_master_fields.
func (r *run) showFields() error {
	return r.forServices(3, "-F option requires service_name[/type[/field]]", r.printFields)
}

func (r *run) printFields(s *scope, wanted string) error {
	for f := mainconf.FieldService; f <= mainconf.FieldCommand; f++ {
		if matchPart(wanted, f.String()) {
			if err := r.printField(s, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) printField(s *scope, f mainconf.Field) error {
	m := r.request.mode
	label := s.nameSpace + "/" + f.String()
	var args []string
	if f == mainconf.FieldCommand && m&hideValue == 0 {
		args = s.Args
	}
	if m&showJSON != 0 {
		return r.printJSON(s, label, s.Field(f), args)
	}
	length := 0
	add := func(text string) {
		r.out.text(text)
		length += len(text)
	}
	if m&hideName == 0 {
		add(label)
		if m&hideValue == 0 {
			add(" = ")
		}
	}
	if m&hideValue == 0 {
		if length > 0 && length+len(s.Field(f)) > lineLimit {
			r.out.text("\n" + indent)
			length = len(indent)
		}
		add(s.Field(f))
	}
	return r.printArgs(s, args, length, 1)
}
