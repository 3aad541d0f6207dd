package standin

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// WaitRead waits until the server has read all that the client has sent, for limit at
// most, and reports whether it has. It is for TCP.
func (c *Client) WaitRead(limit time.Duration) bool {
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		if unread, err := unreadBytes(c.conn.RemoteAddr(), c.conn.LocalAddr()); err == nil && unread == 0 {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// unreadBytes returns how much the kernel holds for the reader at the local end of a
// TCP connection (proc_net_tcp in the kernel's documentation: rx_queue).
func unreadBytes(local, remote net.Addr) (int, error) {
	ends := fmt.Sprintf(":%04X %%s:%04X", local.(*net.TCPAddr).Port, remote.(*net.TCPAddr).Port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // no such protocol
		}
		for _, line := range strings.Split(string(text), "\n")[1:] {
			f := strings.Fields(line) // sl, local, remote, st, tx_queue:rx_queue...
			if len(f) < 5 {
				continue
			}
			host, _, _ := strings.Cut(f[2], ":")
			if !strings.HasSuffix(f[1]+" "+f[2], fmt.Sprintf(ends, host)) {
				continue
			}
			var sending, unread int
			_, err := fmt.Sscanf(f[4], "%x:%x", &sending, &unread)
			return unread, err
		}
	}
	return 0, os.ErrNotExist
}
