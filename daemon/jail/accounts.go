package jail

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/params/directfile"
)

// User is an account, as passwd(5) has it.
type User struct {
	Name     string
	UID, GID int
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
