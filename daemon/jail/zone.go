package jail

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/directfile"
)

// localtime is the system's time zone file.
const localtime = "/etc/localtime"

// Zone is the local time zone of a process that enters a jail. By TZ it is
// read once, and remains. Without it, the C library looks at each call of
// localtime(3) whether /etc/localtime is another file: the jail's, as soon as
// there is one, or none. It is safe for concurrent use. Source: glibc's tzset.c,
// tzfile.c.
type Zone struct {
	fixed   bool
	mu      sync.Mutex
	file    fileState // of localtime; zero: UTC for want of a file
	current atomic.Pointer[time.Location]
}

// NewZone determines the zone from the TZ and TZDIR variables, as Location does.
func NewZone(tz string, set bool, dir string) *Zone {
	z := &Zone{fixed: set}
	z.current.Store(Location(tz, set, dir))
	if !set {
		z.file = stateOf(localtime)
	}
	return z
}

// Location returns the zone as it was last found.
func (z *Zone) Location() *time.Location { return z.current.Load() }

// Renew looks for another file, and returns the zone.
func (z *Zone) Renew() *time.Location {
	if z.fixed {
		return z.Location()
	}
	file := stateOf(localtime)
	z.mu.Lock()
	defer z.mu.Unlock()
	if file != z.file {
		z.file = file
		z.current.Store(fromFile(localtime))
	}
	return z.Location()
}

// fileState is what the C library compares of files. It is zero for a file that
// is not there.
type fileState struct {
	major, minor uint32
	inode        uint64
	modified     int64 // seconds
}

// stateOf asks the kernel without telling the scheduler of it, which in a process
// that is idle most of the time would wake up the runtime's monitor thread: this is
// done for each session.
func stateOf(name string) fileState {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return fileState{}
	}
	var s unix.Statx_t
	at := unix.AT_FDCWD
	for {
		switch _, _, errno := syscall.RawSyscall6(unix.SYS_STATX, uintptr(at), uintptr(unsafe.Pointer(path)), 0,
			unix.STATX_INO|unix.STATX_MTIME, uintptr(unsafe.Pointer(&s)), 0); errno {
		case 0:
			return fileState{s.Dev_major, s.Dev_minor, s.Ino, s.Mtime.Sec}
		case syscall.EINTR:
		default:
			return fileState{}
		}
	}
}

// zoneDir is where the C library looks for time zone files without TZDIR.
const zoneDir = "/usr/share/zoneinfo"

// Location returns the local time zone as tzset(3) of the C library determines
// it from the TZ variable: a zone name, a file, or a rule such as
// "CET-1CEST,M3.5.0,M10.5.0/3"; with TZ unset /etc/localtime. What is none of
// these is UTC, by the name that it starts with, if it does. Names are looked for in
// dir, the TZDIR variable, if it is not empty. Zone files are not in the jail: call it
// before Enter. time.Local is loaded lazily and knows no rules.
func Location(tz string, set bool, dir string) *time.Location {
	if !set {
		return fromFile(localtime)
	}
	if tz == "" {
		tz = "Universal" // which may be a file, or else only a name
	}
	name := strings.TrimPrefix(tz, ":")
	if name == "" {
		return time.UTC
	}
	path := name
	if name[0] != '/' {
		path = cmp.Or(dir, zoneDir) + "/" + name
	}
	if loc, ok := readZone(name, path); ok {
		return loc
	}
	if loc := fromRule(name); loc != nil {
		return loc
	}
	if abbreviation, _, ok := zoneName(name); ok {
		return time.FixedZone(abbreviation, 0)
	}
	return time.FixedZone("", 0)
}

func fromFile(path string) *time.Location {
	if loc, ok := readZone("Local", path); ok {
		return loc
	}
	return time.UTC
}

func readZone(name, path string) (*time.Location, bool) {
	b, err := directfile.ReadFile(path)
	if err != nil {
		return nil, false
	}
	loc, err := time.LoadLocationFromTZData(name, b)
	return loc, err == nil
}

// fromRule makes a Location of a POSIX TZ rule, or returns nil. The package
// time understands rules only as the footer of a zone file, so this is a file
// without transitions, whose footer is the rule.
func fromRule(rule string) *time.Location {
	name, offset, rest, ok := firstZone(rule)
	if !ok || strings.ContainsAny(rule, "\n\x00") {
		return nil
	}
	var b []byte
	header := func(version byte) {
		b = append(b, "TZif"...)
		b = append(b, version)
		b = append(b, make([]byte, 15)...)
		// counts: isutc, isstd, leap, transitions, types, characters
		for _, n := range []int{0, 0, 0, 0, 1, len(name) + 1} {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		b = binary.BigEndian.AppendUint32(b, uint32(offset))
		b = append(b, 0, 0) // winter, the name at 0
		b = append(b, name...)
		b = append(b, 0)
	}
	header('2')
	header('2')
	b = append(b, '\n')
	west := -offset
	sign := '+'
	if west < 0 {
		sign, west = '-', -west
	}
	// The package's own reading of the offset would allow for more hours.
	rule = fmt.Sprintf("<%s>%c%d:%02d:%02d%s", name, sign, west/3600, west/60%60, west%60, rest)
	b = append(b, withDefaultRule(rule)...)
	b = append(b, '\n')
	loc, err := time.LoadLocationFromTZData(rule, b)
	if err != nil {
		return nil
	}
	return loc
}

// withDefaultRule adds the dates that the C library assumes when a rule names
// summer time without saying when it is: those of the United States.
func withDefaultRule(rule string) string {
	_, rest, ok := zoneName(rule)
	if !ok {
		return rule
	}
	rest = strings.TrimLeft(rest, "+-0123456789:")
	if rest == "" || strings.Contains(rest, ",") {
		return rule
	}
	return rule + ",M3.2.0,M11.1.0"
}

// firstZone reads the name and the offset (seconds east of UTC) at the start
// of a rule, and returns what follows them. As in the C library hours are at most 24,
// minutes and seconds 59, and a colon without a number after it ends the offset.
func firstZone(rule string) (name string, offset int, rest string, ok bool) {
	name, rest, ok = zoneName(rule)
	if !ok || rest == "" {
		return "", 0, "", false
	}
	sign := -1 // a rule counts hours west
	switch rest[0] {
	case '+':
		rest = rest[1:]
	case '-':
		sign, rest = 1, rest[1:]
	}
	for unit, most := 3600, 24; unit > 0; unit, most = unit/60, 59 {
		number := rest
		if unit < 3600 {
			if number, ok = strings.CutPrefix(rest, ":"); !ok {
				break
			}
		}
		value, digits := 0, 0
		for digits < len(number) && number[digits] >= '0' && number[digits] <= '9' {
			value = min(10*value+int(number[digits]-'0'), most)
			digits++
		}
		if digits == 0 {
			if unit == 3600 {
				return "", 0, "", false
			}
			break
		}
		offset, rest = offset+value*unit, number[digits:]
	}
	return name, sign * offset, rest, true
}

func zoneName(rule string) (name, rest string, ok bool) {
	if strings.HasPrefix(rule, "<") {
		name, rest, ok = strings.Cut(rule[1:], ">")
		odd := strings.ContainsFunc(name, func(r rune) bool {
			return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '+' && r != '-'
		})
		return name, rest, ok && len(name) >= 3 && !odd
	}
	i := 0
	for i < len(rule) && (rule[i]|0x20 >= 'a' && rule[i]|0x20 <= 'z') {
		i++
	}
	return rule[:i], rule[i:], i >= 3
}
