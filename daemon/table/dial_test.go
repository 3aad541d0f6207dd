package table_test

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// An address that is none is found out at the first lookup, and ends a process.
func TestServerAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1":          "garbage after numerical service",
		"127.0.0.1:":         "missing service information",
		"[127.0.0.1:1":       `missing "]"`,
		"[127.0.0.1]1":       `garbage after "]"`,
		"[]:1":               "valid hostname or network address required",
		"[IPv6:127.0.0.1]:1": "malformed IPv6 address",
		"a..b:1":             "valid hostname or network address required",
		"1.2.3:1":            "valid hostname or network address required",
	} {
		tbl := open(t, "tcp:"+address, listFlags, nil)
		_, _, err := tbl.Lookup(context.Background(), "key")
		if want = address + ": " + want; err == nil || err.Error() != want || table.ClassOf(err) != table.Fatal {
			t.Errorf("%v, want fatal %q", err, want)
		}
	}
}

// oneHost knows the addresses of one name, and numbers. Of another name it knows that
// there are none, which is no error.
type oneHost struct{ loopback }

func (h oneHost) LookupAddrs(ctx context.Context, name string, family hostname.Family) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{addr}, nil
	}
	if name == "host.example" || name == "localhost" {
		return h.loopback.LookupAddrs(ctx, name, hostname.IPv4)
	}
	if name == "empty.example" {
		return nil, nil
	}
	return nil, hostname.NoName
}

// Servers are found by all the ways to write an address; what is not found is told as
// postmap tells it.
func TestServersFound(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := &script{read: upTo(","), replies: map[string]string{"7:map key,": "4:OK v,"}}
	addr := s.listen(t, "tcp", "127.0.0.1:0")
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	s.listen(t, "unix", "./@socket")
	s.listen(t, "unix", "./socket")
	long := "/" + strings.Repeat("x", 107)
	const found = "= v"
	notFound := func(server, why string) []string {
		return []string{
			"warning: host or service " + server + " not found: " + why,
			"warning: connect to " + server + ": Cannot assign requested address",
			"warning: table socketmap:inet:" + server + ":map lookup error: Cannot assign requested address",
		}
	}
	refused := func(server string) string {
		return "retry: socketmap:inet:" + server + ":map: lookup error: Cannot assign requested address"
	}
	tests := []struct {
		server, want string
		log          []string
	}{
		{"unix:socket", found, nil},
		{"local:@socket", found, nil},
		{"unix:" + filepath.Join(dir, "@socket"), found, nil},
		{"inet:host.example:named", found, nil},
		{"inet:host.example:" + port, found, nil},
		{"inet:[host.example]:" + port, found, nil},
		{"inet::" + port, found, nil},
		{"inet:" + port, found, nil},
		{"inet:127.0.0.1:" + strconv.Itoa(number+65536), found, nil},
		{"inet:127.0.0.1:4294967295", refused("127.0.0.1:4294967295"), notFound("127.0.0.1:4294967295", "Servname not supported for ai_socktype")},
		{"inet:127.0.0.1:nosuchservice", refused("127.0.0.1:nosuchservice"), notFound("127.0.0.1:nosuchservice", "Servname not supported for ai_socktype")},
		{"inet:nosuch.invalid:1", refused("nosuch.invalid:1"), notFound("nosuch.invalid:1", "Name or service not known")},
		{"inet:empty.example:1", refused("empty.example:1"), notFound("empty.example:1", "")[1:]},
		{"unix:" + long, "fatal: unix-domain name too long: " + long, nil},
		{"unix:" + long[1:], "retry: socketmap:unix:" + long[1:] + ":map: lookup error: No such file or directory",
			[]string{"warning: connect to " + long[1:] + ": No such file or directory", "warning: table socketmap:unix:" + long[1:] + ":map lookup error: No such file or directory"}},
	}
	if l, err := net.Listen("tcp", "[::1]:"+port); err == nil {
		s.serve(t, l)
		for _, server := range []string{"inet:[::1]:" + port, "inet:[IPv6:::1]:" + port, "inet:[ipv6:::1]:" + port} {
			tests = append(tests, struct {
				server, want string
				log          []string
			}{server, found, nil})
		}
	}
	for _, tt := range tests {
		log := &recorder{}
		set := table.NewSet(table.Options{Log: log, Resolver: oneHost{}, TCPPorts: map[string]string{"named": port, port: "1"}})
		defer set.Close()
		tbl, err := set.Open("socketmap:"+tt.server+":map", listFlags)
		if err != nil {
			t.Fatal(err)
		}
		if got := result(t.Context(), tbl, "key"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.server, got, tt.want)
		}
		if diff := cmp.Diff(tt.log, log.take()); diff != "" {
			t.Errorf("%s, log (-want +got):\n%s", tt.server, diff)
		}
	}
}
