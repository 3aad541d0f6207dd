package params

import (
	"errors"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/mainconf"
)

func newResolver(t *testing.T, main, master string) *Resolver {
	t.Helper()
	doc, err := mainconf.ParseMain("/d/main.cf", []byte(main), mainconf.Setting{Name: "config_directory", Value: "/d"})
	if err != nil {
		t.Fatal(err)
	}
	services, err := mainconf.ParseMaster("/d/master.cf", []byte(master))
	if err != nil {
		t.Fatal(err)
	}
	return &Resolver{Main: doc, Master: services, ProcessName: "postconf", PID: 9, Host: testHost()}
}

const testMaster = `628 inet n - y - - /usr/lib/qmqpd
  -o max_use=$base -o max_idle=1 -o max_idle=2
local unix - n n - - local
uucp unix - n n - - pipe flags=F
policy unix - n n - 0 spawn
628 inet n - y - - qmqpd -o qmqpd_timeout=9
other unix n - - - - /x/smtp
`

// TestDescribeWithoutDefault: a default that cannot be computed hides no setting.
func TestDescribeWithoutDefault(t *testing.T) {
	main, _ := mainconf.ParseMain("main.cf", []byte("myhostname = $a\na = mail.example.com\n"))
	r := Resolver{Main: main} // of a machine that nothing is known of
	info, err := r.Describe("myhostname")
	if !info.Known || info.Value.Line != 1 || info.Expanded != "mail.example.com" {
		t.Errorf("%+v", info)
	}
	if errorText(err) != "gethostname: no information about the host" {
		t.Errorf("error %v", err)
	}
}

// TestResolverNetworksOfService: what a service sets does not change the default of
// mynetworks.
func TestResolverNetworksOfService(t *testing.T) {
	r := newResolver(t, "", "a unix - - n - - smtp -o compatibility_level=2\n")
	want, err := r.Expand("$mynetworks")
	if err != nil {
		t.Fatal(err)
	}
	other := newResolver(t, "", "a unix - - n - - smtp -o compatibility_level=2\n")
	other.Service = other.Master.Services[0]
	if got, err := other.Expand("$mynetworks"); got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// TestResolverReadOnly: settings of read-only parameters count for nothing, but in the
// default of mynetworks. A service has its name in each version.
func TestResolverReadOnly(t *testing.T) {
	const settings = "process_id = 0\nprocess_name = x\nservice_name = y\ncompatibility_level = $process_id\ninet_interfaces = 127.0.0.1\n"
	for _, version := range []Version{3_10_02, Newest} {
		r := newResolver(t, settings, "628 inet n - n - - qmqpd -o process_id=1 -o process_name=z -o service_name=z\n")
		r.Profile.Version = version
		service := "9 qmqpd 628 9 127.0.0.0/8 "
		alone := "9 postconf  9 127.0.0.0/8 "
		if version == Newest { // it is not read-only there
			alone = "9 postconf y 9 127.0.0.0/8 "
		}
		for _, want := range []string{alone, service} {
			got, err := r.Expand("$process_id $process_name $service_name $compatibility_level $mynetworks")
			if got != want || err != nil {
				t.Errorf("%v: %q, %v, want %q", version, got, err, want)
			}
			r.Service = r.Master.Services[0]
		}
	}
}

func TestResolverValue(t *testing.T) {
	r := newResolver(t, "base = 5\nmax_use = 1\n# c\nmax_use = 2\nsoft_bounce = yes\n", testMaster)
	r.Overrides = []mainconf.Setting{{Name: "soft_bounce", Value: "no"}, {Name: "extra", Value: "1"}}
	service := r.Master.Services[0]
	for _, row := range []struct {
		name    string
		service *mainconf.Service
		want    string // text and origin
	}{
		{"max_use", nil, "2 main.cf"},
		{"max_use", service, "$base master.cf"},
		{"max_idle", service, "2 master.cf"},
		{"qmqpd_timeout", service, "9 master.cf"},
		{"qmqpd_timeout", nil, "300s default"},
		{"soft_bounce", nil, "no command line"},
		{"extra", service, "1 command line"},
		{"config_directory", nil, "/d program"},
		{"process_name", nil, "postconf default"},
		{"process_name", service, "qmqpd program"},
		{"service_name", nil, " default"},
		{"service_name", service, "628 program"},
		{"process_id", nil, "9 default"},
		{"virtual_maps", nil, " default"},
		{"myhostname", nil, "mail.example.com default"},
		{"mynetworks", nil, "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fe80::]/64  default"},
		{"uucp_time_limit", nil, "$command_time_limit default"},
		{"uucp_destination_rate_delay", nil, "$default_destination_rate_delay default"},
		{"policy_time_limit", nil, "$command_time_limit default"},
		{"local_recipient_limit", nil, "$default_recipient_limit default"},
		{"local_destination_recipient_limit", nil, "1 default"},
		{"policy_recipient_limit", nil, ""},
		{"other_recipient_limit", nil, ""},
		{"local_time_limit", nil, ""},
		{"nothing", nil, ""},
	} {
		r.Service = row.service
		v, ok, err := r.Value(row.name)
		got := v.Text + " " + v.Source.String()
		if !ok {
			got = ""
		}
		if got != row.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", row.name, got, err, row.want)
		}
	}
	r.Service = service
	for name, want := range map[string]string{
		"max_use":       "/d/master.cf:2 (628/inet)",
		"qmqpd_timeout": "/d/master.cf:6 (628/inet)",
		"base":          "/d/main.cf:1",
		"soft_bounce":   "command line",
	} {
		if v, _, _ := r.Value(name); v.Origin() != want {
			t.Errorf("origin of %s: %s", name, v.Origin())
		}
	}
	// A service may come from elsewhere than a file.
	alone := Resolver{Service: service}
	if v, _, _ := alone.Value("max_idle"); v.Text != "2" || v.Origin() != "master.cf:2 (628/inet)" {
		t.Errorf("without a master.cf: %+v", v)
	}
	if text, err := r.Expand("$max_use $process_name $smtpd_helo_required ${virtual_maps:none}"); text != "5 qmqpd no none" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestResolverDefaultsOnly(t *testing.T) {
	r := newResolver(t, "mydomain = x.y\nmax_use = 1\ninet_interfaces = 192.0.2.7\n", testMaster)
	r.Host.Hostname = func() (string, error) { return "short", nil }
	get := func(name string) string {
		v, _, err := r.Value(name)
		if err != nil {
			t.Error(err)
		}
		return v.Text
	}
	if got := get("myhostname") + " " + get("mydomain") + " " + get("mynetworks"); got != "short.x.y x.y 192.0.2.0/24 " {
		t.Errorf("with settings: %q", got)
	}
	all := *r
	all.defaults, all.DefaultsOnly = nil, true
	r = &all
	if got := get("myhostname") + " " + get("mydomain") + " " + get("max_use"); got != "short.localdomain localdomain 100" {
		t.Errorf("defaults: %q", got)
	}
	if got := get("mynetworks"); !strings.HasPrefix(got, "127.0.0.0/8 ") {
		t.Errorf("mynetworks: %q", got)
	}
}

func TestResolverErrors(t *testing.T) {
	for _, row := range []struct{ name, main, ask, want string }{
		{"macro", "", "${a b}", "macro processing error"},
		{"loop", "a = $b\nb = $a\n", "$a", "macro processing error"},
		{"in a computed default", "mynetworks_style = foo\n", "$mynetworks", `unknown mynetworks mask style value "foo" in "foo"`},
		{"in a setting of a computed default", "mydomain = ${x y}\n", "$myhostname", "dictionary mail_dict: macro processing error"},
		{"number", "", "${{99999999999999999999} < {1}}", "mac_exp_eval: bad conversion: 99999999999999999999"},
		{"level", "compatibility_level = x\n", "$mynetworks", "macro processing error"},
		{"level by way of a computed default", "compatibility_level = $a\na = $mynetworks\n", "$mynetworks", "macro processing error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newResolver(t, row.main, "")
			r.Host.Hostname = func() (string, error) { return "short", nil }
			text, err := r.Expand(row.ask)
			if text != "" || errorText(err) != row.want {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// TestRawParameters: 3.11 does not expand the values of raw parameters that
// are referred to, 3.10 does.
func TestRawParameters(t *testing.T) {
	r := newResolver(t, "luser_relay = $user@x\n", "")
	for version, want := range map[Version]string{3_10_13: "@x", 3_11_06: "$user@x"} {
		r.Profile = Profile{Version: version}
		if got, err := r.Expand("$luser_relay"); got != want || err != nil {
			t.Errorf("%v: %q, %v", version, got, err)
		}
	}
}

func TestDomainFunctions(t *testing.T) {
	r := newResolver(t, "mydomain = Ex.example\n", "")
	r.Profile = Profile{Version: Newest}
	var warning string
	r.Warn = func(text string) { warning = text }
	for _, row := range []struct{ in, out, warning string }{
		{"${domain_to_ascii{$mydomain}}", "Ex.example", ""},
		{"${domain_to_utf8{$mydomain}}", "ex.example", ""},
		{"${domain_to_ascii{b\xc3\xbccher}}", "", "bad domain argument in: 'domain_to_ascii{b\xc3\xbccher}'"},
		{"${domain_to_utf8{b\xc3\xbccher}}", "b\xc3\xbccher", ""},
		{"${domain_to_utf8{a.xN--b}}", "", "bad domain argument in: 'domain_to_utf8{a.xN--b}'"},
		{"${domain_to_utf8{Axn--b.xn}}", "axn--b.xn", ""},
		{"${domain_to_utf8{_A.b_}}", "_a.b_", ""},
		{"${domain_to_ascii{}}", "", "bad domain argument in: 'domain_to_ascii{}'"},
		{"${domain_to_utf8{}}", "", ""},
		{"${domain_to_ascii{a..b}}", "a..b", ""},
		{"${domain_to_utf8{a..b}}", "", "bad domain argument in: 'domain_to_utf8{a..b}'"},
		{"${domain_to_utf8{a.}}", "", "bad domain argument in: 'domain_to_utf8{a.}'"},
		{"${domain_to_utf8{-a}}", "", "bad domain argument in: 'domain_to_utf8{-a}'"},
		{"${domain_to_utf8{ab--c.d}}", "", "bad domain argument in: 'domain_to_utf8{ab--c.d}'"},
		{"${domain_to_utf8{1.2.3.4}}", "", "bad domain argument in: 'domain_to_utf8{1.2.3.4}'"},
	} {
		warning = ""
		out, _ := r.Expand(row.in)
		if out != row.out || warning != row.warning {
			t.Errorf("%s: %q, %q", row.in, out, warning)
		}
	}
	r.Host.DomainFunction = func(name string, toASCII bool) (string, error) { return "xn--bcher-kva", nil }
	if out, err := r.Expand("${domain_to_ascii{b\xc3\xbccher}}"); out != "xn--bcher-kva" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

func TestDescribe(t *testing.T) {
	r := newResolver(t, "own = a$mail_name\nqmqpd_timeout = ${n}m\nn = 5\nluser_relay = $x\n", "")
	for _, row := range []struct{ name, want string }{
		{"qmqpd_timeout", "true time [300s] [${n}m] /d/main.cf:2 [5m]"},
		{"own", "false string [] [a$mail_name] /d/main.cf:1 [aPostfix]"},
		{"max_use", "true int [100] [100] default [100]"},
		{"luser_relay", "true raw [] [$x] /d/main.cf:4 [$x]"},
		{"smtpd_hard_error_limit", "true int [${stress?{1}:{20}}] [${stress?{1}:{20}}] default [20]"},
		{"nothing", "false string [] [] unset []"},
	} {
		i, err := r.Describe(row.name)
		known := "false"
		if i.Known {
			known = "true"
		}
		got := strings.Join([]string{
			known, i.Kind.String(), "[" + i.Default + "]", "[" + i.Value.Text + "]", i.Value.Origin(), "[" + i.Expanded + "]",
		}, " ")
		if got != row.want || err != nil {
			t.Errorf("%s: %s, %v", row.name, got, err)
		}
	}
}

// TestDescribeError: the error tells where to correct the setting.
func TestDescribeError(t *testing.T) {
	r := newResolver(t, "n = 5\nqmqpd_timeout = ${n\n", "")
	info, err := r.Describe("qmqpd_timeout")
	var failed *Error
	if !errors.As(err, &failed) || failed.Name != "qmqpd_timeout" || failed.Value.Origin() != "/d/main.cf:2" {
		t.Errorf("%+v", failed)
	}
	if info.Value.Text != "${n" || info.Expanded != "" {
		t.Errorf("%+v", info)
	}
}

// TestResolverOnlyFirstError shows that an expansion that has failed gives no more
// warnings.
func TestResolverOnlyFirstError(t *testing.T) {
	r := newResolver(t, "", "")
	r.Host.Hostname = func() (string, error) { return "a..b", nil }
	var warnings []string
	r.Warn = func(text string) { warnings = append(warnings, text) }
	_, err := r.Expand("$myhostname $mydomain ${a b}")
	if err == nil || err.Error() != "unable to use my own hostname" {
		t.Errorf("error %v", err)
	}
	if got := strings.Join(warnings, "\n"); got != "valid_hostname: misplaced delimiter: a..b" {
		t.Errorf("warnings %q", got)
	}
}
