package judges

import (
	"net"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// Row is one scene. The zero value starts the server as Debian's master.cf
// does, chroot and unprivileged, with a client list that holds the loopback
// networks, and expects it to end by itself.
//
// In Main, Argv, Args, Env and Files, "@CONF" stands for the row's
// configuration directory and "@QUEUE" for its queue directory, both absolute
// paths in the root.
type Row struct {
	// Name tells what the row is about: section of the contract, then detail.
	Name string
	// Main are lines of main.cf. A line "name = value" replaces the one that
	// every row has, and "-name" only removes that one.
	Main []string
	// Args follow the options that master(8) gives.
	Args []string
	// Argv replaces the whole argument vector.
	Argv []string
	// Env adds "NAME=value", or removes "NAME", from the environment that
	// master(8) gives.
	Env []string
	// Open leaves the chroot option out.
	Open bool
	// Root leaves the option for mail_owner's privileges out.
	Root bool
	// Listen are the listening sockets: addresses, or "unix" for a socket at
	// public/qmqp. Empty means 127.0.0.1.
	Listen []string
	// Transport is the word after -t; empty means "inet", or "unix" when the
	// first socket is one.
	Transport string
	// Files are files to write, by absolute path. A value of Absent removes.
	Files map[string]string
	// Commands are programs to run in the root before the start, such as
	// postmap(1): words separated by blanks.
	Commands []string
	// Clients come one after the other, each when the last is done.
	Clients []Client
	// Cleanup are the stand-in's verdicts for its first, second... connection;
	// the last one goes on.
	Cleanup []standin.Verdict
	// NoCleanup leaves the socket of cleanup(8) out.
	NoCleanup bool
	// Play replaces Clients.
	Play func(s *Scene)
	// Want are texts that must be in what the stock program did: they show that
	// the row tests what it says.
	Want []string
	// Verbose allows the server to log more than it usually does; what more is
	// diagnostic, and not compared.
	Verbose bool
	// Ignore are texts; log lines that contain one are not compared.
	Ignore []string
	// MaskPID replaces the server's process id in all texts.
	MaskPID bool
	// Stdin starts the server with the option -S instead, for one session on its
	// standard input: "socket", "pipe" or "file", or an address, for a TCP
	// connection to it. The only client is the first.
	Stdin string
	// Serve are UNIX-domain sockets of other servers, by path, and what each
	// does with a connection, which is closed then.
	Serve map[string]func(conn net.Conn)
	// Postlog collects what comes to the log socket public/postlog.
	Postlog bool
	// Terminal makes the standard input a terminal.
	Terminal bool
	// Stderr collects the standard error.
	Stderr bool
	// Hot leaves main.cf as young as it is.
	Hot bool
	// Faults are system calls that fail.
	Faults []standin.Fault
	// OpenFiles, if not zero, is the server's limit of open files.
	OpenFiles uint64
	// IPv6 says that the stock program does what the row wants only where there is
	// ::1, though no socket and no client has that address.
	IPv6 bool
	// Look are files whose presence, mode and size are noted at the end.
	Look []string
	// Lasts is how long the server is given to end by itself when there are no
	// Clients. 0 means 5 seconds.
	Lasts time.Duration
}

// needAddresses skips the test where this machine lacks an IPv6 address of the row.
func (r *Row) needAddresses(t testing.TB) {
	t.Helper()
	addrs := append([]string{r.Stdin}, r.Listen...)
	for _, c := range r.Clients {
		addrs = append(addrs, c.From, c.To)
	}
	if r.IPv6 {
		addrs = append(addrs, "::1")
	}
	for _, addr := range addrs {
		postfix.NeedAddress(t, addr)
	}
}

// Absent is the value in Row.Files of a file that is to be missing.
const Absent = "\x00absent"

// Client is one QMQP client. The zero value sends nothing, and waits for the
// server to close.
type Client struct {
	// From is the client's own address; empty lets the system choose.
	From string
	// To replaces the host of the listener's address.
	To string
	// Listener counts the row's sockets from 0.
	Listener int
	// Send is what the client sends.
	Send string
	// Piece, if positive, is how many bytes are sent at once, with Pause after.
	Piece int
	Pause time.Duration
	// HalfClose says after Send that nothing more will come.
	HalfClose bool
	// Ending notes whether the server's end came as a reset, as it does where the
	// server has not read everything. That is no chance only if Send is one write, and
	// nothing is left for the server to do before it reads.
	Ending bool
	// Reset closes with a reset after Send, and reads no reply.
	Reset bool
	// Hangup closes after Send, and reads no reply.
	Hangup bool
}
