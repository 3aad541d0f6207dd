package table

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/qmqpd/qmqpd/params/accountfile"
	"github.com/qmqpd/qmqpd/params/directfile"
	"github.com/qmqpd/qmqpd/params/errno"
)

// unixTable reads a user or group from the system's database, the file that
// is there at the time of the lookup: inside the jail, the jail's. Other name
// services are not asked, since a static program cannot load their modules.
// Source: Postfix 3.10 dict_unix.c.
type unixTable struct {
	name string
	db   unixDatabase
	log  Logger
	// checked is set by the first lookup: Postfix looks only then whether the
	// database can be read, and takes one that it cannot read later for empty.
	checked *atomic.Bool
}

// unixDatabase is a file, and how entries become values.
type unixDatabase struct {
	path string
	what string // "password" or "group", for the warning
	// find returns the entry of a key as one line. root tells whether number 0
	// was seen before.
	find func(text, key string) (value string, found, root bool)
}

func openUnix(o *opening) (Table, error) {
	var db unixDatabase
	switch o.name {
	case "passwd.byname":
		db = unixDatabase{"/etc/passwd", "password", findUser}
	case "group.byname":
		db = unixDatabase{"/etc/group", "group", findGroup}
	default:
		return nil, &cannotOpen{"unknown table: unix:" + o.name}
	}
	return &unixTable{o.name, db, o.log(), new(atomic.Bool)}, nil
}

func findUser(text, name string) (value string, found, root bool) {
	for u := range accountfile.Users(text) {
		if u.Name == name {
			return strings.Join([]string{u.Name, u.Password, utoa(u.UID), utoa(u.GID), u.Info, u.Dir, u.Shell}, ":"), true, root
		}
		root = root || u.UID == 0
	}
	return "", false, root
}

func findGroup(text, name string) (value string, found, root bool) {
	for g := range accountfile.Groups(text) {
		if g.Name == name {
			members := strings.Join(slices.Collect(g.Members()), ",")
			return strings.Join([]string{g.Name, g.Password, utoa(g.GID), members}, ":"), true, root
		}
		root = root || g.GID == 0
	}
	return "", false, root
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func (t *unixTable) Type() string { return "unix" }
func (t *unixTable) Name() string { return t.name }
func (t *unixTable) Kind() Kind   { return Fixed }
func (t *unixTable) Close() error { return nil }

func (t *unixTable) Lookup(_ context.Context, key string) (string, bool, error) {
	// What was read before an error counts.
	data, err := directfile.ReadFile(t.db.path)
	value, found, root := t.db.find(string(data), key)
	if t.checked.Swap(true) || found || root {
		return value, found, nil
	}
	// A database without the superuser is as good as none.
	reason := errno.NoNumber
	if err != nil {
		reason = errno.Text(err)
	}
	text := "cannot access UNIX " + t.db.what + " database: " + reason
	t.log.Warningf("%s", text)
	return "", false, &Error{Class: Retry, Type: "unix", Name: t.name, Text: text, Err: err}
}
