package master

import (
	"strconv"

	"github.com/qmqpd/qmqpd/daemon/maillog"
)

// Environ is what the environment says.
type Environ struct {
	// ConfigDir is MAIL_CONFIG, the configuration directory. Empty is not
	// unset: it stands for the root of the file system.
	ConfigDir    string
	HasConfigDir bool
	// LogTag is MAIL_LOGTAG, the log tag until syslog_name is known.
	LogTag    string
	HasLogTag bool
	// Generation is GENERATION; see ParseGeneration.
	Generation    string
	HasGeneration bool
	// PostlogService and PostlogHostname (POSTLOG_SERVICE,
	// POSTLOG_HOSTNAME) are postlogd's socket and the host name in its lines until the
	// parameters are known. Empty if unset.
	PostlogService, PostlogHostname string
	// Verbose and Debug report that MAIL_VERBOSE and MAIL_DEBUG are present,
	// even if empty.
	Verbose, Debug bool
	// TimeZone is TZ.
	TimeZone    string
	HasTimeZone bool
	// TimeZoneDir is TZDIR, where the C library looks for time zones by name.
	// Empty if unset, which means the same.
	TimeZoneDir string
}

// ReadEnviron reads the environment by means of lookup, usually os.LookupEnv.
func ReadEnviron(lookup func(string) (string, bool)) Environ {
	get := func(name string) string { v, _ := lookup(name); return v }
	has := func(name string) bool { _, ok := lookup(name); return ok }
	return Environ{
		ConfigDir:       get("MAIL_CONFIG"),
		HasConfigDir:    has("MAIL_CONFIG"),
		LogTag:          get("MAIL_LOGTAG"),
		HasLogTag:       has("MAIL_LOGTAG"),
		Generation:      get("GENERATION"),
		HasGeneration:   has("GENERATION"),
		PostlogService:  get("POSTLOG_SERVICE"),
		PostlogHostname: get("POSTLOG_HOSTNAME"),
		Verbose:         has("MAIL_VERBOSE"),
		Debug:           has("MAIL_DEBUG"),
		TimeZone:        get("TZ"),
		HasTimeZone:     has("TZ"),
		TimeZoneDir:     get("TZDIR"),
	}
}

// ParseGeneration returns the number that status records carry: GENERATION in
// octal, zero if it is not set. Digits 8 and 9 pass the check and end the
// number, and the number is cut to 32 bits, as in the original.
func ParseGeneration(e Environ) (uint32, error) {
	if !e.HasGeneration {
		return 0, nil
	}
	s := e.Generation
	octal := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, maillog.FatalError("bad generation: %s", s)
		}
		if octal == i && s[i] < '8' {
			octal++
		}
	}
	if s == "" {
		return 0, maillog.FatalError("bad generation: %s", s)
	}
	// An error means no digit, which is zero, or too large a number, for
	// which both strtoul and ParseUint give the largest one.
	n, _ := strconv.ParseUint(s[:octal], 8, 64)
	return uint32(n), nil
}
