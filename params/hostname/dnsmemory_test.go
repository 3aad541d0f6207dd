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
		const clients = 100
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		before := heap()
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() { _, _ = r.LookupName(ctx, netip.MustParseAddr("192.0.2.1")) })
		}
		time.Sleep(time.Second)
		used := heap() - before
		cancel()
		wg.Wait()
		conns.Wait()
		if used > clients*20000 {
			t.Errorf("tcp %s: %d bytes for %d look-ups", strconv.FormatBool(tcp), used, clients)
		}
	}
}
