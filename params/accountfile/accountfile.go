// Package accountfile reads the entries of passwd(5) and group(5) files, by the
// rules of the C library's name service "files".
//
// These are wider than the manual pages: there may be blanks before an entry
// and before a number, the last fields may be missing, and a field too many
// belongs to the one before.
package accountfile

import (
	"iter"
	"strings"
)

// User is an entry of a passwd(5) file.
type User struct {
	Name, Password   string
	UID, GID         uint32
	Info, Dir, Shell string
}

// Group is an entry of a group(5) file.
type Group struct {
	Name, Password string
	GID            uint32
	members        string
}

// Users returns the users that can be looked up in the text of a file, in its
// order. What is no entry is passed over, and so are those that begin with "+"
// or "-", which mean users of another name service.
func Users(text string) iter.Seq[User] {
	return func(yield func(User) bool) {
		for line := range Lines(text) {
			if u, ok := parseUser(line); ok && !yield(u) {
				return
			}
		}
	}
}

// Groups returns the groups that can be looked up, as Users does.
func Groups(text string) iter.Seq[Group] {
	return func(yield func(Group) bool) {
		for line := range Lines(text) {
			if g, ok := parseGroup(line); ok && !compat(g.Name) && !yield(g) {
				return
			}
		}
	}
}

// GroupsOf returns the numbers of the groups that list a user, in the order of
// the file. These are the groups that initgroups(3) finds, which takes more for
// an entry than a look-up does: what is a comment there, and what begins with
// "+" or "-", of which an empty number is 0.
func GroupsOf(text, user string) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for line := range strings.Lines(text) {
			g, ok := parseGroup(cutLine(line))
			if ok && g.has(user) && !yield(g.GID) {
				return
			}
		}
	}
}

// Members returns the names in the list of a group. Blanks before a name are not
// part of it, those after it are.
func (g Group) Members() iter.Seq[string] {
	return func(yield func(string) bool) {
		for list := g.members; list != ""; {
			var name string
			name, list, _ = strings.Cut(trimLeft(list), ",")
			if name != "" && !yield(name) {
				return
			}
		}
	}
}

func (g Group) has(user string) bool {
	// Most entries need not be taken to pieces.
	if !strings.Contains(g.members, user) {
		return false
	}
	for name := range g.Members() {
		if name == user {
			return true
		}
	}
	return false
}

// Lines returns the lines of a file of the service "files" that a look-up sees,
// without blanks in front. Source: glibc nss_readline.c.
func Lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			whole := cutLine(line)
			visible := trimLeft(whole)
			if visible == "" || visible[0] == '#' {
				continue
			}
			// The C library moves an entry to where the blanks before it were,
			// but not its end: what then stands twice is cut off only by a
			// newline.
			if rest := line[len(whole):]; rest != "\n" {
				visible += whole[len(visible):]
			}
			if !yield(visible) {
				return
			}
		}
	}
}

// cutLine returns a line without its newline, up to where a C string ends.
func cutLine(line string) string {
	line = strings.TrimSuffix(line, "\n")
	if i := strings.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	return line
}

// compat tells whether an entry is one for the name service "compat".
func compat(name string) bool { return name != "" && (name[0] == '+' || name[0] == '-') }

func parseUser(line string) (u User, ok bool) {
	u.Name, line, _ = strings.Cut(line, ":")
	if compat(u.Name) {
		return u, false
	}
	u.Password, line, _ = strings.Cut(line, ":")
	if u.UID, line, ok = number(line); !ok {
		return u, false
	}
	if u.GID, line, ok = number(line); !ok {
		return u, false
	}
	u.Info, line, _ = strings.Cut(line, ":")
	u.Dir, u.Shell, _ = strings.Cut(line, ":")
	return u, true
}

func parseGroup(line string) (g Group, ok bool) {
	g.Name, line, _ = strings.Cut(line, ":")
	g.Password, line, _ = strings.Cut(line, ":")
	if compat(g.Name) && strings.HasPrefix(line, ":") {
		g.members = line[1:]
		return g, true
	}
	g.GID, g.members, ok = number(line)
	return g, ok
}

// number reads a field as strtoul(3) does: after blanks and a sign, digits. It
// returns what follows the field.
func number(line string) (n uint32, rest string, ok bool) {
	line = trimLeft(line)
	negative := false
	if line != "" && (line[0] == '+' || line[0] == '-') {
		negative, line = line[0] == '-', line[1:]
	}
	const tooLarge = 1<<64 - 1
	value, i := uint64(0), 0
	for ; i < len(line) && line[i]-'0' <= 9; i++ {
		digit := uint64(line[i] - '0')
		if value > (tooLarge-digit)/10 {
			value, negative = tooLarge, false
			for i < len(line) && line[i]-'0' <= 9 {
				i++
			}
			break
		}
		value = value*10 + digit
	}
	if negative {
		value = -value
	}
	if i == 0 || value > 1<<32-1 || i < len(line) && line[i] != ':' {
		return 0, "", false
	}
	if i < len(line) {
		i++
	}
	return uint32(value), line[i:], true
}

// trimLeft removes what isspace(3) takes for a blank in the C locale.
func trimLeft(s string) string {
	for s != "" && (s[0] == ' ' || s[0]-'\t' < 5) {
		s = s[1:]
	}
	return s
}
