package table_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/qmqpd/qmqpd/daemon/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers each line with what answer returns; an empty answer closes
// the connection. It counts connections.
func serve(t *testing.T, network, address string, answer func(line string) string) (addr string, connections func() int) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					reply := answer(strings.TrimSuffix(line, "\n"))
					if _, err := io.WriteString(conn, reply); err != nil || reply == "" {
						return
					}
				}
			})
		}
	})
	return l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(open)
	}
}

func TestTCPKeepsConnections(t *testing.T) {
	addr, connections := serve(t, "tcp", "127.0.0.1:0", func(line string) string {
		if line == "get bye" {
			return "400 closing\n"
		}
		return "200 " + line[len("get "):] + "!\n"
	})
	tbl := open(t, "tcp:"+addr, listFlags, nil)
	for i := range 10 {
		key := fmt.Sprint("key", i)
		if value, found, err := tbl.Lookup(context.Background(), key); value != key+"!" || !found || err != nil {
			t.Errorf("Lookup(%s) = %q, %v, %v", key, value, found, err)
		}
	}
	if n := connections(); n != 1 {
		t.Errorf("%d connections for 10 lookups, want 1", n)
	}
	if _, _, err := tbl.Lookup(context.Background(), "bye"); table.ClassOf(err) != table.Retry || err == nil {
		t.Errorf("Lookup(bye): %v", err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				key := fmt.Sprintf("key%d-%d", i, j)
				if value, found, err := tbl.Lookup(context.Background(), key); value != key+"!" || !found || err != nil {
					t.Errorf("Lookup(%s) = %q, %v, %v", key, value, found, err)
				}
			}
		})
	}
	wg.Wait()
}

// What a tcp server says unasked is forgotten, and is no reason for another
// connection.
func TestTCPRepliesTooMany(t *testing.T) {
	addr, connections := serve(t, "tcp", "127.0.0.1:0", func(line string) string { return "200 " + line[len("get "):] + "\n200 y\n" })
	tbl := open(t, "tcp:"+addr, listFlags, nil)
	for _, key := range []string{"a", "b", "c"} {
		if got := result(t.Context(), tbl, key); got != "= "+key {
			t.Errorf("Lookup(%s): %s", key, got)
		}
	}
	if n := connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// A lookup in a table on a silent server ends with its context.
func TestSilentServers(t *testing.T) {
	stop := make(chan struct{})
	silent := func(string) string {
		<-stop
		return ""
	}
	addr, _ := serve(t, "tcp", "127.0.0.1:0", silent)
	// Socketmap and proxymap servers never see a newline, so they are silent.
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, "unix", path, silent)
	t.Cleanup(func() { close(stop) })
	for _, spec := range []string{"tcp:" + addr, "socketmap:unix:" + path + ":map", "socketmap:inet:" + addr + ":map", "memcache:local"} {
		set := table.NewSet(table.Options{Parameter: func(name string) (string, bool) {
			switch name {
			case "local_memcache":
				return "inet:" + addr, true
			case "local_timeout":
				return "60", true
			}
			return "", false
		}})
		tbl, err := set.Open(spec, listFlags)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		start := time.Now()
		_, found, err := tbl.Lookup(ctx, "key")
		cancel()
		var typed *table.Error
		if found || !errors.As(err, &typed) || typed.Class != table.Retry {
			t.Errorf("%s: Lookup = %v, %v", spec, found, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: Lookup took %v", spec, took)
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestServerSpecifications(t *testing.T) {
	for spec, want := range map[string]string{
		"socketmap:foo:bar:map":                    "invalid transport name: foo in service: foo:bar",
		"socketmap:inet:map":                       `need service transport:endpoint instead of "inet"`,
		"socketmap::y:map":                         `need service transport:endpoint instead of ":y"`,
		"socketmap:inet::map":                      `need service transport:endpoint instead of "inet:"`,
		"memcache:bad":                             "invalid transport name: x in service: x:y",
		"memcache:number":                          "bad numerical configuration: number_ttl = ten",
		"memcache:low":                             "invalid low_max_try parameter value 0 < 1",
		"memcache:template":                        "db_common_parse: template: Invalid query template: %x",
		"pipemap:{static:a,socketmap:foo:bar:map}": "invalid transport name: foo in service: foo:bar",
	} {
		set := table.NewSet(table.Options{Parameter: func(name string) (string, bool) {
			value, ok := map[string]string{"bad_memcache": "x:y", "number_ttl": "ten", "low_max_try": "0", "template_key_format": "%x"}[name]
			return value, ok
		}})
		_, err := set.Open(spec, listFlags)
		if err == nil || err.Error() != want || table.ClassOf(err) != table.Fatal {
			t.Errorf("Open(%s): %v, want fatal %q", spec, err, want)
		}
		set.Close()
	}
}
