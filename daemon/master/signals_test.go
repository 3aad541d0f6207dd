package master

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// signalled names the variable that makes this program a victim of the signal in it.
const signalled = "MASTER_TEST_SIGNAL"

// victim is what such a process does: the signal is sent as anybody would send it, or,
// as 0, comes of Abort.
func victim(number string) int {
	n, err := strconv.Atoi(number)
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if n == 0 {
		Abort()
	} else {
		DefaultSignals()
		// Death by the default action comes before the call returns.
		_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.Signal(n))
	}
	fmt.Println("alive")
	return 0
}

// Signals have the effect that master(8) and whoever looks at the exit status expect:
// death without a word, or none.
func TestDefaultSignals(t *testing.T) {
	tests := []struct {
		signal syscall.Signal // 0: Abort
		death  syscall.Signal // 0: none
	}{
		{syscall.SIGTERM, syscall.SIGTERM},
		{syscall.SIGHUP, syscall.SIGHUP},
		{syscall.SIGINT, syscall.SIGINT},
		{syscall.SIGQUIT, syscall.SIGQUIT},
		{syscall.SIGABRT, syscall.SIGABRT},
		{syscall.SIGUSR1, syscall.SIGUSR1},
		{syscall.SIGUSR2, syscall.SIGUSR2},
		{syscall.SIGXCPU, syscall.SIGXCPU},
		{syscall.SIGVTALRM, syscall.SIGVTALRM},
		{syscall.SIGIO, syscall.SIGIO},
		{syscall.SIGPWR, syscall.SIGPWR},
		{syscall.SIGTRAP, syscall.SIGTRAP},
		{syscall.SIGSYS, syscall.SIGSYS},
		{syscall.SIGPIPE, 0},
		{syscall.SIGXFSZ, 0},
		{0, syscall.SIGABRT},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(int(tt.signal)), func(t *testing.T) {
			if signal.Ignored(tt.death) {
				t.Skipf("SKIPPED: %v is ignored here", tt.death)
			}
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), signalled+"="+strconv.Itoa(int(tt.signal)))
			var out bytes.Buffer
			c.Stdout, c.Stderr = &out, &out
			_ = c.Run() // what matters is the status
			status := c.ProcessState.Sys().(syscall.WaitStatus)
			death, want := syscall.Signal(0), ""
			if status.Signaled() {
				death = status.Signal()
			} else {
				want = "alive\n"
			}
			if death != tt.death || out.String() != want {
				t.Errorf("%v, %q", c.ProcessState, &out)
			}
		})
	}
}
