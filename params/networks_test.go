package params

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-multierror"
)

func TestNetworks(t *testing.T) {
	interfaces := []netip.Prefix{}
	for _, p := range []string{
		"::1/128", "127.0.0.1/8", "fe80::1%eth0/64", "10.1.2.3/20", "172.16.9.9/16", "192.0.2.200/26", "224.0.0.5/24",
		"2001:db8:1:2:3::4/48", "10.1.2.4/20", "fe80::1%eth1/64",
	} {
		text, zone, _ := strings.Cut(p, "%")
		prefix := netip.Prefix{}
		if zone != "" {
			_, bits, _ := strings.Cut(zone, "/")
			prefix = netip.MustParsePrefix(text + "/" + bits)
		} else {
			prefix = netip.MustParsePrefix(text)
		}
		interfaces = append(interfaces, prefix)
	}
	for _, row := range []struct{ name, main, want, fatal string }{
		{name: "host", main: "mynetworks_style = host", want: "127.0.0.1/32 10.1.2.3/32 172.16.9.9/32 192.0.2.200/32 224.0.0.5/32 10.1.2.4/32 [::1]/128 [fe80::1]/128 [2001:db8:1:2:3::4]/128 "},
		{name: "subnet", main: "mynetworks_style = subnet", want: "127.0.0.0/8 10.1.0.0/20 172.16.0.0/16 192.0.2.192/26 224.0.0.0/24 [::1]/128 [fe80::]/64 [2001:db8:1::]/48 "},
		{name: "class", main: "mynetworks_style = class", want: "127.0.0.0/8 10.0.0.0/8 172.16.0.0/16 192.0.2.0/24 224.0.0.0/4 [::1]/128 [fe80::]/64 [2001:db8:1::]/48 "},
		{name: "level 1", main: "compatibility_level = 1\ninet_protocols = ipv6", want: "[::1]/128 [fe80::]/64 [2001:db8:1::]/48 "},
		{name: "level 2", main: "compatibility_level = 2\ninet_protocols = ipv6", want: "[::1]/128 [fe80::1]/128 [2001:db8:1:2:3::4]/128 "},
		{name: "loopback", main: "inet_interfaces = loopback-only\nmynetworks_style = subnet", want: "127.0.0.0/8 [::1]/128 "},
		{name: "addresses", main: "inet_interfaces = [::1] 10.1.2.4,10.1.2.3\nmynetworks_style = subnet", want: "10.1.0.0/20 [::1]/128 "},
		{name: "by name", main: "inet_interfaces = localhost\ninet_protocols = ipv4", want: "127.0.0.1/32 "},
		{name: "by the name of ::1", main: "inet_interfaces = ip6-localhost\ninet_protocols = ipv4", want: "127.0.0.1/32 "},
		{name: "::1 itself is no IPv4", main: "inet_interfaces = ::1\ninet_protocols = ipv4", fatal: "config variable inet_interfaces: host not found: ::1"},
		{name: "no protocol", main: "inet_protocols =\nmynetworks_style = bogus", want: ""},
		{name: "empty list", main: "inet_interfaces =", want: ""},
		{name: "two styles", main: "mynetworks_style = subnet,host", fatal: "bad mynetworks_style value: subnet,host; specify exactly one value"},
		{name: "foreign", main: "inet_interfaces = 10.9.9.9", fatal: "parameter inet_interfaces: no local interface found for 10.9.9.9"},
		{name: "foreign, IPv4 in IPv6", main: "inet_interfaces = ::1.2.3.4", fatal: "parameter inet_interfaces: no local interface found for ::1.2.3.4"},
		{name: "wrong protocol", main: "inet_interfaces = 10.1.2.3\ninet_protocols = ipv6", fatal: "config variable inet_interfaces: host not found: 10.1.2.3"},
	} {
		t.Run(row.name, func(t *testing.T) {
			main := row.main + "\n"
			if !strings.Contains(main, "compatibility_level") {
				main += "compatibility_level = 3.10\n"
			}
			e := newEffective(t, main, func(p *Process) {
				p.Host.Interfaces = func() ([]netip.Prefix, error) { return interfaces, nil }
			})
			e.String("compatibility_level")
			if got := e.String("mynetworks"); got != row.want || errorText(e.Err()) != row.fatal {
				t.Errorf("daemon: %q, %v", got, e.Err())
			}
			// postconf comes to the same result.
			r := newResolver(t, main, "")
			r.Host.Interfaces = func() ([]netip.Prefix, error) { return interfaces, nil }
			v, _, err := r.Value("mynetworks")
			if v.Text != row.want || errorText(err) != row.fatal {
				t.Errorf("postconf: %q, %v", v.Text, err)
			}
		})
	}
}

// TestNetworkClasses: where the classes of IPv4 networks end.
func TestNetworkClasses(t *testing.T) {
	for own, want := range map[string]string{
		"127.255.255.254": "127.0.0.0/8", "128.0.0.1": "128.0.0.0/16", "191.255.0.1": "191.255.0.0/16", "192.0.0.1": "192.0.0.0/24",
		"223.255.255.1": "223.255.255.0/24", "224.0.0.1": "224.0.0.0/4", "239.0.0.1": "224.0.0.0/4",
		"240.0.0.1": "mynetworks_core: unknown address class: 240.0.0.1",
	} {
		got, err := networkOf(netip.MustParsePrefix(own+"/30"), classExtent)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", own, got, want)
		}
	}
}

func TestUnsupportedProtocol(t *testing.T) {
	e := newEffective(t, "mynetworks_style = host\n", func(p *Process) {
		p.Host.Unsupported = func(v6 bool) error {
			if v6 {
				return os.NewSyscallError("socket", syscall.EAFNOSUPPORT)
			}
			return nil
		}
	})
	if got := e.String("mynetworks"); got != "127.0.0.1/32 192.0.2.7/32 " {
		t.Errorf("%q", got)
	}
	want := []string{"inet_protocols: disabling IPv6 name/address support: Address family not supported by protocol"}
	if !slices.Equal(e.Warnings(), want) {
		t.Errorf("%q", e.Warnings())
	}
}

// TestSystemInterfaces compares the kernel's answer with the one that the
// standard library got.
func TestSystemInterfaces(t *testing.T) {
	got, err := systemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	var want []netip.Prefix
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 {
			continue
		}
		for _, a := range addresses {
			want = append(want, netip.MustParsePrefix(a.String()))
		}
	}
	order := func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestCheckHostname(t *testing.T) {
	for name, want := range map[string]string{"a.b": "", "a..b": "valid_hostname: misplaced delimiter: a..b"} {
		if got := errorText(CheckHostname(name)); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestSystemAccounts: each system has an account and a group with number 0.
func TestSystemAccounts(t *testing.T) {
	if u, ok, err := SystemAccounts().UserByID(0); u.Name != "root" || !ok || err != nil {
		t.Errorf("%+v, %v, %v", u, ok, err)
	}
	if g, ok, err := SystemAccounts().GroupByID(0); g.Name == "" || !ok || err != nil {
		t.Errorf("%+v, %v, %v", g, ok, err)
	}
}

func TestAccountFiles(t *testing.T) {
	dir := t.TempDir()
	files := AccountFiles{PasswdFile: filepath.Join(dir, "passwd"), GroupFile: filepath.Join(dir, "group")}
	if _, ok, err := files.User("a"); ok || err != nil {
		t.Errorf("no file: %v, %v", ok, err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(files.PasswdFile, "# comment\n\nshorter:x:1\nbad:x:one:2:::\na:x:1:2::/:/bin/sh\n+nis::::::\nb:x:1:4294967295::/:\na:x:9:9:::\nshort:x:1:2\nlast:x:5:6:::")
	write(files.GroupFile, "a:x:7:b,c\nb:x:x:\nc:x:7:\n")
	for name, want := range map[string]User{
		"a": {Name: "a", UID: 1, GID: 2}, "b": {Name: "b", UID: 1, GID: 4294967295}, "last": {Name: "last", UID: 5, GID: 6},
		"short": {Name: "short", UID: 1, GID: 2},
	} {
		if u, ok, err := files.User(name); u != want || !ok || err != nil {
			t.Errorf("%s: %+v, %v, %v", name, u, ok, err)
		}
	}
	for _, name := range []string{"shorter", "bad", "#", "+nis", "", "none"} {
		if u, ok, _ := files.User(name); ok {
			t.Errorf("%q: %+v", name, u)
		}
	}
	if u, ok, _ := files.UserByID(1); u.Name != "a" || !ok {
		t.Errorf("uid 1: %+v", u)
	}
	if g, ok, _ := files.Group("c"); g != (Group{"c", 7}) || !ok {
		t.Errorf("c: %+v", g)
	}
	if g, ok, _ := files.GroupByID(7); g.Name != "a" || !ok {
		t.Errorf("gid 7: %+v", g)
	}
	if _, ok, _ := files.Group("b"); ok {
		t.Error("b has no number")
	}
}

func TestReadSafely(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	must(os.WriteFile(path("plain"), []byte("text"), 0o644))
	must(os.WriteFile(path("one"), []byte("text"), 0o644))
	must(os.Link(path("one"), path("two")))
	must(os.Mkdir(path("dir"), 0o755))
	must(os.Symlink(path("plain"), path("link")))
	must(os.Mkdir(path("open"), 0o755))
	must(os.Chmod(path("open"), 0o777))
	must(os.Symlink(path("plain"), path("open/link")))
	linked := ""
	if os.Getuid() != 0 {
		linked = "file is a symbolic link"
	}
	for _, row := range []struct{ name, want string }{
		{"plain", ""},
		{"none", "cannot open file: No such file or directory"},
		{"one", "file has 2 hard links"},
		{"link", linked},
		{"open/link", "file is a symbolic link"},
	} {
		data, err := ReadSafely(path(row.name))
		if errorText(err) != row.want || (err == nil && string(data) != "text") {
			t.Errorf("%s: %q, %v", row.name, data, err)
		}
	}
	if _, err := ReadSafely(path("dir")); err == nil { // the text depends on the file system
		t.Error("read a directory")
	}
	if _, err := ReadSafely(path("none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
}

// TestNetworksVerbose shows what is told of networks that repeat: nothing if there is
// an address without a class, since stock then has not yet begun to compare.
func TestNetworksVerbose(t *testing.T) {
	for _, row := range []struct {
		own  []string
		want string
	}{
		{[]string{"10.1.2.3/24"}, "name_mask: class; mynetworks_core: 10.0.0.0/8 "},
		{
			[]string{"10.1.2.3/24", "10.9.9.9/24"},
			"name_mask: class; been_here: 10.0.0.0/8: 0; been_here: 10.0.0.0/8: 1; mynetworks_core: 10.0.0.0/8 ",
		},
		{[]string{"10.1.2.3/24", "10.9.9.9/24", "250.0.0.1/4"}, "name_mask: class; mynetworks_core: unknown address class: 250.0.0.1"},
	} {
		var told []string
		log := logger{verbose: func(text string) { told = append(told, text) }}
		_, err := networks("class", protocols{v4: true}, log, func() ([]netip.Prefix, error) {
			var list []netip.Prefix
			for _, text := range row.own {
				list = append(list, netip.MustParsePrefix(text))
			}
			return list, nil
		})
		if err != nil {
			told = append(told, err.Error())
		}
		if got := strings.Join(told, "; "); got != row.want {
			t.Errorf("%q: %q, want %q", row.own, got, row.want)
		}
	}
}

// An empty list of interfaces is made again each time it is asked for: for
// mynetworks the addresses, then the netmasks, and once more at the end.
func TestNoInterfacesVerbose(t *testing.T) {
	told := 0
	e := newEffective(t, "inet_interfaces =\ninet_protocols = ipv4\n", func(p *Process) {
		p.Info = func(text string) {
			if text == "inet_addr_local: configured 2 IPv4 addresses" {
				told++
			}
		}
	})
	_, _ = e.ReadCommon()
	if told != 3 {
		t.Errorf("told %d times", told)
	}
}

// What is wrong with inet_interfaces is one error, about it, though mynetworks needs
// the addresses as well; a fault of mynetworks beside it is another.
func TestInterfacesFailOnce(t *testing.T) {
	for _, main := range []string{
		"inet_interfaces = 10.9.9.9\n",
		"inet_interfaces = 10.9.9.9\nmynetworks = 127.0.0.1\n",
		"inet_interfaces = 10.9.9.9\nmynetworks_style = odd\n",
		"inet_interfaces = all\n",
	} {
		e := newEffective(t, main, func(p *Process) {
			if strings.Contains(main, "all") {
				p.Host.Interfaces = func() ([]netip.Prefix, error) { return nil, nil }
			}
		})
		_, _ = e.ReadCommon()
		var many *multierror.Error
		if !errors.As(e.Errors(), &many) {
			t.Fatalf("%q: no errors", main)
		}
		var names []string
		for _, err := range many.Errors {
			var about *Error
			if !errors.As(err, &about) {
				t.Fatalf("%q: %v", main, err)
			}
			if names = append(names, about.Name); about.Name == "inet_interfaces" && about.Value.Line != 1 {
				t.Errorf("%q: set at line %d", main, about.Value.Line)
			}
		}
		want := []string{"inet_interfaces"}
		if strings.Contains(main, "odd") {
			want = []string{"mynetworks", "inet_interfaces"}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q: errors about %q, want %q", main, names, want)
		}
	}
}

// TestAddressOrder holds which of several foreign addresses is named against what
// postconf said of each version: the first one in its order, which is none before
// the last patch levels.
func TestAddressOrder(t *testing.T) {
	for _, row := range []struct{ profile, list, first string }{
		{"3.10.13", "10.1.2.3 172.16.1.1 192.168.3.4 224.0.0.1", "10.1.2.3"},
		{"3.11.6", "224.0.0.1 10.1.2.3", "10.1.2.3"},
		{"3.9.14", "224.0.0.1 10.1.2.3", "10.1.2.3"},
		{"3.8.20", "224.0.0.1 10.1.2.3", "10.1.2.3"},
		{"3.7.22", "224.0.0.1 10.1.2.3", "10.1.2.3"},
		{"3.11.5", "10.1.2.3 172.16.1.1 192.168.3.4 224.0.0.1", "224.0.0.1"},
		{"3.10.12", "10.1.2.3 224.0.0.1", "224.0.0.1"},
		{"3.9.13", "10.1.2.3 224.0.0.1", "224.0.0.1"},
		{"3.8.19", "10.1.2.3 224.0.0.1", "224.0.0.1"},
		{"3.7.21", "10.1.2.3 224.0.0.1", "224.0.0.1"},
		// Three in a circle.
		{"3.9.0", "10.0.0.10 10.0.0.100 10.0.0.200", "10.0.0.10"},
		{"3.9.0", "10.0.0.200 10.0.0.10 10.0.0.100", "10.0.0.200"},
		{"3.9.0", "10.0.0.100 10.0.0.200 10.0.0.10", "10.0.0.100"},
	} {
		profile, err := ParseProfile(row.profile)
		if err != nil {
			t.Fatal(err)
		}
		e := newEffective(t, "mynetworks_style = host\ninet_interfaces = "+row.list+"\n", func(p *Process) { p.Profile = profile })
		e.String("mynetworks")
		want := "parameter inet_interfaces: no local interface found for " + row.first
		if got := errorText(e.Err()); got != want {
			t.Errorf("%s, %s: %s", row.profile, row.list, got)
		}
	}
}
