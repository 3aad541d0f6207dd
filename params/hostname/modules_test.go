package hostname

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Only services are told of that the C library would load and that have something to say.
func TestUnsupported(t *testing.T) {
	lib, run := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	services := []string{"wins", "resolve", "mymachines", "mdns4_minimal", "other", "myhostname"}
	for _, name := range services {
		write(lib+"/libnss_"+name+".so.2", "\x00_nss_"+name+"_gethostbyname_r\x00")
	}
	write(lib+"/libnss_other.so.2", "\x00_nss_other_getpwnam_r\x00")
	write(lib+"/libnss_needy.so.2", "\x00_nss_needy_gethostbyname_r\x00libcap.so.2\x00")
	const order = "hosts: mymachines resolve [!UNAVAIL=return] files mdns4_minimal [NOTFOUND=return] wins other needy missing myhostname dns\n"
	check := func(order, resolvConf string, want ...string) {
		t.Helper()
		s := NewSystem(SystemOptions{Dir: etc(t, map[string]string{"nsswitch.conf": order, "resolv.conf": resolvConf}), Libraries: []string{t.TempDir(), lib}, Run: run})
		if got := s.Unsupported(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	const stub = "nameserver 127.0.0.53\n"
	check("hosts: files dns\n", "")
	check(order, stub, "wins") // the other servers do not run
	write(run+"/systemd/resolve/io.systemd.Resolve", "")
	check(order, stub, "wins")
	check(order, "nameserver 192.0.2.1\n", "resolve", "wins")
	write(run+"/systemd/machines/a", "")
	check(order, stub, "mymachines", "wins")
	write(run+"/avahi-daemon/socket", "")
	check(order, stub, "mymachines", "mdns4_minimal", "wins")
	write(lib+"/libcap.so.2", "")
	check(order, stub, "mymachines", "mdns4_minimal", "wins", "needy")
}

// A service that has been loaded stays, and one that could not be loaded stays away.
func TestModules(t *testing.T) {
	dir := t.TempDir()
	m := modules{dirs: []string{dir}}
	if m.loaded("b") {
		t.Error("b is there")
	}
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, "libnss_"+name+".so.2"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !m.loaded("a") || m.loaded("b") {
		t.Error("a is not there, or b is now")
	}
	if err := os.Remove(filepath.Join(dir, "libnss_a.so.2")); err != nil {
		t.Fatal(err)
	}
	if !m.loaded("a") {
		t.Error("a is gone")
	}
}
