package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestPrivileges looks at processes that serve a client in the jail: each thread of
// ours has given up what the stock program gives up, and nothing is open that leads
// out of the jail, or that a program it started would have.
func TestPrivileges(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	port := postfix.FreePort(t)
	s.AppendMaster(fmt.Sprintf("127.0.0.1:%d inet n - y - - qmqpd.stock", port))
	s.Reload()
	rights := func(pid int) []string {
		var all []string
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil || len(tasks) == 0 {
			t.Fatal(tasks, err)
		}
		for _, task := range tasks {
			b, err := os.ReadFile(task)
			if err != nil {
				continue // the thread has ended
			}
			var lines []string
			for line := range strings.Lines(string(b)) {
				name, _, _ := strings.Cut(line, ":")
				if slices.Contains([]string{"Umask", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb"}, name) {
					lines = append(lines, strings.Join(strings.Fields(line), " "))
				}
			}
			if text := strings.Join(lines, "\n"); !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
		return all
	}
	session := func(port int, program string) int {
		mark := s.Log.Mark() // the queue id may come as soon as the connection stands
		c, err := standin.DialTCP("", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		text := request(program)
		if err := c.Send([]byte(text[:len(text)-1])); err != nil {
			t.Fatal(err)
		}
		for pid := range s.waitSessions(t, mark, 1) {
			return pid
		}
		return 0
	}
	ours, stock := session(s.port, "ours"), session(port, "stock")
	got, want := rights(ours), rights(stock)
	if len(want) != 1 || !slices.Equal(got, want) {
		t.Errorf("ours\n%s\nstock\n%s", strings.Join(got, "\n\n"), strings.Join(want, "\n\n"))
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", ours))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		path := fmt.Sprintf("/proc/%d/fd/%s", ours, fd.Name())
		info, err := os.Stat(path)
		if err != nil {
			continue // it was closed
		}
		to, _ := os.Readlink(path)
		if info.IsDir() {
			t.Errorf("directory %s is open", to)
		}
		number, _ := strconv.Atoi(fd.Name())
		if number > 2 && !closesOnExec(t, ours, number) {
			t.Errorf("descriptor %d, %s, stays open in other programs", number, to)
		}
	}
}

// closesOnExec tells whether a descriptor of a process is closed by execve(2).
func closesOnExec(t *testing.T, pid, fd int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseInt(strings.TrimSpace(value), 8, 64)
			return err == nil && flags&syscall.O_CLOEXEC != 0
		}
	}
	return false
}
