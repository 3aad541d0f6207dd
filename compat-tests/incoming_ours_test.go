package compat

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon"
)

// ours is a stand-alone server in this process that writes queue files itself.
type ours struct {
	t     *testing.T
	dir   string
	addrs map[string]string // by host
	log   lockedBuffer
	// opening is what was said of tables at the start; compared tells whether the
	// rival has been held against it.
	opening  []string
	compared bool
}

// lockedBuffer collects what a server logs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since the last call.
func (l *lockedBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	l.b.Reset()
	return s
}

// newOurs starts a server with the configuration files of a rival, and more settings
// in main.cf. It stops when t ends.
func newOurs(t *testing.T, configDir string, set settings) *ours {
	t.Helper()
	dir := t.TempDir()
	hosts := loopbacks(t)
	o := &ours{t: t, dir: filepath.Join(dir, "queue"), addrs: make(map[string]string)}
	options := daemon.ServeOptions{
		ConfigDir: dir,
		Queue:     o.dir,
		Log:       &o.log,
	}
	for _, host := range hosts {
		options.Listen = append(options.Listen, net.JoinHostPort(host, "0"))
	}
	for _, name := range []string{"main.cf", "master.cf"} {
		text, err := os.ReadFile(filepath.Join(configDir, name))
		if os.IsNotExist(err) && name == "master.cf" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if name == "main.cf" {
			for _, k := range slices.Sorted(maps.Keys(set)) {
				text = append(text, k+" = "+set[k]+"\n"...)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ready := make(chan struct{})
	options.Ready = func(addrs []net.Addr) {
		for i, host := range hosts {
			o.addrs[host] = addrs[i].String()
		}
		close(ready)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	done := make(chan struct{})
	go func() {
		err = daemon.Serve(ctx, options)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		if <-done; err != nil {
			t.Errorf("our server: %v", err)
		}
	})
	select {
	case <-ready:
	case <-done:
		t.FailNow()
	}
	for _, l := range logTexts(o.log.take()) {
		bad := strings.HasPrefix(l, "warning: ") || strings.HasPrefix(l, "error: ")
		if bad && !isProcessLine(l) {
			o.opening = append(o.opening, cutLine(l))
		}
	}
	return o
}

// tryStart starts our server with the configuration of a directory, and ends it as soon
// as it is ready. It returns why it could not start.
func tryStart(t *testing.T, dir string) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return daemon.Serve(ctx, daemon.ServeOptions{
		ConfigDir: dir, Listen: []string{"127.0.0.1:0"}, Queue: filepath.Join(dir, "queue"), Log: io.Discard,
		Ready: func([]net.Addr) { cancel() },
	})
}

// logTexts returns the lines of a log without what is in front of each message.
func logTexts(text string) []string {
	var lines []string
	for l := range strings.Lines(text) {
		_, l, _ = strings.Cut(strings.TrimSuffix(l, "\n"), "]: ")
		lines = append(lines, l)
	}
	return lines
}

// send serves one request.
func (o *ours) send(host string, req submission) result {
	o.t.Helper()
	o.log.take()
	reply, err := exchange(o.addrs[host], req.bytes())
	if err != nil {
		o.t.Fatalf("our server: %v", err)
	}
	// The line about the end of the session comes after the reply, and that about
	// a message that is given up may come even later.
	text := ""
	ended := func() bool {
		return strings.Contains(text, "disconnect from") &&
			(strings.HasPrefix(reply, "K") || strings.Contains(text, ": removed ("))
	}
	for deadline := time.Now().Add(patience); !ended(); {
		if time.Now().After(deadline) {
			o.t.Fatalf("our server did not end the session:\n%s", text)
		}
		time.Sleep(100 * time.Microsecond)
		text += o.log.take()
	}
	lines := logTexts(text)
	var res result
	res.collect(o.t, reply, idOf(reply, lines), o.dir, lines)
	return res
}
