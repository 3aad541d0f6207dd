package jail

import (
	"fmt"
	"slices"

	"github.com/qmqpd/qmqpd/params/accountfile"
	"github.com/qmqpd/qmqpd/params/directfile"
)

// User is who the process becomes.
type User struct {
	Name     string
	UID, GID int
	// Groups are the user's groups besides GID, if they are known. Nil: those
	// of the group(5) file.
	Groups []uint32
}

// SupplementaryGroups returns the groups that initgroups(3) would set for
// user name: gid first, then each group of the group(5) file that lists the
// name, none twice. If the file cannot be read, gid alone and the error are
// returned.
func SupplementaryGroups(file, name string, gid int) ([]int, error) {
	b, err := directfile.ReadFile(file)
	if err != nil {
		return []int{gid}, fmt.Errorf("groups of %q: %w", name, err)
	}
	return distinct(gid, slices.Collect(accountfile.GroupsOf(string(b), name))), nil
}

// distinct returns gid and then each of the others once.
func distinct(gid int, others []uint32) []int {
	groups := []int{gid}
	for _, id := range others {
		if !slices.Contains(groups, int(id)) {
			groups = append(groups, int(id))
		}
	}
	return groups
}
