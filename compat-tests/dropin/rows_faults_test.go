package dropin

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// noAccept makes accepting fail.
func noAccept(err syscall.Errno) []standin.Fault {
	faults := []standin.Fault{{Call: unix.SYS_ACCEPT4, Err: err}}
	if sysAccept != 0 {
		faults = append(faults, standin.Fault{Call: sysAccept, Err: err})
	}
	return faults
}

// notAccepted is a row in which accepting fails. The server tries again and again,
// but no longer than it may be idle.
func notAccepted(name string, err syscall.Errno, want string) judges.Row {
	return judges.Row{Name: "accept, " + name, Main: []string{"max_idle = 4"}, Faults: noAccept(err), Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		defer c.Close()
		s.WaitEnd()
	}, Want: []string{want}}
}

// givesUp is a scene with a client whom a server that gives up may leave
// alone.
func givesUp(s *judges.Scene) {
	s.Client("client", judges.Client{Send: plain})
	s.WaitEnd()
}

// oneSession makes ours do as the original does: one session at a time.
var oneSession = []string{"qmqpd_sessions_per_process = 1"}

// faultRows are about system calls that fail.
var faultRows = []judges.Row{
	{Name: "255 open files", OpenFiles: 255, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: append([]string{"warning: could allocate space for only 255 open files"}, queued...)},
	{Name: "20 open files", OpenFiles: 20, Clients: []judges.Client{{Send: plain}, {Send: plain, From: "127.0.0.20"}}, Want: append([]string{"warning: could allocate space for only 20 open files"}, queued...)},
	{Name: "20 open files, session on standard input", OpenFiles: 20, Stdin: "socket", Clients: ok},
	{Name: "256 open files", OpenFiles: 256, Clients: ok, Want: queued},
	{Name: "accept", Faults: noAccept(unix.EMFILE), Play: givesUp, Want: []string{"error: accept connection: Too many open files", "fatal: too many errors", "exit 1"}},
	{Name: "accept, unix", Faults: noAccept(unix.ENFILE), Listen: []string{"unix"}, Play: givesUp, Want: []string{"error: accept connection: Too many open files in system", "fatal: too many errors", "exit 1"}},
	{Name: "accept, pass", Faults: noAccept(unix.EMFILE), Listen: []string{"unix"}, Transport: "pass", Play: func(s *judges.Scene) {
		s.Pass("client", "\x00", plain)
		s.WaitEnd()
	}, Want: []string{"warning: pass_accept_attr: cannot accept connection: Too many open files", "fatal: too many errors"}},
	notAccepted("nobody there", unix.EAGAIN, "exit 0"),
	notAccepted("client gone", unix.ECONNABORTED, "exit 0"),
	notAccepted("protocol error", unix.EPROTO, "exit 0"),
	notAccepted("no buffers", unix.ENOBUFS, "exit 0"),
	notAccepted("network down", unix.ENETDOWN, "exit 0"),
	notAccepted("firewall", unix.EPERM, "error: accept connection: Operation not permitted"),
	notAccepted("timeout", unix.ETIMEDOUT, "error: accept connection: Connection timed out"),
	notAccepted("no memory", unix.ENOMEM, "error: accept connection: Cannot allocate memory"),
	{Name: "lock", Faults: []standin.Fault{{Call: unix.SYS_FLOCK, Err: unix.ENOLCK}}, Want: fatal("select lock: No locks available")},
	{Name: "unlock", Main: oneSession, Faults: []standin.Fault{{Call: unix.SYS_FLOCK, Arg: 2, Value: unix.LOCK_UN, Err: unix.EIO}}, Play: givesUp, Want: []string{"fatal: select unlock: Input/output error"}},
	{Name: "setgid", Faults: []standin.Fault{{Call: unix.SYS_SETGID, Err: unix.EPERM}}, Want: []string{"fatal: setgid("}},
	{Name: "setgroups", Faults: []standin.Fault{{Call: unix.SYS_SETGROUPS, Err: unix.EPERM}}, Want: fatal("initgroups: Operation not permitted")},
	{Name: "setuid", Faults: []standin.Fault{{Call: unix.SYS_SETUID, Err: unix.EPERM}}, Want: []string{"fatal: setuid("}},
	{Name: "getpeername", Faults: []standin.Fault{{Call: unix.SYS_GETPEERNAME, Err: unix.ENOTCONN}}, Main: []string{"qmqpd_authorized_clients = unknown"}, Clients: ok, Want: []string{"connect from unknown[unknown]"}},
	{Name: "getpeername, not authorised", Faults: []standin.Fault{{Call: unix.SYS_GETPEERNAME, Err: unix.ENOBUFS}}, Clients: ok, Want: []string{"unknown[unknown] is not authorized"}},
	{Name: "getpeername, no socket", Faults: []standin.Fault{{Call: unix.SYS_GETPEERNAME, Err: unix.ENOTSOCK}}, Clients: ok, Want: []string{"connect from localhost[127.0.0.1]", `client_port=0"`}},
	{Name: "setsockopt", Faults: []standin.Fault{{Call: unix.SYS_SETSOCKOPT, Err: unix.ENOBUFS}}, Clients: ok, Want: queued},
	{Name: "no IPv6", Faults: noFamily(unix.AF_INET6, unix.EAFNOSUPPORT), Clients: ok, Want: []string{"warning: inet_protocols: disabling IPv6 name/address support: Address family not supported by protocol", "KOk"}},
	{Name: "no IPv6, and not asked for", Faults: noFamily(unix.AF_INET6, unix.EAFNOSUPPORT), Main: []string{"inet_protocols = ipv4"}, Clients: ok, Want: queued},
	{Name: "no IPv6, and nothing else asked for", Faults: noFamily(unix.AF_INET6, unix.EAFNOSUPPORT), Main: []string{"inet_protocols = ipv6", "mynetworks ="}, Clients: ok, Want: []string{"disabling IPv6", "fatal: all network protocols are disabled"}},
	{Name: "no IPv6, but an interface of it", Faults: noFamily(unix.AF_INET6, unix.EAFNOSUPPORT), Main: []string{"inet_interfaces = 127.0.0.1, ::1"}, Want: fatal("config variable inet_interfaces: host not found: ::1")},
	{Name: "no IPv6, networks of the interfaces", Faults: noFamily(unix.AF_INET6, unix.EAFNOSUPPORT), Main: []string{"inet_interfaces = loopback-only", "-mynetworks", "qmqpd_authorized_clients = $mynetworks"}, Clients: ok, Want: queued},
	// The C library asks no other name server then.
	{Name: "no IPv6, but a name server of it", Faults: noFamily(unix.AF_INET6, unix.EAFNOSUPPORT), Commands: []string{`/usr/bin/sed -i s/^nameserver/nameserver\x20::1\n&/ @QUEUE/etc/resolv.conf`}, Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"connect from unknown[127.0.0.20]"}},
	{Name: "no IPv6, but the last name server of it", Faults: noFamily(unix.AF_INET6, unix.EAFNOSUPPORT), Commands: []string{`/usr/bin/sed -i $anameserver\x20::1 @QUEUE/etc/resolv.conf`}, Clients: []judges.Client{{From: "127.0.0.20", Send: plain}}, Want: []string{"connect from Good.DNS.example[127.0.0.20]"}},
	{Name: "no IPv4", Faults: noFamily(unix.AF_INET, unix.EPROTONOSUPPORT), Main: []string{"mynetworks = [::1]/128"}, Listen: []string{"::1"}, Clients: ok, Want: []string{"warning: inet_protocols: disabling IPv4 name/address support: Protocol not supported", "KOk"}},
	{Name: "no IPv4, but networks of it", Faults: noFamily(unix.AF_INET, unix.EPROTONOSUPPORT), Listen: []string{"::1"}, Clients: ok, Want: []string{"disabling IPv4 name/address support"}},
	{Name: "neither IPv4 nor IPv6", Faults: append(noFamily(unix.AF_INET, unix.EAFNOSUPPORT), noFamily(unix.AF_INET6, unix.EAFNOSUPPORT)...), Main: []string{"mynetworks ="}, Clients: ok, Want: []string{"disabling IPv6", "disabling IPv4", "fatal: all network protocols are disabled"}},
	{Name: "socket for IPv6", Faults: noFamily(unix.AF_INET6, unix.EMFILE), Want: fatal("socket: Too many open files")},
	{Name: "socket for IPv4", Faults: noFamily(unix.AF_INET, unix.EACCES), Want: fatal("socket: Permission denied")},
	{Name: "socket for the log", Faults: []standin.Fault{
		{Call: unix.SYS_SOCKET, Arg: 2, Value: unix.SOCK_DGRAM | unix.SOCK_CLOEXEC, Err: unix.EMFILE},
		{Call: unix.SYS_SOCKET, Arg: 2, Value: unix.SOCK_DGRAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, Err: unix.EMFILE},
	}, Clients: []judges.Client{{Send: plain}, {Send: "x"}}, Want: []string{"KOk"}},
	{Name: "netlink", Faults: noFamily(unix.AF_NETLINK, unix.EACCES), Main: []string{"-mynetworks"}, Want: []string{"getifaddrs: "}},
}

// noFamily makes sockets of an address family fail.
func noFamily(family uint32, err syscall.Errno) []standin.Fault {
	return []standin.Fault{{Call: unix.SYS_SOCKET, Arg: 1, Value: family, Err: err}}
}
