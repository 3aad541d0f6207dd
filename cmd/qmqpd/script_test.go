package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/qmqpd/qmqpd/daemon/sockpath"
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
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
	})
}

// await waits until a server listens on a UNIX-domain socket.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await SOCKET")
	}
	for end := time.Now().Add(30 * time.Second); ; {
		err := sockpath.Short(ts.MkAbs(args[0]), func(short string) error {
			conn, err := net.Dial("unix", short)
			if err == nil {
				conn.Close()
			}
			return err
		})
		if err == nil {
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
			// All of the request: a client that is slow to send it
			// would find the connection closed.
			r, length := bufio.NewReader(conn), int64(0)
			if _, err := fmt.Fscanf(r, "%d:", &length); err == nil {
				io.CopyN(io.Discard, r, length+int64(len(",")))
			}
			conn.Write([]byte(args[1]))
			conn.Close()
		}
	}()
}

// The program that master(8) starts never begins with a word, so the words of
// people do not get in its way. Its options count in their order, up to one that is
// wrong, and its own name is that of the command.
func TestChildOptions(t *testing.T) {
	const variable = "QMQPD_TEST_CHILD"
	if line, ok := os.LookupEnv(variable); ok {
		os.Exit(run(strings.Fields(line), terminal{os.Stdin, os.Stdout, os.Stderr}))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte("syslog_name = p\nqueue_directory = "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for _, tt := range []struct{ line, config, want string }{
		{"qmqpd -V -t inet serve", filepath.Join(dir, "none"), ""}, // main.cf comes first
		{"qmqpd -V -x -t fifo", dir, "qmqpd: fatal: invalid option: x"},
		{"qmqpd -V -s 0 -x", dir, "qmqpd: fatal: invalid socket_count: 0"},
		{"/a/b/another -V -s 0", dir, "another: fatal: invalid socket_count: 0"},
		{"qmqpd -s 0 -V", dir, ""},
		{"qmqpd -V -n", dir, "qmqpd: fatal: invalid option: n"},
		{"", filepath.Join(dir, "none"), "qmqpd: run by master(8), or with a command; see qmqpd --help"},
	} {
		wait.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestChildOptions$")
			cmd.Env = append(os.Environ(), variable+"="+tt.line, "MAIL_CONFIG="+tt.config, "MAIL_LOGTAG=")
			out, _ := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 1 || tt.want == "" && len(out) > 0 || !strings.Contains(string(out), tt.want) {
				t.Errorf("%q: %v\n%swant %q", tt.line, cmd.ProcessState, out, tt.want)
			}
		})
	}
	wait.Wait() // each pauses for a second before it ends
}
