package params

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a Postfix version in the form of a decimal number: 3.10.2 is
// 3_10_02. Versions compare as numbers.
type Version int32

// ParseVersion reads major.minor or major.minor.patch. Without a patch level
// the result is the newest release of that series which this package knows.
func ParseVersion(text string) (Version, error) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, fmt.Errorf("bad Postfix version %q: specify major.minor or major.minor.patch", text)
	}
	var v Version
	for i := range 3 {
		v *= 100
		if i == len(parts) {
			break
		}
		n, err := strconv.ParseUint(parts[i], 10, 31)
		if err != nil || n > 99 {
			return 0, fmt.Errorf("bad Postfix version %q: bad number %q", text, parts[i])
		}
		v += Version(n)
	}
	if v.series() < Oldest.series() || v.series() > Newest.series() {
		return 0, fmt.Errorf("unknown Postfix version %q: known are %s to %s", text, Oldest, Newest)
	}
	if len(parts) == 2 {
		v = v.newestPatch()
	}
	return v, nil
}

// String returns major.minor.patch.
func (v Version) String() string {
	return strconv.Itoa(int(v/1_00_00)) + "." + strconv.Itoa(int(v/1_00%100)) + "." + strconv.Itoa(int(v%100))
}

// series returns the version with patch level 0.
func (v Version) series() Version { return v - v%100 }

// newestPatch returns the newest known release of a series.
func (v Version) newestPatch() Version {
	newest := v.series()
	for _, r := range releases {
		if r.version.series() == v.series() {
			newest = max(newest, r.version)
		}
	}
	return newest
}

// releaseDate returns the value of mail_release_date. For a release newer
// than this package it is that of the newest one known of its series.
func (v Version) releaseDate() string {
	date := ""
	for _, r := range releases {
		if r.version.series() == v.series() && r.version <= v {
			date = r.date
		}
	}
	return date
}

// The range of versions that this package knows, and the one it takes when
// nothing says otherwise.
const (
	Oldest    Version = 3_07_00
	Newest    Version = 3_11_06
	Reference Version = 3_10_02
)

// Distribution is who built a Postfix: their defaults differ.
type Distribution uint8

// The distributions.
const (
	Upstream Distribution = iota // built from source without changes
	Debian
)

func (d Distribution) String() string {
	if d == Debian {
		return "debian"
	}
	return "upstream"
}

// debianDefaults are the defaults that Debian's packages change, the same ones
// in 3.7 and 3.10. Sorted by name.
var debianDefaults = [...]struct{ name, text string }{
	{"daemon_directory", "/usr/lib/postfix/sbin"},
	{"html_directory", "/usr/share/doc/postfix/html"},
	{"manpage_directory", "/usr/share/man"},
	{"readme_directory", "/usr/share/doc/postfix"},
	{"shlib_directory", "/usr/lib/postfix"},
}

func (d Distribution) lookup(name string) (string, bool) {
	if d != Debian {
		return "", false
	}
	for i := range debianDefaults {
		if debianDefaults[i].name == name {
			return debianDefaults[i].text, true
		}
	}
	return "", false
}

// Profile is a Postfix version as a distribution built it. The zero value is
// DefaultProfile.
type Profile struct {
	// Version is the Postfix version. 0 means Reference.
	Version      Version
	Distribution Distribution
}

// Normalized returns the profile with Reference in place of the version 0, for
// comparing Version with others. The methods of Profile need no such profile.
func (p Profile) Normalized() Profile {
	if p.Version == 0 {
		p.Version = Reference
	}
	return p
}

// DefaultProfile is Postfix 3.10.2 built from source.
var DefaultProfile = Profile{Version: Reference}

// ParseProfile reads VERSION or VERSION/DISTRIBUTION, such as "3.9",
// "3.10.13/debian" or "3.8/upstream". A version without a patch level means the newest
// known release of the series; see ParseVersion.
func ParseProfile(text string) (Profile, error) {
	versionText, distribution, given := strings.Cut(text, "/")
	if !given {
		distribution = "upstream"
	}
	v, err := ParseVersion(versionText)
	if err != nil {
		return Profile{}, err
	}
	switch distribution {
	case "upstream":
		return Profile{Version: v}, nil
	case "debian":
		return Profile{Version: v, Distribution: Debian}, nil
	}
	return Profile{}, fmt.Errorf("unknown distribution %q: known are upstream and debian", distribution)
}

// String returns VERSION/DISTRIBUTION.
func (p Profile) String() string {
	return p.Normalized().Version.String() + "/" + p.Distribution.String()
}
