package standin

import (
	"net"
	"testing"
	"time"
)

// What the server has not read is known, by both address families.
func TestWaitRead(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", addr)
		if err != nil && addr != "127.0.0.1:0" {
			t.Log(err)
			continue // no such family
		}
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
			t.Errorf("%s: read before it was", addr)
		}
		if _, err := server.Read(make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if !c.WaitRead(10 * time.Second) {
			t.Errorf("%s: not read", addr)
		}
	}
}
