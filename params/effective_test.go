package params

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/mainconf"
)

// newEffective returns the configuration of a daemon on testHost.
func newEffective(t *testing.T, main string, change ...func(*Process)) *Effective {
	t.Helper()
	doc, err := mainconf.ParseMain("main.cf", []byte(main))
	if err != nil {
		t.Fatal(err)
	}
	p := Process{Main: doc, Name: "qmqpd", PID: 77, Host: testHost()}
	for _, c := range change {
		c(&p)
	}
	return New(p)
}

func TestReadCommon(t *testing.T) {
	const in = "file /etc/postfix/main.cf: "
	for _, row := range []struct {
		name     string
		main     string
		profile  string
		fatal    string
		warnings []string
	}{
		{name: "nothing set"},
		{name: "level", main: "compatibility_level = zz", fatal: `malformed compatibility level syntax: "zz"`},
		{name: "facility", main: "syslog_facility = foo", fatal: in + "parameter syslog_facility: unrecognized value: foo"},
		{name: "bool", main: "soft_bounce = perhaps", fatal: "bad boolean configuration: soft_bounce = perhaps"},
		{name: "bool empty", main: "smtputf8_enable =", fatal: "bad boolean configuration: smtputf8_enable = "},
		{name: "protocols", main: "inet_protocols = foo", fatal: `unknown inet_protocols value "foo" in "foo"`},
		{
			name: "hostname", main: "myhostname = bad_host!", fatal: in + "parameter myhostname: bad parameter value: bad_host!",
			warnings: []string{"valid_hostname: invalid character 33(decimal): bad_host!"},
		},
		{
			name: "both names are read before either is checked", main: "myhostname = bad_host!\nmydomain = ${a b}",
			fatal: "dictionary mail_dict: macro processing error", warnings: []string{`attribute name syntax error at: "...a>>> b"`},
		},
		{name: "short", main: "mail_name =", fatal: "bad string length 0 < 1: mail_name = "},
		{name: "long", main: "default_verp_delimiters = abc", fatal: "bad string length 3 > 2: default_verp_delimiters = abc"},
		{name: "int", main: "max_use = 1x", fatal: "bad numerical configuration: max_use = 1x"},
		{name: "int min", main: "line_length_limit = 511", fatal: "invalid line_length_limit parameter value 511 < 512"},
		{name: "int max", main: "delay_logging_resolution_limit = 7", fatal: "invalid delay_logging_resolution_limit parameter value 7 > 6"},
		{name: "long too big", main: "message_size_limit = 9223372036854775808", fatal: "bad numerical configuration: message_size_limit = 9223372036854775808"},
		{name: "long negative", main: "message_size_limit = -1"},
		{name: "time", main: "max_idle = 5 h", fatal: "parameter max_idle: bad time value or unit: 5 h"},
		{name: "time min", main: "max_idle = 0", fatal: "invalid max_idle: 0 (min 1)"},
		{name: "time max", main: "in_flow_delay = 11", fatal: "invalid in_flow_delay: 11 (max 10)"},
		{name: "privs", main: "default_privs = who", fatal: in + "parameter default_privs: unknown user name value: who"},
		{name: "privs root", main: "default_privs = root", fatal: in + "parameter default_privs: user root has privileged user ID"},
		{name: "privs group", main: "default_privs = wheel", fatal: in + "parameter default_privs: user wheel has privileged group ID"},
		{name: "owner alias", main: "mail_owner = alias", fatal: in + "parameter mail_owner: user alias has the same user ID 100 as user postfix"},
		{name: "owner alias of a large number", main: "mail_owner = higher", fatal: in + "parameter mail_owner: user higher has the same user ID 4000000000 as user high"},
		{name: "owner alias before 3.9", main: "mail_owner = alias", profile: "3.8", fatal: in + "parameter mail_owner: user alias has same user ID as postfix"},
		{name: "group", main: "setgid_group = who", fatal: in + "parameter setgid_group: unknown group name: who"},
		{name: "group root", main: "setgid_group = root", fatal: in + "parameter setgid_group: group root has privileged group ID"},
		{name: "group alias", main: "setgid_group = other", fatal: in + "parameter setgid_group: group other has the same group ID 103 as group postdrop"},
		{name: "group alias before 3.9", main: "setgid_group = other", profile: "3.8.20", fatal: in + "parameter setgid_group: group other has same group ID as postdrop"},
		{name: "same user", main: "default_privs = postfix", fatal: in + "parameters default_privs and mail_owner specify the same user postfix"},
		{name: "same user id", main: "default_privs = alias", fatal: in + "parameters default_privs and mail_owner: users alias and postfix have the same user ID: 100"},
		{name: "same group id", main: "default_privs = mates", fatal: in + "parameters default_privs and mail_owner: users mates and postfix have the same group ID: 101"},
		{name: "privs in setgid group", main: "default_privs = dropper", fatal: in + "parameters default_privs and setgid_group: user dropper and group postdrop have the same group ID: 103"},
		{name: "owner in setgid group", main: "setgid_group = postfix", fatal: in + "parameters mail_owner and setgid_group: user postfix and group postfix have the same group ID: 101"},
		{name: "log permissions", main: "maillog_file_permissions = 0", warnings: []string{"ignoring bad permissions: maillog_file_permissions = 0"}},
		{name: "log permissions before 3.9", main: "maillog_file_permissions = 0", profile: "3.8"},
		{name: "style", main: "mynetworks_style = foo", fatal: `unknown mynetworks mask style value "foo" in "foo"`},
		{name: "interfaces", main: "inet_interfaces = 10.1.2.3", fatal: "parameter inet_interfaces: no local interface found for 10.1.2.3"},
		{name: "interface name", main: "inet_interfaces = nohost", fatal: "config variable inet_interfaces: host not found: nohost"},
		{name: "relayhost", main: "relayhost = MAIL.example.com", fatal: "myhostname and relayhost parameter settings must not be identical: mail.example.com"},
		{name: "relayhost, folded", main: "myhostname = fiss.example\nsmtputf8_enable = yes\nrelayhost = \ufb01\u00df.Example", fatal: "myhostname and relayhost parameter settings must not be identical: fiss.example"},
		{name: "relayhost, not folded", main: "myhostname = k.example\nsmtputf8_enable = no\nrelayhost = \u212a.example"},
		{name: "origin", main: "myorigin = a, b", fatal: "myorigin parameter setting must not contain multiple values: a, b"},
		{name: "verp", main: "default_verp_delimiters = *=", fatal: in + "parameters default_verp_delimiters and verp_delimiter_filter: bad first VERP delimiter character"},
		{name: "verp second", main: "verp_delimiter_filter = +", fatal: in + "parameters default_verp_delimiters and verp_delimiter_filter: bad second VERP delimiter character"},
		{name: "migration", main: "non_bdb_migration_level = x", profile: "3.11", fatal: "invalid non-Berkeley-DB migration level: 'x'"},
		{name: "migration before 3.11", main: "non_bdb_migration_level = x", profile: "3.10"},
		{
			name: "macro", main: "mydestination = ${a b}", fatal: "dictionary mail_dict: macro processing error",
			warnings: []string{`attribute name syntax error at: "...a>>> b"`},
		},
		{
			name: "the first of several", main: "max_use = 0\nmax_idle = 0\nmaillog_file_permissions = 0\nsetgid_group = root",
			fatal: "invalid max_use parameter value 0 < 1",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEffective(t, row.main+"\n", func(p *Process) {
				if row.profile != "" {
					p.Profile, _ = ParseProfile(row.profile)
				}
			})
			_, err := e.ReadCommon()
			fatal, warnings := "", e.Warnings()
			var failed *Error
			if errors.As(err, &failed) {
				fatal, warnings = failed.Text, warnings[:failed.Warnings]
			}
			if fatal != row.fatal {
				t.Errorf("error %q, want %q", fatal, row.fatal)
			}
			if diff := cmp.Diff(row.warnings, warnings, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("warnings: -want +got:\n%s", diff)
			}
		})
	}
}

// TestReadCommonForAllVersions: the defaults of each version pass the checks.
func TestReadCommonForAllVersions(t *testing.T) {
	for _, r := range releases {
		for _, d := range []Distribution{Upstream, Debian} {
			e := newEffective(t, "", func(p *Process) { p.Profile = Profile{r.version, d} })
			common, err := e.ReadCommon()
			if err != nil || len(e.Warnings()) > 0 {
				t.Errorf("%v: %v, %q", e.Profile(), err, e.Warnings())
			}
			if common.Owner.Name != "postfix" || common.SetGID.GID != 103 || common.Default.UID != 65534 || len(common.Interfaces) != 4 {
				t.Errorf("%v: %+v", e.Profile(), common)
			}
		}
	}
}

func TestErrorsAreCollected(t *testing.T) {
	e := newEffective(t, "max_use = x\nmax_idle = y\nmail_name =\n")
	e.ReadCommon()
	err := e.Errors()
	for _, want := range []string{"max_use = x", "max_idle: bad time", "length 0 < 1: mail_name"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	var first *Error
	if !errors.As(e.Err(), &first) || first.Name != "mail_name" || first.Value.Origin() != "main.cf:3" {
		t.Errorf("first error %+v", first)
	}
	before := err.Error()
	e.Int("max_use")
	e.ReadCommon()
	if e.Errors().Error() != before {
		t.Errorf("reading again reports again: %v", e.Errors())
	}
}

// TestErrorsAreTheCallers: neither the caller nor later reading changes what
// the other has.
func TestErrorsAreTheCallers(t *testing.T) {
	e := New(Process{Name: "x"})
	e.Int("no_such_parameter")
	before := e.Errors()
	text := before.Error()
	_ = multierror.Append(e.Errors(), errors.New("mine"))
	if e.Errors().Error() != text {
		t.Errorf("the caller's error has come in: %v", e.Errors())
	}
	e.Int("nor_this_one")
	if before.Error() != text {
		t.Errorf("a later error has come in: %v", before)
	}
}

// TestWarningsAreTheCallers: what the caller appends stays.
func TestWarningsAreTheCallers(t *testing.T) {
	e := New(Process{Name: "x"})
	for range 3 { // the fourth fits without growing
		e.Expand("${a b}")
	}
	warnings := append(e.Warnings(), "mine")
	e.Expand("$")
	if last := warnings[len(warnings)-1]; last != "mine" {
		t.Errorf("the caller's text has become %q", last)
	}
}

// TestReadingOrder: a daemon sees the defaults of what it has read.
func TestReadingOrder(t *testing.T) {
	e := newEffective(t, "later = <$qmqpd_timeout,$max_use,$soft_bounce,$mail_name,$undefined>\n")
	if got := e.Expand("$later"); got != "<,,,,>" {
		t.Errorf("before reading: %q", got)
	}
	e.Duration("qmqpd_timeout")
	e.Int("max_use")
	e.Bool("soft_bounce")
	e.String("mail_name")
	if got := e.Expand("$later"); got != "<300s,100,no,Postfix,>" {
		t.Errorf("after reading: %q", got)
	}
	if e.Err() != nil {
		t.Error(e.Err())
	}
}

func TestSettingsOfTheProgram(t *testing.T) {
	e := newEffective(t, "max_use = 5\nprocess_name = other\nservice_name = other\nlist = $process_name $service_name $config_directory $process_id\n",
		func(p *Process) {
			p.Service, p.ConfigDir = "628", "/d"
			p.Overrides = []mainconf.Setting{{Name: "max_use", Value: "6"}, {Name: "max_use", Value: "7"}}
		})
	if got := e.Int("max_use"); got != 7 {
		t.Errorf("max_use = %d", got)
	}
	if got := e.Expand("$list"); got != "other 628 /d " {
		t.Errorf("list = %q", got)
	}
	e.ReadCommon()
	if got := e.Expand("$process_id"); got != "77" {
		t.Errorf("process_id = %q", got)
	}
	v, ok := e.Value("max_use")
	if !ok || v.Source != SourceCommandLine || v.Origin() != "command line" {
		t.Errorf("max_use is %+v", v)
	}
	if v, _ := e.Value("process_name"); v.Origin() != "main.cf:2" {
		t.Errorf("process_name is %+v", v)
	}
}

func TestHostnames(t *testing.T) {
	for _, row := range []struct{ name, host, main, hostname, domain, fatal string }{
		{name: "with domain", host: "a.b.c", hostname: "a.b.c", domain: "b.c"},
		{name: "without", host: "a", hostname: "a.localdomain", domain: "localdomain"},
		{name: "domain set", host: "a", main: "mydomain = x.y", hostname: "a.x.y", domain: "x.y"},
		{name: "domain by macro", host: "a", main: "mydomain = $z.y\nz = x", hostname: "a.x.y", domain: "x.y"},
		{name: "domain by an unread default", host: "a", main: "mydomain = y$mail_name", hostname: "a.y", domain: "y"},
		{name: "hostname set", host: "a", main: "myhostname = m.n.o", hostname: "m.n.o", domain: "n.o"},
		{name: "hostname without domain", host: "a.b", main: "myhostname = m", hostname: "m", domain: "localdomain"},
		{name: "both", host: "a.b", main: "myhostname = m.$mydomain\nmydomain = q", hostname: "m.q", domain: "q"},
		{name: "bad", host: "-a", hostname: "", domain: "localdomain", fatal: "unable to use my own hostname"},
		{name: "unknown", host: "", hostname: "", domain: "localdomain", fatal: "gethostname: No such file or directory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEffective(t, row.main+"\n", func(p *Process) {
				p.Host.Hostname = func() (string, error) {
					if row.host == "" {
						return "", &fs.PathError{Op: "read", Path: "x", Err: errors.New("no such file or directory")}
					}
					return row.host, nil
				}
			})
			if got := e.String("myhostname"); got != row.hostname {
				t.Errorf("myhostname = %q", got)
			}
			if got := e.String("mydomain"); got != row.domain {
				t.Errorf("mydomain = %q", got)
			}
			if text := errorText(e.Err()); text != row.fatal {
				t.Errorf("error %q", text)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestReadByTheWrongKind(t *testing.T) {
	e := newEffective(t, "")
	e.Int("soft_bounce")
	e.Bool("no_such_parameter")
	want := []string{"parameter soft_bounce is of kind bool, not int", "Postfix 3.10.2/upstream has no parameter no_such_parameter"}
	for _, w := range want {
		if !strings.Contains(errorText(e.Errors()), w) {
			t.Errorf("%q is missing in %v", w, e.Errors())
		}
	}
}

func TestTypedReading(t *testing.T) {
	e := newEffective(t, "stress = yes\nsoft_bounce = YES\nsmtpd_timeout = 2\nluser_relay = $user@$x\nmessage_size_limit =  +12 \nqmqpd_timeout = 3m\n")
	if !e.Bool("soft_bounce") || e.Bool("disable_dns_lookups") {
		t.Error("bool")
	}
	if got := e.Duration("smtpd_timeout"); got != 2*time.Second {
		t.Errorf("smtpd_timeout = %v", got)
	}
	if got := e.Duration("qmqpd_timeout"); got != 3*time.Minute {
		t.Errorf("qmqpd_timeout = %v", got)
	}
	if got := e.Duration("maximal_queue_lifetime"); got != 5*24*time.Hour {
		t.Errorf("maximal_queue_lifetime = %v", got)
	}
	if got := e.Raw("luser_relay"); got != "$user@$x" {
		t.Errorf("luser_relay = %q", got)
	}
	if got := e.Long("message_size_limit"); got != 12 {
		t.Errorf("message_size_limit = %d", got)
	}
	if got := e.Int("smtpd_hard_error_limit"); got != 1 { // ${stress?{1}:{20}}
		t.Errorf("smtpd_hard_error_limit = %d", got)
	}
	if e.Err() != nil {
		t.Error(e.Err())
	}
}

func TestParseTime(t *testing.T) {
	for _, row := range []struct {
		in      string
		seconds int64
		ok      bool
	}{
		{"5", 5 * 3600, true}, {"0", 0, true}, {"5s", 5, true}, {"5m", 300, true}, {"5h", 18000, true}, {"5d", 432000, true},
		{"5w", 3024000, true}, {"10sfoo", 10, true}, {" +7s", 7, true}, {"s", 0, true}, {"2147483647s", 2147483647, true},
		{"35791393m", 2147483580, true}, {"35791394m", 0, false}, {"3549w", 2146435200, true}, {"3550w", 0, false},
		{"", 0, false}, {" ", 0, false}, {"-1", 0, false}, {"5 h", 0, false}, {"5H", 0, false}, {"5x", 0, false}, {"x", 0, false},
		{"2147483648s", 0, false}, {"9223372036854775808s", 0, false},
	} {
		seconds, ok := ParseTime(row.in, 'h')
		if seconds != row.seconds || ok != row.ok {
			t.Errorf("%q: %d, %v", row.in, seconds, ok)
		}
	}
}

func TestMaillogFile(t *testing.T) {
	for _, row := range []struct{ main, fatal string }{
		{"", ""},
		{"maillog_file = /var/log/x\n", ""},
		{"maillog_file = /dev/stdout\n", ""},
		{"maillog_file = /nowhere/x\n", "maillog_file value '/nowhere/x' does not match any prefix in maillog_file_prefixes"},
		{"maillog_file = /nowhere/x\nmaillog_file_prefixes = /a /now\n", ""},
	} {
		if got := errorText(newEffective(t, row.main).CheckMaillogFile()); got != row.fatal {
			t.Errorf("%q: %q", row.main, got)
		}
	}
}

func TestDebianOrigin(t *testing.T) {
	debian := func(p *Process) {
		p.Profile.Version, p.Profile.Distribution = Reference, Debian
		p.Host.ReadFile = func(name string) ([]byte, error) {
			switch name {
			case "/etc/mailname":
				return []byte("  from.file \nsecond\n"), nil
			case "/etc/empty":
				return []byte("\nx\n"), nil
			}
			return nil, errors.New("cannot open file: No such file or directory")
		}
	}
	for _, row := range []struct{ origin, want, fatal string }{
		{"a.b", "a.b", ""},
		{"/etc/mailname", "from.file", ""},
		{"/etc/empty", "", "myorigin file /etc/empty is empty"},
		{"/etc/none", "", "/etc/none: cannot open file: No such file or directory"},
	} {
		e := newEffective(t, "myorigin = "+row.origin+"\n", debian)
		common, err := e.ReadCommon()
		if common.MyOrigin != row.want || errorText(err) != row.fatal {
			t.Errorf("%s: %q, %v", row.origin, common.MyOrigin, err)
		}
		if err == nil && (e.String("myorigin") != row.want || e.Expand("$myorigin") != row.origin) {
			t.Errorf("%s: read again: %q, %q", row.origin, e.String("myorigin"), e.Expand("$myorigin"))
		}
	}
	// Upstream takes it for a domain.
	common, err := newEffective(t, "myorigin = /etc/mailname\n").ReadCommon()
	if common.MyOrigin != "/etc/mailname" || err != nil {
		t.Errorf("upstream: %q, %v", common.MyOrigin, err)
	}
}

func TestTCPPorts(t *testing.T) {
	for _, row := range []struct{ ports, warning, known string }{
		{"lmtp=24, smtp=25, smtps=submissions=465", "", "lmtp=24 smtp=25 smtps=465 submissions=465"},
		{"", "", ""},
		{"lmtp", `known_tcp_ports: in "lmtp" is not in "name = value" form`, ""},
		{"a == b = 3", `known_tcp_ports: in "a == b = 3": missing service name before "="`, "a=3 b=3"},
		{"a = b =", `known_tcp_ports: in "a = b =": missing port value after "="`, ""},
		{"a = 4 65", `known_tcp_ports: in "a = 4 65": whitespace in port number`, ""},
		{"a = foo", `known_tcp_ports: in "a = foo": non-numerical service port`, ""},
		{"a b = 1", `known_tcp_ports: in "a b = 1": whitespace in service name`, ""},
		{"12 = 1", `known_tcp_ports: in "12 = 1": numerical service name`, ""},
		{"a = 1, a = 2", `known_tcp_ports: in " a = 2": duplicate service name`, "a=1"},
	} {
		e := newEffective(t, "known_tcp_ports = "+row.ports+"\n")
		_, err := e.ReadCommon()
		if got := strings.Join(e.Warnings(), "; "); got != row.warning || err != nil {
			t.Errorf("%q: %q, %v", row.ports, got, err)
		}
		var known []string
		for name, port := range e.TCPPorts() {
			known = append(known, name+"="+port)
		}
		slices.Sort(known)
		if got := strings.Join(known, " "); got != row.known {
			t.Errorf("%q: ports %s", row.ports, got)
		}
	}
}

// TestManyExplosions: settings that would grow without bound cost their time
// once, not for each parameter that refers to them.
func TestManyExplosions(t *testing.T) {
	var main strings.Builder
	for c := 'a'; c < 'z'; c++ {
		main.WriteString("bomb_" + string(c) + " = " + strings.Repeat("$bomb_"+string(c+1), 8) + "\n")
	}
	main.WriteString("bomb_z = x\n")
	for _, name := range CommonNames(DefaultProfile()) {
		main.WriteString(name + " = $bomb_a\n")
	}
	_, err := newEffective(t, main.String()).ReadCommon()
	if !strings.HasPrefix(errorText(err), "macro expansion takes more than ") {
		t.Error(err)
	}
	r := newResolver(t, main.String(), "")
	start := time.Now()
	var first time.Duration
	for _, name := range CommonNames(DefaultProfile()) {
		if _, err := r.Describe(name); err == nil {
			t.Errorf("%s has a value", name)
		}
		if first == 0 {
			first = time.Since(start)
		}
	}
	if all := time.Since(start); all > 5*first {
		t.Errorf("the first took %v, all %v", first, all)
	}
}

// TestWrongKind: reading a parameter by the wrong kind is an error, said once, and
// does not change what the right kind gives, before or afterwards.
func TestWrongKind(t *testing.T) {
	const raw = "forward_path"
	text := "/var/mail/$user"
	e := newEffective(t, raw+" = "+text+"\nmax_idle = 7m\n")
	for range 2 {
		if got := e.String(raw); got != "" {
			t.Errorf("%s as a string: %q", raw, got)
		}
		if got := e.Raw(raw); got != text {
			t.Errorf("%s: %q", raw, got)
		}
		if got := e.Duration("max_idle"); got != 7*time.Minute {
			t.Errorf("max_idle: %v", got)
		}
		if got := e.Int("max_idle"); got != 0 {
			t.Errorf("max_idle as a number: %d", got)
		}
	}
	var all *multierror.Error
	if err := e.Errors(); !errors.As(err, &all) || len(all.Errors) != 2 {
		t.Errorf("errors: %v", err)
	}
}

// Of the entries for a service the later one counts, and the command line before both;
// what is wrong is told with the place in master.cf.
func TestSettingsOfMaster(t *testing.T) {
	master, err := mainconf.ParseMaster("m.cf", []byte("a unix - - - - - qmqpd -o max_use=1 -o line_length_limit=x\n"+
		"a inet - - - - - qmqpd -o max_use=2\nb unix - - - - - qmqpd -o max_use=3\na unix - - - - - qmqpd -o max_use=4\n -o max_idle=5\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		service, typ, origin string
		use, idle            int
		overrides            []mainconf.Setting
	}{
		{"a", "", "m.cf:4 (a/unix)", 4, 5, nil},
		{"a", "inet", "m.cf:2 (a/inet)", 2, 9, nil},
		{"b", "unix", "m.cf:3 (b/unix)", 3, 9, nil},
		{"c", "", "main.cf:1", 8, 9, nil},
		{"a", "", "command line", 7, 5, []mainconf.Setting{{Name: "max_use", Value: "7"}}},
	} {
		e := newEffective(t, "max_use = 8\nmax_idle = 9\n", func(p *Process) {
			p.Master, p.Service, p.ServiceType, p.Overrides = master, tt.service, tt.typ, tt.overrides
		})
		if use, idle := e.Int("max_use"), int(e.Duration("max_idle").Seconds()); use != tt.use || idle != tt.idle {
			t.Errorf("%s %s: max_use = %d, max_idle = %d; want %d, %d", tt.service, tt.typ, use, idle, tt.use, tt.idle)
		}
		if v, _ := e.Value("max_use"); v.Origin() != tt.origin {
			t.Errorf("%s %s: max_use comes from %s, want %s", tt.service, tt.typ, v.Origin(), tt.origin)
		}
		var bad *Error
		e.Int("line_length_limit")
		if errors.As(e.Err(), &bad); (bad != nil) != (tt.service == "a" && tt.typ == "") || bad != nil && !strings.HasPrefix(bad.Located().Error(), "m.cf:1 (a/unix): ") {
			t.Errorf("%s %s: error %v", tt.service, tt.typ, e.Err())
		}
	}
}

// People are told the parameter and the place, each once, and only what there is.
func TestErrorLocated(t *testing.T) {
	set := Value{Text: "x", Source: SourceMain, File: "main.cf", Line: 7}
	of := Value{Text: "x", Source: SourceMaster, File: "master.cf", Line: 2, Service: "cleanup/unix"}
	for _, tt := range []struct {
		err  Error
		want string
	}{
		{Error{Name: "max_use", Value: set, Text: "max_use is odd"}, "main.cf:7: max_use is odd"},
		{Error{Name: "max_use", Value: set, Text: "macro processing error"}, "main.cf:7: max_use: macro processing error"},
		{Error{Name: "max_use", Value: of, Text: "macro processing error"}, "master.cf:2 (cleanup/unix): max_use: macro processing error"},
		{Error{Name: "max_use", Value: Value{Source: SourceCommandLine}, Text: "odd"}, "max_use: odd"},
		{Error{Text: "odd"}, "odd"},
	} {
		err := tt.err.Located()
		if err.Error() != tt.want || !errors.Is(err, &tt.err) {
			t.Errorf("%q, wraps the error: %v; want %q", err, errors.Is(err, &tt.err), tt.want)
		}
	}
}

// A bad macro is found where it stands, not where it is referred to.
func TestBadMacroPlace(t *testing.T) {
	master, err := mainconf.ParseMaster("master.cf", []byte("smtp inet n - y - - smtpd -o smtp_helo_name=${oops\n"))
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct{ main, name, want string }{
		{"mydestination = ${x\n", "mydestination", "main.cf:1: mydestination"},
		{"compatibility_level = 0\nmydestination = ${x\n", "relay_domains", "main.cf:2: relay_domains"},
		{"relay_domains = $a\nb = $(c\na = x $b\n", "relay_domains", "main.cf:2: relay_domains"},
		{"relay_domains = $b $(c\nb = ok\n", "relay_domains", "main.cf:1: relay_domains"},
		{"relay_domains = ${none?$b} ${a?$c}\na = x\nb = ${y\nc = ${z\n", "relay_domains", "main.cf:4: relay_domains"},
		{"relay_domains = $a\na = $b\nb = $a\n", "relay_domains", "main.cf:1: relay_domains"},
	}
	for _, row := range rows {
		main, err := mainconf.ParseMain("main.cf", []byte(row.main))
		if err != nil {
			t.Fatal(err)
		}
		e := New(Process{Main: main})
		e.String(row.name)
		var failed *Error
		if !errors.As(e.Err(), &failed) || failed.Located().Error() != row.want+": dictionary mail_dict: macro processing error" {
			t.Errorf("%q: %v", row.main, failed.Located())
		}
		r := Resolver{Main: main}
		_, err = r.Describe(row.name)
		if !errors.As(err, &failed) || failed.Located().Error() != row.want+": macro processing error" {
			t.Errorf("%q: %v", row.main, failed.Located())
		}
	}
	r := Resolver{Master: master, Service: master.Services[0]}
	_, err = r.Expand("a $mail_name $smtp_helo_name")
	var failed *Error
	if !errors.As(err, &failed) || failed.Located().Error() != "master.cf:1 (smtp/inet): macro processing error" {
		t.Errorf("%v", err)
	}
}

// Without accounts there is nothing to look up owners in.
func TestCheckOwnersNil(t *testing.T) {
	e := New(Process{})
	if user, group := e.CheckOwners(nil); user != nil || group != nil || e.Err() == nil {
		t.Errorf("%v, %v, %v", user, group, e.Err())
	}
}

// TestFollowingErrors: of what is wrong with defaults because of one setting, there is
// nothing to correct; what is wrong besides is told.
func TestFollowingErrors(t *testing.T) {
	for _, tt := range []struct {
		main string
		want []string
	}{
		{
			"compatibility_level = {{ level }}\nmax_use = x",
			[]string{`malformed compatibility level syntax: "{{ level }}"`, "bad numerical configuration: max_use = x"},
		},
		{
			"myhostname = \nmyorigin = a, b",
			[]string{"bad string length 0 < 1: myhostname = ", "file /etc/postfix/main.cf: parameter myhostname: bad parameter value: ", "myorigin parameter setting must not contain multiple values: a, b"},
		},
		{
			"mynetworks_style = broad\nrelayhost = mail.example.com",
			[]string{`unknown mynetworks mask style value "broad" in "broad"`, "myhostname and relayhost parameter settings must not be identical: mail.example.com"},
		},
		{
			"inet_interfaces = nohost",
			[]string{"config variable inet_interfaces: host not found: nohost"},
		},
		{
			"myhostname = ${x",
			[]string{"dictionary mail_dict: macro processing error", "file /etc/postfix/main.cf: parameter myhostname: bad parameter value: "},
		},
		{
			"myhostname = mail.-example.com",
			[]string{"file /etc/postfix/main.cf: parameter myhostname: bad parameter value: mail.-example.com"},
		},
		// The host's name, which has no domain, gets this one.
		{
			"mydomain = ${x",
			[]string{"dictionary mail_dict: macro processing error", "file /etc/postfix/main.cf: parameter mydomain: bad parameter value: "},
		},
		{
			"mydomain =",
			[]string{"bad string length 0 < 1: mydomain = ", "file /etc/postfix/main.cf: parameter mydomain: bad parameter value: "},
		},
		// The setting refers to what has failed, and says so itself.
		{
			"compatibility_level = x\nrelay_domains = ${{$compatibility_level} <level {2} ? {a} : {b}}",
			[]string{`malformed compatibility level syntax: "x"`, "dictionary mail_dict: macro processing error"},
		},
	} {
		e := newEffective(t, tt.main)
		if strings.HasPrefix(tt.main, "mydomain") {
			e.p.Host.Hostname = func() (string, error) { return "mail", nil }
		}
		if _, err := e.ReadCommon(); err == nil {
			t.Errorf("%q: no error", tt.main)
		}
		e.String("milter_macro_daemon_name")
		e.Int("max_use")
		var many *multierror.Error
		if !errors.As(e.Errors(), &many) {
			t.Fatalf("%q: %v", tt.main, e.Errors())
		}
		var got []string
		for _, err := range many.Errors {
			got = append(got, err.Error())
		}
		if got = slices.Compact(got); !slices.Equal(got, tt.want) { // mydomain is read twice
			t.Errorf("%q:\n%q, want\n%q", tt.main, got, tt.want)
		}
	}
}
