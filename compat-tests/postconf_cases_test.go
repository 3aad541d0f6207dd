package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// configurationCase is a block of a .cases file: a configuration, and command
// lines that are run with it.
type configurationCase struct {
	name  string
	files map[string]string
	lines []caseLine
}

type caseLine struct {
	text string
	raw  bool // without -c
}

// defaultCaseFiles are the files of a block that has none of its own.
var defaultCaseFiles = map[string]string{
	"main.cf": "",
	"master.cf": `# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_client_restrictions=$mua_client_restrictions
pickup    unix  n       -       y       60      1       pickup
rewrite   unix  -       -       y       -       -       trivial-rewrite
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
error     unix  -       -       y       -       -       error
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       y       -       -       lmtp
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}
policy    unix  -       n       n       -       -       spawn user=nobody argv=/usr/bin/policy
`,
}

// readCases reads a .cases file; testdata/postconf/listing.cases tells the
// form.
func readCases(path string) ([]configurationCase, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var (
		cases []configurationCase
		file  string // the one being read, or "run"
	)
	for i, line := range strings.SplitAfter(string(data), "\n") {
		text := strings.TrimSuffix(line, "\n")
		name, isCase := strings.CutPrefix(text, "=== ")
		section, isSection := strings.CutPrefix(text, "--- ")
		switch {
		case isCase:
			cases = append(cases, configurationCase{name: name, files: map[string]string{}})
			file = ""
		case len(cases) == 0:
			if text != "" && text[0] != '#' {
				return nil, fmt.Errorf("%s:%d: text before the first case", path, i+1)
			}
		case isSection:
			file = section
			if name, absent := strings.CutSuffix(section, " absent"); absent {
				cases[len(cases)-1].files[name] = "absent"
				file = ""
			} else if section != "run" {
				cases[len(cases)-1].files[section] = ""
			}
		case file == "run":
			if raw := strings.HasPrefix(text, "! "); text != "" {
				cases[len(cases)-1].lines = append(cases[len(cases)-1].lines, caseLine{strings.TrimPrefix(text, "! "), raw})
			}
		case file != "":
			cases[len(cases)-1].files[file] += line
		case text != "":
			return nil, fmt.Errorf("%s:%d: text outside a section", path, i+1)
		}
	}
	for _, c := range cases {
		if err := c.finish(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, c.name, err)
		}
	}
	return cases, nil
}

// finish decodes the files and adds those that every configuration has.
func (c configurationCase) finish() error {
	for name, text := range c.files {
		// The empty line before the next block is not part of the file.
		text = strings.TrimSuffix(text, "\n")
		if text != "" {
			text += "\n"
		}
		if plain, encoded := strings.CutSuffix(name, "%"); encoded {
			decoded, err := decode(strings.TrimSuffix(text, "\n"))
			if err != nil {
				return err
			}
			delete(c.files, name)
			name, text = plain, decoded
		}
		c.files[name] = text
	}
	for name, text := range defaultCaseFiles {
		_, set := c.files[name]
		_, dir := c.files[name+"/x"]
		if !set && !dir {
			c.files[name] = text
		}
		if c.files[name] == "absent\n" || c.files[name] == "absent" {
			delete(c.files, name)
		}
	}
	return nil
}

// decode replaces \xNN, \t, \r, \n and \\; line feeds stay.
func decode(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		c, _, rest, err := strconv.UnquoteChar(text[i:], 0)
		if err != nil {
			return "", fmt.Errorf("bad escape at %.10q", text[i:])
		}
		b.WriteByte(byte(c))
		i = len(text) - len(rest) - 1
	}
	return b.String(), nil
}

// words splits a command line as a shell does; it knows blanks, '...', and
// $'...' as above.
func words(line string) ([]string, error) {
	var list []string
	for {
		line = strings.TrimLeft(line, " ")
		if line == "" {
			return list, nil
		}
		var word strings.Builder
		for line != "" && line[0] != ' ' {
			escaped := strings.HasPrefix(line, "$'")
			if !escaped && line[0] != '\'' {
				word.WriteByte(line[0])
				line = line[1:]
				continue
			}
			quoted, rest, ok := strings.Cut(strings.TrimPrefix(line, "$")[1:], "'")
			if !ok {
				return nil, fmt.Errorf("unbalanced quote in %q", line)
			}
			line = rest
			if escaped {
				var err error
				if quoted, err = decode(quoted); err != nil {
					return nil, err
				}
			}
			word.WriteString(quoted)
		}
		list = append(list, word.String())
	}
}

// parse makes a command line of a case, for a configuration in dir.
func (l caseLine) parse(dir string) (commandLine, error) {
	list, err := words(strings.ReplaceAll(l.text, "@", dir))
	if err != nil {
		return commandLine{}, err
	}
	c := commandLine{argv0: "postconf"}
	for len(list) > 0 && list[0] != "postconf" {
		if name, isName := strings.CutPrefix(list[0], "ARGV0="); isName {
			c.argv0 = name
		} else {
			c.env = append(c.env, list[0])
		}
		list = list[1:]
	}
	if len(list) == 0 {
		return c, fmt.Errorf("no postconf in %q", l.text)
	}
	if !l.raw {
		c.args = []string{"-c", dir}
	}
	c.args = append(c.args, list[1:]...)
	return c, nil
}

// allCases returns the blocks of all .cases files, by file.
func allCases(t testing.TB) map[string][]configurationCase {
	t.Helper()
	paths, err := filepath.Glob("testdata/postconf/*.cases")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	if strings.HasPrefix(os.Getenv(otherVersion), "3.11") {
		paths = append(paths, "testdata/postconf/3.11/new.cases")
	}
	all := map[string][]configurationCase{}
	for _, path := range paths {
		cases, err := readCases(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".cases")] = cases
	}
	return all
}
