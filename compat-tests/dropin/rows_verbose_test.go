package dropin

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// verbose is a row with option -v once, of which every log line is compared.
func verbose(row judges.Row) judges.Row {
	row.Args = append([]string{"-v"}, row.Args...)
	row.Ignore = libraryLines
	return row
}

// twice is a row with option -v twice, of which all is compared that
// docs/compatibility.md does not leave out.
func twice(row judges.Row) judges.Row {
	row.Args = append([]string{"-v", "-v"}, row.Args...)
	row.Ignore = append([]string{"dict_lookup: ", "dict_eval: ", "mac_parse: ", "dict_update: ", "watchdog_", "inet_addr_list_append: ", "dymap_", "dict_open_lookup: ", "dict_open_register: ", "dict_register: ", "loaded dict_", "loaded mkmap_"}, libraryLines...)
	return row
}

// libraryLines tell of a library that ours does not have: see
// docs/compatibility.md.
var libraryLines = []string{"against Berkeley DB: "}

// idle waits until the server ends by itself.
func idle(s *judges.Scene) {
	s.Client("client", judges.Client{Send: plain})
	s.WaitSession()
	s.WaitEnd()
}

// verboseRows are about what -v tells that no other row gives an occasion for.
var verboseRows = []judges.Row{
	verbose(judges.Row{Name: "three clients", Clients: []judges.Client{{Send: plain}, {Send: "x"}, {Send: plain}}, Want: []string{"name_mask: all\n", "inet_addr_local: configured ", "process generation: 7 (7)", "master_notify: status 0", "master disconnect -- exiting"}}),
	verbose(judges.Row{Name: "no generation", Env: []string{"GENERATION"}, Clients: ok, Want: queued}),
	verbose(judges.Row{Name: "odd generation", Env: []string{"GENERATION=0178"}, Clients: ok, Want: []string{"process generation: 0178 (17)"}}),
	verbose(judges.Row{Name: "large generation", Env: []string{"GENERATION=77777777777777"}, Clients: ok, Want: []string{"process generation: 77777777777777 (37777777777)"}}),
	verbose(judges.Row{Name: "inet_protocols", Main: []string{"inet_protocols = ipv4, ipv6,ipv4"}, Clients: ok, Want: []string{"name_mask: ipv6", "name_mask: ipv4"}}),
	verbose(judges.Row{Name: "inet_protocols ipv4", Main: []string{"inet_protocols = ipv4"}, Clients: ok, Want: []string{"IPv4 addresses"}}),
	verbose(judges.Row{Name: "inet_protocols with an unknown word", Main: []string{"inet_protocols = ipv4, ipv5"}, Want: []string{"name_mask: ipv4", "fatal: unknown inet_protocols"}}),
	verbose(judges.Row{Name: "no inet_protocols", Listen: []string{"unix"}, Main: []string{"inet_protocols =", "-mynetworks"}, Clients: ok, Want: []string{"skipping mynetworks setting", "skipping inet_interfaces setting"}}),
	verbose(judges.Row{Name: "inet_interfaces loopback-only", Main: []string{"inet_interfaces = loopback-only", "-mynetworks"}, Clients: ok, Want: []string{"inet_addr_local: "}}),
	verbose(judges.Row{Name: "inet_interfaces by name", Main: []string{"inet_interfaces = localhost, 127.0.0.1", "-mynetworks"}, Clients: ok, Want: []string{"inet_addr_local: "}}),
	verbose(judges.Row{Name: "inet_interfaces of nobody", Main: []string{"inet_interfaces = 198.51.100.1"}, Want: []string{"inet_addr_local: ", "fatal: parameter inet_interfaces"}}),
	verbose(judges.Row{Name: "no inet_interfaces", Main: []string{"inet_interfaces =", "-mynetworks"}, Clients: ok, Want: []string{"inet_addr_local: "}}),
	verbose(judges.Row{Name: "no inet_interfaces, but mynetworks", Main: []string{"inet_interfaces ="}, Clients: ok, Want: []string{"inet_addr_local: "}}),
	verbose(judges.Row{Name: "mynetworks by class", IPv6: true, Main: []string{"mynetworks_style = class", "-mynetworks"}, Clients: ok, Want: []string{"name_mask: class", "been_here: 127.0.0.0/8: 0", "mynetworks_core: 127.0.0.0/8 "}}),
	verbose(judges.Row{Name: "mynetworks by subnet", Main: []string{"mynetworks_style = subnet", "-mynetworks"}, Clients: ok, Want: []string{"name_mask: subnet"}}),
	verbose(judges.Row{Name: "mynetworks by host", Main: []string{"mynetworks_style = host", "-mynetworks"}, Clients: ok, Want: []string{"name_mask: host"}}),
	verbose(judges.Row{Name: "mynetworks by two styles", Main: []string{"mynetworks_style = host class", "-mynetworks"}, Want: []string{"name_mask: host", "fatal: bad mynetworks_style"}}),
	verbose(judges.Row{Name: "warnings before and after", Main: []string{"known_tcp_ports = x", "maillog_file_permissions = 777", "-mynetworks"}, Clients: ok, Want: []string{"warning: known_tcp_ports", "warning: ignoring bad permissions", "mynetworks_core"}}),
	verbose(judges.Row{Name: "error after it was told", Main: []string{"relayhost = mx.example.org"}, Want: []string{"inet_addr_local: ", "fatal: myhostname and relayhost"}}),
	verbose(judges.Row{Name: "error before more would be told", Main: []string{"max_use = 0"}, Want: []string{"name_mask: all", "fatal: invalid max_use"}}),
	verbose(judges.Row{Name: "facility", Main: []string{"syslog_facility = local3"}, Lasts: 300 * time.Millisecond, Want: []string{"log <158> postfix/qmqpd: name_mask: all"}}),
	verbose(judges.Row{Name: "port logging and -o", Args: []string{"-o", "qmqpd_client_port_logging=yes", "-o", "receive_override_options=no_milters, no_address_mappings"}, Clients: ok, Want: []string{"name_mask: no_milters", "name_mask: no_address_mappings"}}),
	verbose(judges.Row{Name: "receive_override_options with an unknown word", Main: []string{"receive_override_options = no_milters, no_such, no_address_mappings"}, Want: []string{"name_mask: no_milters", "fatal: unknown receive_override_options"}}),
	verbose(judges.Row{Name: "unix", Listen: []string{"unix"}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: queued}),
	verbose(judges.Row{Name: "idle end", Main: []string{"max_idle = 4"}, Play: idle, Want: []string{"idle timeout -- exiting"}}),
	verbose(judges.Row{Name: "max_use", Main: []string{"max_use = 1"}, Play: idle, Want: []string{"connection closed"}}),
	verbose(judges.Row{Name: "status channel ends in a session", Play: statusEnds, Want: []string{"master_notify: status 1: Broken pipe"}}),
	verbose(judges.Row{Name: "table changes", Main: []string{"qmqpd_authorized_clients = cdb:@CONF/clients"}, Files: map[string]string{"@CONF/clients": "127.0.0.1 x\n"},
		Commands: []string{"/usr/sbin/postmap -c /etc/postfix cdb:@CONF/clients"}, Play: changing("@CONF/clients.cdb"), Want: []string{"dict_open: cdb:", "has changed -- restarting"}}),
	verbose(judges.Row{Name: "mydestination", Main: []string{"mydestination = inline:{a=b}, @CONF/file, example.org"}, Files: map[string]string{"@CONF/file": "static:x\n"}, Clients: ok, Want: []string{"dict_open: internal:{a=b}", "dict_open: inline:{a=b}", "dict_open: static:x"}}),
	verbose(judges.Row{Name: "one table in two lists", Main: []string{"qmqpd_authorized_clients = static:x", "debug_peer_list = !static:x", "mydestination = static:x"}, Clients: ok, Want: []string{"dict_open: static:x"}}),
	verbose(judges.Row{Name: "parent_domain_matches_subdomains in tables", Main: []string{"parent_domain_matches_subdomains = regexp:{{/x/ y}}, cidr:{{10.0.0.1 x}}, !fail:z", "debug_peer_list = 10.0.0.1"}, Clients: ok, Want: []string{"dict_regexp_lookup: {{/x/ y}}: "}}),
	verbose(judges.Row{Name: "parent_domain_matches_subdomains without a match", Main: []string{"parent_domain_matches_subdomains = !a, b", "debug_peer_list = 10.0.0.1"}, Clients: ok, Want: []string{"match_list_match: debug_peer_list: no match"}}),
	verbose(judges.Row{Name: "cidr rules", Main: []string{"qmqpd_authorized_clients = cidr:@CONF/rules"}, Files: map[string]string{"@CONF/rules": `10.0.0.0/8 ten
bad x
if !192.0.2.0/24
[::1.2.3.4/126] dotted
2001:DB8::/32   ` + strings.Repeat("long ", 20) + `
!127.0.0.1 not
endif
0.0.0.0/0 any
`}, Clients: ok, Want: []string{"dict_cidr_open: add 10.0.0.0/8 ten", "dict_cidr_open: add 192.0.2.0/24 \n", "dict_cidr_open: add ::1.2.3.4/126 dotted", "dict_cidr_lookup: "}}),
	verbose(judges.Row{Name: "parent_domain_matches_subdomains by a table", Main: []string{"parent_domain_matches_subdomains = inline:{qmqpd_authorized_clients=x}", "qmqpd_authorized_clients = allowed.example"}, Clients: []judges.Client{{Send: plain, From: "127.0.0.5"}}, Want: []string{"KOk"}}),
	verbose(judges.Row{Name: "parent_domain_matches_subdomains, not by a table", Main: []string{"parent_domain_matches_subdomains = !inline:{qmqpd_authorized_clients=x}, qmqpd_authorized_clients", "qmqpd_authorized_clients = allowed.example"}, Clients: []judges.Client{{Send: plain, From: "127.0.0.5"}}, Want: []string{"not authorized"}}),
	verbose(judges.Row{Name: "error for the address alone", Main: []string{"qmqpd_authorized_clients = socketmap:unix:private/map:a"}, Serve: map[string]func(net.Conn){"@QUEUE/private/map": namesOnly}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{"warning: qmqpd_authorized_clients: socketmap:unix:private/map:a: table lookup problem"}}),
	verbose(judges.Row{Name: "cleanup cannot be reached", NoCleanup: true, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.Send(c, judges.Client{Send: plain})
		s.WaitLog("connect #1 to subsystem public/cleanup")
		s.ListenCleanup()
		s.Reply("client", c)
		s.WaitSession()
	}, Want: []string{"connect to subsystem public/cleanup: No such file or directory"}}),
	twice(judges.Row{Name: "twice", Clients: []judges.Client{{Send: plain}, {Send: "x"}}, Want: []string{"chroot /rows/"}}),
	twice(judges.Row{Name: "twice, no jail", Open: true, Clients: ok, Want: []string{"chroot (none) user postfix"}}),
	twice(judges.Row{Name: "twice, no jail and root", Open: true, Root: true, Clients: ok, Want: []string{"chroot (none) user (none)"}}),
	twice(judges.Row{Name: "twice, young main.cf", Hot: true, Clients: ok, Want: queued}),
	twice(judges.Row{Name: "twice, mapped address", Listen: []string{"::"}, Clients: []judges.Client{{Send: plain, To: "127.0.0.1"}}, Want: []string{"qmqpd_peer_init: rewriting V4-mapped address"}}),
	twice(judges.Row{Name: "twice, tables", Main: []string{"qmqpd_authorized_clients = inline:{x=y}, cidr:{{10.0.0.1 x}}, regexp:{{/q/ y}}, pcre:{{/q/ y}}, static:z"}, Clients: ok, Want: []string{"lookup inline:{x=y} localhost: notfound"}}),
	twice(judges.Row{Name: "twice, other tables", Main: []string{"qmqpd_authorized_clients = hash:@CONF/table, cdb:@CONF/table, btree:@CONF/table, texthash:@CONF/table, lmdb:@CONF/table, unionmap:{environ:x}, pipemap:{fail:x}"}, Files: map[string]string{"@CONF/table": "b.example x\n"},
		Commands: []string{"/usr/sbin/postmap -c /etc/postfix hash:@CONF/table", "/usr/sbin/postmap -c /etc/postfix cdb:@CONF/table", "/usr/sbin/postmap -c /etc/postfix btree:@CONF/table", "/usr/sbin/postmap -c /etc/postfix lmdb:@CONF/table"}, Clients: ok, Want: []string{"notfound"}}),
	verbose(judges.Row{Name: "bad names of tables", Main: []string{"qmqpd_authorized_clients = 127.0.0.1, nosuch:x, inline:{}, pipemap:x, cdb:/nonexistent, texthash:/nonexistent, cidr:/nonexistent, /nonexistent"}, Clients: ok, Want: []string{"dict_open: inline:{}", "dict_open: pipemap:x", "dict_open: cdb:/nonexistent"}}),
	verbose(judges.Row{Name: "inline with a fault", Main: []string{"qmqpd_authorized_clients = 127.0.0.1, inline:{a}"}, Clients: ok, Want: []string{"dict_open: internal:{a}"}}),
	verbose(judges.Row{Name: "tables of tables", Main: []string{"qmqpd_authorized_clients = pipemap:{inline:{localhost=x},regexp:{{/x/ y}}}, unionmap:{cidr:{{10.0.0.1 x}},randmap:{a,b}}"}, Clients: ok, Want: []string{"dict_pipe_open: inline:{localhost=x}", "dict_regexp_lookup: {{/x/ y}}: x"}}),
	verbose(judges.Row{Name: "union of tables", Main: []string{"qmqpd_authorized_clients = unionmap:{cidr:{{10.0.0.1 x}},static:a}"}, Clients: ok, Want: []string{"dict_union_open: static:a", "dict_cidr_lookup: "}}),
	verbose(judges.Row{Name: "tables of tables with a fault", Main: []string{"qmqpd_authorized_clients = 127.0.0.1, pipemap:{static:x,y}"}, Clients: ok, Want: []string{"dict_pipe_open: y"}}),
	verbose(judges.Row{Name: "other simple tables", Main: []string{"qmqpd_authorized_clients = environ:x, fail:x, internal:x, pcre:{{/^x/ y}}, unix:passwd.byname, 127.0.0.1"}, Clients: ok, Want: []string{"dict_open: environ:x", "dict_open: fail:x"}}),
	verbose(named("lmdb", table("lmdb", "127.0.0.1 x", "127.0.0.1", "database lmdb:"))),
	verbose(named("lmdb in a small map", judges.Row{
		Main: []string{"qmqpd_authorized_clients = lmdb:@CONF/table"}, Args: []string{"-o", "lmdb_map_size=20000"},
		Files:    map[string]string{"@CONF/table": "127.0.0.1 x\n"},
		Commands: []string{"/usr/sbin/postmap -c /etc/postfix lmdb:@CONF/table"}, Clients: ok, Want: []string{"using size limit "}})),
	verbose(judges.Row{Name: "proxy", Main: []string{"qmqpd_authorized_clients = proxy:static:a, proxy:cidr:b", "ipc_idle = 30s"}, Serve: map[string]func(net.Conn){"@QUEUE/private/proxymap": proxymap}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{"connect to subsystem private/proxymap", "dict_proxy_open: connect to map=static:a status=0 server_flags=pattern", "dict_proxy_lookup: table=cidr:b flags=lock|utf8_request key=localhost -> status=0 result=yes"}}),
	verbose(judges.Row{Name: "socketmap", Main: []string{"qmqpd_authorized_clients = socketmap:unix:private/map:a, socketmap:unix:private/map:b"}, Serve: map[string]func(net.Conn){"@QUEUE/private/map": socketmap}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{"auto_clnt_create: transport=unix endpoint=private/map", "dict_sockmap_lookup: key localhost", "auto_clnt_open: connected to private/map"}}),
	verbose(judges.Row{Name: "socketmap without a server", Main: []string{"qmqpd_authorized_clients = socketmap:unix:private/map:a"}, Clients: ok, Want: []string{"dict_sockmap_lookup: key localhost", "warning: connect to private/map"}}),
}

// proxymap answers as proxymap(8): table static:a is one of patterns and lacks
// every key, others have every key.
func proxymap(c net.Conn) {
	io.WriteString(c, "protocol\x00proxymap_protocol\x00\x00")
	r := bufio.NewReader(c)
	for {
		attributes, err := readAttributes(r)
		if err != nil {
			return
		}
		lacks := attributes["table"] == "static:a"
		switch {
		case attributes["request"] == "open" && lacks:
			io.WriteString(c, "status\x000\x00flags\x0032\x00\x00")
		case attributes["request"] == "open":
			io.WriteString(c, "status\x000\x00flags\x00262160\x00\x00")
		case lacks:
			io.WriteString(c, "status\x001\x00value\x00\x00\x00")
		default:
			io.WriteString(c, "status\x000\x00value\x00yes\x00\x00")
		}
	}
}

// readAttributes reads an attribute list.
func readAttributes(r *bufio.Reader) (map[string]string, error) {
	attributes := map[string]string{}
	for {
		name, err := r.ReadString(0)
		if err != nil || name == "\x00" {
			return attributes, err
		}
		value, err := r.ReadString(0)
		if err != nil {
			return nil, err
		}
		attributes[strings.TrimSuffix(name, "\x00")] = strings.TrimSuffix(value, "\x00")
	}
}

// socketmap has every key in map b and none in others.
func socketmap(c net.Conn) {
	answerSocketmap(c, func(request string) string {
		if strings.HasPrefix(request, "b ") {
			return "OK yes"
		}
		return "NOTFOUND "
	})
}

// namesOnly is a socketmap server that fails for addresses.
func namesOnly(c net.Conn) {
	answerSocketmap(c, func(request string) string {
		if strings.HasSuffix(request, ".1") {
			return "TEMP later"
		}
		return "NOTFOUND "
	})
}

// answerSocketmap answers one request after the other.
func answerSocketmap(c net.Conn, answer func(request string) string) {
	r := bufio.NewReader(c)
	for {
		request, err := readString(r)
		if err != nil {
			return
		}
		reply := answer(request)
		fmt.Fprintf(c, "%d:%s,", len(reply), reply)
	}
}

// readString reads a netstring.
func readString(r *bufio.Reader) (string, error) {
	var n int
	if _, err := fmt.Fscanf(r, "%d:", &n); err != nil {
		return "", err
	}
	text := make([]byte, n+1)
	_, err := io.ReadFull(r, text)
	return string(text[:n]), err
}

// TestVerboseTCP is about a table whose server has a port of its own.
func TestVerboseTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					switch lines.Text() {
					case "get localhost":
						io.WriteString(c, "500 not%20here\n")
					case "get 127.0.0.1":
						io.WriteString(c, "200 a%20value\n")
					case "get good.dns.example":
						io.WriteString(c, "200 m%FCller\n")
					default:
						io.WriteString(c, "400 later\n")
					}
				}
			}()
		}
	}()
	pair := judges.NewPair(t, dropInSite)
	for _, row := range []judges.Row{
		{Name: "found", Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{"trying... [127.0.0.1]", "dict_tcp_lookup: send: get localhost", "dict_tcp_lookup: not found: 500 not%20here", "dict_tcp_lookup: found: a value"}},
		{Name: "error", Clients: []judges.Client{{From: "127.0.0.2", Send: plain}}, Want: []string{"dict_tcp_lookup: soft error: 400 later"}},
		{Name: "not UTF-8", Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"dict_tcp_lookup: found: m_ller", "KOk"}},
	} {
		t.Run(row.Name, func(t *testing.T) {
			postfix.Case(t)
			row.Main = []string{"qmqpd_authorized_clients = tcp:" + l.Addr().String()}
			pair.Compare(t, verbose(row), nil)
		})
	}
}

// TestDropInVerbose runs all rows again under MAIL_VERBOSE, and compares every log
// line. Left out are those of more than one -v, of agreed differences, and of
// what the end of a process by a signal or a timer overtakes.
func TestDropInVerbose(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute more of the same rows")
	}
	pair := judges.NewPair(t, dropInSite)
	rows := maps.Clone(dropInRows)
	delete(rows, "verbose")
	delete(rows, "slow")
	t.Run("rows", func(t *testing.T) {
		for group, rows := range rows {
			for _, row := range rows {
				name := group + "/" + row.Name
				if notVerbose(name) {
					continue
				}
				row.Env = append(slices.Clone(row.Env), "MAIL_VERBOSE=")
				row.Verbose, row.Want, row.IPv6, row.Ignore = false, nil, false, libraryLines
				if slices.ContainsFunc(row.Main, func(line string) bool { return strings.HasPrefix(line, "debug_peer_list") }) {
					// Level 1 and 1 more.
					row.Args = append(slices.Clone(row.Args), "-o", "debug_peer_level=1")
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					postfix.Case(t)
					pair.Compare(t, row, nil)
				})
			}
		}
	})
}

// notVerbose names the rows that TestDropInVerbose leaves out.
func notVerbose(name string) bool {
	if slices.ContainsFunc(knownDifferences, func(k judges.Known) bool { return k.Row == name }) {
		return true
	}
	switch name {
	case "options/-v", "options/-vv", "options/-v three times", "options/unknown option in a cluster", "log/-v at start",
		"life/max_idle does not count in a session", `servers/socketmap answers ""`, "servers/socketmap:inet:b\u00fccher.example:1:m":
		return true
	}
	return strings.HasPrefix(name, "life/SIG") || strings.HasPrefix(name, "servers/memcache:")
}
