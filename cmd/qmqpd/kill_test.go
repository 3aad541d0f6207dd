package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// TestKill kills the stand-alone server again and again, at random moments,
// while clients send. Each message that was answered K must be there, once and
// complete, and whatever has the execute bit must be complete: that is what
// qmgr(8) would deliver. QMQPD_KILLS says how often.
func TestKill(t *testing.T) {
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("QMQPD_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	queue, socket := filepath.Join(dir, "spool"), filepath.Join(dir, "s")
	random := rand.New(rand.NewPCG(1, 2))
	accepted := map[string]string{} // by queue id: what the message says
	for round := range kills {
		server := startServer(t, socket, queue)
		answers := make(chan [2]string, 4096)
		var clients sync.WaitGroup
		for n := range 20 {
			clients.Go(func() {
				for k := 0; ; k++ {
					text := fmt.Sprintf("round %d client %d message %d", round, n, k)
					id, err := sendText(socket, text)
					if err != nil {
						return
					}
					answers <- [2]string{id, text}
				}
			})
		}
		first := <-answers // the server is at work
		accepted[first[0]] = first[1]
		time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond)
		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = server.Wait()
		clients.Wait()
		close(answers)
		for a := range answers {
			accepted[a[0]] = a[1]
		}
		checkQueue(t, queue, accepted)
		if t.Failed() {
			t.Fatalf("after kill %d", round+1)
		}
	}
	t.Logf("%d kills, %d messages answered K", kills, len(accepted))
}

// startServer starts this test program as "qmqpd serve" (see TestMain) and
// waits until it listens.
func startServer(t *testing.T, socket, queue string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{
		Path: program,
		Args: []string{"qmqpd", "serve", "--listen", "unix:" + socket, "--queue", queue},
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
			return cmd
		}
		if time.Now().After(end) {
			t.Fatalf("the server does not listen: %v", err)
		}
	}
}

// sendText sends one message and returns its queue id.
func sendText(socket, text string) (string, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	message := []byte("Subject: " + text + "\n\nbody of " + text + "\n" + strings.Repeat("more\n", 200) + "end of " + text + "\n")
	if _, err := conn.Write(qmqp.AppendRequest(nil, message, "s@example.com", []string{"r@example.com"})); err != nil {
		return "", err
	}
	reply, err := qmqp.ReadReply(conn)
	if err != nil {
		return "", err
	}
	id, ok := strings.CutPrefix(reply.Text, "Ok: queued as ")
	if reply.Code != 'K' || !ok {
		return "", fmt.Errorf("%c%s", reply.Code, reply.Text)
	}
	return id, nil
}

// checkQueue looks at all files of the queue.
func checkQueue(t *testing.T, queue string, accepted map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	err := filepath.WalkDir(queue, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o100 == 0 {
			return nil // unfinished, and nobody's mail
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := queuefmt.Verify(f); err != nil {
			t.Errorf("%s is marked as complete: %v", path, err)
		}
		id := d.Name()
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
		if text := accepted[id]; text != "" {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if !strings.Contains(string(data), "end of "+text) {
				t.Errorf("%s is not the message %q", path, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, text := range accepted {
		if !seen[id] {
			t.Errorf("%s was answered K (%s), and is gone", id, text)
		}
	}
}
