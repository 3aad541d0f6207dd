package params

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/qmqpd/qmqpd/params/directfile"
)

// daemonDirs are where distributions keep the Postfix daemons.
var daemonDirs = []string{"/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix/bin", "/usr/lib/postfix"}

// versionStamp stands before the version in Postfix's programs, unless the compiler
// left it out. Source: Postfix 3.10 mail_version.h, MAIL_VERSION_STAMP_DECLARE.
const versionStamp = "mail_version="

// Installed returns the profile of the Postfix that is installed on this
// machine and the directory of its daemons, without running it: its programs
// carry their version. If there is none, the version is 3.10.2 and the
// directory is empty. A version that this package does not know is taken for the
// nearest that it does. The distribution is that of /etc/os-release. A program
// that stands beside a master(8) takes that one.
func Installed() (p Profile, daemonDir string) {
	dirs := daemonDirs
	if own, err := os.Executable(); err == nil {
		dirs = append([]string{filepath.Dir(own)}, dirs...)
	}
	return installedIn("", dirs)
}

// installedIn is Installed for another root directory and directories of daemons.
func installedIn(root string, dirs []string) (p Profile, daemonDir string) {
	p = DefaultProfile()
	for _, dir := range dirs {
		program, err := directfile.Open(root + dir + "/master")
		if err != nil {
			continue
		}
		v, ok := stampedVersion(program)
		_ = program.Close()
		if ok {
			p.Version, daemonDir = v, dir
			break
		}
	}
	if release, err := directfile.ReadFile(root + "/etc/os-release"); err == nil && likeDebian(string(release)) {
		p.Distribution = Debian
	}
	return p, daemonDir
}

// stampedVersion finds the version in a program. It reads up to the first
// stamp, piece by piece: each daemon does this when it starts. A program without a
// stamp, which compilers leave out since they see that nobody reads it, has the
// version alone, which it compares with that of the libraries at start.
func stampedVersion(program io.Reader) (v Version, ok bool) {
	const longest = len(versionStamp) + 64
	var buffer [8 << 10]byte
	text := buffer[:1] // not looked at yet, after what may end the string before
	for {
		n, err := program.Read(buffer[len(text):])
		text = buffer[:len(text)+n]
		i := bytes.Index(text, []byte(versionStamp))
		switch {
		case i >= 0 && (err != nil || len(text)-i >= longest):
			return parseStamp(text[i+len(versionStamp):])
		case i < 0 && !ok:
			v, ok = bareVersion(text)
		}
		switch {
		case err != nil:
			return v, ok
		case i < 0:
			i = max(0, len(text)-longest)
		}
		text = buffer[:copy(buffer[:], text[i:])]
	}
}

// bareVersion finds a version of Postfix that is a string of its own.
func bareVersion(text []byte) (Version, bool) {
	for {
		_, after, found := bytes.Cut(text, []byte("\x003."))
		if !found {
			return 0, false
		}
		text = after
		rest, _, ended := bytes.Cut(after[:min(len(after), 32)], []byte{0})
		if number, _, _ := bytes.Cut(rest, []byte("-")); ended && len(number) > 0 && len(bytes.Trim(number, ".0123456789")) == 0 {
			if v, ok := parseStamp(append([]byte("3."), rest...)); ok {
				return v, true
			}
		}
	}
}

func parseStamp(after []byte) (Version, bool) {
	text, _, _ := strings.Cut(string(after[:min(len(after), 64)]), "\x00")
	if text == unpatched {
		return 3_09_00, true
	}
	// Snapshots are called 3.11-20251212, candidates 3.11.0-RC1.
	text, _, _ = strings.Cut(text, "-")
	v, err := ParseVersion(text)
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
		return Oldest, true
	}
	return Newest, true
}

// likeDebian reports whether os-release(5) says Debian or something made from
// it.
func likeDebian(release string) bool {
	for line := range strings.Lines(release) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
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
