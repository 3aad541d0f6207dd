package postconf

import "github.com/qmqpd/qmqpd/params"

// Installed returns the profile of the Postfix that is installed on this
// machine, and where it is; see params.Installed. Build is nil if there is none.
func Installed() (params.Profile, *Build) {
	profile, dir := params.Installed()
	if dir == "" {
		return profile, nil
	}
	return profile, &Build{DaemonDir: dir, LibraryDirs: []string{"/usr/lib/postfix", "/usr/lib64/postfix", dir}}
}
