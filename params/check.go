package params

import (
	"errors"
	"slices"
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// inMain is the text with which Postfix begins a complaint about main.cf.
func (e *Effective) inMain() string { return "file " + e.p.ConfigDir + "/main.cf: " }

var syslogFacilities = [...]string{
	"auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

func (e *Effective) checkSyslogFacility() {
	const name = "syslog_facility"
	if facility := e.String(name); !slices.Contains(syslogFacilities[:], facility) {
		e.fail(name, e.inMain()+"parameter "+name+": unrecognized value: "+facility, nil)
	}
}

// TCPPorts returns the port numbers of known_tcp_ports, by service name.
func (e *Effective) TCPPorts() map[string]string {
	return parseTCPPorts(e.String("known_tcp_ports"), func(string) {}) // ReadCommon warns
}

// parseTCPPorts reads known_tcp_ports. It warns about bad elements, which are then
// ignored. Source: Postfix 3.10 config_known_tcp_ports.c.
func parseTCPPorts(text string, warn func(text string)) map[string]string {
	known := make(map[string]string)
	for _, element := range mainconf.Split(text, ",") {
		parts := strings.Split(" "+element+" ", "=")
		if len(parts) == 1 {
			warn("known_tcp_ports: in \"" + element + "\" is not in \"name = value\" form")
		} else if complaint := addTCPPorts(known, parts); complaint != "" {
			warn("known_tcp_ports: in \"" + element + "\": " + complaint)
		}
	}
	return known
}

// addTCPPorts adds the names in all but the last part, which is their port. It
// returns the first complaint.
func addTCPPorts(known map[string]string, parts []string) (complaint string) {
	last := len(parts) - 1
	port := mainconf.Split(parts[last], mainconf.WordSeparators)
	switch len(port) {
	case 0:
		return "missing port value after \"=\""
	case 1:
	default:
		return "whitespace in port number"
	}
	for _, part := range parts[:last] {
		name := mainconf.Split(part, mainconf.WordSeparators)
		var problem string
		switch {
		case len(name) == 0:
			problem = "missing service name before \"=\""
		case len(name) > 1:
			problem = "whitespace in service name"
		case allDigits(name[0]):
			problem = "numerical service name"
		case !allDigits(port[0]):
			problem = "non-numerical service port"
		case known[name[0]] != "":
			problem = "duplicate service name"
		default:
			known[name[0]] = port[0]
		}
		if complaint == "" {
			complaint = problem
		}
	}
	return complaint
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

func (e *Effective) checkHostname(name string) {
	value := e.String(name)
	if err := CheckHostname(value); err != nil {
		e.warn(err.Error())
		e.fail(name, e.inMain()+"parameter "+name+": bad parameter value: "+value, err)
	}
}

// originFromFile returns myorigin. Debian's packages take a value that starts
// with a slash as the name of a file that holds it in its first line.
func (e *Effective) originFromFile() string {
	const name = "myorigin"
	origin := e.String(name)
	if e.p.Profile.Distribution != Debian || !strings.HasPrefix(origin, "/") {
		return origin
	}
	if e.p.Host.ReadFile == nil {
		e.fail(name, origin+": "+errUnknownHost.Error(), errUnknownHost)
		return ""
	}
	data, err := e.p.Host.ReadFile(origin)
	if err != nil {
		e.fail(name, origin+": "+err.Error(), err)
		return ""
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line, _, _ = strings.Cut(line, "\x00")
	if line = strings.Trim(line, " \t\n\v\f\r"); line == "" {
		e.fail(name, name+" file "+origin+" is empty", nil)
	}
	e.texts[reading{name, String}] = line // but $myorigin is the file's name
	return line
}

func (e *Effective) checkLogPermissions() {
	const name = "maillog_file_permissions"
	if !e.Has(name) {
		return
	}
	switch mode := e.String(name); strings.TrimLeft(mode, "0") {
	case "644", "640", "600":
	default:
		e.warn("ignoring bad permissions: " + name + " = " + mode)
	}
}

func (e *Effective) checkRelayhost(utf8 bool) {
	host, relay := e.String("myhostname"), lowerASCII(e.String("relayhost"))
	if utf8 && !isASCII(relay) {
		relay = foldToASCII(relay)
	}
	if lowerASCII(host) == relay && !e.followsFromFailed("myhostname") {
		e.fail("relayhost", "myhostname and relayhost parameter settings must not be identical: "+host, nil)
	}
}

// foldToASCII does that part of Unicode case folding that can make text equal to
// a host name, which is ASCII.
func foldToASCII(text string) string {
	return strings.NewReplacer("\u212a", "k", "\u017f", "s", "\u00df", "ss", "\u1e9e", "ss", "\ufb00", "ff",
		"\ufb01", "fi", "\ufb02", "fl", "\ufb03", "ffi", "\ufb04", "ffl", "\ufb05", "st", "\ufb06", "st").Replace(text)
}

func (e *Effective) checkOrigin(origin string) {
	if strings.ContainsAny(origin, mainconf.ListSeparators) {
		e.fail("myorigin", "myorigin parameter setting must not contain multiple values: "+origin, nil)
	}
}

func (e *Effective) checkVERP() {
	const name = "default_verp_delimiters"
	delimiters, allowed := e.String(name), e.String("verp_delimiter_filter")
	text := ""
	switch {
	case len(delimiters) != 2:
		text = "bad VERP delimiter character count"
	case strings.IndexByte(allowed, delimiters[0]) < 0:
		text = "bad first VERP delimiter character"
	case strings.IndexByte(allowed, delimiters[1]) < 0:
		text = "bad second VERP delimiter character"
	default:
		return
	}
	e.fail(name, e.inMain()+"parameters "+name+" and verp_delimiter_filter: "+text, nil)
}

// CheckMaillogFile returns an error unless maillog_file is empty or below one
// of maillog_file_prefixes. Daemons check this after ReadCommon, when they set
// up logging. Source: Postfix 3.10 maillog_client.c.
func (e *Effective) CheckMaillogFile() error {
	file := e.String("maillog_file")
	if file == "" {
		return nil
	}
	for _, prefix := range mainconf.SplitList(e.String("maillog_file_prefixes")) {
		if strings.HasPrefix(file, prefix) {
			return nil
		}
	}
	const text = " does not match any prefix in maillog_file_prefixes"
	e.fail("maillog_file", "maillog_file value '"+file+"'"+text, errors.New("maillog_file"+text))
	return e.Err()
}
