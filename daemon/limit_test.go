package daemon

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/mainconf"
)

// qmqpd_message_memory is what a message may hold in memory: without any, the
// 100 kB that a client has sent so far are in a file beside the queue file.
func TestMessageMemory(t *testing.T) {
	// Where there are no files without a name, the queue file is none of them.
	fd, err := unix.Open(t.TempDir(), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Skipf("a file without a name: %v", err)
	}
	unix.Close(fd)
	for _, tt := range []struct {
		value string
		files int
	}{{"", 1}, {"1000000", 1}, {"0", 2}} {
		t.Run(tt.value, func(t *testing.T) {
			dir := t.TempDir()
			socket := filepath.Join(dir, "s")
			ready := make(chan struct{})
			options := ServeOptions{
				Listen: []string{"unix:" + socket},
				Queue:  filepath.Join(dir, "queue"),
				Grace:  time.Millisecond,
				Ready:  func([]net.Addr) { close(ready) },
			}
			if tt.value != "" {
				options.Overrides = []mainconf.Setting{{Name: memoryParameter, Value: tt.value}}
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- Serve(ctx, options) }()
			select {
			case <-ready:
			case err := <-done:
				t.Fatal(err)
			}
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte("200020:200000:" + strings.Repeat("x", 100000))); err != nil {
				t.Fatal(err)
			}
			for unread(t, conn.(*net.UnixConn)) > 0 {
				time.Sleep(time.Millisecond)
			}
			// There is a file before the last of it is read, if there is one.
			if files := nameless(t, options.Queue); files != tt.files {
				t.Errorf("%d files without a name, want %d", files, tt.files)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// unread returns how many bytes the peer has not read yet, or more.
func unread(t *testing.T, conn *net.UnixConn) (n int) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	return n
}

// nameless counts the open files without a name in a queue directory.
func nameless(t *testing.T, queue string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	n := 0
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if strings.HasPrefix(target, queue+"/") && strings.HasSuffix(target, " (deleted)") {
			n++
		}
	}
	return n
}

func TestOwnNumbers(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"many", "bad numerical configuration: qmqpd_message_memory = many"},
		{"-1", "invalid qmqpd_message_memory parameter value -1 < 0"},
		{"9223372036854775808", "bad numerical configuration: qmqpd_message_memory = 9223372036854775808"},
	} {
		err := Serve(t.Context(), ServeOptions{
			Listen: []string{"unix:" + t.TempDir() + "/s"}, Queue: t.TempDir(),
			Overrides: []mainconf.Setting{{Name: memoryParameter, Value: tt.value}},
		})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.value, err)
		}
	}
}
