package table

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

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
}

// unixDatabase says how lines of one file become values.
type unixDatabase struct {
	path   string
	what   string // "password" or "group", for the warning
	fields int
	// number is the index of fields that must be numbers.
	numbers []int
	print   func(fields []string) string
}

func openUnix(o *opening) (Table, error) {
	switch o.name {
	case "passwd.byname":
		return &unixTable{o.name, unixDatabase{"/etc/passwd", "password", 7, []int{2, 3}, joinFields}, o.log()}, nil
	case "group.byname":
		return &unixTable{o.name, unixDatabase{"/etc/group", "group", 4, []int{2}, joinGroup}, o.log()}, nil
	}
	return nil, &cannotOpen{"unknown table: unix:" + o.name}
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
	file, err := os.Open(t.db.path)
	if err != nil {
		text := "cannot access UNIX " + t.db.what + " database: " + errno.Text(err)
		t.log.Warningf("%s", text)
		return "", false, &Error{Class: Retry, Type: "unix", Name: t.name, Text: text, Err: err}
	}
	defer file.Close()
	value, err := t.db.find(file, key)
	switch {
	case errors.Is(err, errAbsent):
		return "", false, nil
	case err != nil:
		return "", false, &Error{Class: Retry, Type: "unix", Name: t.name, Text: t.db.path + ": " + err.Error(), Err: err}
	}
	return value, true, nil
}

var errAbsent = errors.New("not found")

// find reads the database line by line, as files of nsswitch.conf(5) does.
func (db *unixDatabase) find(r io.Reader, key string) (string, error) {
	if key == "" {
		return "", errAbsent
	}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line = trimLeft(strings.TrimSuffix(line, "\n")); strings.HasPrefix(line, key+":") {
			if fields, ok := db.split(line); ok {
				return db.print(fields), nil
			}
		}
		switch {
		case err == io.EOF:
			return "", errAbsent
		case err != nil:
			return "", err
		}
	}
}

// split returns the fields of a valid entry, numbers without leading zeros.
func (db *unixDatabase) split(line string) ([]string, bool) {
	fields := strings.SplitN(line, ":", db.fields)
	if len(fields) != db.fields || fields[0][0] == '+' || fields[0][0] == '-' {
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
