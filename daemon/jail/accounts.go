package jail

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/params/directfile"
)

// User is what passwd(5) says about an account.
type User struct {
	Name     string
	UID, GID int
}

// ErrUnknown is wrapped by LookupUser when the file does not have the name.
var ErrUnknown = errors.New("no such account")

// LookupUser finds an account by name in a passwd(5) file, usually
// /etc/passwd. Lines that are malformed are skipped, as in the C library.
func LookupUser(file, name string) (User, error) {
	b, err := directfile.ReadFile(file)
	if err != nil {
		return User{}, fmt.Errorf("looking up user %q: %w", name, err)
	}
	for line := range bytes.Lines(b) {
		f := fields(line)
		if len(f) < 4 || f[0] != name {
			continue
		}
		uid, err1 := strconv.ParseUint(f[2], 10, 32)
		gid, err2 := strconv.ParseUint(f[3], 10, 32)
		if err1 == nil && err2 == nil {
			return User{Name: name, UID: int(uid), GID: int(gid)}, nil
		}
	}
	return User{}, fmt.Errorf("looking up user %q in %s: %w", name, file, ErrUnknown)
}

// SupplementaryGroups returns the groups that initgroups(3) would set for
// user name: gid first, then each group of the group(5) file that lists the
// name, none twice. If the file cannot be read, gid alone and the error are
// returned.
func SupplementaryGroups(file, name string, gid int) ([]int, error) {
	groups := []int{gid}
	b, err := directfile.ReadFile(file)
	if err != nil {
		return groups, fmt.Errorf("groups of %q: %w", name, err)
	}
	seen := map[int]bool{gid: true}
	for line := range bytes.Lines(b) {
		f := fields(line)
		if len(f) < 4 {
			continue
		}
		id, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil || seen[int(id)] {
			continue
		}
		for member := range strings.SplitSeq(f[3], ",") {
			if strings.TrimSpace(member) == name {
				groups = append(groups, int(id))
				seen[int(id)] = true
				break
			}
		}
	}
	return groups, nil
}

// fields splits an entry; comments, empty lines and the entries that mean
// NIS have none.
func fields(line []byte) []string {
	s := strings.TrimLeft(strings.TrimRight(string(line), "\n"), " \t")
	if s == "" || s[0] == '#' || s[0] == '+' || s[0] == '-' {
		return nil
	}
	return strings.Split(s, ":")
}
