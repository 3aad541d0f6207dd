package daemon

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params"
)

// Whatever Postfix is imitated, the server asks for no parameter that it lacks.
func TestVersionsHaveParameters(t *testing.T) {
	for _, version := range []string{"3.10.2", "3.10.13", "3.11.6"} {
		for _, distribution := range []string{"", "/debian"} {
			t.Run(version+distribution, func(t *testing.T) {
				profile, err := params.ParseProfile(version + distribution)
				if err != nil {
					t.Fatal(err)
				}
				host := params.SystemHost(t.Context(), nil)
				host.Accounts = nil
				eff := params.New(params.Process{Profile: profile, Name: "qmqpd", Host: host})
				LoadConfig(eff)
				newTables(t.Context(), eff, nil, "", nil, nil)
				loadSpool(eff)
				loadIncoming(eff, eff, "example.com", 0)
				if err := eff.Errors(); err != nil && strings.Contains(err.Error(), "has no parameter") {
					t.Error(err)
				}
			})
		}
	}
}

// proxymap(8) of Postfix 3.11 and later is asked in that version's words.
func TestProxymapOfVersion(t *testing.T) {
	for version, want := range map[params.Version]string{3_10_13: "flags\x000\x00\x00", 3_11_00: "instance_flags\x000\x00\x00"} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "private"), 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("unix", filepath.Join(dir, "private", "proxymap"))
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan string, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				close(asked)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "protocol\x00proxymap_protocol\x00\x00")
			var request []byte
			for b := make([]byte, 1); !strings.HasSuffix(string(request), "\x00\x00"); request = append(request, b[0]) {
				if _, err := conn.Read(b); err != nil {
					break
				}
			}
			io.WriteString(conn, "status\x000\x00flags\x0016\x00\x00")
			asked <- string(request)
		}()
		host := params.SystemHost(t.Context(), nil)
		host.Accounts = nil
		eff := params.New(params.Process{Profile: params.Profile{Version: version}, Name: "qmqpd", Host: host})
		LoadConfig(eff)
		set := newTables(t.Context(), eff, nil, dir, nil, nil)
		if _, err := set.Open("proxy:static:x", 0); err != nil {
			t.Error(err)
		}
		l.Close()
		if got := <-asked; got != "request\x00open\x00table\x00static:x\x00"+want {
			t.Errorf("%s: %q", version, got)
		}
		set.Close()
	}
}

// A setting of memcache tables that came with 3.11 is none for older ones.
func TestMemcacheOfVersion(t *testing.T) {
	name := filepath.Join(t.TempDir(), "memcache")
	if err := os.WriteFile(name, []byte("memcache = unix:/nonexistent\nkey_digest = sha256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[params.Version]string{3_10_13: "no connection", 3_11_00: "unsupported setting: key_digest"} {
		host := params.SystemHost(t.Context(), nil)
		host.Accounts = nil
		eff := params.New(params.Process{Profile: params.Profile{Version: version}, Name: "qmqpd", Host: host})
		LoadConfig(eff)
		set := newTables(t.Context(), eff, nil, "", maillog.New(time.Now), nil)
		defer set.Close()
		tbl, err := set.Open("memcache:"+name, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := tbl.Lookup(t.Context(), "key"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", version, err, want)
		}
	}
}

// The names in proxy_interfaces are looked up at start, and not again each time that
// tables are opened.
func TestProxyInterfacesOnce(t *testing.T) {
	calls := 0
	proxies := func() ([]netip.Addr, error) {
		calls++
		if calls == 1 {
			return nil, errors.New("host not found: proxy.example")
		}
		return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
	}
	m := storeMaps{lists: map[string]string{"canonical_maps": "static:x"}}
	for i := range 3 {
		set := table.NewSet(table.Options{})
		defer set.Close()
		maps, err := m.open(set, nil, proxies)
		if i == 0 {
			if err == nil || !strings.Contains(err.Error(), "host not found: proxy.example") {
				t.Errorf("a name that is not found: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := maps.IsLocal(t.Context(), "[192.0.2.1]"); !ok || err != nil {
			t.Errorf("open %d: %v %v", i, ok, err)
		}
	}
	if calls != 2 {
		t.Errorf("%d lookups", calls)
	}
}

// TestNumericAddress reads numbers with zeros in front as getaddrinfo(3) does.
func TestNumericAddress(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"127.0.0.1", "127.0.0.1"}, {"127.000.0.01", "127.0.0.1"}, {"0177.0.0.1", "127.0.0.1"}, {"127.0.0.010", "127.0.0.8"}, {"127.0.0.08", ""}, {"1.2.3.0400", ""},
		{"::1", "::1"}, {"::ffff:127.0.0.1", "::ffff:127.0.0.1"}, {"::ffff:127.0.0.01", ""},
	} {
		addr, ok := numericAddress(tt.in)
		if ok != (tt.want != "") || ok && addr.String() != tt.want {
			t.Errorf("numericAddress(%s) = %v, %v, want %s", tt.in, addr, ok, tt.want)
		}
	}
}

// TestLocalMappedAddress takes an IPv4 address in the form of an IPv6 one for its own
// only where there is no IPv6.
func TestLocalMappedAddress(t *testing.T) {
	for _, ipv4Only := range []bool{false, true} {
		set := table.NewSet(table.Options{})
		defer set.Close()
		m := storeMaps{lists: map[string]string{"canonical_maps": "static:x"}, ipv4Only: ipv4Only}
		maps, err := m.open(set, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}, func() ([]netip.Addr, error) { return nil, nil })
		if err != nil {
			t.Fatal(err)
		}
		for domain, want := range map[string]bool{"[127.0.0.1]": true, "[IPv6:::ffff:127.0.0.1]": ipv4Only, "[IPv6:::1]": false} {
			if local, err := maps.IsLocal(t.Context(), domain); local != want || err != nil {
				t.Errorf("IPv4 only %v: %s is local: %v, %v", ipv4Only, domain, local, err)
			}
		}
	}
}
