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
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// postconfPair runs command lines through the stock postconf and ours, both
// inside one private root.
type postconfPair struct {
	root  *postfix.Instance
	dirs  atomic.Int64
	stock string
	own   []string // what precedes the arguments of ours
}

const (
	stockPostconf = "/usr/sbin/postconf"
	ourPostconf   = "/usr/sbin/postconf-lite"
)

func newPostconfPair(t testing.TB) *postconfPair {
	root := postfix.New(t, postfix.Options{Debian: true})
	root.Install(postfix.Build(t, "postconf-lite"), ourPostconf)
	p := &postconfPair{root: root, stock: stockPostconf}
	if program := os.Getenv(otherPostconf); program != "" {
		p.stock = stockPostconf + "-other"
		root.Install(program, p.stock)
		p.own = []string{"--postfix", os.Getenv(otherVersion)}
	}
	return p
}

// The variables name a postconf of another version, on this machine, and that
// version: the cases are then run with it instead of the installed one.
const (
	otherPostconf = "POSTCONF_OTHER"
	otherVersion  = "POSTCONF_OTHER_VERSION"
)

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
	user  uint32 // and group; 0 is root
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
	args := c.args
	if program == ourPostconf {
		args = append(slices.Clone(p.own), args...)
	}
	cmd := p.root.Command(program, args...)
	cmd.Args[0] = c.argv0
	cmd.Env = append(cmd.Env, c.env...)
	if c.user != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.user, Gid: c.user}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return answer{}, err
	}
	return answer{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), cmd.ProcessState.Pid()}, nil
}

// same runs the arguments of several command lines through both programs.
func (p *postconfPair) same(t *testing.T, lines [][]string) {
	t.Helper()
	for _, line := range lines {
		diff, err := p.compare(commandLine{argv0: "postconf", args: line})
		if err != nil {
			t.Fatal(err)
		}
		if diff != "" {
			t.Errorf("%q\n%s", line, diff)
		}
	}
}

// compare runs a command line through both programs and returns how ours
// differs, or "".
func (p *postconfPair) compare(c commandLine) (string, error) {
	stock, err := p.run(p.stock, c)
	if err != nil {
		return "", err
	}
	ours, err := p.run(ourPostconf, c)
	if err != nil {
		return "", err
	}
	if strings.Contains(ours.stderr, editRefusal) {
		return "", nil
	}
	if stock.code < 0 && strings.Contains(ours.stderr, nestingMessage) {
		return "", nil
	}
	// Stock looks at settings in a random order, and may overflow its stack at one
	// before it dies of another, which comes first for ours.
	for tries := 0; stock.code < 0 && ours.code == 1 && tries < 16; tries++ {
		if stock, err = p.run(p.stock, c); err != nil {
			return "", err
		}
	}
	var diff strings.Builder
	if stock.code != ours.code {
		fmt.Fprintf(&diff, "exit status: stock %d, ours %d\n", stock.code, ours.code)
	}
	if !sameOutput(stock, ours) {
		fmt.Fprintf(&diff, "stdout (-stock +ours):\n%s", cmp.Diff(strings.Split(stock.stdout, "\n"), strings.Split(ours.stdout, "\n")))
	}
	if slices.ContainsFunc(c.env, func(v string) bool { return strings.HasPrefix(v, "NORANDOMIZE=") }) {
		// Stock's order is always the same, and ours is the same.
		if stock.stderr != ours.stderr && stock.masked(stock.stderr) != ours.masked(ours.stderr) {
			fmt.Fprintf(&diff, "stderr (-stock +ours):\n%s", cmp.Diff(strings.Split(stock.stderr, "\n"), strings.Split(ours.stderr, "\n")))
		}
	} else if !sameMessages(stock, ours) && !p.otherOrder(c, ours) {
		fmt.Fprintf(&diff, "stderr (-stock +ours):\n%s", cmp.Diff(sortedLines(stock.stderr), sortedLines(ours.stderr)))
	}
	return diff.String(), nil
}

// sameOutput compares the standard output. Where it shows the process id, that
// is each program's own.
func sameOutput(a, b answer) bool {
	if a.stdout == b.stdout || a.masked(a.stdout) == b.masked(b.stdout) {
		return true
	}
	// The number may be that of something else, too.
	linesA, linesB := strings.Split(a.stdout, "\n"), strings.Split(b.stdout, "\n")
	return slices.EqualFunc(linesA, linesB, func(lineA, lineB string) bool {
		return lineA == lineB || a.masked(lineA) == b.masked(lineB)
	})
}

// sameMessages compares the messages as a set of lines.
func sameMessages(a, b answer) bool {
	return slices.Equal(sortedLines(a.stderr), sortedLines(b.stderr)) ||
		slices.Equal(sortedLines(a.masked(a.stderr)), sortedLines(b.masked(b.stderr)))
}

func (a answer) masked(text string) string {
	return strings.ReplaceAll(text, strconv.Itoa(a.pid), "PID")
}

func sortedLines(s string) []string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// otherOrder decides about different messages. Stock looks at settings in the
// random order of a hash table, and its messages may differ from run to run:
// what it expands before and after it has thrown out a read-only setting, what
// it dies of if several settings are broken, and what it has warned about before
// it dies. Ours must print what some run of stock prints; or die, as stock does,
// with nothing but lines that some runs of stock print.
func (p *postconfPair) otherOrder(c commandLine, ours answer) bool {
	most := map[string]int{} // the most often that a run printed a line
	for range 6 {
		same, possible := p.moreRuns(c, ours, most)
		if !possible {
			return false
		}
		if same {
			return true
		}
	}
	return false
}

// moreRuns runs stock some more times and adds to most. It reports whether ours is
// now explained, and whether it still can be.
func (p *postconfPair) moreRuns(c commandLine, ours answer, most map[string]int) (same, possible bool) {
	const runs = 16
	var (
		stock [runs]answer
		fails [runs]error
		group sync.WaitGroup
	)
	for i := range runs {
		group.Go(func() { stock[i], fails[i] = p.run(p.stock, c) })
	}
	group.Wait()
	for i := range runs {
		equal := stock[i].code == ours.code && sameOutput(stock[i], ours) && sameMessages(stock[i], ours)
		if fails[i] == nil && equal {
			return true, true
		}
	}
	if ours.code != 1 {
		return false, false
	}
	for i := range runs {
		if stock[i].code < 0 && strings.Contains(ours.stderr, nestingMessage) {
			return true, true
		}
		if fails[i] != nil || stock[i].code != 1 || !sameOutput(stock[i], ours) {
			return false, false
		}
		for line, n := range countLines(stock[i].stderr) {
			most[line] = max(most[line], n)
		}
	}
	printed := countLines(ours.stderr)
	for line, n := range countLines(stock[0].stderr) {
		// Reading precedes looking at settings.
		for _, text := range readingMessages {
			if strings.Contains(line, text) && !strings.Contains(line, "ldap.cf") && printed[line] != n {
				return false, false
			}
		}
	}
	for line, n := range printed {
		if n > most[line] {
			return false, true
		}
	}
	return true, true
}

// readingMessages are in warnings that do not depend on the order in which
// settings are looked at.
var readingMessages = []string{
	": overriding earlier entry: ", "text after null byte", "must not start with whitespace", "warning: master.cf: ", ": unknown parameter",
}

func countLines(s string) map[string]int {
	counts := map[string]int{}
	for line := range strings.Lines(s) {
		counts[strings.TrimSuffix(line, "\n")]++
	}
	return counts
}
