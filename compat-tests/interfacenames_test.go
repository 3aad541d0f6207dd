package compat

import (
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// interfaceSite is what names mean where nothing else is said.
var interfaceSite = judges.Site{
	Hosts: "127.0.0.1 localhost\n",
	Zone: standin.Zone{
		Addr: map[string][]string{
			"own.example.": {"127.0.0.1"}, "both.example.": {"127.0.0.1", "::1"}, "six.example.": {"::1"}, "far.example.": {"198.51.100.9"},
			"split.a.example.": {"::1"}, "split.b.example.": {"127.0.0.1"}, "nodata.example.": {}, "mapped.example.": {"::ffff:127.0.0.1"},
		},
		CNAME: map[string]string{"alias.example.": "both.example.", "dangling.example.": "nothing.example."},
		Fail:  map[string]dnsmessage.RCode{"servfail.example.": dnsmessage.RCodeServerFailure, "refused.example.": dnsmessage.RCodeRefused},
	},
}

// interfaceNames are the cases: what stands in the files of /etc and in the environment,
// and what inet_interfaces is.
var interfaceNames = []struct {
	name      string
	nsswitch  string // the hosts line
	hosts     string // lines after that of localhost
	hostConf  string
	env       []string
	protocols string
	value     string
	ipv6      bool   // stock starts only where there is ::1
	want      string // of stock; "" if it starts
}{
	{name: "hosts file", nsswitch: "files dns", hosts: "127.0.0.1 name", value: "name"},
	{name: "DNS", nsswitch: "files dns", value: "own.example"},
	{name: "DNS, not local", nsswitch: "files dns", value: "far.example", want: "no local interface found for 198.51.100.9"},
	{name: "DNS, both families", ipv6: true, nsswitch: "files dns", value: "both.example"},
	{name: "DNS, IPv6", ipv6: true, nsswitch: "files dns", value: "six.example"},
	{name: "DNS, IPv6 by who has IPv4", nsswitch: "files dns", protocols: "ipv4", value: "six.example", want: "host not found"},
	{name: "DNS, IPv4 by who has IPv6", nsswitch: "files dns", protocols: "ipv6", value: "own.example", want: "host not found"},
	{name: "DNS, mapped", nsswitch: "files dns", value: "mapped.example", want: "no local interface found for ::ffff:127.0.0.1"},
	{name: "DNS, alias", ipv6: true, nsswitch: "files dns", value: "alias.example"},
	{name: "DNS, alias of nothing", nsswitch: "files dns", value: "dangling.example", want: "host not found"},
	{name: "DNS, no data", nsswitch: "files dns", value: "nodata.example", want: "host not found"},
	{name: "DNS, failure", nsswitch: "dns files", hosts: "127.0.0.1 servfail.example", value: "servfail.example"},
	{name: "DNS, failure, and nobody else asked", nsswitch: "dns [UNAVAIL=return] files", hosts: "127.0.0.1 servfail.example", value: "servfail.example", want: "host not found"},
	{name: "DNS, refused", nsswitch: "dns [UNAVAIL=return] files", hosts: "127.0.0.1 refused.example", value: "refused.example", want: "host not found"},
	{name: "DNS only", nsswitch: "dns", hosts: "127.0.0.1 name", value: "name", want: "host not found"},
	{name: "files only", nsswitch: "files", value: "own.example", want: "host not found"},
	{name: "unknown service", nsswitch: "foo", hosts: "127.0.0.1 name", value: "name", want: "host not found"},
	{name: "unknown service, end", nsswitch: "foo [UNAVAIL=return] files", hosts: "127.0.0.1 name", value: "name", want: "host not found"},
	{name: "unknown service, no end", nsswitch: "foo [NOTFOUND=return] files", hosts: "127.0.0.1 name", value: "name"},
	{name: "no service", nsswitch: "", hosts: "127.0.0.1 name", value: "name", want: "host not found"},
	{name: "files, then nothing", nsswitch: "files [NOTFOUND=return] dns", value: "own.example", want: "host not found"},
	{name: "go on after success", nsswitch: "files [SUCCESS=continue] dns", hosts: "198.51.100.1 own.example", value: "own.example"},
	{name: "merge", nsswitch: "files [SUCCESS=merge] dns", hosts: "127.0.0.1 both.example", value: "both.example", want: "host not found"},
	{name: "hosts, a zone", nsswitch: "files", hosts: "fe80::1%lo name\n127.0.0.1 name", value: "name"},
	{name: "hosts, two families", ipv6: true, nsswitch: "files", hosts: "::1 name\n127.0.0.1 name", value: "name"},
	{name: "hosts, two families, not local", nsswitch: "files", hosts: "2001:db8::1 name\n127.0.0.1 name", value: "name", want: "no local interface found for 2001:db8::1"},
	{name: "hosts, two lines", nsswitch: "files", hosts: "127.0.0.1 name\n198.51.100.1 name", value: "name"},
	{name: "hosts, two lines, multi", nsswitch: "files", hosts: "127.0.0.1 name\n198.51.100.1 name", hostConf: "multi on\n", value: "name", want: "no local interface found for 198.51.100.1"},
	{name: "hosts, two lines of other families, multi off", nsswitch: "files", hosts: "127.0.0.1 name\n2001:db8::1 name", hostConf: "multi off\n", value: "name"},
	{name: "hosts, two lines, multi by the environment", nsswitch: "files", hosts: "127.0.0.1 name\n198.51.100.1 name", env: []string{"RESOLV_MULTI=on"}, value: "name", want: "no local interface found for 198.51.100.1"},
	{name: "hosts, IPv6 loopback for IPv4", nsswitch: "files", hosts: "::1 name", protocols: "ipv4", value: "name"},
	{name: "hosts, mapped", nsswitch: "files", hosts: "::ffff:127.0.0.1 name", value: "name", want: "no local interface found for ::ffff:127.0.0.1"},
	{name: "hosts, mapped, for IPv4", nsswitch: "files", hosts: "::ffff:127.0.0.1 name", protocols: "ipv4", value: "name"},
	{name: "hosts, alias in another case", nsswitch: "files", hosts: "127.0.0.1 canonical NAME", value: "name"},
	{name: "hosts, odd address", nsswitch: "files", hosts: "127.1 name", value: "name", want: "host not found"},
	{name: "LOCALDOMAIN", nsswitch: "files dns", env: []string{"LOCALDOMAIN=nowhere example"}, value: "own"},
	{name: "no LOCALDOMAIN", nsswitch: "files dns", value: "own", want: "host not found"},
	{name: "one family in each domain", ipv6: true, nsswitch: "files dns", env: []string{"LOCALDOMAIN=a.example b.example"}, value: "split"},
	{name: "one family in each domain, the other order", nsswitch: "files dns", env: []string{"LOCALDOMAIN=b.example a.example"}, value: "split"},
	{name: "RES_OPTIONS", nsswitch: "files dns", env: []string{"LOCALDOMAIN=example", "RES_OPTIONS=ndots:2"}, value: "far.example", want: "no local interface found"},
	{name: "HOSTALIASES", nsswitch: "files dns", env: []string{"HOSTALIASES=/etc/aliases.test"}, value: "own"},
	{name: "address", nsswitch: "", value: "127.1"},
	{name: "IPv6 address", ipv6: true, nsswitch: "", value: "[::1]"},
	{name: "IPv6 address for IPv4", nsswitch: "", protocols: "ipv4", value: "::1", want: "host not found"},
	{name: "mapped address", nsswitch: "", value: "::ffff:127.0.0.1", want: "no local interface found"},
	{name: "mapped address for IPv4", nsswitch: "", protocols: "ipv4", value: "::ffff:127.0.0.1"},
	{name: "zone that is none", nsswitch: "files dns", hosts: "127.0.0.1 fe80::1%nosuch", value: "fe80::1%nosuch", want: "host not found"},
}

// interfaceFiles are the files of /etc in a case.
func interfaceFiles(nsswitch, hosts, hostConf string) map[string]string {
	return map[string]string{
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: " + nsswitch + "\n",
		"/etc/hosts":         interfaceSite.Hosts + hosts + "\n",
		"/etc/host.conf":     hostConf,
		"/etc/aliases.test":  "own own.example\n",
	}
}

// interfaceMain is main.cf in a case.
func interfaceMain(value, protocols string) []string {
	main := []string{"inet_interfaces = " + value, "proxy_interfaces = " + value, "mynetworks_style = host"}
	if protocols != "" {
		main = append(main, "inet_protocols = "+protocols)
	}
	return main
}

// TestInterfaceNames looks up the names of inet_interfaces as qmqpd does.
func TestInterfaceNames(t *testing.T) {
	t.Parallel()
	pair := judges.NewPair(t, interfaceSite)
	for _, row := range interfaceNames {
		t.Run(row.name, func(t *testing.T) {
			postfix.Case(t)
			scene := judges.Row{
				Name:  row.name,
				Main:  append(interfaceMain(row.value, row.protocols), "-mynetworks"),
				Env:   row.env,
				Files: interfaceFiles(row.nsswitch, row.hosts, row.hostConf),
				IPv6:  row.ipv6,
				Want:  []string{row.want, "exit 1"},
			}
			if row.want == "" {
				scene.Clients = []judges.Client{{Send: "1", HalfClose: true}}
				scene.Want = []string{"exit 0"}
				if row.protocols == "ipv6" {
					scene.Listen = []string{"::1"}
				}
			}
			pair.Compare(t, scene, nil)
		})
	}
}

// TestPostconfInterfaceNames looks up the same names as postconf does for the default of
// mynetworks.
func TestPostconfInterfaceNames(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	pair.root.WriteFile("/etc/resolv.conf", judges.ResolvConf(standin.ServeDNS(t, interfaceSite.Zone), interfaceSite.Zone), 0o644)
	for _, row := range interfaceNames {
		if row.nsswitch == "" && row.want != "" {
			continue // of this the C library's own end is a crash at times
		}
		t.Run(row.name, func(t *testing.T) {
			postfix.Case(t)
			for path, text := range interfaceFiles(row.nsswitch, row.hosts, row.hostConf) {
				pair.root.WriteFile(path, text, 0o644)
			}
			dir := pair.configure(t, map[string]string{"main.cf": strings.Join(interfaceMain(row.value, row.protocols), "\n") + "\n", "master.cf": ""})
			for _, args := range [][]string{{"-c", dir, "mynetworks"}, {"-c", dir, "-m"}} {
				diff, err := pair.compare(commandLine{argv0: "postconf", args: args, env: row.env})
				if err != nil {
					t.Fatal(err)
				}
				if diff != "" {
					t.Errorf("%q\n%s", args, diff)
				}
			}
		})
	}
}
