package dropin

import (
	"bufio"
	"net"
	"slices"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// avahi is a stand-in for avahi-daemon, which the library of mdns4 asks.
func avahi(conn net.Conn) {
	scanner := bufio.NewScanner(conn)
	for scanner.Scan() {
		answer := "-15 not found\n"
		switch scanner.Text() {
		case "RESOLVE-ADDRESS 127.0.0.77":
			answer = "+ 2 0 hr.local\n"
		case "RESOLVE-HOSTNAME-IPV4 hr.local":
			answer = "+ 2 0 hr.local 127.0.0.77\n"
		}
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// TestNameServices is about host name services of nsswitch.conf that are not of the C
// library itself: loaded, not loaded, loaded before the jail.
func TestNameServices(t *testing.T) {
	if testing.Short() {
		t.Skip("roots of its own")
	}
	pair := judges.NewPair(t, judges.Site{Hosts: "127.0.0.9 nine.example\n", Zone: dropInSite.Zone})
	// service is a row with a hosts line and a client.
	service := func(name, order, addr string, want ...string) judges.Row {
		return judges.Row{
			Name: name, Clients: []judges.Client{{From: addr, Send: plain}}, Want: want, Open: true,
			Files:    map[string]string{"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: " + order + "\n", "/run/avahi-daemon/made": ""},
			Commands: []string{"/usr/bin/cp -r /opt/nss/usr/lib /usr/", "/usr/bin/rm -f /run/avahi-daemon/socket"},
		}
	}
	in := func(row judges.Row, commands ...string) judges.Row {
		row.Open = false
		row.Commands = append(row.Commands, commands...)
		return row
	}
	interfaces := func(row judges.Row, name string) judges.Row {
		row.Main = append(row.Main, "inet_interfaces = "+name)
		return row
	}
	asked := func(row judges.Row) judges.Row {
		row.Serve = map[string]func(net.Conn){"/run/avahi-daemon/socket": avahi}
		return row
	}
	// Debian copies the libraries of services into the jail, without what they need.
	const (
		jailLib   = "/usr/bin/mkdir @QUEUE/lib"
		jailNSS   = "/usr/bin/cp -r /opt/nss/usr/lib/. @QUEUE/lib"
		jailCap   = "/usr/bin/find /usr/lib -name libcap.so.2 -exec /usr/bin/cp -L {} @QUEUE/lib/ ;"
		systemd   = "mymachines resolve [!UNAVAIL=return] files myhostname dns"
		known     = "connect from localhost[127.0.0.1]"
		unknown   = "connect from unknown[127.0.0.1]"
		mdnsKnown = "connect from hr.local[127.0.0.77]"
		mdnsNot   = "connect from unknown[127.0.0.77]"
	)
	rows := []judges.Row{
		service("myhostname", "files myhostname dns", "127.0.0.1", known),
		service("myhostname, the host itself", "files myhostname dns", "127.0.0.2", "connect from"),
		service("myhostname, unknown there", "files myhostname dns", "127.0.0.77", mdnsNot),
		service("myhostname, then DNS", "files myhostname dns", "127.0.0.20", "connect from Good.DNS.example["),
		service("myhostname, and nobody else", "myhostname [NOTFOUND=return] files dns", "127.0.0.9", "connect from unknown[127.0.0.9]"),
		service("myhostname, unless it is not there", "myhostname [UNAVAIL=return] files dns", "127.0.0.9", "connect from nine.example[127.0.0.9]"),
		service("as systemd recommends", systemd, "127.0.0.1", known),
		service("as systemd recommends, hosts file", systemd, "127.0.0.9", "connect from nine.example[127.0.0.9]"),
		in(service("myhostname in a jail", "files myhostname dns", "127.0.0.1", unknown)),
		in(service("myhostname in a jail, and nobody else", "myhostname [UNAVAIL=return] files dns", "127.0.0.9", "connect from unknown[127.0.0.9]")),
		in(service("myhostname in a jail as Debian has it", "files myhostname dns", "127.0.0.1", unknown), jailLib, jailNSS),
		in(service("myhostname in a jail with all that it needs", "files myhostname dns", "127.0.0.1", known), jailLib, jailNSS, jailCap),
		in(interfaces(service("myhostname loaded before the jail", "files myhostname dns", "127.0.0.1", known), "localhost")),
		in(interfaces(service("myhostname not needed before the jail", "files myhostname dns", "127.0.0.1", unknown), "127.0.0.1")),
		interfaces(service("interfaces of the host", "myhostname", "127.0.0.1", known), "x.localhost"),
		service("mdns4 without its server", "files mdns4 [NOTFOUND=return] dns", "127.0.0.20", "connect from Good.DNS.example["),
		asked(service("mdns4", "files mdns4 dns", "127.0.0.77", mdnsKnown)),
		in(asked(service("mdns4 in a jail", "files mdns4 dns", "127.0.0.77", mdnsNot))),
		in(asked(service("mdns4 in a jail as Debian has it", "files mdns4 dns", "127.0.0.77", mdnsNot)), jailLib, jailNSS),
		asked(service("mdns4 is there and not named", "files dns", "127.0.0.77", mdnsNot)),
		service("a library that has no hosts", "hesiod files", "127.0.0.9", "connect from nine.example[127.0.0.9]"),
	}
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			postfix.Case(t)
			var difference *judges.Known
			if i := slices.IndexFunc(serviceDifferences, func(k judges.Known) bool { return k.Row == row.Name }); i >= 0 {
				difference = &serviceDifferences[i]
			}
			pair.Compare(t, row, difference)
		})
	}
	for _, k := range serviceDifferences {
		if !slices.ContainsFunc(rows, func(row judges.Row) bool { return row.Name == k.Row }) {
			t.Errorf("known.go has a difference of the row %q, which there is not", k.Row)
		}
	}
}
