package table

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// Only a process that works in the queue directory looks for proxymap(8) in its
// working directory.
func TestProxyDirectory(t *testing.T) {
	work, queue := t.TempDir(), t.TempDir()
	t.Chdir(work)
	for _, inQueue := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		asked := make(chan string, 2)
		for _, dir := range []string{work, queue} {
			if err := os.MkdirAll(filepath.Join(dir, "private"), 0o700); err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("unix", filepath.Join(dir, "private", "proxymap"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				if conn, err := l.Accept(); err == nil {
					asked <- dir
					conn.Close()
					cancel()
				}
			}()
		}
		set := NewSet(Options{Context: ctx, QueueDirectory: queue, InQueue: inQueue})
		if _, err := set.Open("proxy:static:x", 0); err == nil {
			t.Error("opened without an answer")
		}
		want := queue
		if inQueue {
			want = work
		}
		if got := <-asked; got != want {
			t.Errorf("in the queue directory %v: asked in %s, want %s", inQueue, got, want)
		}
		set.Close()
		os.RemoveAll(filepath.Join(work, "private"))
		os.RemoveAll(filepath.Join(queue, "private"))
	}
}
