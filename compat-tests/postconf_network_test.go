package compat

import (
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestPostconfNetwork runs both programs on machines with all sorts of addresses:
// in a network namespace (see network_namespaces(7)) that the test's thread has
// of its own.
func TestPostconfNetwork(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	dir := func(main string) string {
		return pair.configure(t, map[string]string{"main.cf": main, "master.cf": ""})
	}
	subnet := dir("mynetworks_style = subnet\n")
	lines := [][]string{
		{"-c", subnet, "mynetworks"},
		{"-c", subnet, "-v", "-m"},
		{"-c", dir("mynetworks_style = class\n"), "mynetworks"},
		{"-c", dir("mynetworks_style = host\n"), "mynetworks"},
		{"-c", dir("inet_interfaces = ::1.2.3.4\n"), "mynetworks"},
		{"-c", dir("inet_interfaces = 127.0.0.1\n"), "mynetworks"},
		{"-c", dir("inet_interfaces = 127.0.0.1\n"), "-m"},
		{"-c", dir("inet_interfaces = loopback-only\n"), "mynetworks"},
		{"-c", dir("inet_interfaces = loopback-only\n"), "-v", "-m"},
		{"-c", dir("inet_interfaces = loopback-only\nmynetworks_style = class\n"), "mynetworks"},
	}
	for _, row := range []struct {
		name      string
		down      bool
		noIPv6    bool
		addresses []string // besides those of the loopback interface
	}{
		{name: "none", down: true},
		{name: "loopback"},
		{name: "loopback without IPv6", noIPv6: true},
		{name: "classes", addresses: []string{"10.1.2.3/24", "10.1.2.4/24", "172.16.1.2/12", "192.168.1.2/30"}},
		{name: "no class", addresses: []string{"240.1.2.3/8"}},
		{name: "no class, the last", addresses: []string{"254.1.2.3/8", "255.1.2.3/16"}},
		{name: "masks at the ends", addresses: []string{"10.0.0.0/0", "10.0.0.1/1", "10.3.0.1/31", "10.4.0.1/32"}},
		{name: "IPv6, zeros at the ends", addresses: []string{"::2/0", "2001:db8::/3", "::1:0:0/80", "1::/16", "1:0:0:2::1/64"}},
		{name: "IPv6", addresses: []string{"2001:db8::ff:1/97", "2001:db8:1::/1", "2001:db8:3:ffff::1/63", "fec0::1/64"}},
		{name: "IPv4 in IPv6", addresses: []string{"::1.2.3.4/128", "::0.1.0.0/120", "::0.0.1.1/128", "::ffff:1.2.3.4/128"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			// The thread is not unlocked, and so ends with the goroutine.
			runtime.LockOSThread()
			if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
				t.Fatal(err)
			}
			if row.noIPv6 {
				disableIPv6(t)
			}
			if !row.down {
				loopbackUp(t, row.addresses)
			}
			pair.same(t, lines)
		})
	}
}

// TestPostconfNoProtocol runs both programs on machines that lack a protocol: under a
// filter of system calls (see seccomp(2)) that the test's thread has of its own.
func TestPostconfNoProtocol(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	dir := func(main string) string {
		return pair.configure(t, map[string]string{"main.cf": main, "master.cf": ""})
	}
	var lines [][]string
	for _, main := range []string{"", "inet_protocols = ipv4\n", "inet_protocols = ipv6\n", "inet_interfaces = localhost\n", "inet_interfaces = loopback-only\n",
		"inet_interfaces = 127.0.0.1\n", "inet_interfaces = ::1, 127.0.0.1\n"} {
		d := dir(main)
		lines = append(lines, []string{"-c", d, "mynetworks"}, []string{"-c", d, "-n"}, []string{"-c", d, "-dx", "mynetworks"}, []string{"-c", d, "-m"},
			[]string{"-c", d, "-v", "mynetworks"}, []string{"-c", d, "-v", "-m"})
	}
	for _, row := range []struct {
		name     string
		families []uint32
		errno    syscall.Errno
	}{
		{"no IPv6", []uint32{unix.AF_INET6}, syscall.EAFNOSUPPORT},
		{"no IPv6 protocol", []uint32{unix.AF_INET6}, syscall.EPROTONOSUPPORT},
		{"no IPv4", []uint32{unix.AF_INET}, syscall.EAFNOSUPPORT},
		{"none", []uint32{unix.AF_INET, unix.AF_INET6}, syscall.EAFNOSUPPORT},
		{"IPv6 not allowed", []uint32{unix.AF_INET6}, syscall.EACCES},
		{"IPv4 not allowed", []uint32{unix.AF_INET}, syscall.EACCES},
		{"no netlink", []uint32{unix.AF_NETLINK}, syscall.EAFNOSUPPORT},
		{"netlink not allowed", []uint32{unix.AF_NETLINK}, syscall.EACCES},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			// The thread is not unlocked, and so ends with the goroutine.
			runtime.LockOSThread()
			var faults []standin.Fault
			for _, family := range row.families {
				faults = append(faults, standin.Fault{Call: unix.SYS_SOCKET, Arg: 1, Value: family, Err: row.errno})
			}
			if err := standin.FailCalls(faults); err != nil {
				t.Fatal(err)
			}
			pair.same(t, lines)
		})
	}
}

// disableIPv6 switches IPv6 off in the thread's network namespace, if it is on.
func disableIPv6(t *testing.T) {
	t.Helper()
	err := os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// loopbackUp brings up the loopback interface of the thread's network namespace
// and gives it more addresses.
func loopbackUp(t *testing.T, addresses []string) {
	t.Helper()
	sockets := map[bool]int{}
	for v4, family := range map[bool]int{true: unix.AF_INET, false: unix.AF_INET6} {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		sockets[v4] = fd
	}
	request := func(name string) *unix.Ifreq {
		r, err := unix.NewIfreq(name)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ioctl := func(number uint, r *unix.Ifreq) {
		if err := unix.IoctlIfreq(sockets[true], number, r); err != nil {
			t.Fatal(err)
		}
	}
	r := request("lo")
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	ioctl(unix.SIOCSIFFLAGS, r)
	r = request("lo")
	ioctl(unix.SIOCGIFINDEX, r)
	index := r.Uint32()
	for i, text := range addresses {
		p := netip.MustParsePrefix(text)
		if p.Addr().Is4() {
			address := p.Addr().As4()
			r := request("lo:" + strconv.Itoa(i))
			if err := r.SetInet4Addr(address[:]); err != nil {
				t.Fatal(err)
			}
			ioctl(unix.SIOCSIFADDR, r)
			var mask [4]byte
			for bit := range p.Bits() {
				mask[bit/8] |= 0x80 >> (bit % 8)
			}
			if err := r.SetInet4Addr(mask[:]); err != nil {
				t.Fatal(err)
			}
			ioctl(unix.SIOCSIFNETMASK, r)
			continue
		}
		// struct in6_ifreq; see netdevice(7) and linux/ipv6.h.
		v6 := struct {
			address [16]byte
			bits    uint32
			index   uint32
		}{p.Addr().As16(), uint32(p.Bits()), index}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(sockets[false]), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&v6)))
		if errno != 0 {
			t.Fatalf("%s: %v", text, errno)
		}
	}
}
