// Package jail gives up what a daemon must not keep: it changes root directory,
// groups, group id and user id of the whole process.
//
// What has to be ready before Enter, because the jail does not have it: the
// log socket, the lock file, lookup tables, and the time zone by TZ (Zone). The
// resolver's files (/etc/resolv.conf, /etc/hosts, /etc/nsswitch.conf) and
// /etc/localtime are those of the jail afterwards, for the original as well.
//
// The groups come from /etc/group, or are given: nothing here asks another name
// service.
//
// Source: Postfix 3.10 chroot_uid.c.
package jail

import (
	"cmp"
	"os"
	"syscall"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Config says what to give up. The zero value changes nothing.
type Config struct {
	// Root becomes the root directory and the current directory
	// (queue_directory with option -c). Empty: no change.
	Root string
	// User is whose user id, group id and groups the process gets
	// (mail_owner with option -u). Nil: no change.
	User *User
	// Group is the group(5) file that has the groups of User, where they are not
	// given; empty means /etc/group.
	Group string
}

// Enter does it, in the original's order: setgid, groups, chroot, setuid. It
// applies to all threads. The errors are *maillog.Failure with the
// original's texts; after one of them the process must end.
func Enter(c Config) error {
	if u := c.User; u != nil {
		if err := syscall.Setgid(u.GID); err != nil {
			return maillog.FatalError("setgid(%d): %s", u.GID, errno.Text(err))
		}
		// The order of getgrouplist(3) and initgroups(3): the user's own
		// group first. A group file that cannot be read is, as in the C
		// library, the same as an empty one.
		groups := distinct(u.GID, u.Groups)
		if u.Groups == nil {
			groups, _ = SupplementaryGroups(cmp.Or(c.Group, "/etc/group"), u.Name, u.GID)
		}
		if err := syscall.Setgroups(groups); err != nil {
			return maillog.FatalError("initgroups: %s", errno.Text(err))
		}
	}
	if c.Root != "" {
		if err := syscall.Chroot(c.Root); err != nil {
			return maillog.FatalError("chroot(%s): %s", c.Root, errno.Text(err))
		}
		if err := os.Chdir("/"); err != nil {
			return maillog.FatalError("chdir(/): %s", errno.Text(err))
		}
	}
	if u := c.User; u != nil {
		if err := syscall.Setuid(u.UID); err != nil {
			return maillog.FatalError("setuid(%d): %s", u.UID, errno.Text(err))
		}
	}
	return nil
}
