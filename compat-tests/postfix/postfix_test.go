package postfix_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

func TestMain(m *testing.M) { os.Exit(postfix.Main(m)) }

// TestInstance runs a command in a private root and the real master to and
// fro, and looks whether the template stays as it was.
func TestInstance(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	pf.AppendMain("soft_bounce = yes")
	if got, want := pf.MustRun("/usr/sbin/postconf", "-h", "soft_bounce"), "yes\n"; got != want {
		t.Errorf("postconf -h soft_bounce: %q, want %q", got, want)
	}
	if got := pf.Run("/usr/sbin/postconf", "-c", "/nonexistent"); got.Code != 1 {
		t.Errorf("postconf -c /nonexistent: %+v, want exit status 1", got)
	}
	pf.Start()
	// A child that has not begun its own program yet looks like master, too.
	isMaster := func(p postfix.Process) bool { return p.PID == pf.MasterPID() }
	if got := pf.Daemons("master"); !slices.ContainsFunc(got, isMaster) {
		t.Errorf("masters %v, want process %d", got, pf.MasterPID())
	}
	pf.Reload()
	pf.Stop()
	if left := pf.Processes(); len(left) != 0 {
		t.Errorf("left after the stop: %v", left)
	}

	program := filepath.Join(t.TempDir(), "program")
	if err := postfix.WriteProgram(program, []byte("#!/bin/sh\necho exchanged\n")); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(postfix.Root(t), postfix.DaemonDir, "qmqpd"))
	if err != nil {
		t.Fatal(err)
	}
	pf.Install(program, postfix.DaemonDir+"/qmqpd")
	if got, want := pf.MustRun(postfix.DaemonDir+"/qmqpd"), "exchanged\n"; got != want {
		t.Errorf("exchanged daemon: %q, want %q", got, want)
	}
	after, err := os.Stat(filepath.Join(postfix.Root(t), postfix.DaemonDir, "qmqpd"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || before.Size() != after.Size() {
		t.Error("exchanging a daemon has changed the template")
	}
}
