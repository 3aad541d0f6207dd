package postfix

import (
	"bytes"
	"errors"
	"os/exec"
	"syscall"
)

// Result is what a command printed and how it ended.
type Result struct {
	Stdout, Stderr string
	// Code is the exit status, or 128 plus the signal's number.
	Code int
}

// Command prepares a program to run inside the root: name is an absolute path
// there, the working directory is the root's /, and the environment holds PATH
// and LC_ALL only.
func (i *Instance) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: i.Dir}
	return cmd
}

// Run runs a program inside the root to its end, without standard input.
func (i *Instance) Run(name string, args ...string) Result {
	i.t.Helper()
	return i.RunInput(nil, name, args...)
}

// RunInput is Run with bytes for the standard input.
func (i *Instance) RunInput(stdin []byte, name string, args ...string) Result {
	i.t.Helper()
	cmd := i.Command(name, args...)
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		i.t.Fatalf("run %s in the private root: %v", name, err)
	}
	return Result{stdout.String(), stderr.String(), exitCode(cmd)}
}

// MustRun is Run, and fails the test unless the program ends with 0. It
// returns the standard output.
func (i *Instance) MustRun(name string, args ...string) string {
	i.t.Helper()
	r := i.Run(name, args...)
	if r.Code != 0 {
		i.t.Fatalf("%s %q: exit status %d\n%s%s", name, args, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

func exitCode(cmd *exec.Cmd) int {
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
