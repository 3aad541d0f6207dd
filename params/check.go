package params

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// Common is what ReadCommon found out besides the values of parameters.
type Common struct {
	// SyslogFacility and SMTPUTF8 are the values of syslog_facility and
	// smtputf8_enable if they were read before the first error. Postfix logs
	// by them from then on, that error included.
	SyslogFacility string
	SMTPUTF8       bool
	// MyOrigin is the domain for addresses without one. It is the value of
	// myorigin, or on Debian the first line of the file which that names.
	MyOrigin string
	// Owner is the user mail_owner, Default the user default_privs, SetGID the
	// group setgid_group.
	Owner, Default User
	SetGID         Group
	// Interfaces are the addresses that inet_interfaces selects, with their
	// netmasks.
	Interfaces []netip.Prefix
}

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

// checkTCPPorts warns about bad elements of known_tcp_ports, which are then
// ignored. Source: Postfix 3.10 config_known_tcp_ports.c.
func (e *Effective) checkTCPPorts() {
	known := make(map[string]string)
	for _, element := range mainconf.Split(e.String("known_tcp_ports"), ",") {
		parts := strings.Split(" "+element+" ", "=")
		complaint := "is not in \"name = value\" form"
		if len(parts) > 1 {
			if complaint = addTCPPorts(known, parts); complaint == "" {
				continue
			}
			complaint = ": " + complaint
		} else {
			complaint = " " + complaint
		}
		e.warn("known_tcp_ports: in \"" + element + "\"" + complaint)
	}
}

// TCPPorts returns the port numbers of known_tcp_ports, by service name.
func (e *Effective) TCPPorts() map[string]string {
	known := make(map[string]string)
	for _, element := range mainconf.Split(e.String("known_tcp_ports"), ",") {
		if parts := strings.Split(" "+element+" ", "="); len(parts) > 1 {
			addTCPPorts(known, parts)
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

// checkAccounts looks up the users and the group that Postfix runs with, and
// refuses shared and privileged ones. As in stock, each check assumes the ones
// before.
func (e *Effective) checkAccounts(c *Common) {
	var ok [3]bool
	c.Default, ok[0] = e.checkUser("default_privs")
	c.Owner, ok[1] = e.checkUser("mail_owner")
	if ok[1] {
		e.checkSharedUser(c.Owner)
	}
	c.SetGID, ok[2] = e.checkGroup()
	if ok == [3]bool{true, true, true} {
		e.checkOverlap(c)
	}
}

// CheckOwners looks up mail_owner and setgid_group, and checks them as ReadCommon does
// with Host.Accounts, for a program that needs these accounts only sometimes. They are
// nil if there are none, which is an error unless the name is the default and the
// command line has nothing to do with it: no Postfix has to be installed. Without an
// owner the group is not looked at.
func (e *Effective) CheckOwners(accounts Accounts) (*User, *Group) {
	e.p.Host.Accounts = accounts
	_, ok, err := accounts.User(e.String("mail_owner"))
	if !ok && err == nil && e.isDefault("mail_owner") {
		return nil, nil
	}
	owner, ok := e.checkUser("mail_owner")
	if !ok {
		return nil, nil
	}
	e.checkSharedUser(owner)
	_, ok, err = accounts.Group(e.String("setgid_group"))
	if !ok && err == nil && e.isDefault("setgid_group") {
		return &owner, nil
	}
	group, ok := e.checkGroup()
	if !ok {
		return &owner, nil
	}
	return &owner, &group
}

// isDefault reports whether a parameter of kind String has its default value, be it
// that main.cf says so.
func (e *Effective) isDefault(name string) bool {
	p, _ := e.p.Profile.Lookup(name)
	v, _ := e.Value(name)
	return e.String(name) == p.Default && v.Source != SourceCommandLine
}

func (e *Effective) checkUser(name string) (User, bool) {
	complain := func(text string, err error) (User, bool) {
		e.fail(name, e.inMain()+"parameter "+name+": "+text, err)
		return User{}, false
	}
	wanted := e.String(name)
	u, ok, err := e.p.Host.Accounts.User(wanted)
	switch {
	case !ok:
		return complain("unknown user name value: "+wanted, err)
	case u.UID == 0:
		return complain("user "+wanted+" has privileged user ID", nil)
	case u.GID == 0:
		return complain("user "+wanted+" has privileged group ID", nil)
	}
	return u, true
}

func (e *Effective) checkSharedUser(owner User) {
	const name = "mail_owner"
	wanted := e.String(name)
	other, ok, _ := e.p.Host.Accounts.UserByID(owner.UID)
	if !ok || other.Name == wanted {
		return
	}
	text := "user " + wanted + " has the same user ID " + itoa(int(owner.UID)) + " as user " + other.Name
	if e.p.Profile.Version < 3_09_00 {
		text = "user " + wanted + " has same user ID as " + other.Name
	}
	e.fail(name, e.inMain()+"parameter "+name+": "+text, nil)
}

func (e *Effective) checkGroup() (Group, bool) {
	const name = "setgid_group"
	wanted := e.String(name)
	g, ok, err := e.p.Host.Accounts.Group(wanted)
	switch {
	case !ok:
		e.fail(name, e.inMain()+"parameter "+name+": unknown group name: "+wanted, err)
		return Group{}, false
	case g.GID == 0:
		e.fail(name, e.inMain()+"parameter "+name+": group "+wanted+" has privileged group ID", nil)
		return Group{}, false
	}
	other, ok, _ := e.p.Host.Accounts.GroupByID(g.GID)
	if ok && other.Name != wanted {
		text := "group " + wanted + " has the same group ID " + itoa(int(g.GID)) + " as group " + other.Name
		if e.p.Profile.Version < 3_09_00 {
			text = "group " + wanted + " has same group ID as " + other.Name
		}
		e.fail(name, e.inMain()+"parameter "+name+": "+text, nil)
	}
	return g, true
}

func (e *Effective) checkOverlap(c *Common) {
	privs, owner, group := e.String("default_privs"), e.String("mail_owner"), e.String("setgid_group")
	var text string
	switch {
	case privs == owner:
		text = "parameters default_privs and mail_owner specify the same user " + privs
	case c.Default.UID == c.Owner.UID:
		text = "parameters default_privs and mail_owner: users " + privs + " and " + owner +
			" have the same user ID: " + itoa(int(c.Owner.UID))
	case c.Default.GID == c.Owner.GID:
		text = "parameters default_privs and mail_owner: users " + privs + " and " + owner +
			" have the same group ID: " + itoa(int(c.Owner.GID))
	case c.Default.GID == c.SetGID.GID:
		text = "parameters default_privs and setgid_group: user " + privs + " and group " + group +
			" have the same group ID: " + itoa(int(c.SetGID.GID))
	case c.Owner.GID == c.SetGID.GID:
		text = "parameters mail_owner and setgid_group: user " + owner + " and group " + group +
			" have the same group ID: " + itoa(int(c.SetGID.GID))
	default:
		return
	}
	e.fail("default_privs", e.inMain()+text, nil)
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
	if utf8 && strings.IndexFunc(relay, func(r rune) bool { return r >= 0x80 }) >= 0 {
		relay = foldToASCII(relay)
	}
	if lowerASCII(host) == relay {
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
