package postfix

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// masterProcess is a real master(8), leader of its own session and group.
type masterProcess struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts the real master(8) inside the root and returns when it is
// ready. It is stopped when the test ends, at the latest.
func (i *Instance) Start() {
	i.t.Helper()
	if !i.TryStart() {
		i.t.Fatalf("master did not start:\n%s", i.Log.tail(10))
	}
}

// TryStart is Start for a configuration with which master(8) may end: it then returns
// false.
func (i *Instance) TryStart() bool {
	i.t.Helper()
	if i.master != nil {
		i.t.Fatal("master runs already")
	}
	mark := i.Log.Mark()
	cmd := i.Command(DaemonDir + "/master")
	cmd.Dir = QueueDir
	cmd.Env = append(cmd.Env, "MAIL_CONFIG=/etc/postfix")
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		i.t.Fatalf("start master: %v", err)
	}
	m := &masterProcess{cmd: cmd, done: make(chan struct{})}
	i.master = m
	go func() {
		cmd.Wait()
		close(m.done)
	}()
	const fatal = "fatal:"
	last := i.Log.WaitFor(i.t, mark, "of a started master", func(l Line) bool {
		return strings.HasPrefix(l.Text, "daemon started") || l.PID == cmd.Process.Pid && strings.HasPrefix(l.Text, fatal)
	})
	if strings.HasPrefix(last.Text, fatal) {
		<-m.done
		return false
	}
	i.settle()
	return true
}

// MasterPID returns the process id, and group id, of the running master.
func (i *Instance) MasterPID() int { return i.master.cmd.Process.Pid }

// Reload makes master read its configuration again, as "postfix reload" does,
// and returns when it has said so.
func (i *Instance) Reload() {
	i.t.Helper()
	mark := i.Log.Mark()
	if err := i.master.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		i.t.Fatalf("reload master: %v", err)
	}
	i.Log.Wait(i.t, mark, "reload -- version")
	i.settle()
}

// settle returns when master waits for events again. A signal that comes while
// master still logs may hang it for seconds: its handler logs, too.
func (i *Instance) settle() {
	const waiting = "S"
	deadline := time.Now().Add(patience)
	for calm := 0; calm < 3; {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.MasterPID()))
		if err != nil || time.Now().After(deadline) {
			i.t.Fatalf("master does not come to rest: %v", err)
		}
		_, state, _ := strings.Cut(string(stat), ") ")
		if strings.HasPrefix(state, waiting) {
			calm++
		} else {
			calm = 0
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Stop ends master as "postfix stop" does, with SIGTERM, and returns how long
// it took until no process was left in the root.
func (i *Instance) Stop() time.Duration {
	i.t.Helper()
	if i.master == nil {
		i.t.Fatal("master does not run")
	}
	pid := i.MasterPID()
	start := time.Now()
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		i.t.Fatalf("stop master: %v", err)
	}
	if !emptyWithin(i.Dir, patience/4) {
		i.t.Errorf("processes are left after master's end: %v", i.Processes())
	}
	<-i.master.done
	i.master = nil
	return time.Since(start)
}

// emptyWithin waits until nothing runs in the folder dir any more. A process
// that has ended but has not been waited for does not count.
func emptyWithin(dir string, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for len(processesIn(dir)) != 0 {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
	return true
}

// Process is a process that runs inside the root.
type Process struct {
	PID int
	// Command is the command line, words separated by blanks.
	Command string
}

// Processes returns the processes whose root directory is the instance's root
// or lies in it, whoever started them.
func (i *Instance) Processes() []Process { return processesIn(i.Dir) }

// Daemons returns the processes of one daemon, by the name of its program.
func (i *Instance) Daemons(name string) []Process {
	var found []Process
	for _, p := range i.Processes() {
		if word, _, _ := strings.Cut(p.Command, " "); filepath.Base(word) == name {
			found = append(found, p)
		}
	}
	return found
}

// Kill ends one process of the root with SIGKILL, by its id.
func (i *Instance) Kill(pid int) {
	i.t.Helper()
	for _, p := range i.Processes() {
		if p.PID == pid {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				i.t.Error(err)
			}
			return
		}
	}
	i.t.Errorf("process %d does not run in the root", pid)
}

func processesIn(dir string) []Process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		root, err := os.Readlink(fmt.Sprintf("/proc/%d/root", pid))
		if err != nil || root != dir && !strings.HasPrefix(root, dir+"/") {
			continue
		}
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		words := strings.TrimRight(string(command), "\x00")
		found = append(found, Process{pid, strings.ReplaceAll(words, "\x00", " ")})
	}
	return found
}

// endProcesses ends what still runs inside the root, by process id.
func (i *Instance) endProcesses() {
	if i.master != nil {
		syscall.Kill(i.MasterPID(), syscall.SIGTERM)
		if !emptyWithin(i.Dir, 2*time.Second) {
			endProcessesIn(i.Dir)
		}
		<-i.master.done
		i.master = nil
	}
	endProcessesIn(i.Dir)
}

func endProcessesIn(dir string) {
	for range 100 {
		left := processesIn(dir)
		if len(left) == 0 {
			return
		}
		for _, p := range left {
			syscall.Kill(p.PID, syscall.SIGKILL)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// removeStale removes the private roots of test programs that are gone
// without having cleaned up, and ends what was left running in them.
func removeStale(cache string) {
	roots, _ := filepath.Glob(filepath.Join(cache, "run-*-*"))
	for _, dir := range roots {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), "run-"), "-")
		pid, err := strconv.Atoi(owner)
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		endProcessesIn(dir)
		if unmountBelow(dir) == nil {
			os.RemoveAll(dir)
		}
	}
}

// unmountBelow unmounts what is mounted in a folder, the last mount first: to
// remove the folder would otherwise empty what is mounted there.
func unmountBelow(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(string(mounts), "\n")
	for _, line := range slices.Backward(lines) {
		const point = 4
		fields := strings.Fields(line)
		for i, f := range fields {
			fields[i] = strings.ReplaceAll(f, `\040`, " ")
		}
		if len(fields) <= point || !strings.HasPrefix(fields[point], dir+"/") {
			continue
		}
		if err := syscall.Unmount(fields[point], syscall.MNT_DETACH); err != nil {
			return err
		}
	}
	return nil
}
