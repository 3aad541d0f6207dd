package params

import (
	"cmp"
	"errors"
	"io/fs"
	"sync"

	"github.com/qmqpd/qmqpd/params/accountfile"
	"github.com/qmqpd/qmqpd/params/directfile"
)

// User is an entry of the user database.
type User struct {
	Name     string
	UID, GID uint32
	// Foreign is set if the user is not in the system's files, but known to
	// another name service. That may know more groups of the user, too: see
	// ForeignGroups.
	Foreign bool
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
// and group(5), which are read each time. A missing file is an empty one. It may be
// used by several goroutines at a time, as Others then are.
type AccountFiles struct {
	PasswdFile, GroupFile string
	// Others, if not nil, is asked for what the files do not have.
	Others Accounts

	kept *keptFiles
}

// keptFiles are what was read.
type keptFiles struct {
	mu            sync.Mutex
	passwd, group *string
}

// Kept returns accounts that read each file once, when it is first needed.
func (a AccountFiles) Kept() AccountFiles {
	a.kept = &keptFiles{}
	return a
}

// SystemAccounts returns /etc/passwd and /etc/group, and behind them the other
// name services that nsswitch.conf(5) has, which are asked through getent(1): to
// load their modules takes the C library.
func SystemAccounts() AccountFiles {
	return AccountFiles{PasswdFile: "/etc/passwd", GroupFile: "/etc/group", Others: systemServices}
}

// User implements Accounts.
func (a AccountFiles) User(name string) (User, bool, error) {
	u, ok, err := a.user(func(u accountfile.User) bool { return u.Name == name })
	return elsewhere(u, ok, err, a.Others, Accounts.User, name)
}

// UserByID implements Accounts.
func (a AccountFiles) UserByID(uid uint32) (User, bool, error) {
	u, ok, err := a.user(func(u accountfile.User) bool { return u.UID == uid })
	return elsewhere(u, ok, err, a.Others, Accounts.UserByID, uid)
}

// Group implements Accounts.
func (a AccountFiles) Group(name string) (Group, bool, error) {
	g, ok, err := a.group(func(g accountfile.Group) bool { return g.Name == name })
	return elsewhere(g, ok, err, a.Others, Accounts.Group, name)
}

// GroupByID implements Accounts.
func (a AccountFiles) GroupByID(gid uint32) (Group, bool, error) {
	g, ok, err := a.group(func(g accountfile.Group) bool { return g.GID == gid })
	return elsewhere(g, ok, err, a.Others, Accounts.GroupByID, gid)
}

// elsewhere returns what the files have, or else what the others say of the key. A
// file that could not be read hides nothing that was found elsewhere.
func elsewhere[V, K any](found V, ok bool, err error, others Accounts, look func(Accounts, K) (V, bool, error), key K) (V, bool, error) {
	if ok || others == nil {
		return found, ok, err
	}
	found, ok, otherErr := look(others, key)
	if ok {
		return found, true, nil
	}
	return found, false, cmp.Or(err, otherErr)
}

func (a AccountFiles) user(match func(accountfile.User) bool) (User, bool, error) {
	text, err := a.read(false)
	for u := range accountfile.Users(text) {
		if match(u) {
			return User{Name: u.Name, UID: u.UID, GID: u.GID}, true, nil
		}
	}
	return User{}, false, err
}

func (a AccountFiles) group(match func(accountfile.Group) bool) (Group, bool, error) {
	text, err := a.read(true)
	for g := range accountfile.Groups(text) {
		if match(g) {
			return Group{g.Name, g.GID}, true, nil
		}
	}
	return Group{}, false, err
}

// read returns the text of a file.
func (a AccountFiles) read(group bool) (string, error) {
	file := a.PasswdFile
	if group {
		file = a.GroupFile
	}
	if a.kept == nil {
		return accountText(file)
	}
	// Goroutines may share a Host.
	a.kept.mu.Lock()
	defer a.kept.mu.Unlock()
	kept := &a.kept.passwd
	if group {
		kept = &a.kept.group
	}
	if *kept == nil {
		text, err := accountText(file)
		if err != nil {
			return "", err
		}
		*kept = &text
	}
	return **kept, nil
}

// accountText reads a file. A missing one is empty.
func accountText(file string) (string, error) {
	data, err := directfile.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return string(data), nil
}
