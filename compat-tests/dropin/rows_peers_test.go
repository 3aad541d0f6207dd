package dropin

import (
	"github.com/qmqpd/qmqpd/compat-tests/judges"
)

// from is a row with one good client at that address.
func from(name, addr string, want ...string) judges.Row {
	return judges.Row{Name: name, Clients: []judges.Client{{From: addr, Send: plain}}, Want: want}
}

// jailed is a row with one good client at that address, and with files of the
// jail exchanged.
func jailed(name, addr string, files map[string]string, want ...string) judges.Row {
	row := from(name, addr, want...)
	row.Files = files
	return row
}

// withIPv6 makes a row need ::1 for what it wants.
func withIPv6(row judges.Row) judges.Row {
	row.IPv6 = true
	return row
}

// open makes a row run without the jail.
func open(row judges.Row) judges.Row {
	row.Name += ", no jail"
	row.Open = true
	return row
}

// six is a row with one good client over IPv6.
func six(name string, lines []string, want ...string) judges.Row {
	return judges.Row{Name: name, Listen: []string{"::1"}, Main: lines, Clients: ok, Want: want}
}

// mapped is a row with one good IPv4 client at a socket for both protocols.
func mapped(name string, lines []string, want ...string) judges.Row {
	return judges.Row{Name: name, Listen: []string{"::"}, Main: lines, Clients: []judges.Client{{Send: plain, To: "127.0.0.1"}}, Want: want}
}

// peerRows are about who the client is: contract sections 6.1 and 6.2.
var peerRows = []judges.Row{
	from("hosts file", "127.0.0.1", "connect from localhost[127.0.0.1]"),
	from("hosts file, case is kept", "127.0.0.2", "connect from Two.Example.org[127.0.0.2]"),
	from("hosts file, name has another address, too", "127.0.0.3", "connect from "),
	from("hosts file, name's second address", "127.0.0.33", "connect from "),
	from("hosts file, numeric name", "127.0.0.6", "warning: numeric hostname: 12.34.56.78", "connect from unknown[127.0.0.6]"),
	from("hosts file, bad character", "127.0.0.7", "connect from unknown[127.0.0.7]"),
	from("hosts file, hyphen", "127.0.0.8", "connect from unknown[127.0.0.8]"),
	from("no name", "127.0.0.77", "connect from unknown[127.0.0.77]"),
	open(from("hosts file", "127.0.0.2", "connect from Two.Example.org[127.0.0.2]")),
	open(from("no name", "127.0.0.77", "connect from unknown[127.0.0.77]")),
	from("DNS", "127.0.0.20", "connect from Good.DNS.example[127.0.0.20]"),
	open(from("DNS", "127.0.0.20", "connect from Good.DNS.example[127.0.0.20]")),
	from("DNS, other addresses", "127.0.0.21", "warning: hostname 127.0.0.21 does not resolve to address elsewhere.example", "connect from unknown[127.0.0.21]"),
	from("DNS, name unknown", "127.0.0.22", "warning: hostname nowhere.example does not resolve to address 127.0.0.22: ", "connect from unknown[127.0.0.22]"),
	from("DNS, name's lookup fails", "127.0.0.23", "warning: hostname broken.example does not resolve to address 127.0.0.23: ", "connect from unknown"),
	from("DNS, name without addresses", "127.0.0.24", "warning: hostname empty.example does not resolve to address 127.0.0.24: ", "connect from unknown"),
	from("DNS, canonical name", "127.0.0.25", "connect from alias.example[127.0.0.25]"),
	from("DNS, two names", "127.0.0.26", "connect from "),
	from("DNS, name of the other family", "127.0.0.27", "warning: hostname six.example does not resolve to address 127.0.0.27: "),
	from("DNS, name without dots", "127.0.0.28", "connect from "),
	from("DNS, name with underscore", "127.0.0.29", "connect from "),
	from("DNS, numeric name", "127.0.0.30", "warning: numeric hostname: 10.20.30.40"),
	from("DNS, reverse lookup fails", "127.0.0.31", "connect from unknown[127.0.0.31]"),
	from("DNS, reverse lookup refused", "127.0.0.32", "connect from unknown[127.0.0.32]"),
	from("DNS, no answer", "127.0.0.40", "connect from unknown[127.0.0.40]"),
	from("DNS, name in another case", "127.0.0.34", "connect from "),
	from("DNS, name of 254 bytes", "127.0.0.35", "connect from "),
	from("DNS, label of 63 bytes", "127.0.0.36", "connect from "),
	from("DNS, name with a blank", "127.0.0.37", "connect from unknown"),
	from("DNS, 8-bit name", "127.0.0.38", "connect from unknown"),
	from("DNS, hyphen in front", "127.0.0.39", "connect from unknown"),
	from("DNS, star", "127.0.0.41", "connect from unknown"),
	from("DNS, slash", "127.0.0.42", "connect from unknown"),
	from("DNS, the name localhost", "127.0.0.43", "connect from"),
	from("DNS, root as name", "127.0.0.44", "connect from unknown"),
	from("DNS, two addresses, the second is it", "127.0.0.45", "connect from pair.example[127.0.0.45]"),
	from("DNS, canonical name of the address", "127.0.0.46", "connect from"),
	from("DNS, hexadecimal name", "127.0.0.47", "connect from"),
	from("DNS, number as last label", "127.0.0.48", "connect from"),
	jailed("jail with its own hosts", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.2 jail.example\n"}, "connect from jail.example[127.0.0.2]"),
	open(jailed("jail with its own hosts", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.2 jail.example\n"}, "connect from Two.Example.org[127.0.0.2]")),
	jailed("jail without hosts", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": judges.Absent}, "connect from unknown[127.0.0.2]"),
	jailed("jail without files", "127.0.0.1", map[string]string{"@QUEUE/etc/hosts": judges.Absent, "@QUEUE/etc/resolv.conf": judges.Absent, "@QUEUE/etc/nsswitch.conf": judges.Absent, "@QUEUE/etc/host.conf": judges.Absent, "@QUEUE/etc/services": judges.Absent, "@QUEUE/etc/localtime": judges.Absent}, "connect from unknown[127.0.0.1]"),
	jailed("jail without resolv.conf", "127.0.0.20", map[string]string{"@QUEUE/etc/resolv.conf": judges.Absent}, "connect from "),
	jailed("jail with an empty resolv.conf", "127.0.0.20", map[string]string{"@QUEUE/etc/resolv.conf": ""}, "connect from "),
	jailed("jail without hosts and resolv.conf", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": judges.Absent, "@QUEUE/etc/resolv.conf": judges.Absent}, "connect from "),
	jailed("jail without hosts, by DNS", "127.0.0.20", map[string]string{"@QUEUE/etc/hosts": judges.Absent}, "connect from Good.DNS.example[127.0.0.20]"),
	jailed("jail without host.conf", "127.0.0.33", map[string]string{"@QUEUE/etc/host.conf": judges.Absent}, "connect from "),
	jailed("jail without nsswitch.conf", "127.0.0.20", map[string]string{"@QUEUE/etc/nsswitch.conf": judges.Absent}, "connect from "),
	jailed("jail without nsswitch.conf, hosts", "127.0.0.2", map[string]string{"@QUEUE/etc/nsswitch.conf": judges.Absent}, "connect from "),
	// nsswitch.conf was read before the jail: mail_owner is looked up there.
	jailed("jail with files only", "127.0.0.20", map[string]string{"@QUEUE/etc/nsswitch.conf": "hosts: files\n"}, "connect from Good.DNS.example[127.0.0.20]"),
	jailed("jail with DNS only", "127.0.0.2", map[string]string{"@QUEUE/etc/nsswitch.conf": "hosts: dns\n"}, "connect from Two.Example.org[127.0.0.2]"),
	jailed("hosts with comments and tabs", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "# 127.0.0.2 no.example\n\t127.0.0.2\t\tyes.example  other # more\n"}, "connect from yes.example[127.0.0.2]"),
	jailed("hosts, two lines for an address", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.2 first.example\n127.0.0.2 second.example\n"}, "connect from first.example[127.0.0.2]"),
	jailed("hosts, line without a name", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.2\n127.0.0.2 yes.example\n"}, "connect from"),
	jailed("hosts, name with a final dot", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.2 dot.example.\n"}, "connect from"),
	jailed("hosts, name in two cases", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.2 Mixed.Example\n127.0.0.99 mixed.example\n"}, "connect from"),
	jailed("hosts, address in another spelling", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.02 odd.example\n127.2 short.example\n"}, "connect from"),
	jailed("hosts, name only as alias", "127.0.0.2", map[string]string{"@QUEUE/etc/hosts": "127.0.0.2 canonical.example alias.example\n127.0.0.99 alias.example\n"}, "connect from canonical.example[127.0.0.2]"),
	jailed("hosts, name leads elsewhere", "127.0.0.20", map[string]string{"@QUEUE/etc/hosts": "127.0.0.99 good.dns.example\n"}, "does not resolve to address"),
	six("IPv6", nil, "connect from localhost[::1]", `log_client_address=IPv6:::1"`, `client_address=::1"`, "client_address_type=10", "(localhost [IPv6:::1])"),
	six("IPv6, port logging", []string{"qmqpd_client_port_logging = yes"}, "connect from localhost[::1]:PORT0", "log_message_origin=localhost[::1]:PORT0"),
	six("IPv6 not enabled", []string{"inet_protocols = ipv4"}, `fatal: cannot handle socket type AF_INET6 with "inet_protocols = ipv4"`, "exit 1"),
	{Name: "IPv6, name unknown", Listen: []string{"::1"}, Files: map[string]string{"@QUEUE/etc/hosts": "127.0.0.1 localhost\n"}, Clients: ok, Want: []string{"connect from unknown[::1]"}},
	{Name: "IPv6, name of the other family", Listen: []string{"::1"}, Files: map[string]string{"@QUEUE/etc/hosts": "::1 v6.example\n127.0.0.1 v6.example\n"}, Clients: ok, Want: []string{"connect from v6.example[::1]"}},
	{Name: "IPv6, name leads to IPv4 only", Listen: []string{"::1"}, Files: map[string]string{"@QUEUE/etc/hosts": "127.0.0.1 six.test\n"}, Clients: ok, Want: []string{"connect from"}},
	{Name: "IPv4 not enabled", IPv6: true, Main: []string{"inet_protocols = ipv6"}, Clients: ok, Want: []string{"fatal: cannot handle socket type AF_INET with \"inet_protocols = ipv6\"", "exit 1"}},
	{Name: "no protocol enabled", Main: []string{"inet_protocols ="}, Clients: ok, Want: []string{"fatal: all network protocols are disabled (inet_protocols = )", "exit 1"}},
	{Name: "no protocol enabled, unix", Listen: []string{"unix"}, Main: []string{"inet_protocols ="}, Clients: ok, Want: []string{"exit"}},
	mapped("mapped", nil, "connect from localhost[127.0.0.1]", "client_address_type=2"),
	withIPv6(mapped("mapped, ipv4 disabled", []string{"inet_protocols = ipv6"}, "connect from unknown[::ffff:127.0.0.1]", "is not authorized")),
	mapped("mapped, ipv6 disabled", []string{"inet_protocols = ipv4"}, `fatal: cannot handle socket type AF_INET6 with "inet_protocols = ipv4"`),
	withIPv6(mapped("mapped, ipv4 disabled, list of mapped", []string{"inet_protocols = ipv6", "qmqpd_authorized_clients = [::ffff:127.0.0.0]/104"}, "KOk", "client_address_type=10")),
	mapped("mapped, list of mapped", []string{"qmqpd_authorized_clients = [::ffff:127.0.0.0]/104"}, "is not authorized"),
	mapped("mapped, port logging", []string{"qmqpd_client_port_logging = yes"}, "connect from localhost[127.0.0.1]:PORT0"),
	{Name: "port logging", Main: []string{"qmqpd_client_port_logging = yes"}, Clients: []judges.Client{{Send: plain}, {Send: "x"}, {Send: "1", HalfClose: true}}, Want: []string{"ABCDEF12345: client=localhost[127.0.0.1]:PORT0", "log_message_origin=localhost[127.0.0.1]:PORT0", "localhost[127.0.0.1]:PORT1: netstring format error"}},
	{Name: "port logging, unauthorised", Main: []string{"qmqpd_client_port_logging = yes", "qmqpd_authorized_clients ="}, Clients: ok, Want: []string{"DError: localhost[127.0.0.1]:PORT0 is not authorized"}},
	{Name: "privileges, unprivileged by -o", Argv: []string{"qmqpd", "-n", "628", "-t", "inet"}, Clients: ok, Want: []string{"incorrect QMQP server privileges: uid=0 euid=0"}},
	{Name: "several clients", Clients: []judges.Client{{Send: plain, From: "127.0.0.1"}, {Send: plain, From: "127.0.0.2"}, {Send: plain, From: "127.0.0.20"}, {Send: plain, From: "127.0.0.21"}}, Want: []string{"Two.Example.org", "Good.DNS.example"}},
}

// list is a row about qmqpd_authorized_clients: the client at that address is
// let in or not, or its list is broken.
func list(value, addr, want string) judges.Row {
	row := from(value+" for "+addr, addr, want)
	row.Main = []string{"qmqpd_authorized_clients = " + value}
	return row
}

// exact is list without parent domain matching.
func exact(value, addr, want string) judges.Row {
	row := list(value, addr, want)
	row.Name += ", exact"
	row.Main = append(row.Main, "parent_domain_matches_subdomains =")
	return row
}

// list6 is list for the client ::1.
func list6(value, want string) judges.Row {
	return judges.Row{Name: value + " for ::1", Listen: []string{"::1"}, Main: []string{"qmqpd_authorized_clients = " + value}, Clients: ok, Want: []string{want}}
}

// table is a row with a lookup table of that type, made of the text.
func table(kind, text, addr, want string) judges.Row {
	row := list(kind+":@CONF/table", addr, want)
	row.Name += " " + text
	row.Files = map[string]string{"@CONF/table": text + "\n"}
	switch kind {
	case "hash", "btree", "cdb", "lmdb", "sdbm":
		row.Commands = []string{"/usr/sbin/postmap -c /etc/postfix " + kind + ":@CONF/table"}
	}
	return row
}

const (
	in  = "KOk: queued as"
	out = "is not authorized to use this service"
	bad = "ZError: server configuration error"
)

// accessRows are about qmqpd_authorized_clients: contract section 6.3.
var accessRows = []judges.Row{
	list("", "127.0.0.1", out),
	list("127.0.0.1", "127.0.0.1", in),
	list("127.0.0.1", "127.0.0.2", out),
	list("127.0.0.2, 127.0.0.1", "127.0.0.1", in),
	list("127.0.0.2 127.0.0.1", "127.0.0.1", in),
	list("127.0.0.2,,\t,127.0.0.1,", "127.0.0.1", in),
	list("{ 127.0.0.1 }", "127.0.0.1", out),
	list("{127.0.0.1}", "127.0.0.1", out),
	list("127.0.0.0/8", "127.0.0.1", in),
	list("127.0.0.0/30", "127.0.0.3", in),
	list("127.0.0.0/30", "127.0.0.5", out),
	list("0.0.0.0/0", "127.0.0.1", in),
	list("127.0.0.1/32", "127.0.0.1", in),
	list("127.0.0.1/8", "127.0.0.1", bad),
	list("127.0.0.0/33", "127.0.0.1", bad),
	list("127.0.0.0/x", "127.0.0.1", out),
	list("127.0.0.0/", "127.0.0.1", "exit"),
	list("127.0.0.0/-1", "127.0.0.1", out),
	list("127.0.0.0/08", "127.0.0.1", "exit"),
	list("127.0.0/24", "127.0.0.1", "exit"),
	list("256.0.0.0/8", "127.0.0.1", "exit"),
	list("127.0.0.1, 127.0.0.1/8", "127.0.0.1", in),
	list("127.0.0.1/8, 127.0.0.1", "127.0.0.1", bad),
	list("127.0.0.2, 127.0.0.1/8", "127.0.0.1", bad),
	list("127.0.0", "127.0.0.1", out),
	list("127", "127.0.0.1", out),
	list("127.0.0.", "127.0.0.1", out),
	list("127.0.0.01", "127.0.0.1", out),
	list("0127.0.0.1", "127.0.0.1", out),
	list("[127.0.0.1]", "127.0.0.1", in),
	list("[127.0.0.0]/8", "127.0.0.1", in),
	list("[127.0.0.1", "127.0.0.1", "exit"),
	list("[127.0.0.1]x", "127.0.0.1", "exit"),
	list("[]", "127.0.0.1", "exit"),
	list("[::1]", "127.0.0.1", out),
	list("[::]/0", "127.0.0.1", out),
	list6("[::1]", in),
	list6("[0:0:0:0:0:0:0:1]", in),
	list6("[0:0::0:1]", in),
	list6("[::1]/128", in),
	list6("[::]/0", in),
	list6("[::2]", out),
	list6("[::]/127", in),
	list6("[::1]/64", bad),
	list6("[::]/129", bad),
	list6("0.0.0.0/0", out),
	list6("127.0.0.0/8", out),
	list6("localhost", in),
	list6("unknown", out),
	list6("![::1], [::]/0", out),
	list6("[ipv6:::1]", "exit"),
	list6("[::ffff:127.0.0.1]", out),
	list6("[::G]", "exit"),
	list("!127.0.0.1, 127.0.0.0/8", "127.0.0.1", out),
	list("!127.0.0.1, 127.0.0.0/8", "127.0.0.2", in),
	list("!!127.0.0.1", "127.0.0.1", in),
	list("!!!127.0.0.1, 127.0.0.0/8", "127.0.0.1", out),
	list("! 127.0.0.1", "127.0.0.1", "no pattern after '!'"),
	list("127.0.0.0/8, !127.0.0.1", "127.0.0.1", in),
	list("!127.0.0.0/8", "127.0.0.1", out),
	list("localhost", "127.0.0.1", in),
	list("LOCALHOST", "127.0.0.1", in),
	list("two.example.ORG", "127.0.0.2", in),
	list("example.org", "127.0.0.2", in),
	list(".example.org", "127.0.0.2", out),
	list("org", "127.0.0.2", in),
	list("xample.org", "127.0.0.2", out),
	list("two", "127.0.0.2", out),
	list("*", "127.0.0.1", out),
	list("*.example.org", "127.0.0.2", out),
	list("allowed.example", "127.0.0.5", in),
	list("allowed.example", "127.0.0.9", in),
	list("sub.allowed.example", "127.0.0.9", out),
	list("!sub.allowed.example, allowed.example", "127.0.0.5", out),
	list("unknown", "127.0.0.77", in),
	list("unknown", "127.0.0.1", out),
	list("!unknown, 127.0.0.0/8", "127.0.0.77", out),
	list("!unknown, 127.0.0.0/8", "127.0.0.1", in),
	list("good.dns.example", "127.0.0.20", in),
	list("elsewhere.example", "127.0.0.21", out),
	exact("example.org", "127.0.0.2", out),
	exact(".example.org", "127.0.0.2", in),
	exact("two.example.org", "127.0.0.2", in),
	exact(".two.example.org", "127.0.0.2", out),
	exact(".org", "127.0.0.2", in),
	exact("allowed.example", "127.0.0.9", in),
	exact(".allowed.example", "127.0.0.9", out),
	list("$mynetworks", "127.0.0.1", in),
	list("$undefined", "127.0.0.1", out),
	list("${undefined:127.0.0.1}", "127.0.0.1", in),
	list("ALL", "127.0.0.1", out),
	list("static:x", "127.0.0.1", in),
	list("static:", "127.0.0.1", "exit"),
	list("!static:x", "127.0.0.1", out),
	list("static:{a b}", "127.0.0.1", "exit"),
	list("{static:a b}", "127.0.0.1", bad),
	list("inline:{127.0.0.1=x}", "127.0.0.1", in),
	list("inline:{127.0.0.1=x}", "127.0.0.2", out),
	list("inline:{{127.0.0.1 = a b}, localhost=y}", "127.0.0.1", in),
	list("inline:{localhost=}", "127.0.0.1", "exit"),
	list("inline:{localhost}", "127.0.0.1", "exit"),
	list("inline:{}", "127.0.0.1", "exit"),
	list("inline:{LocalHost=x}", "127.0.0.1", out),
	list("inline:{example.org=x}", "127.0.0.2", "exit"),
	list("inline:{.example.org=x}", "127.0.0.2", "exit"),
	exact("inline:{.example.org=x}", "127.0.0.2", "exit"),
	list("fail:x", "127.0.0.1", bad),
	list("environ:x", "127.0.0.1", out),
	list("foo:x", "127.0.0.1", bad),
	list("hash:/nonexistent", "127.0.0.1", bad),
	list("btree:/nonexistent", "127.0.0.1", bad),
	list("lmdb:/nonexistent", "127.0.0.1", bad),
	list("cdb:/nonexistent", "127.0.0.1", bad),
	list("texthash:/nonexistent", "127.0.0.1", bad),
	list("cidr:/nonexistent", "127.0.0.1", bad),
	list("pcre:/nonexistent", "127.0.0.1", bad),
	list("regexp:/nonexistent", "127.0.0.1", bad),
	list("sqlite:/nonexistent", "127.0.0.1", "exit"),
	list("tcp:127.0.0.1:1", "127.0.0.1", "exit"),
	list("unix:passwd.byname", "127.0.0.1", "exit"),
	list("!hash:/nonexistent", "127.0.0.1", bad),
	list("127.0.0.1, hash:/nonexistent", "127.0.0.1", in),
	list("127.0.0.2, hash:/nonexistent", "127.0.0.1", bad),
	list("hash:/nonexistent, 127.0.0.1", "127.0.0.1", bad),
	list("/nonexistent", "127.0.0.1", bad),
	list("127.0.0.1, /nonexistent", "127.0.0.1", in),
	list("127.0.0.1, /nonexistent", "127.0.0.2", bad),
	list("!/nonexistent", "127.0.0.1", bad),
	list("/", "127.0.0.1", "exit"),
	list("/etc", "127.0.0.1", "exit"),
	fileList("127.0.0.1", "@CONF/list", "127.0.0.1", in),
	fileList("127.0.0.1", "!@CONF/list, 127.0.0.0/8", "127.0.0.1", out),
	fileList("127.0.0.1", "!@CONF/list, 127.0.0.0/8", "127.0.0.2", in),
	fileList("!127.0.0.1\n127.0.0.0/8", "@CONF/list", "127.0.0.1", out),
	fileList("!127.0.0.1\n127.0.0.0/8", "!@CONF/list", "127.0.0.1", in),
	fileList("# comment\n\n127.0.0.2,\n   127.0.0.1", "@CONF/list", "127.0.0.1", in),
	fileList("127.0.0.2 127.0.0.1 # no comment", "@CONF/list", "127.0.0.1", "exit"),
	fileList("127.0.0.1 # no comment, and too long to be told whole", "@CONF/list", "127.0.0.1", "not allowed: # no comment, and too ..."),
	fileList("", "@CONF/list", "127.0.0.1", out),
	fileList("/rows/none", "@CONF/list", "127.0.0.1", bad),
	fileList("static:x", "@CONF/list", "127.0.0.1", in),
	fileList("$mynetworks", "@CONF/list", "127.0.0.1", out),
	fileList("::1", "@CONF/list", "127.0.0.1", "exit"),
	fileList("!", "@CONF/list", "127.0.0.1", "exit"),
	fileList("127.0.0.1/8", "@CONF/list", "127.0.0.1", bad),
	fileList("127.0.0.2\n127.0.0.1\x00 x\n # \x00", "@CONF/list", "127.0.0.1", "line 1-2: text after null byte may be ignored"),
	table("hash", "127.0.0.1 x", "127.0.0.1", in),
	table("hash", "127.0.0.1 x", "127.0.0.2", out),
	table("hash", "localhost x", "127.0.0.1", in),
	table("hash", "Two.example.ORG x", "127.0.0.2", in),
	table("hash", "example.org x", "127.0.0.2", in),
	table("hash", ".example.org x", "127.0.0.2", out),
	table("hash", "127.0.0 x", "127.0.0.1", out),
	table("hash", "unknown x", "127.0.0.77", in),
	table("btree", "127.0.0.1 x", "127.0.0.1", in),
	table("cdb", "127.0.0.1 x", "127.0.0.1", in),
	table("cdb", "example.org x", "127.0.0.2", in),
	table("lmdb", "127.0.0.1 x", "127.0.0.1", in),
	table("lmdb", "example.org x", "127.0.0.2", in),
	table("texthash", "127.0.0.1 x", "127.0.0.1", in),
	table("texthash", "example.org x", "127.0.0.2", "exit"),
	table("texthash", "127.0.0.1", "127.0.0.1", "exit"),
	table("texthash", "127.0.0.1 x\n127.0.0.1 y", "127.0.0.1", "exit"),
	table("cidr", "127.0.0.0/8 x", "127.0.0.1", in),
	table("cidr", "127.0.0.1/8 x", "127.0.0.1", "exit"),
	table("cidr", "!127.0.0.1 x", "127.0.0.1", out),
	table("cidr", "127.0.0.2 x\nif 127.0.0.0/8\n127.0.0.1 y\nendif", "127.0.0.1", in),
	table("cidr", "junk", "127.0.0.1", "exit"),
	table("cidr", "::/0 x", "127.0.0.1", out),
	table("pcre", "/^127\\./ x", "127.0.0.1", in),
	table("pcre", "/local(host)/ $1", "127.0.0.1", in),
	table("pcre", "/LOCALHOST/ x", "127.0.0.1", in),
	table("pcre", "/LOCALHOST/i x", "127.0.0.1", out),
	table("pcre", "!/x/ y", "127.0.0.1", in),
	table("pcre", "/(/ x", "127.0.0.1", "exit"),
	table("regexp", "/^127\\./ x", "127.0.0.1", in),
	table("regexp", "/example/ x", "127.0.0.2", in),
	table("regexp", "/(/ x", "127.0.0.1", "exit"),
	{Name: "daemon_table_open_error_is_fatal, pcre", Main: []string{"daemon_table_open_error_is_fatal = yes", "qmqpd_authorized_clients = pcre:/nonexistent"}, Want: fatal("open /nonexistent: No such file or directory")},
	{Name: "daemon_table_open_error_is_fatal, file", Main: []string{"daemon_table_open_error_is_fatal = yes", "qmqpd_authorized_clients = /nonexistent"}, Want: fatal("open file /nonexistent: No such file or directory")},
	{Name: "daemon_table_open_error_is_fatal, type", Main: []string{"daemon_table_open_error_is_fatal = yes", "qmqpd_authorized_clients = foo:x"}, Want: fatal("unsupported dictionary type: foo")},
	{Name: "table in the jail is opened before it", Main: []string{"qmqpd_authorized_clients = hash:/rows/table"}, Files: map[string]string{"/rows/table": "127.0.0.1 x\n"}, Commands: []string{"/usr/sbin/postmap -c /etc/postfix hash:/rows/table"}, Clients: ok, Want: []string{in}},
	indexedDirectory("hash", ".db", "error: open database /rows/"),
	indexedDirectory("btree", ".db", "error: open database /rows/"),
	indexedDirectory("lmdb", ".lmdb", "error: open database /rows/"),
	indexedDirectory("cdb", ".cdb", "fatal: dict_cdbq_open: unable to init /rows/"),
	aged("hash", ".db"),
	aged("btree", ".db"),
	aged("lmdb", ".lmdb"),
	aged("cdb", ".cdb"),
	list("texthash:/etc", "127.0.0.1", "fatal: read /etc: Is a directory"),
	{Name: "broken table in debug_peer_list", Main: []string{"debug_peer_list = fail:x"}, Clients: ok, Want: []string{"debug_peer_list: fail:x: table lookup problem", in}},
	{Name: "table in debug_peer_list that cannot be asked", Main: []string{"debug_peer_list = socketmap:inet:127.0.0.1:1x:m"}, Clients: ok, Want: []string{"fatal: 127.0.0.1:1x: garbage after numerical service", "exit 1"}},
	{Name: "table without permission for mail_owner", Main: []string{"qmqpd_authorized_clients = hash:@CONF/t"}, Files: map[string]string{"@CONF/t": "127.0.0.1 x\n"}, Commands: []string{"/usr/sbin/postmap -c /etc/postfix hash:@CONF/t", "/usr/bin/chmod 600 @CONF/t.db"}, Clients: ok, Want: []string{in}},
	{Name: "parent_domain_matches_subdomains with others", Main: []string{"parent_domain_matches_subdomains = debug_peer_list,smtpd_access_maps", "qmqpd_authorized_clients = example.org"}, Clients: []judges.Client{{From: "127.0.0.2", Send: plain}}, Want: []string{out}},
	{Name: "parent_domain_matches_subdomains with ours", Main: []string{"parent_domain_matches_subdomains = x, qmqpd_authorized_clients", "qmqpd_authorized_clients = example.org"}, Clients: []judges.Client{{From: "127.0.0.2", Send: plain}}, Want: []string{in}},
	{Name: "parent_domain_matches_subdomains, upper case", Main: []string{"parent_domain_matches_subdomains = QMQPD_AUTHORIZED_CLIENTS", "qmqpd_authorized_clients = example.org"}, Clients: []judges.Client{{From: "127.0.0.2", Send: plain}}, Want: []string{in}},
	{Name: "list of UTF-8 names", Main: []string{"qmqpd_authorized_clients = M\u00dcLLER.example, 127.0.0.1"}, Clients: ok, Want: []string{in}},
	{Name: "long list", Main: []string{"qmqpd_authorized_clients = " + longList()}, Clients: ok, Want: []string{in}},
}

// indexedDirectory is a row with a folder where the file of a table should be.
func indexedDirectory(kind, suffix, want string) judges.Row {
	row := named(kind+" table is a folder", list(kind+":@CONF/table", "127.0.0.1", want))
	row.Commands = []string{"/usr/bin/mkdir @CONF/table" + suffix}
	return row
}

// aged is a row with a table that seems to be from before 1970, and so older than
// its source.
func aged(kind, suffix string) judges.Row {
	row := named(kind+" table before 1970", table(kind, "127.0.0.1 x", "127.0.0.1", "is older than source file"))
	row.Commands = append(row.Commands, "/usr/bin/touch -d 1969-01-01T00:00:00Z @CONF/table"+suffix)
	row.Clients = append(row.Clients, judges.Client{Send: plain})
	row.Want = append(row.Want, ": negative time stamp", in)
	return row
}

// fileList is a row whose list names a file with that text.
func fileList(text, value, addr, want string) judges.Row {
	row := list(value, addr, want)
	row.Name = "file " + text + ": " + row.Name
	row.Files = map[string]string{"@CONF/list": text + "\n"}
	return row
}

// longList has a thousand networks, the client's last.
func longList() string {
	var b []byte
	for n := range 1000 {
		b = append(b, "10."...)
		b = append(b, byte('0'+n/100), '.')
		b = append(b, byte('0'+n/10%10), '.', byte('0'+n%10), ' ')
	}
	return string(b) + "127.0.0.1"
}
