package compat

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// postconfPair runs command lines through the stock postconf and ours, both
// inside one private root.
type postconfPair struct {
	root *postfix.Instance
	dirs atomic.Int64
}

const (
	stockPostconf = "/usr/sbin/postconf"
	ourPostconf   = "/usr/sbin/postconf-lite"
)

func newPostconfPair(t testing.TB) *postconfPair {
	root := postfix.New(t, postfix.Options{Debian: true})
	root.Install(postfix.Build(t, "postconf-lite"), ourPostconf)
	return &postconfPair{root: root}
}

// coldTime is when all files of a configuration were changed: stock stalls
// for those that are fresh.
var coldTime = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// configure makes a configuration directory and returns its path inside the
// root. "@" in a file stands for that path. A name with a slash is put in a
// folder.
func (p *postconfPair) configure(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := fmt.Sprintf("/t/%d", p.dirs.Add(1))
	if err := os.MkdirAll(p.root.Path(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := p.root.Path(dir + "/" + name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "@", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, coldTime, coldTime); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// commandLine is one case: a call of postconf.
type commandLine struct {
	argv0 string
	args  []string
	env   []string
}

func (c commandLine) String() string {
	return fmt.Sprintf("%s%s %q", strings.Join(append(c.env, ""), " "), c.argv0, c.args)
}

// answer is what a program printed and how it ended.
type answer struct {
	stdout, stderr string
	code           int
	pid            int
}

func (p *postconfPair) run(program string, c commandLine) (answer, error) {
	cmd := p.root.Command(program, c.args...)
	cmd.Args[0] = c.argv0
	cmd.Env = append(cmd.Env, c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return answer{}, err
	}
	return answer{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), cmd.ProcessState.Pid()}, nil
}

// compare runs a command line through both programs and returns how ours
// differs, or "".
func (p *postconfPair) compare(c commandLine) (string, error) {
	stock, err := p.run(stockPostconf, c)
	if err != nil {
		return "", err
	}
	ours, err := p.run(ourPostconf, c)
	if err != nil {
		return "", err
	}
	var diff strings.Builder
	if stock.code != ours.code {
		fmt.Fprintf(&diff, "exit status: stock %d, ours %d\n", stock.code, ours.code)
	}
	if maskPID(stock) != maskPID(ours) {
		fmt.Fprintf(&diff, "stdout (-stock +ours):\n%s", cmp.Diff(strings.Split(maskPID(stock), "\n"), strings.Split(maskPID(ours), "\n")))
	}
	if !slices.Equal(sortedLines(stock.stderr), sortedLines(ours.stderr)) && !p.otherOrder(c, stock, ours) {
		fmt.Fprintf(&diff, "stderr (-stock +ours):\n%s", cmp.Diff(sortedLines(stock.stderr), sortedLines(ours.stderr)))
	}
	return diff.String(), nil
}

// maskPID replaces the value of process_id in what a program printed. With -h
// it stands on a line of its own, which for other values cannot be told from
// it; only a line that is the process's own number is replaced.
func maskPID(a answer) string {
	lines := strings.Split(a.stdout, "\n")
	pid := strconv.Itoa(a.pid)
	for i, line := range lines {
		if line == pid || line == "process_id = "+pid {
			lines[i] = strings.ReplaceAll(line, pid, "PID")
		}
	}
	return strings.Join(lines, "\n")
}

func sortedLines(s string) []string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// otherOrder decides about different messages of two runs that both ended with
// the same fatal one. Stock looks at settings in the random order of a hash
// table, and what it has warned about before it dies differs from run to run.
// Ours must then print what some runs of stock print.
func (p *postconfPair) otherOrder(c commandLine, stock, ours answer) bool {
	last := lastLine(stock.stderr)
	if stock.code != 1 || !strings.Contains(last, ": fatal: ") || lastLine(ours.stderr) != last {
		return false
	}
	seen := map[string]int{} // the most often that a run printed a line
	always := map[string]int{}
	for i := range 12 {
		counts := map[string]int{}
		for _, line := range strings.Split(stock.stderr, "\n") {
			counts[line]++
		}
		for line, n := range counts {
			seen[line] = max(seen[line], n)
		}
		if i == 0 {
			always = counts
		} else {
			for line, n := range always {
				always[line] = min(n, counts[line])
			}
		}
		var err error
		if stock, err = p.run(stockPostconf, c); err != nil {
			return false
		}
	}
	counts := map[string]int{}
	for _, line := range strings.Split(ours.stderr, "\n") {
		counts[line]++
		if counts[line] > seen[line] {
			return false
		}
	}
	for line, n := range always {
		if counts[line] < n {
			return false
		}
	}
	return true
}

func lastLine(s string) string {
	s = strings.TrimSuffix(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}
