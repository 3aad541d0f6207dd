package params

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/params/accountfile"
	"github.com/qmqpd/qmqpd/params/directfile"
)

// nameServices looks up what other name services than the files have, by the
// program getent(1), which loads their modules as a program of the C library
// does. Where nsswitch.conf(5) names no others, nothing runs.
type nameServices struct {
	switchFile string
	// programs are paths of getent; the first that exists is run. With none of
	// them there is nothing to be found.
	programs []string
	// limit is how long it may take.
	limit time.Duration
}

// Name services behind a network give up by themselves, after half a minute at
// most as a rule.
var systemServices = &nameServices{"/etc/nsswitch.conf", []string{"/usr/bin/getent", "/bin/getent"}, time.Minute}

// ForeignGroups returns the numbers of the groups of a user whom a name service
// other than the files knows, as initgroups(3) finds them: those of the files
// are among them. It is false if no other name service has groups.
func ForeignGroups(user string) ([]uint32, bool, error) { return systemServices.groups(user) }

// User implements Accounts.
func (n *nameServices) User(name string) (User, bool, error) {
	if ambiguous(name) {
		return User{}, false, nil
	}
	return n.user(name)
}

// UserByID implements Accounts.
func (n *nameServices) UserByID(uid uint32) (User, bool, error) { return n.user(utoa(uid)) }

// Group implements Accounts.
func (n *nameServices) Group(name string) (Group, bool, error) {
	if ambiguous(name) {
		return Group{}, false, nil
	}
	return n.group(name)
}

// GroupByID implements Accounts.
func (n *nameServices) GroupByID(gid uint32) (Group, bool, error) { return n.group(utoa(gid)) }

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// ambiguous tells whether getent takes a name for an option or a number.
func ambiguous(name string) bool {
	return strings.HasPrefix(name, "-") || strings.Trim(name, " \t\n\v\f\r+-0123456789") == ""
}

func (n *nameServices) user(key string) (User, bool, error) {
	if !n.others("passwd") {
		return User{}, false, nil
	}
	text, err := n.getent("passwd", key)
	for u := range accountfile.Users(text) {
		return User{Name: u.Name, UID: u.UID, GID: u.GID, Foreign: true}, true, nil
	}
	return User{}, false, err
}

func (n *nameServices) group(key string) (Group, bool, error) {
	if !n.others("group") {
		return Group{}, false, nil
	}
	text, err := n.getent("group", key)
	for g := range accountfile.Groups(text) {
		return Group{g.Name, g.GID}, true, nil
	}
	return Group{}, false, err
}

func (n *nameServices) groups(user string) ([]uint32, bool, error) {
	if ambiguous(user) || !n.others("initgroups", "group") {
		return nil, false, nil
	}
	text, err := n.getent("initgroups", user)
	list, ok := strings.CutPrefix(text, user)
	if err != nil || !ok {
		return nil, false, err
	}
	groups := []uint32{}
	for _, word := range strings.Fields(list) {
		gid, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return nil, false, fmt.Errorf("groups of %q: %w", user, err)
		}
		groups = append(groups, uint32(gid))
	}
	return groups, true, nil
}

// others tells whether nsswitch.conf names another service than the files for
// the first of the databases that it has a line for. Without a line the C
// library takes the files alone.
func (n *nameServices) others(databases ...string) bool {
	text, err := directfile.ReadFile(n.switchFile)
	if err != nil {
		return false
	}
	for _, database := range databases {
		services, found := "", false
		for line := range strings.Lines(string(text)) {
			name, rest, ok := strings.Cut(line, ":")
			if ok && strings.Trim(name, " \t") == database {
				services, found = rest, true // the last one counts
			}
		}
		if !found {
			continue
		}
		for _, word := range strings.Fields(services) {
			if word != "files" {
				return true
			}
		}
		return false
	}
	return false
}

// getent returns what the program prints of a key: nothing if it is not there.
func (n *nameServices) getent(database, key string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), n.limit)
	defer cancel()
	for _, program := range n.programs {
		command := exec.CommandContext(ctx, program, database, key)
		command.Env = []string{}
		command.WaitDelay = time.Second // for what the program may have started
		out, err := command.Output()
		var exit *exec.ExitError
		switch {
		case err == nil:
			return string(out), nil
		case errors.Is(err, fs.ErrNotExist):
			continue
		case errors.As(err, &exit) && exit.Exited():
			return "", nil
		case ctx.Err() != nil:
			err = ctx.Err()
		}
		return "", fmt.Errorf("%s %s %s: %w", program, database, key, err)
	}
	return "", nil
}
