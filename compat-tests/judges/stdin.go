package judges

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// openTerminal opens the slave side of a new pseudo terminal; the master side
// stays open until t ends.
func openTerminal(t testing.TB) (*os.File, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { slave.Close() })
	return slave, nil
}

// startStdin starts the server for one session on its standard input, gives
// it what the first client sends, and notes its standard output.
func (s *Scene) startStdin() error {
	var send string
	if len(s.row.Clients) > 0 {
		send = s.row.Clients[0].Send
	}
	out, err := os.Create(s.Path("@CONF/stdout"))
	if err != nil {
		return err
	}
	defer out.Close()
	spec := standin.ChildSpec{NoStatus: true, Stdout: out}
	var mine *os.File
	switch s.row.Stdin {
	case "file":
		name := s.Path("@CONF/stdin")
		if err := os.WriteFile(name, []byte(send), 0o644); err != nil {
			return err
		}
		if spec.Stdin, err = os.Open(name); err != nil {
			return err
		}
	case "pipe":
		if spec.Stdin, mine, err = os.Pipe(); err != nil {
			return err
		}
	case "socket":
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		spec.Stdin, mine = os.NewFile(uintptr(pair[0]), "theirs"), os.NewFile(uintptr(pair[1]), "mine")
		// As inetd does it: one socket for both directions.
		spec.Stdout = spec.Stdin
	case "127.0.0.1", "::1":
		if spec.Stdin, mine, err = s.tcpPair(s.row.Stdin); err != nil {
			return err
		}
		spec.Stdout = spec.Stdin
	default:
		return fmt.Errorf("unknown kind of standard input %q", s.row.Stdin)
	}
	s.StartChild(spec)
	spec.Stdin.Close()
	if mine != nil {
		mine.WriteString(send)
		if s.row.Stdin == "pipe" {
			mine.Close()
		}
	}
	s.Child.Wait(patience)
	var reply []byte
	if spec.Stdout == spec.Stdin {
		buf := make([]byte, 65536)
		n, _ := mine.Read(buf)
		reply = buf[:n]
		mine.Close()
	} else if reply, err = os.ReadFile(out.Name()); err != nil {
		return err
	}
	s.Note("standard output: %q", reply)
	return nil
}

// tcpPair returns both ends of a TCP connection to the address.
func (s *Scene) tcpPair(addr string) (server, client *os.File, err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	s.Port(port)
	accepted, err := l.Accept()
	if err != nil {
		return nil, nil, err
	}
	defer accepted.Close()
	if server, err = accepted.(*net.TCPConn).File(); err != nil {
		return nil, nil, err
	}
	// The flag is the connection's, so the server sees it.
	if err = syscall.SetNonblock(int(server.Fd()), false); err != nil {
		return nil, nil, err
	}
	client, err = c.(*net.TCPConn).File()
	return server, client, err
}
