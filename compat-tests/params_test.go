package compat

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// verdict is what a program says about a configuration: its warnings, in
// order, and the message with which it ends, if any.
type verdict struct {
	Warnings []string
	Fatal    string
}

// stockVerdict reads the diagnostics of a program.
func stockVerdict(stderr, program string) verdict {
	var v verdict
	for l := range strings.Lines(stderr) {
		l = strings.TrimSuffix(l, "\n")
		if text, ok := strings.CutPrefix(l, program+": warning: "); ok {
			v.Warnings = append(v.Warnings, text)
		} else if text, ok := strings.CutPrefix(l, program+": fatal: "); ok && v.Fatal == "" {
			v.Fatal = text
		} else {
			v.Warnings = append(v.Warnings, "UNEXPECTED "+l)
		}
	}
	return v
}

// rootHost is the host that a program inside the instance's root sees.
func rootHost(pf *postfix.Instance) params.Host {
	h := params.SystemHost(context.Background(), hostname.NewSystem(hostname.SystemOptions{Dir: pf.Path("/etc")}))
	h.Accounts = params.AccountFiles{PasswdFile: pf.Path("/etc/passwd"), GroupFile: pf.Path("/etc/group")}
	h.ReadFile = func(name string) ([]byte, error) { return params.ReadSafely(pf.Path(name)) }
	return h
}

// ourVerdict is what ours says about the main.cf file of a program that runs
// inside the instance's root. Check, if not nil, reads more than the common
// parameters.
func ourVerdict(pf *postfix.Instance, p params.Process, check func(*params.Effective)) verdict {
	file := p.ConfigDir + "/main.cf"
	var v verdict
	presets := []mainconf.Setting{{Name: "config_directory", Value: p.ConfigDir}}
	if p.Name != "" {
		presets = params.Presets(p.Name, p.ConfigDir)
	}
	doc, err := mainconf.ParseMain(file, []byte(pf.ReadFile(file)), presets...)
	last := len(doc.Warnings)
	first := mainconf.FirstError(err)
	if first != nil {
		last, v.Fatal = first.Warnings, first.Text
	}
	for _, w := range doc.Warnings[:last] {
		v.Warnings = append(v.Warnings, asLogged(w.String()))
	}
	if first != nil {
		v.Fatal = asLogged(v.Fatal)
		return v
	}
	p.Main = doc
	p.Host = rootHost(pf)
	p.Profile = debian13
	e := params.New(p)
	e.ReadCommon()
	if check != nil {
		check(e)
	}
	last = len(e.Warnings())
	if failed, ok := e.Err().(*params.Error); ok {
		last, v.Fatal = failed.Warnings, failed.Text
	}
	for _, w := range e.Warnings()[:last] {
		v.Warnings = append(v.Warnings, asLogged(w))
	}
	v.Fatal = asLogged(v.Fatal)
	return v
}

// asLogged is what Postfix does to a diagnostic before it prints it.
func asLogged(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

var debian13 = params.Profile{Version: 3_10_13, Distribution: params.Debian}

// configCase is a main.cf file and a name for it.
type configCase struct{ name, main string }

// typedCases sets each parameter that all programs read to values at and
// beyond the edges of its kind and bounds.
func typedCases(profile params.Profile, names func(params.Param) bool) []configCase {
	var cases []configCase
	for p := range profile.Params {
		if !names(p) {
			continue
		}
		var values []string
		edges := func(n int64) {
			for _, m := range []int64{n - 1, n, n + 1} {
				values = append(values, strconv.FormatInt(m, 10))
			}
		}
		switch p.Kind {
		case params.Bool:
			values = []string{"", "yes", "No", "YES", "true", "y", "1", "$undefined", "no no"}
		case params.Int, params.Long:
			values = []string{"", "x", "1x", "-1", "2147483648", "-2147483649", "9223372036854775808", "0x10", "+7", "$line_length_limit"}
		case params.Time:
			values = []string{"", "x", "-1", "1x", "1S", "5 h", "7sfoo", "2147483647", "2147483648", "35791395m", "35791394m", "3551w", "3550w", "s"}
		case params.String:
			values = []string{"", "$undefined", "${x"}
		case params.Raw:
			values = []string{"", "${x"}
		}
		if p.Min != 0 && p.Kind != params.String {
			edges(p.Min)
		}
		if p.Max != 0 && p.Kind != params.String {
			edges(p.Max)
		}
		for _, v := range values {
			cases = append(cases, configCase{p.Name + "=" + v, p.Name + " = " + v + "\n"})
		}
	}
	return cases
}

// commonCases are configurations that the common checks have an opinion
// about.
var commonCases = []configCase{
	{"empty", ""},
	{"level", "compatibility_level = zz\n"},
	{"level with patch", "compatibility_level = 3.6.1\n"},
	{"level too long", "compatibility_level = 3.6.1.2\n"},
	{"level minor too big", "compatibility_level = 3.1024\n"},
	{"level minor biggest", "compatibility_level = 3.1023\n"},
	{"level major too big", "compatibility_level = 8796093022208\n"},
	{"level major biggest", "compatibility_level = 8796093022207\n"},
	{"level with signs", "compatibility_level = +3. +6\n"},
	{"level negative", "compatibility_level = -1\n"},
	{"level ends in a dot", "compatibility_level = 3.\n"},
	{"level future", "compatibility_level = 99\n"},
	{"facility", "syslog_facility = foo\n"},
	{"facility local", "syslog_facility = local7\n"},
	{"facility in capitals", "syslog_facility = MAIL\n"},
	{"facility security", "syslog_facility = security\n"},
	{"facility console", "syslog_facility = console\n"},
	{"protocols", "inet_protocols = foo\n"},
	{"protocols, second bad", "inet_protocols = ipv4, foo\n"},
	{"protocols in capitals", "inet_protocols = IPv4\n"},
	{"protocols empty", "inet_protocols =\n"},
	{"protocols empty, foreign address", "inet_protocols =\ninet_interfaces = 10.1.2.3\n"},
	{"protocols ipv6", "inet_protocols = ipv6\ninet_interfaces = 127.0.0.1\n"},
	{"hostname bad character", "myhostname = bad_host!\n"},
	{"hostname underscore", "myhostname = bad_host.x\n"},
	{"hostname numeric", "myhostname = 1.2.3.4\n"},
	{"hostname hyphen first", "myhostname = -x.y\n"},
	{"hostname hyphen last", "myhostname = x.y-\n"},
	{"hostname hyphen before dot", "myhostname = x-.y\n"},
	{"hostname dots", "myhostname = a..b\n"},
	{"hostname leading dot", "myhostname = .b\n"},
	{"hostname trailing dot", "myhostname = b.\n"},
	{"hostname empty", "myhostname =\n"},
	{"hostname expands to nothing", "myhostname = $nothing\n"},
	{"hostname eight bit", "myhostname = b\xfccher.example\n"},
	{"hostname colon", "myhostname = a:b\n"},
	{"hostname blank", "myhostname = a b\n"},
	{"hostname star", "myhostname = *.b\n"},
	{"hostname label 63", "myhostname = " + strings.Repeat("a", 63) + ".b\n"},
	{"hostname label 64", "myhostname = " + strings.Repeat("a", 64) + ".b\n"},
	{"hostname 255", "myhostname = " + strings.Repeat("a.", 127) + "b\n"},
	{"hostname 256", "myhostname = " + strings.Repeat("a.", 127) + "bb\n"},
	{"hostname long and bad", "myhostname = " + strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + "!\n"},
	{"domain bad", "mydomain = a,b\n"},
	{"domain loops", "mydomain = $myhostname\nmyhostname = x.$mydomain\n"},
	{"domain from hostname", "myhostname = short\nmydomain = $myhostname.example\n"},
	{"two errors", "myhostname = a!\nmydomain = b!\n"},
	{"domain without a value, host name bad", "myhostname = a!\nmydomain = ${a b}\n"},
	{"domain empty", "mydomain =\n"},
	{"privs unknown", "default_privs = whoever\n"},
	{"privs root", "default_privs = root\n"},
	{"privs empty", "default_privs =\n"},
	{"privs with root group", "default_privs = sync2\n"},
	{"privs postfix", "default_privs = postfix\n"},
	{"privs share the id of postfix", "default_privs = twin\n"},
	{"privs share the group of postfix", "default_privs = mate\n"},
	{"privs share the group postdrop", "default_privs = dropper\n"},
	{"owner unknown", "mail_owner = whoever\n"},
	{"owner root", "mail_owner = root\n"},
	{"owner with root group", "mail_owner = sync2\n"},
	{"owner is another's twin", "mail_owner = twin\n"},
	{"owner nobody", "mail_owner = nobody\n"},
	{"owner and group share an id", "mail_owner = dropper\n"},
	{"group unknown", "setgid_group = whoever\n"},
	{"group root", "setgid_group = root\n"},
	{"group postfix", "setgid_group = postfix\n"},
	{"group nogroup", "setgid_group = nogroup\n"},
	{"group is another's twin", "setgid_group = twingroup\n"},
	{"everything shared", "setgid_group = postfix\ndefault_privs = postfix\n"},
	{"by macro", "default_privs = $mail_owner\n"},
	{"style unknown", "mynetworks_style = foo\n"},
	{"style two", "mynetworks_style = subnet, host\n"},
	{"style twice", "mynetworks_style = host, host\n"},
	{"style comma", "mynetworks_style = ,\n"},
	{"style class", "mynetworks_style = class\n"},
	{"style unknown but networks set", "mynetworks_style = foo\nmynetworks = 127.0.0.1\n"},
	{"interfaces foreign", "inet_interfaces = 10.1.2.3\n"},
	{"interfaces foreign v6", "inet_interfaces = [2001:db8:0:0::1]\n"},
	{"interfaces loopback", "inet_interfaces = loopback-only\n"},
	{"interfaces loopback in a list", "inet_interfaces = loopback-only, 127.0.0.1\n"},
	{"interfaces all in a list", "inet_interfaces = all, 127.0.0.1\n"},
	{"interfaces address", "inet_interfaces = 127.0.0.1\n"},
	{"interfaces bracketed", "inet_interfaces = [127.0.0.1]\n"},
	{"interfaces twice", "inet_interfaces = 127.0.0.1, 127.0.0.1\n"},
	{"interfaces empty", "inet_interfaces =\n"},
	{"interfaces localhost", "inet_interfaces = localhost\n"},
	{"interfaces hostname", "inet_interfaces = no.such.host.invalid\n"},
	{"interfaces $myhostname", "myhostname = no.such.host.invalid\ninet_interfaces = $myhostname, localhost\n"},
	{"interfaces short", "inet_interfaces = 127.1\n"},
	{"interfaces short bracketed", "inet_interfaces = [127.1]\n"},
	{"interfaces number", "inet_interfaces = 2130706433\n"},
	{"interfaces hexadecimal", "inet_interfaces = 0x7f000001\n"},
	{"interfaces octal", "inet_interfaces = 0177.0.0.1\n"},
	{"interfaces leading zero", "inet_interfaces = 127.0.0.01\n"},
	{"interfaces same twice", "inet_interfaces = 127.0.0.1 127.1\n"},
	{"interfaces zero", "inet_interfaces = 0\n"},
	{"interfaces zero in brackets", "inet_interfaces = [0]\n"},
	{"interfaces octal number", "inet_interfaces = 0644\n"},
	{"interfaces blank inside", "inet_interfaces = 127 .1\n"},
	{"interfaces mapped", "inet_interfaces = ::ffff:127.0.0.1\n"},
	{"interfaces mapped, ipv6", "inet_interfaces = ::ffff:127.0.0.1\ninet_protocols = ipv6\n"},
	{"interfaces mapped, ipv4", "inet_interfaces = ::ffff:127.0.0.1\ninet_protocols = ipv4\n"},
	{"interfaces bracketed ::1, ipv4", "inet_interfaces = [::1]\ninet_protocols = ipv4\n"},
	{"interfaces bracketed 127.0.0.1, ipv6", "inet_interfaces = [127.0.0.1]\ninet_protocols = ipv6\n"},
	{"interfaces bad bracket", "inet_interfaces = [127.0.0.1\n"},
	{"relayhost is self", "myhostname = a.example\nrelayhost = a.example\n"},
	{"relayhost is self in capitals", "myhostname = a.example\nrelayhost = A.Example\n"},
	{"relayhost is self in brackets", "myhostname = a.example\nrelayhost = [a.example]\n"},
	{"relayhost is self in letters that fold to its own", "myhostname = kssffssst.example\nrelayhost = \u212a\u1e9e\ufb00\u00df\ufb05.example\nsmtputf8_enable = yes\n"},
	{"relayhost is self in letters that fold to its own, UTF-8 off", "myhostname = kss.example\nrelayhost = \u212a\u00df.example\nsmtputf8_enable = no\n"},
	{"relayhost in letters that fold to others", "myhostname = kssst.example\nrelayhost = \u212a\u017f\ufb05.example\nsmtputf8_enable = yes\n"},
	{"relayhost macro", "relayhost = $myhostname\n"},
	{"origin comma", "myorigin = a, b\n"},
	{"origin blank", "myorigin = a b\n"},
	{"origin comma last", "myorigin = a,\n"},
	{"origin file", "myorigin = /etc/mailname\n"},
	{"origin no file", "myorigin = /etc/nosuchfile\n"},
	{"origin empty file", "myorigin = /etc/emptyorigin\n"},
	{"origin two words in file", "myorigin = /etc/twoorigin\n"},
	{"origin directory", "myorigin = /usr\n"},
	{"origin blank line first", "myorigin = /etc/blankorigin\n"},
	{"origin null byte in file", "myorigin = /etc/nullorigin\n"},
	{"verp one", "default_verp_delimiters = +\n"},
	{"verp three", "default_verp_delimiters = +=-\n"},
	{"verp first", "default_verp_delimiters = *=\n"},
	{"verp second", "default_verp_delimiters = =*\n"},
	{"verp filter", "verp_delimiter_filter = -=\n"},
	{"verp filter first only", "verp_delimiter_filter = +\n"},
	{"log permissions", "maillog_file_permissions = 0\n"},
	{"log permissions 0640", "maillog_file_permissions = 0640\n"},
	{"log permissions many zeros", "maillog_file_permissions = 000000644\n"},
	{"log permissions 0600", "maillog_file_permissions = 0600\n"},
	{"log permissions 0660", "maillog_file_permissions = 0660\n"},
	{"log permissions 666", "maillog_file_permissions = 0666\n"},
	{"log permissions and an error later", "maillog_file_permissions = 0666\nmyorigin = a b\n"},
	{"log file elsewhere", "maillog_file = /nowhere/x\n"},
	{"ports", "known_tcp_ports = lmtp=24, smtp=25\n"},
	{"ports empty", "known_tcp_ports =\n"},
	{"ports no equals", "known_tcp_ports = lmtp, smtp=25\n"},
	{"ports missing port", "known_tcp_ports = smtps = submission =\n"},
	{"ports blank in port", "known_tcp_ports = smtps = submission = 4 65\n"},
	{"ports word port", "known_tcp_ports = lmtp=24, smtps = submission = foo\n"},
	{"ports blank in name", "known_tcp_ports = smtps = sub mission = 465\n"},
	{"ports number name", "known_tcp_ports = smtps = 1234 = submissions = 465\n"},
	{"ports twice", "known_tcp_ports = a=1, a=2\n"},
	{"ports empty name", "known_tcp_ports = a == b = 3\n"},
	{"ports two equals", "known_tcp_ports = ==\n"},
	{"ports commas", "known_tcp_ports = ,,a=1,,\n"},
	{"process id", "process_id = 7\n"},
	{"service name", "service_name = x\n"},
	{"config directory", "config_directory = /elsewhere\n"},
	{"undefined", "content_filter = $nosuch\nmydestination = $nosuch\n"},
	{"macros without a name", "mydestination = $ $ ${\n"},
	{"self reference", "mydestination = $mydestination\n"},
	{"mutual reference", "mydestination = $relayhost\nrelayhost = x $mydestination y\n"},
	{"self reference in a condition", "mydestination = ${mydestination?{x}:{y}}\n"},
	{"reference to a later default", "myorigin = ${inet_interfaces?{b c}:{d}}\n"},
	{"reference to an earlier default", "myorigin = ${mail_owner?{b c}:{d}}\n"},
	{"reference to its own default", "max_use = $max_use\n"},
	{"number too big for a comparison", "mydestination = ${{99999999999999999999} == {1} ? {a} : {b}}\n"},
	{"bad level in a comparison", "mydestination = ${{x} <level {1} ? {a} : {b}}\n"},
	{"no equals", "foo\n"},
	{"no name", "= foo\n"},
	{"no equals after a warning", "a = 1\na = 2\nfoo bar\n  baz\n"},
	{"leading continuation", "  x\n#y\n  z\nmydestination = a\n"},
	{"null byte", "mydestination = a\x00b\nmyorigin = c\n d\x00 e f\n"},
	{"duplicates", "mydestination = a\nmydestination = b\nmydestination = b\n"},
	{"time by macro", "max_idle = ${n}m\nn = 5\n"},
	{"time with blank", "max_idle = $n s\nn = 5\n"},
	{"dollars", "mydestination = $$ $$$$\nmyorigin = $$a\n"},
}

// TestParamsCommon compares what the initialiser of all Postfix programs says
// about a configuration, for the hand-written cases and for each parameter that it
// reads at the edges of its kind.
func TestParamsCommon(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	addAccounts(pf)
	common := map[string]bool{}
	for _, name := range params.CommonNames(debian13) {
		common[name] = true
	}
	cases := append(typedCases(debian13, func(p params.Param) bool { return common[p.Name] }), commonCases...)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			// Stock pauses for a second before it ends with an error.
			t.Parallel()
			postfix.Case(t)
			dir := fmt.Sprintf("/etc/case%d", i)
			pf.WriteFile(dir+"/main.cf", c.main, 0o644)
			r := pf.Run("/usr/sbin/postconf", "-c", dir, "-m")
			want := stockVerdict(r.Stderr, "/usr/sbin/postconf")
			got := ourVerdict(pf, params.Process{ConfigDir: dir}, nil)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-postfix +ours:\n%s", diff)
			}
		})
	}
}

// addAccounts adds users and groups that share what they should not.
func addAccounts(pf *postfix.Instance) {
	passwd, group := pf.ReadFile("/etc/passwd"), pf.ReadFile("/etc/group")
	id := func(file, name string, field int) string {
		for l := range strings.Lines(file) {
			if f := strings.Split(strings.TrimSpace(l), ":"); f[0] == name {
				return f[field]
			}
		}
		return ""
	}
	owner, ownerGroup := id(passwd, "postfix", 2), id(passwd, "postfix", 3)
	drop := id(group, "postdrop", 2)
	passwd += "sync2:x:777:0::/:/bin/sh\n" +
		"twin:x:" + owner + ":778::/:/bin/sh\n" +
		"mate:x:779:" + ownerGroup + "::/:/bin/sh\n" +
		"dropper:x:780:" + drop + "::/:/bin/sh\n"
	group += "twingroup:x:" + drop + ":\n"
	pf.WriteFile("/etc/passwd", passwd, 0o644)
	pf.WriteFile("/etc/group", group, 0o644)
	pf.WriteFile("/etc/mailname", "from.file.example\nsecond\n", 0o644)
	pf.WriteFile("/etc/emptyorigin", "", 0o644)
	pf.WriteFile("/etc/twoorigin", "  a b \n", 0o644)
	pf.WriteFile("/etc/nullorigin", "a.example\x00b c\n", 0o644)
	pf.WriteFile("/etc/blankorigin", "\na.example\n", 0o644)
}
