package params

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/params/directfile"
)

// User is an entry of the user database.
type User struct {
	Name     string
	UID, GID uint32
}

// Group is an entry of the group database.
type Group struct {
	Name string
	GID  uint32
}

// Accounts looks up users and groups. An absent entry is no error.
type Accounts interface {
	User(name string) (User, bool, error)
	UserByID(uid uint32) (User, bool, error)
	Group(name string) (Group, bool, error)
	GroupByID(gid uint32) (Group, bool, error)
}

// AccountFiles looks up users and groups in files in the format of passwd(5)
// and group(5), which are read each time. A missing file is an empty one.
type AccountFiles struct {
	PasswdFile, GroupFile string

	kept *keptFiles
}

// keptFiles are what was read.
type keptFiles struct{ passwd, group *string }

// Kept returns accounts that read each file once. They are not safe for
// concurrent use.
func (a AccountFiles) Kept() AccountFiles {
	a.kept = &keptFiles{}
	return a
}

// SystemAccounts returns /etc/passwd and /etc/group. Other name services are
// not asked: that takes the C library.
func SystemAccounts() AccountFiles {
	return AccountFiles{PasswdFile: "/etc/passwd", GroupFile: "/etc/group"}
}

// User implements Accounts.
func (a AccountFiles) User(name string) (User, bool, error) {
	return a.user(func(u User) bool { return u.Name == name })
}

// UserByID implements Accounts.
func (a AccountFiles) UserByID(uid uint32) (User, bool, error) {
	return a.user(func(u User) bool { return u.UID == uid })
}

// Group implements Accounts.
func (a AccountFiles) Group(name string) (Group, bool, error) {
	return a.group(func(g Group) bool { return g.Name == name })
}

// GroupByID implements Accounts.
func (a AccountFiles) GroupByID(gid uint32) (Group, bool, error) {
	return a.group(func(g Group) bool { return g.GID == gid })
}

func (a AccountFiles) user(match func(User) bool) (found User, ok bool, err error) {
	err = a.eachEntry(false, 7, func(field []string) bool {
		uid, err1 := strconv.ParseUint(field[2], 10, 32)
		gid, err2 := strconv.ParseUint(field[3], 10, 32)
		u := User{Name: field[0], UID: uint32(uid), GID: uint32(gid)}
		if err1 != nil || err2 != nil || !match(u) {
			return true
		}
		found, ok = u, true
		return false
	})
	return found, ok, err
}

func (a AccountFiles) group(match func(Group) bool) (found Group, ok bool, err error) {
	err = a.eachEntry(true, 4, func(field []string) bool {
		gid, err := strconv.ParseUint(field[2], 10, 32)
		g := Group{Name: field[0], GID: uint32(gid)}
		if err != nil || !match(g) {
			return true
		}
		found, ok = g, true
		return false
	})
	return found, ok, err
}

// read returns the text of a file.
func (a AccountFiles) read(group bool) (string, error) {
	file, kept := a.PasswdFile, new(*string)
	if a.kept != nil {
		kept = &a.kept.passwd
	}
	if group {
		file = a.GroupFile
		if a.kept != nil {
			kept = &a.kept.group
		}
	}
	if *kept != nil {
		return **kept, nil
	}
	data, err := directfile.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text := string(data)
	*kept = &text
	return text, nil
}

// eachEntry calls yield with the fields of each line that has enough of them,
// until it returns false.
func (a AccountFiles) eachEntry(group bool, fields int, yield func([]string) bool) error {
	text, err := a.read(group)
	if err != nil {
		return err
	}
	var field [7]string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' || line[0] == '+' || line[0] == '-' {
			continue
		}
		n, more := 0, true
		for ; n < fields && more; n++ {
			field[n], line, more = strings.Cut(line, ":")
		}
		if n == fields && field[0] != "" && !yield(field[:n]) {
			return nil
		}
	}
	return nil
}
