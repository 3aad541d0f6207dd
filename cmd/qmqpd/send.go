package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/daemon/sockpath"
)

type sendCmd struct {
	Server     name          `placeholder:"HOST:PORT|unix:PATH" default:"${listen}" help:"Where the server is (${default})."`
	Sender     rawText       `short:"f" required:"" placeholder:"SENDER" help:"Envelope sender; may be empty."`
	Timeout    time.Duration `placeholder:"TIME" default:"300s" help:"How long to wait for the server (${default})."`
	Recipients []rawText     `arg:"" name:"recipient" help:"Envelope recipients."`
}

// The exit codes are qmail's: a delivery that failed for good, and one that may
// be tried again.
const (
	exitHard  exitCode = 100
	exitRetry exitCode = 111
)

// Validate implements what kong calls when it has read the command line.
func (c *sendCmd) Validate() error {
	if c.Timeout <= 0 {
		return fmt.Errorf("--timeout: %v is no time to wait", c.Timeout)
	}
	// To try again, which is what trouble with the server means, would not help.
	server := string(c.Server)
	if strings.HasPrefix(server, "unix:") {
		if server == "unix:" {
			return errors.New("--server: empty path")
		}
		return nil
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	return nil
}

// Run sends the message. It prints the server's answer, or what went wrong.
func (c *sendCmd) Run(term terminal) error {
	message, err := io.ReadAll(term.in)
	if err != nil {
		fmt.Fprintf(term.err, "qmqpd: read message: %v\n", err)
		return exitRetry
	}
	reply, err := c.send(message)
	if err != nil {
		fmt.Fprintf(term.err, "qmqpd: %s: %v\n", c.Server, err)
		return exitRetry
	}
	if _, err := fmt.Fprintf(term.out, "%c%s\n", reply.Code, reply.Text); err != nil {
		// The status says what became of the message all the same.
		fmt.Fprintln(term.err, "qmqpd:", err)
	}
	switch reply.Code {
	case 'K':
		return nil
	case 'D':
		return exitHard
	default:
		return exitRetry
	}
}

func (c *sendCmd) send(message []byte) (qmqp.Reply, error) {
	conn, err := dial(string(c.Server), c.Timeout)
	if err != nil {
		return qmqp.Reply{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(c.Timeout)); err != nil {
		return qmqp.Reply{}, err
	}
	_, writeErr := conn.Write(qmqp.AppendRequest(nil, message, string(c.Sender), texts(c.Recipients)))
	// A server that refuses early says why and stops reading.
	reply, err := qmqp.ReadReply(conn)
	if err != nil && writeErr != nil {
		err = writeErr
	}
	return reply, err
}

// dial connects to an address of the command line. The path of a socket may be too
// long for an address of the kernel's.
func dial(server string, timeout time.Duration) (conn net.Conn, err error) {
	path, ok := strings.CutPrefix(server, "unix:")
	if !ok {
		return net.DialTimeout("tcp", server, timeout)
	}
	connect := func(path string) (err error) {
		conn, err = net.DialTimeout("unix", path, timeout)
		return err
	}
	if strings.HasPrefix(path, "@") { // not in the file system
		err = connect(path)
	} else {
		err = sockpath.Short(path, connect)
	}
	return conn, err
}
