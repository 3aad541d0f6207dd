package hostname

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Look-ups that wait for a server that keeps silent, or that announces more than it
// sends, hold hardly any memory: as many clients as connect wait for it.
func TestSilentServerMemory(t *testing.T) {
	for _, tcp := range []bool{false, true} {
		udp, stream := listenBoth(t)
		defer udp.Close()
		defer stream.Close()
		const clients = 100
		asked := make(chan struct{}, clients)
		go func() {
			for {
				if _, _, err := udp.ReadFrom(make([]byte, 512)); err != nil {
					return
				}
				asked <- struct{}{}
			}
		}()
		var conns sync.WaitGroup
		go func() {
			for {
				c, err := stream.Accept()
				if err != nil {
					return
				}
				conns.Go(func() {
					defer c.Close()
					_, _ = c.Write([]byte{0xff, 0xff})
					_, _ = c.Read(make([]byte, 4096))
					asked <- struct{}{}
					_, _ = c.Read(make([]byte, 1)) // until the other end goes away
				})
			}
		}()
		dir := t.TempDir()
		conf := "nameserver 127.0.0.1\noptions timeout:30\n"
		if tcp {
			conf += "options use-vc\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		r := NewSystem(SystemOptions{Dir: dir, Port: udp.LocalAddr().(*net.UDPAddr).Port, Environ: func(string) (string, bool) { return "", false }})
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		before := heap()
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() { _, _ = r.LookupName(ctx, netip.MustParseAddr("192.0.2.1")) })
		}
		for range clients {
			<-asked
		}
		time.Sleep(100 * time.Millisecond) // until all of them wait
		used := heap() - before
		cancel()
		wg.Wait()
		conns.Wait()
		if used > clients*20000 {
			t.Errorf("tcp %s: %d bytes for %d look-ups", strconv.FormatBool(tcp), used, clients)
		}
	}
}
