package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"qmqpd": main})
}

// Each file below testdata/script is a session at a terminal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await,
			"queue": queue,
			"reply": reply,
		},
	})
}

// await waits until a server listens on a UNIX-domain socket.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await SOCKET")
	}
	for end := time.Now().Add(30 * time.Second); ; {
		conn, err := net.Dial("unix", ts.MkAbs(args[0]))
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nobody listens: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// queue sets a variable to the one finished file in incoming/ of a queue
// directory.
func queue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: queue DIR VARIABLE")
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "incoming", "*"))
	if err != nil || len(files) != 1 {
		ts.Fatalf("queue files: %q, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode() != 0o700 {
		ts.Fatalf("not finished: %v, %v", info.Mode(), err)
	}
	ts.Setenv(args[1], files[0])
}

// reply starts a server on a UNIX-domain socket that gives each client the same
// bytes.
func reply(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: reply SOCKET BYTES")
	}
	l, err := net.Listen("unix", ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// A request never comes in one piece: read until the
			// client waits.
			conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			buf := make([]byte, 4096)
			for {
				if _, err := conn.Read(buf); err != nil {
					break
				}
			}
			conn.Write([]byte(args[1]))
			conn.Close()
		}
	}()
}

// The program that master(8) starts never begins with a word, so the words of
// people do not get in its way.
func TestChildOptions(t *testing.T) {
	if os.Getenv("QMQPD_TEST_CHILD") == "1" {
		os.Exit(run([]string{"qmqpd", "-V", "-t", "inet", "serve"}, terminal{os.Stdin, os.Stdout, os.Stderr}))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildOptions$")
	cmd.Env = append(os.Environ(), "QMQPD_TEST_CHILD=1", "MAIL_CONFIG="+filepath.Join(t.TempDir(), "none"))
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("started without main.cf: %s", out)
	}
}
