package compat

import (
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// TestMyhostname holds the service myhostname against systemd's library: on machines
// with all sorts of addresses and routes, in namespaces that the test's thread has of its
// own.
func TestMyhostname(t *testing.T) {
	t.Parallel()
	i := postfix.New(t, postfix.Options{})
	i.MustRun("/usr/bin/cp", "-r", "/opt/nss/usr/lib", "/usr/")
	i.WriteFile("/etc/nsswitch.conf", "hosts: myhostname [NOTFOUND=return] files\n", 0o644)
	i.WriteFile("/etc/hosts", "127.0.0.3 three _gateway _outbound\n", 0o644)
	var queries []string
	for _, name := range []string{
		"localhost", "LocalHost.", "localhost.localdomain", "a.localhost", ".localhost", "x.LOCALHOST.localdomain", "localhost6",
		"localhost.localdomain.example", "Foo.example", "Foo.example.", "foo.example", "Foo", "_gateway", "_Gateway.", "_outbound", "three",
	} {
		for _, kind := range []string{"0 ", "4 ", "6 "} {
			queries = append(queries, kind+name)
		}
	}
	for _, addr := range []string{
		"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.9", "127.0.0.53", "::1", "::2", "::ffff:127.0.0.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.5",
		"192.0.2.7", "192.0.2.8", "198.51.100.5", "169.254.3.4", "::ffff:192.0.2.7", "2001:db8::1", "2001:db8::7", "2001:db8::8", "2001:db8::9", "fe80::5",
	} {
		queries = append(queries, "n "+addr)
	}
	const noIPv6 = "no IPv6"
	const veth = "link set lo up; link add v0 type veth peer name v1; link set v0 addrgenmode none; link set v1 addrgenmode none; link set v0 up; link set v1 up"
	for _, row := range []struct{ name, ip string }{
		{"nothing", ""},
		{"loopback", "link set lo up"},
		{"no IPv6", noIPv6 + "; " + veth + "; addr add 192.0.2.7/24 dev v0; route add default via 192.0.2.1"},
		{"addresses", veth + "; addr add 192.0.2.7/24 dev v0; addr add 192.0.2.8/24 dev v0; addr add 169.254.3.4/16 scope link dev v0; " +
			"addr add 198.51.100.5/32 scope host dev lo; addr add 127.0.0.9/32 scope global dev lo; addr add 2001:db8::7/64 dev v0 nodad; " +
			"addr add 2001:db8::8/64 dev v0 nodad preferred_lft 0; addr add fe80::5/64 dev v0 nodad"},
		{"an interface that is down", veth + "; addr add 192.0.2.7/24 dev v0; link set v0 down"},
		{"tentative", "link set lo up; link add v0 type veth peer name v1; link set v0 addrgenmode none; link set v1 addrgenmode none; link set v0 up; addr add 2001:db8::9/64 dev v0"},
		{"one family", veth + "; addr add 192.0.2.7/24 dev v0; route add default via 192.0.2.1"},
		{"routes", veth + "; addr add 192.0.2.7/24 dev v0; addr add 2001:db8::7/64 dev v0 nodad; route add default via 192.0.2.1; " +
			"-6 route add default via 2001:db8::1; addr add 192.0.2.8/24 dev v0; route add default via 192.0.2.2 metric 50 src 192.0.2.8; " +
			"route add default via 192.0.2.3 table 99; route add default dev v0 metric 70; route add 203.0.113.0/24 via 192.0.2.5"},
		{"the host is its own gateway", veth + "; addr add 192.0.2.7/24 dev v0; route add default dev v0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			postfix.Case(t)
			// The thread is not unlocked, and so ends with the goroutine, and with it
			// the mount.
			runtime.LockOSThread()
			if err := syscall.Unshare(syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNS); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Sethostname([]byte("Foo.example")); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("/proc", i.Path("/proc"), "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
				t.Fatal(err)
			}
			for command := range strings.SplitSeq(row.ip, "; ") {
				switch command {
				case "":
					continue
				case noIPv6:
					disableIPv6(t)
					continue
				}
				i.MustRun("/usr/sbin/ip", strings.Fields(command)...)
			}
			result := i.RunInput([]byte(strings.Join(queries, "\n")+"\n"), "/usr/bin/perl", "-e", lookups)
			stock := strings.Split(strings.TrimSuffix(string(result.Stdout), "\n"), "\n")
			if len(stock) != len(queries) {
				t.Fatalf("perl: %d answers to %d questions: %s", len(stock), len(queries), result.Stderr)
			}
			libs, err := exec.Command("find", i.Path("/usr/lib"), "-name", "libnss_myhostname.so.2").Output()
			if err != nil {
				t.Fatal(err)
			}
			dir := strings.TrimSuffix(strings.TrimSpace(string(libs)), "/libnss_myhostname.so.2")
			ours := hostname.NewSystem(hostname.SystemOptions{Dir: i.Path("/etc"), Libraries: []string{dir}})
			for n, query := range queries {
				if got := ourLookup(ours, query); got != stock[n] {
					t.Errorf("%s: %q, the library says %q", query, got, stock[n])
				}
			}
		})
	}
}
