package postconf

import (
	"bytes"
	"os"
	"strings"

	"github.com/qmqpd/qmqpd/params"
)

// daemonDirs are where distributions keep the Postfix daemons.
var daemonDirs = [...]string{"/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix"}

// versionStamp stands before the version in every Postfix program. Source:
// Postfix 3.10 mail_version.h, MAIL_VERSION_STAMP_DECLARE.
const versionStamp = "mail_version="

// Installed returns the profile of the Postfix that is installed on this
// machine, without running it: its programs carry their version. If there is
// none, it is Postfix 3.10.2. A version that package params does not know is
// taken for the nearest that it does.
func Installed() (params.Profile, *Build) {
	profile := params.DefaultProfile
	var build *Build
	for _, dir := range daemonDirs {
		data, err := os.ReadFile(dir + "/master")
		if err != nil {
			continue
		}
		if v, ok := stampedVersion(data); ok {
			profile.Version = v
			build = &Build{DaemonDir: dir, LibraryDir: "/usr/lib/postfix"}
			break
		}
	}
	if likeDebian() {
		profile.Distribution = params.Debian
	}
	return profile, build
}

// stampedVersion finds the version in the text of a program.
func stampedVersion(program []byte) (params.Version, bool) {
	_, after, ok := bytes.Cut(program, []byte(versionStamp))
	if !ok {
		return 0, false
	}
	text, _, _ := strings.Cut(string(after[:min(len(after), 64)]), "\x00")
	// Snapshots are called 3.11-20251212, candidates 3.11.0-RC1.
	text, _, _ = strings.Cut(text, "-")
	v, err := params.ParseVersion(text)
	if err == nil {
		return v, true
	}
	var major, minor int
	for i, part := range strings.SplitN(text, ".", 3) {
		n := 0
		for _, c := range []byte(part) {
			if c < '0' || c > '9' || n > 1000 {
				return 0, false
			}
			n = n*10 + int(c-'0')
		}
		switch i {
		case 0:
			major = n
		case 1:
			minor = n
		}
	}
	if major < 3 || major == 3 && minor < 7 {
		return params.Oldest, true
	}
	return params.Newest, true
}

// likeDebian reports whether this machine's distribution is Debian or made
// from it.
func likeDebian() bool {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(data), "\n") {
		key, value, _ := strings.Cut(line, "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		for _, id := range strings.Fields(strings.Trim(value, `"'`)) {
			if id == "debian" {
				return true
			}
		}
	}
	return false
}
