package standin

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// Client is a QMQP client's connection, down to the bytes.
type Client struct {
	conn net.Conn
	// Port is the local port of a TCP client.
	Port string
	// WasReset says that ReadAll ended with a reset.
	WasReset bool
}

// Dial connects to a listener. from is the client's own address, without
// port; empty lets the system choose. to, when not empty, replaces the host of
// the listener's address.
func (l *Listener) Dial(from, to string) (*Client, error) {
	if l.network == "unix" {
		conn, err := postfix.DialUnix(l.addr)
		if err != nil {
			return nil, err
		}
		return &Client{conn: conn}, nil
	}
	host, port, err := net.SplitHostPort(l.addr)
	if err != nil {
		return nil, err
	}
	if to != "" {
		host = to
	}
	return DialTCP(from, net.JoinHostPort(host, port))
}

// clientPorts counts through the ports of clients.
var clientPorts atomic.Uint32

// The ports of clients. The system would choose the same one for two clients
// soon after each other, and a test could not tell them apart.
const (
	firstClientPort = 33000
	allClientPorts  = 27000
)

// DialTCP connects to addr, from the address from if that is not empty, and
// from a port that no recent client had.
func DialTCP(from, addr string) (*Client, error) {
	var err error
	for range 100 {
		port := firstClientPort + int((clientPorts.Add(1)+uint32(os.Getpid())*101)%allClientPorts)
		dialer := net.Dialer{Timeout: time.Minute, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from), Port: port}}
		var conn net.Conn
		if conn, err = dialer.Dial("tcp", addr); err == nil {
			return &Client{conn: conn, Port: strconv.Itoa(port)}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			break
		}
	}
	return nil, err
}

// Send writes bytes. The error says that the server has closed.
func (c *Client) Send(b []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(2 * time.Minute))
	_, err := c.conn.Write(b)
	return err
}

// SendSlowly writes bytes in pieces of n, with a pause after each.
func (c *Client) SendSlowly(b []byte, n int, pause time.Duration) error {
	for len(b) > 0 {
		piece := b[:min(n, len(b))]
		if err := c.Send(piece); err != nil {
			return err
		}
		b = b[len(piece):]
		time.Sleep(pause)
	}
	return nil
}

// HalfClose says that the client will send no more, and may still read.
func (c *Client) HalfClose() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

// Reset closes the connection with a TCP reset.
func (c *Client) Reset() {
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		Reset(tcp)
		return
	}
	c.Close()
}

// Close closes the connection.
func (c *Client) Close() { leave(c.conn) }

// ReadAll reads until the server closes or resets, or for limit at most: then
// the error is os.ErrDeadlineExceeded. A reset is no error: the server may
// close while bytes from the client are unread. WasReset tells.
func (c *Client) ReadAll(limit time.Duration) ([]byte, error) {
	c.conn.SetReadDeadline(time.Now().Add(limit))
	reply, err := io.ReadAll(c.conn)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		c.WasReset, err = true, nil
	}
	return reply, err
}

// ReadUntil ends a running ReadAll at that time.
func (c *Client) ReadUntil(when time.Time) { c.conn.SetReadDeadline(when) }
