package standin

import (
	"net"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// What the server has not read is known, by both address families.
func TestWaitRead(t *testing.T) {
	for _, addr := range []string{"127.0.0.1", "::1"} {
		t.Run(addr, func(t *testing.T) {
			postfix.NeedAddress(t, addr)
			l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c, err := DialTCP("", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			if err := c.Send([]byte("text")); err != nil {
				t.Fatal(err)
			}
			if c.WaitRead(20 * time.Millisecond) {
				t.Error("read before it was")
			}
			if _, err := server.Read(make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			if !c.WaitRead(10 * time.Second) {
				t.Error("not read")
			}
		})
	}
}
