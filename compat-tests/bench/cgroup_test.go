package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// cgroup is a control group that counts processor time.
type cgroup struct {
	dir   string
	usage string // the file with the count
}

// newCgroup makes a group, in the first or the second version of the
// interface, or returns nil where there is none.
func newCgroup(b testing.TB) *cgroup {
	for _, top := range []struct{ dir, usage string }{
		{"/sys/fs/cgroup/cpuacct", "cpuacct.usage"},
		{"/sys/fs/cgroup", "cpu.stat"},
	} {
		dir := filepath.Join(top.dir, fmt.Sprintf("qmqpd-bench-%d-%d", os.Getpid(), time.Now().UnixNano()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		g := &cgroup{dir, filepath.Join(dir, top.usage)}
		if _, err := os.Stat(g.usage); err != nil {
			os.Remove(dir)
			continue
		}
		b.Cleanup(func() { os.Remove(dir) })
		return g
	}
	return nil
}

// used returns the processor time of all processes that were ever in the
// group.
func (g *cgroup) used(b testing.TB) time.Duration {
	text, err := os.ReadFile(g.usage)
	if err != nil {
		b.Fatal(err)
	}
	if rest, ok := strings.CutPrefix(string(text), "usage_usec "); ok {
		first, _, _ := strings.Cut(rest, "\n")
		n, _ := strconv.ParseInt(first, 10, 64)
		return time.Duration(n) * time.Microsecond
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(n)
}

// wrap has all processes of qmqpd in the instance counted. A shell script that
// enters the group stands in the program's place; it costs little, and what it
// does before it has entered is not counted.
func (g *cgroup) wrap(b testing.TB, pf *postfix.Instance) {
	for _, dir := range []string{"/cgroup", counted} {
		if err := os.MkdirAll(pf.Path(dir), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	program := postfix.DaemonDir + "/qmqpd"
	if err := os.Rename(pf.Path(program), pf.Path(counted+"/qmqpd")); err != nil {
		b.Fatal(err)
	}
	pf.WriteFile(program, "#!/bin/sh\necho 0 >/cgroup/cgroup.procs\nexec "+counted+"/qmqpd \"$@\"\n", 0o755)
	mount := pf.Path("/cgroup")
	if err := syscall.Mount(g.dir, mount, "", syscall.MS_BIND, ""); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { syscall.Unmount(mount, syscall.MNT_DETACH) })
}

// counted is where the program is that the script becomes.
const counted = "/usr/lib/postfix/counted"
