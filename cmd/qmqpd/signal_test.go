package main

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The first signal waits for the sessions that are open, the second for none.
func TestSecondSignal(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	server := startServer(t, socket, filepath.Join(dir, "spool"))
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("100:")); err != nil {
		t.Fatal(err)
	}
	// Clients are accepted in turn: once the next one has its answer, this one's
	// session has begun.
	if _, err := sendText(socket, "next"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		other, err := net.Dial("unix", socket)
		if err != nil {
			break // it accepts no more
		}
		other.Close()
		if time.Now().After(end) {
			t.Fatal("the first signal had no effect")
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("the first signal ended the server in the midst of a session: %v", err)
	default:
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended
	if status := server.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("after the second signal: %v", server.ProcessState)
	}
}
