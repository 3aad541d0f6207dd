package standin

import (
	"net"
	"sync"
	"testing"
)

// Serve has answer talk to each client of a listener, in a goroutine of its own,
// until the test ends. The connection is closed when answer returns; the end of the
// test waits for that.
func Serve(t testing.TB, l net.Listener, answer func(conn net.Conn)) {
	var wg sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				answer(conn)
			})
		}
	})
}
