package table

import (
	"bufio"
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/qmqpd/qmqpd/daemon/errno"
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

// unixDatabase says how lines of one file become values.
type unixDatabase struct {
	path   string
	what   string // "password" or "group", for the warning
	fields int
	id     int // the index of the user's or group's number
	// numbers are the indexes of fields that must be numbers.
	numbers []int
	print   func(fields []string) string
}

func openUnix(o *opening) (Table, error) {
	var db unixDatabase
	switch o.name {
	case "passwd.byname":
		db = unixDatabase{"/etc/passwd", "password", 7, 2, []int{2, 3}, joinFields}
	case "group.byname":
		db = unixDatabase{"/etc/group", "group", 4, 2, []int{2}, joinGroup}
	default:
		return nil, &cannotOpen{"unknown table: unix:" + o.name}
	}
	return &unixTable{o.name, db, o.log(), new(atomic.Bool)}, nil
}

func joinFields(fields []string) string { return strings.Join(fields, ":") }

// joinGroup prints the members as the C library splits them: without blanks
// in front and without empty names.
func joinGroup(fields []string) string {
	var members []string
	for _, member := range strings.Split(fields[3], ",") {
		if member = trimLeft(member); member != "" {
			members = append(members, member)
		}
	}
	return strings.Join(fields[:3], ":") + ":" + strings.Join(members, ",")
}

func (t *unixTable) Type() string { return "unix" }
func (t *unixTable) Name() string { return t.name }
func (t *unixTable) Kind() Kind   { return Fixed }
func (t *unixTable) Close() error { return nil }

func (t *unixTable) Lookup(_ context.Context, key string) (string, bool, error) {
	value, found, root, err := t.db.find(key)
	if t.checked.Swap(true) || found || root {
		return value, found, nil
	}
	// A database without the superuser is as good as none.
	reason := "Application error"
	if err != nil {
		reason = errno.Text(err)
	}
	text := "cannot access UNIX " + t.db.what + " database: " + reason
	t.log.Warningf("%s", text)
	return "", false, &Error{Class: Retry, Type: "unix", Name: t.name, Text: text, Err: err}
}

// find reads the database line by line, as files of nsswitch.conf(5) does, up
// to the key. root tells whether number 0 was seen.
func (db *unixDatabase) find(key string) (value string, found, root bool, err error) {
	file, err := os.Open(db.path)
	if err != nil {
		return "", false, false, err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		if fields, ok := db.split(trimLeft(strings.TrimSuffix(line, "\n"))); ok {
			if fields[0] == key {
				return db.print(fields), true, root, nil
			}
			root = root || fields[db.id] == "0"
		}
		if err == io.EOF {
			return "", false, root, nil
		}
		if err != nil {
			return "", false, root, err
		}
	}
}

// split returns the fields of a valid entry, numbers without leading zeros.
func (db *unixDatabase) split(line string) ([]string, bool) {
	fields := strings.SplitN(line, ":", db.fields)
	if len(fields) != db.fields || fields[0] == "" || fields[0][0] == '+' || fields[0][0] == '-' {
		return nil, false
	}
	for _, i := range db.numbers {
		number, err := strconv.ParseUint(fields[i], 10, 32)
		if err != nil || !allDigits(fields[i]) {
			return nil, false
		}
		fields[i] = strconv.FormatUint(number, 10)
	}
	return fields, true
}
