package hostname

import "strings"

// hostConf is what host.conf(5) says, and the variables that stand above it.
type hostConf struct {
	// multi makes all lines of the hosts file that have a name count, not only the
	// first.
	multi bool
	// trim are ends of names that are cut off: of names of addresses, the first one
	// that fits.
	trim []string
}

// maxTrim is how many ends glibc keeps.
const maxTrim = 4

// parseHostConf reads host.conf, and then the environment: RESOLV_MULTI,
// RESOLV_ADD_TRIM_DOMAINS and RESOLV_OVERRIDE_TRIM_DOMAINS. Source: glibc
// res_hconf.c.
func parseHostConf(b []byte, environ func(string) (string, bool)) hostConf {
	var c hostConf
	for line := range strings.Lines(string(b)) {
		word, rest := confWord(strings.TrimLeft(line, confBlanks))
		switch rest = strings.Trim(rest, confBlanks); strings.ToLower(word) {
		case "multi":
			c.setMulti(rest)
		case "trim":
			c.addTrim(rest)
		}
	}
	if value, ok := environ("RESOLV_MULTI"); ok {
		c.setMulti(value)
	}
	if value, ok := environ("RESOLV_ADD_TRIM_DOMAINS"); ok {
		c.addTrim(value)
	}
	if value, ok := environ("RESOLV_OVERRIDE_TRIM_DOMAINS"); ok {
		c.trim = nil
		c.addTrim(value)
	}
	return c
}

// setMulti looks at how the value begins; what is neither changes nothing.
func (c *hostConf) setMulti(value string) {
	if value = strings.ToLower(value); strings.HasPrefix(value, "on") {
		c.multi = true
	} else if strings.HasPrefix(value, "off") {
		c.multi = false
	}
}

// addTrim takes ends from a list whose delimiters are blanks, or one of three
// characters among them, up to a comment.
func (c *hostConf) addTrim(list string) {
	for len(c.trim) < maxTrim {
		var end string
		end, list = confWord(list)
		c.trim = append(c.trim, end)
		list = strings.TrimLeft(list, confBlanks)
		if list != "" && strings.IndexByte(",;:", list[0]) >= 0 {
			list = strings.TrimLeft(list[1:], confBlanks)
		}
		if list == "" || list[0] == '#' {
			return
		}
	}
}

// trimmed is the name without its end.
func (c *hostConf) trimmed(name string) string {
	for _, end := range c.trim {
		if at := len(name) - len(end); at > 0 && strings.EqualFold(name[at:], end) {
			return name[:at]
		}
	}
	return name
}

// confBlanks is what isspace(3) knows.
const confBlanks = " \t\n\v\f\r"

// fields is strings.Fields with the blanks of C: no others separate words.
func fields(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(confBlanks, r) })
}

// confWord returns the first word of the text, and what follows it.
func confWord(text string) (word, rest string) {
	if end := strings.IndexAny(text, confBlanks+"#,"); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}

// parseAliases reads the file of the HOSTALIASES variable: a name and what it stands
// for on each line, up to a line that has nothing behind its name. Source: glibc
// res_query.c.
func parseAliases(b []byte) [][2]string {
	var aliases [][2]string
	for line := range strings.Lines(string(b)) {
		end := strings.IndexAny(line, confBlanks)
		if end < 0 {
			break
		}
		a := [2]string{line[:end]}
		if f := fields(line[end:]); len(f) > 0 {
			a[1] = f[0]
		}
		aliases = append(aliases, a)
	}
	return aliases
}

// alias returns what a name without dots stands for, or nothing.
func (s *System) alias(name string) string {
	if s.aliases.path == "" || strings.Contains(name, ".") {
		return ""
	}
	for _, a := range s.aliases.get() {
		if strings.EqualFold(strings.TrimSuffix(a[0], "."), name) {
			return a[1]
		}
	}
	return ""
}
