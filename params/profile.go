package params

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is a Postfix version in the form of a decimal number: 3.10.2 is
// 3_10_02. Versions compare as numbers.
type Version int32

// ParseVersion reads major.minor or major.minor.patch, of a series from that of
// Oldest to that of Newest. Without a patch level the result is the newest
// release of that series which this package knows. With one that is later than
// that, as a Postfix may have that was updated since, see Profile.
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
	if !v.known() {
		return 0, unknownVersion(strconv.Quote(text))
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

// known reports whether the version is of a series that this package knows.
func (v Version) known() bool {
	return Oldest.series() <= v && v.series() <= Newest.series()
}

func unknownVersion(shown string) error {
	number := func(v Version) string { return strings.TrimSuffix(v.series().String(), ".0") }
	return errors.New("unknown Postfix version " + shown + ": known are " + number(Oldest) + " to " + number(Newest))
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

// unpatched is how release 3.9.0 calls itself, the only one without a patch level.
const unpatched = "3.9"

// mailVersion returns the value of mail_version.
func (v Version) mailVersion() string {
	if v == 3_09_00 {
		return unpatched
	}
	return v.String()
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

// The oldest and the newest release that this package knows, and the one it
// takes when nothing says otherwise.
const (
	Oldest    Version = 3_07_00
	Newest    Version = 3_11_07
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

func unknownDistribution(shown string) error {
	return errors.New("unknown distribution " + shown + ": known are upstream and debian")
}

// debianDefaults are the defaults that Debian's packages change, from a version on:
// those of 3.7 and 3.10, and those of 3.11, which is built with OpenSSL 3.5. Sorted by
// name.
var debianDefaults = [...]struct {
	name, text string
	since      Version
}{
	{"daemon_directory", "/usr/lib/postfix/sbin", 0},
	{"default_cache_db_type", "lmdb", 3_11_00},
	{"default_database_type", "cdb", 3_11_00},
	{"html_directory", "/usr/share/doc/postfix/html", 0},
	{"manpage_directory", "/usr/share/man", 0},
	{"meta_directory", "/usr/share/postfix", 3_11_00},
	{"readme_directory", "/usr/share/doc/postfix", 0},
	{"shlib_directory", "/usr/lib/postfix", 0},
	{"tls_eecdh_auto_curves", "?X25519MLKEM768:DEFAULT", 3_11_00},
	{"tls_ffdhe_auto_groups", "", 3_11_00},
}

// distributed returns the default that the distribution has changed, if it has.
func (p Profile) distributed(name string) (string, bool) {
	if p.Distribution != Debian {
		return "", false
	}
	for i := range debianDefaults {
		if d := &debianDefaults[i]; d.name == name && d.since <= p.Normalized().Version {
			return d.text, true
		}
	}
	return "", false
}

// Profile is a Postfix version as a distribution built it. The zero value is
// DefaultProfile.
//
// Only the series 3.7 to 3.11 are known. For others the methods here give wrong
// answers, and no sign of it: a caller who makes a Profile from numbers calls
// Validate first. ParseProfile does so, and so does whatever takes a Profile and
// returns errors.
//
// A patch level later than the newest release that is known of its series is
// taken for that release in all but mail_version. Parameters do change within a
// series, if rarely, so what is told of it may be out of date.
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

// Validate returns an error that names what is unknown: a version outside the
// series that this package knows, or a distribution.
func (p Profile) Validate() error {
	switch {
	case p.Version != 0 && !p.Version.known():
		return unknownVersion(p.Version.String())
	case p.Distribution > Debian:
		return unknownDistribution(strconv.Itoa(int(p.Distribution)))
	}
	return nil
}

// DefaultProfile returns Postfix 3.10.2 built from source.
func DefaultProfile() Profile { return Profile{Version: Reference} }

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
	return Profile{}, unknownDistribution(strconv.Quote(distribution))
}

// String returns VERSION/DISTRIBUTION.
func (p Profile) String() string {
	return p.Normalized().Version.String() + "/" + p.Distribution.String()
}
