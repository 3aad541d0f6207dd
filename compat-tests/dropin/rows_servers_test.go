package dropin

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
)

// server is a row about a table's server, which is asked for the first client, and
// not for the second.
func server(spec, want string, files ...string) judges.Row {
	row := list("127.0.0.2, "+spec, "127.0.0.1", want)
	row.Name = spec
	row.Clients = append(row.Clients, judges.Client{From: "127.0.0.2", Send: plain})
	if len(files) > 0 {
		row.Name += " " + files[0]
		row.Files = map[string]string{"@CONF/settings": files[0] + "\n"}
	}
	return row
}

// protocols is a row about the server of a table in some address families.
func protocols(value, spec, want string) judges.Row {
	row := named(value+", "+spec, server(spec, want))
	row.Main = append(row.Main, "inet_protocols = "+value)
	return row
}

// settings is a row about a memcache table whose settings are in main.cf.
func settings(want string, lines ...string) judges.Row {
	return judges.Row{Name: "memcache:mc with " + strings.Join(lines, ", "), Main: append(lines, "qmqpd_authorized_clients = memcache:mc"), Clients: ok, Want: []string{want}}
}

// negativeTimeout is a row with a memcached whose time limit is below zero: an agreed
// difference.
func negativeTimeout() judges.Row {
	row := settings("", "mc_memcache = unix:private/mc", "mc_timeout = -1")
	row.Name, row.Want = "memcache:mc with a timeout below zero", []string{"TAKEN generation 7"}
	row.Serve = map[string]func(net.Conn){"@QUEUE/private/mc": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }}
	return row
}

// proxied is a row with a proxymap(8) that greets so, and answers first the request
// to open a table and then lookups: with the first text first, and with the last
// from then on. The empty text ends the connection, and "withheld" stands for none.
func proxied(name, greeting string, opens, lookups []string, want ...string) judges.Row {
	row := judges.Row{Name: "proxymap, " + name, Main: []string{"qmqpd_authorized_clients = proxy:static:a", "ipc_timeout = 1"}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: want}
	// The two programs share the server, but not its state.
	var mu sync.Mutex
	asked := map[string]int{}
	reply := func(c net.Conn, request string, replies []string) string {
		mu.Lock()
		defer mu.Unlock()
		key := fmt.Sprint(peerPID(c), request)
		n := min(asked[key], len(replies)-1)
		asked[key]++
		return replies[n]
	}
	row.Serve = map[string]func(net.Conn){"@QUEUE/private/proxymap": func(c net.Conn) {
		io.WriteString(c, greeting)
		for r := bufio.NewReader(c); ; {
			attributes, err := readAttributes(r)
			if err != nil {
				return
			}
			replies := lookups
			if attributes["request"] == "open" {
				replies = opens
			}
			text := reply(c, attributes["request"], replies)
			if text == "" {
				return
			}
			if text != "withheld" {
				io.WriteString(c, text)
			}
		}
	}}
	return row
}

// proxiedKind is a row with a proxymap(8) whose table has these flags, and only the
// parent domain of the client's name.
func proxiedKind(flags, want string) judges.Row {
	row := judges.Row{Name: "proxymap, table of flags " + flags, Main: []string{"qmqpd_authorized_clients = proxy:static:a"}, Clients: []judges.Client{{Send: plain, From: "127.0.0.5"}}, Want: []string{want}}
	row.Serve = map[string]func(net.Conn){"@QUEUE/private/proxymap": func(c net.Conn) {
		io.WriteString(c, proxyGreeting)
		for r := bufio.NewReader(c); ; {
			attributes, err := readAttributes(r)
			switch {
			case err != nil:
				return
			case attributes["request"] == "open":
				io.WriteString(c, statusOf(0, "flags", flags))
			case attributes["key"] == "allowed.example":
				io.WriteString(c, proxyFound[0])
			default:
				io.WriteString(c, statusOf(1, "value", ""))
			}
		}
	}}
	return row
}

// peerPID returns the process at the other end of a UNIX-domain socket.
func peerPID(c net.Conn) (pid int32) {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = cred.Pid
		}
	})
	return pid
}

// statusOf is a reply of proxymap(8) with one more attribute.
func statusOf(status int, name, value string) string {
	return fmt.Sprintf("status\x00%d\x00%s\x00%s\x00\x00", status, name, value)
}

// socketmapped is a row with a socketmap server that answers always so.
func socketmapped(reply string, want string) judges.Row {
	row := judges.Row{Name: fmt.Sprintf("socketmap answers %q", reply), Main: []string{"qmqpd_authorized_clients = socketmap:unix:private/map:m"}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{want}}
	row.Serve = map[string]func(net.Conn){"@QUEUE/private/map": func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			if _, err := readString(r); err != nil {
				return
			}
			if reply == "" {
				return
			}
			fmt.Fprintf(c, "%d:%s,", len(reply), reply)
		}
	}}
	return row
}

// unixDatabase is a row with a file of users in the jail, and a client that is
// found in it or not, between others.
func unixDatabase(text string, first, second string, want string) judges.Row {
	return judges.Row{
		Name: fmt.Sprintf("unix:passwd.byname in %q for %s and %s", text, first, second), Main: []string{"qmqpd_authorized_clients = unix:passwd.byname"},
		Files:   map[string]string{"@QUEUE/etc/passwd": text},
		Clients: []judges.Client{{Send: plain, From: first}, {Send: plain, From: second}}, Want: []string{want},
	}
}

var (
	proxyGreeting = "protocol\x00proxymap_protocol\x00\x00"
	proxyOpened   = []string{statusOf(0, "flags", "262160")}
	proxyFound    = []string{statusOf(0, "value", "yes")}
)

const (
	notFound = "warning: host or service "
	refuses  = "Connection refused"
)

// serverRows are about tables that ask a server, and what can be wrong with its
// address, its name, or its answers.
var serverRows = []judges.Row{
	server("socketmap:inet:127.0.0.1:m", "fatal: 127.0.0.1: garbage after numerical service"),
	server("socketmap:inet:127.0.0.1:1x:m", "fatal: 127.0.0.1:1x: garbage after numerical service"),
	server("socketmap:inet:127.0.0.1::m", "fatal: 127.0.0.1:: missing service information"),
	server("socketmap:inet:[127.0.0.1:1:m", `fatal: [127.0.0.1:1: missing "]"`),
	server("socketmap:inet:[127.0.0.1]x:1:m", `fatal: [127.0.0.1]x:1: garbage after "]"`),
	server("socketmap:inet:[127.0.0.1]1:m", `fatal: [127.0.0.1]1: garbage after "]"`),
	server("socketmap:inet:[]:1:m", "fatal: []:1: valid hostname or network address required"),
	server("socketmap:inet:[IPV6:::g]:1:m", "fatal: [IPV6:::g]:1: malformed IPv6 address"),
	server("socketmap:inet:[ipv6:127.0.0.1]:1:m", "fatal: [ipv6:127.0.0.1]:1: malformed IPv6 address"),
	withIPv6(server("socketmap:inet:[ipv6:::1]:1:m", refuses)),
	server("socketmap:inet:1:1:m", "fatal: 1:1: valid hostname or network address required"),
	server("socketmap:inet:-bad-:1:m", "fatal: -bad-:1: valid hostname or network address required"),
	withIPv6(server("socketmap:inet:localhost:1:m", refuses)),
	withIPv6(server("socketmap:inet::1:m", refuses)),
	withIPv6(server("socketmap:inet:1:m", refuses)),
	server("socketmap:inet:127.0.0.01:1:m", refuses),
	server("socketmap:inet:127.0.0.1:65537:m", refuses),
	server("socketmap:inet:127.0.0.1:99999999999999999999:m", notFound+"127.0.0.1:99999999999999999999 not found: Servname not supported for ai_socktype"),
	server("socketmap:inet:127.0.0.1:nosuchservice:m", notFound+"127.0.0.1:nosuchservice not found: Servname not supported for ai_socktype"),
	server("socketmap:inet:no.such.host:1:m", notFound+"no.such.host:1 not found: Name or service not known"),
	server("socketmap:inet:empty.example:1:m", notFound+"empty.example:1 not found: No address associated with hostname"),
	server("socketmap:inet:broken.example:1:m", notFound+"broken.example:1 not found: Temporary failure in name resolution"),
	server("socketmap:inet:b\u00fccher.example:1:m", notFound+"b\u00fccher.example:1 not found: "),
	protocols("ipv4", "socketmap:inet:localhost:1:m", refuses),
	protocols("ipv4", "socketmap:inet:[::1]:1:m", notFound+"[::1]:1 not found: Address family for hostname not supported"),
	withIPv6(protocols("ipv4, ipv6", "socketmap:inet:[::1]:1:m", refuses)),
	{Name: "known_tcp_ports", Main: []string{"known_tcp_ports = foo = bar = 1", "qmqpd_authorized_clients = socketmap:inet:127.0.0.1:bar:m"}, Clients: ok, Want: []string{refuses}},
	server("socketmap:unix:@x:m", "warning: connect to @x: No such file or directory"),
	server("socketmap:unix:"+strings.Repeat("x", 107)+":m", "No such file or directory"),
	server("socketmap:unix:"+strings.Repeat("x", 108)+":m", "fatal: unix-domain name too long: "),
	server("tcp:127.0.0.1:1x", "fatal: 127.0.0.1:1x: garbage after numerical service"),
	server("tcp:[127.0.0.1]:", "fatal: [127.0.0.1]:: missing service information"),
	server("tcp:a..b:1", "fatal: a..b:1: valid hostname or network address required"),
	server("memcache:@CONF/settings", "fatal: 127.0.0.1:1x: garbage after numerical service", "memcache = inet:127.0.0.1:1x"),
	server("memcache:@CONF/settings", "fatal: 127.0.0.1:1x: garbage after numerical service", "memcache = inet:127.0.0.1:1x\nbackup = static:x"),
	withIPv6(server("memcache:@CONF/settings", refuses, "memcache = inet:localhost:1")),
	server("memcache:@CONF/settings", "Is the postfix-foo package installed?", "memcache = inet:localhost:1\nbackup = foo:x"),
	server("unionmap:{static:{a},{foo:b}}", "Is the postfix-{foo package installed?"),
	server("pipemap:{foo:x}", "Is the postfix-foo package installed?"),
	negativeTimeout(),
	server("memcache:@CONF", "exit 1"),
	server("memcache:@CONF/settings", "/settings: bad numerical configuration: ttl = ten", "ttl = ten"),
	server("memcache:@CONF/settings", "/settings: invalid max_try parameter value 0 < 1", "max_try = 0"),
	settings("fatal: bad numerical configuration: mc_ttl = ten", "mc_ttl = ten"),
	settings("fatal: bad numerical configuration: mc_ttl = \n", "mc_ttl ="),
	settings("fatal: invalid mc_max_try parameter value 0 < 1", "mc_max_try = $zero", "zero = 0"),
	settings("fatal: need service transport:endpoint instead of \"\"", "mc_memcache ="),
	settings("fatal: db_common_parse: mc: Invalid query template: %x", "mc_key_format = %x"),
	withIPv6(settings("Connection refused", "mc_memcache = inet:$somewhere:1", "somewhere = localhost")),
	{Name: "memcache:mc for a parent domain", Main: []string{"qmqpd_authorized_clients = memcache:mc", "mc_memcache = inet:localhost:1", "mc_key_format = %u", "mc_backup = inline:{allowed.example=x}"}, Clients: []judges.Client{{Send: plain, From: "127.0.0.5"}}, Want: []string{in}},

	socketmapped("PERM \u00e9", "server permanent error: \u00e9"),
	socketmapped("PERM \xc3\xff", "server permanent error: ??"),
	socketmapped("OK \xff", "non-UTF-8 value"),
	socketmapped("OK x", in),
	socketmapped("NOTFOUND ", out),
	socketmapped("", "lookup error: unexpected disconnect"),

	proxied("good", proxyGreeting, proxyOpened, proxyFound, in),
	proxied("greets with one attribute more", "protocol\x00proxymap_protocol\x00x\x00y\x00\x00", proxyOpened, proxyFound, "unexpected attribute x", in),
	proxied("greets with another attribute", "prot\x00proxymap_protocol\x00\x00", proxyOpened, proxyFound, "unexpected attribute prot", in),
	proxied("greets with an empty list", "\x00", proxyOpened, proxyFound, "missing attribute protocol", in),
	proxied("says more than the greeting", proxyGreeting+"x\x00y\x00\x00", proxyOpened, proxyFound, in),
	proxied("ends at open", proxyGreeting, []string{"", proxyOpened[0]}, proxyFound, "dict_proxy_open: service proxymap: Application error", in),
	proxied("open without flags", proxyGreeting, []string{"status\x000\x00\x00", proxyOpened[0]}, proxyFound, "missing attribute flags", "dict_proxy_open: service proxymap: Application error"),
	proxied("open with bad flags", proxyGreeting, []string{statusOf(0, "flags", "x"), proxyOpened[0]}, proxyFound, "malformed numerical data", "dict_proxy_open: service proxymap: Application error"),
	proxied("open withheld", proxyGreeting, []string{"withheld", proxyOpened[0]}, proxyFound, "dict_proxy_open: service proxymap: Connection timed out"),
	proxied("open has no such key", proxyGreeting, []string{statusOf(1, "flags", "0"), proxyOpened[0]}, proxyFound, "proxymap open failed for table \"static:a\": unexpected status 1"),
	proxied("open is bad", proxyGreeting, []string{statusOf(3, "flags", "0")}, proxyFound, "fatal: proxymap open failed for table \"static:a\": invalid request"),
	proxied("open is denied", proxyGreeting, []string{statusOf(4, "flags", "0")}, proxyFound, "fatal: proxymap service is not configured for table \"static:a\""),
	proxied("ends at a lookup", proxyGreeting, proxyOpened, []string{"", proxyFound[0]}, in),
	proxied("ends at two lookups", proxyGreeting, proxyOpened, []string{"", "", proxyFound[0]}, "dict_proxy_lookup: service proxymap: Application error", in),
	proxied("lookup withheld", proxyGreeting, proxyOpened, []string{"withheld", proxyFound[0]}, "dict_proxy_lookup: service proxymap: Connection timed out", in),
	proxied("lookup without a value", proxyGreeting, proxyOpened, []string{"status\x000\x00\x00", proxyFound[0]}, "missing attribute value", in),
	proxied("lookup has no such key", proxyGreeting, proxyOpened, []string{statusOf(1, "value", "")}, out),
	proxied("lookup fails for now", proxyGreeting, proxyOpened, []string{statusOf(2, "value", "")}, bad),
	proxied("lookup is bad", proxyGreeting, proxyOpened, []string{statusOf(3, "value", "")}, "fatal: proxymap lookup failed for table \"static:a\" key \"localhost\": invalid request"),
	proxied("lookup is denied", proxyGreeting, proxyOpened, []string{statusOf(4, "value", "")}, "fatal: proxymap service is not configured"),
	proxied("lookup finds a bad table", proxyGreeting, proxyOpened, []string{statusOf(5, "value", "")}, bad),
	proxied("lookup with another status", proxyGreeting, proxyOpened, []string{statusOf(77, "value", ""), proxyFound[0]}, "unexpected reply status 77", in),
	proxiedKind("0", out),
	proxiedKind("16", in),
	proxiedKind("32", out),
	proxiedKind("48", in),
	proxied("value is not UTF-8", proxyGreeting, proxyOpened, []string{statusOf(0, "value", "\xff")}, "non-UTF-8 value"),

	unixDatabase("root:x:0:0:::\n", "127.0.0.1", "127.0.0.2", out),
	unixDatabase("localhost:x:1:1:::\n", "127.0.0.2", "127.0.0.1", "warning: cannot access UNIX password database: "),
	unixDatabase("localhost:x:1:1:::\n", "127.0.0.1", "127.0.0.2", in),
	unixDatabase("root:x:0:0\n127.0.0.2:x:1:1\n", "127.0.0.2", "127.0.0.1", in),
	unixDatabase("\troot:x: 0:0\n  127.0.0.2:x: 1: 1::/\n", "127.0.0.2", "127.0.0.1", in),
	unixDatabase("root:x:0\n127.0.0.2:x:1\n", "127.0.0.2", "127.0.0.1", "warning: cannot access UNIX password database: "),
	{Name: "no users, for two clients", Main: []string{"qmqpd_authorized_clients = unix:passwd.byname"}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{bad, out}},
	{Name: "no groups, for two clients", Main: []string{"qmqpd_authorized_clients = unix:group.byname"}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{bad, out}},
	list("regexp:/etc", "127.0.0.1", out),
	list("pcre:/etc", "127.0.0.1", out),
}
