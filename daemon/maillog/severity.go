package maillog

import "strconv"

// Severity says how bad a line is. The zero value is Info.
type Severity int

// The severities, in Postfix's order.
const (
	Info Severity = iota
	Warning
	Error
	Fatal
	Panic
)

var severityNames = [...]string{"info", "warning", "error", "fatal", "panic"}

// String returns the word that Postfix uses: info, warning, error, fatal,
// panic.
func (s Severity) String() string {
	if s < Info || s > Panic {
		return "severity " + strconv.Itoa(int(s))
	}
	return severityNames[s]
}

// prefix is what comes before the text in the log: nothing for Info.
func (s Severity) prefix() string {
	if s <= Info || s > Panic {
		return ""
	}
	return severityNames[s] + ": "
}

// level is the syslog level. There is no syslog word for a panic; Postfix
// uses LOG_CRIT for it, as for fatal errors.
func (s Severity) level() int {
	switch s {
	case Info:
		return 6
	case Warning:
		return 4
	case Error:
		return 3
	default:
		return 2
	}
}

// Facility is a syslog facility as it is encoded in a priority (the code
// times eight). The zero value is "not set" and logs as mail.
type Facility int

// FacilityMail is the facility until syslog_facility has been read.
const FacilityMail Facility = 2 << 3

// ParseFacility returns the facility with the given lower-case name, as
// syslog_facility accepts it. Source: Postfix 3.10 msg_syslog.c,
// msg_syslog_set_facility.
func ParseFacility(name string) (Facility, bool) {
	code, ok := facilityCode(name)
	return Facility(code << 3), ok
}

func facilityCode(name string) (int, bool) {
	switch name {
	case "kern":
		return 0, true
	case "user":
		return 1, true
	case "mail":
		return 2, true
	case "daemon":
		return 3, true
	case "auth":
		return 4, true
	case "syslog":
		return 5, true
	case "lpr":
		return 6, true
	case "news":
		return 7, true
	case "uucp":
		return 8, true
	case "cron":
		return 9, true
	case "authpriv":
		return 10, true
	case "ftp":
		return 11, true
	}
	if len(name) == 6 && name[:5] == "local" && name[5] >= '0' && name[5] <= '7' {
		return 16 + int(name[5]-'0'), true
	}
	return 0, false
}

// priority combines facility and level. Facility kern is code 0, which
// syslog(3) takes for "use the facility given to openlog", and that is mail:
// with the original, syslog_facility = kern logs as mail.
func (f Facility) priority(s Severity) int {
	if f == 0 {
		f = FacilityMail
	}
	return int(f) | s.level()
}
