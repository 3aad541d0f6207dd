package compat

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestPostconfLarge runs both programs on files with long lines, many lines and
// deep nesting.
func TestPostconfLarge(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	long := strings.Repeat("x", 100_000)
	nested := func(n int, opening, closing string) string {
		return "mydestination = " + strings.Repeat(opening, n) + "z" + strings.Repeat(closing, n) + "\n"
	}
	var classes, chain strings.Builder
	classes.WriteString("smtpd_restriction_classes =")
	for i := range 3000 {
		fmt.Fprintf(&classes, " c%d", i)
	}
	classes.WriteByte('\n')
	for i := range 1500 {
		fmt.Fprintf(&classes, "c%d = $c%d\n", 2*i, 2*i+1)
	}
	for i := range 110 {
		fmt.Fprintf(&chain, "a%d = $a%d\n", i, i+1)
	}
	for _, row := range []struct{ name, main, master string }{
		{"long values", "a = " + long + "\nmydestination = $a " + long + "\n" + long + " = 1\n",
			"smtp inet n - n - - smtpd -o a=" + long + " " + long + " -o x=y\n" + long + " unix n - n - - smtp -o b=" + long + "\n"},
		{"a long line without a value", "a = b\n" + long + "\n", ""},
		{"long continued lines", "a = b\n " + long + "\n\t#" + long + "\n  " + long + "\n", "smtp inet n - n - - " + long + "\n x " + long},
		{"a long leading line", " " + long + "\na = b\n" + long + long, "smtp inet " + long + "\n"},
		{"a long field", "a=b", "smtp inet " + long + " - n - - smtpd\n"},
		{"many empty lines", strings.Repeat("\n", 100_000) + "a=b\n" + strings.Repeat(" \n", 50_000) + "a=c\r\nx", ""},
		{"many references", "mydestination = " + strings.Repeat("$x", 20_000) + "\nx = " + strings.Repeat("y", 50) + "\n", ""},
		{"a long name", "mydestination = $" + long + "\n", ""},
		{"a long test", "mydestination = ${" + long + "?" + long + "}\n", ""},
		{"a long comparison", "mydestination = ${{" + long + "} == {" + long + "} ? {" + long + "} : {y}}\n", ""},
		{"a long error", "mydestination = ${" + long + " x}\n", ""},
		{"nested tests", nested(99, "${x:{", "}}"), ""},
		{"too many nested tests", nested(101, "${x:{", "}}"), ""},
		{"nested comparisons", nested(120, "${{a} == {a} ? {", "}}"), ""},
		{"nested operands", nested(120, "${{", "} == {z}}"), ""},
		{"many classes", classes.String(), ""},
		{"a long chain", chain.String() + "mydestination = $a20\n", ""},
		{"too long a chain", chain.String() + "mydestination = $a5\n", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := pair.configure(t, map[string]string{"main.cf": row.main, "master.cf": row.master})
			pair.sameAs(t, 0, dir, []string{"postconf -n", "postconf -nxf", "postconf -Mf", "postconf -P"})
		})
	}
}

// TestPostconfOddFiles runs both programs on files that are links, devices, or of the
// kind that cannot be read.
func TestPostconfOddFiles(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	for _, row := range []struct{ name, main, master, client string }{
		{"devices", "", "/dev/null", "/dev/null"},
		{"nothing", "gone", "gone", "gone"},
		{"no main.cf", "gone", "", ""},
		{"loops", "", "master.cf", "ldap.cf"},
		{"a loop", "main.cf", "", ""},
		{"memory", "", "/proc/self/mem", "/proc/self/mem"},
		{"memory for main.cf", "/proc/self/mem", "", ""},
		{"files of no size", "/proc/sys/kernel/osrelease", "", ""},
		{"more files of no size", "", "/proc/sys/kernel/osrelease", ""},
		{"client of no size", "", "", "/proc/sys/kernel/osrelease"},
		{"below a file", "", "/dev/null/x", "/dev/null/x"},
	} {
		dir := pair.configure(t, map[string]string{
			"main.cf": "alias_maps = ldap:@/ldap.cf\na = b\n", "master.cf": "smtp inet n - n - - smtpd -o x=y\n", "ldap.cf": "zonk = 1\n",
		})
		for name, target := range map[string]string{"main.cf": row.main, "master.cf": row.master, "ldap.cf": row.client} {
			if target == "" {
				continue
			}
			path := pair.root.Path(dir + "/" + name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(row.name, func(t *testing.T) {
			mountProc(t, pair.root.Path("/proc"))
			pair.sameAs(t, 0, dir, []string{"postconf -n", "postconf -M", "postconf -d mydomain", "postconf -m"})
		})
	}
}

// mountProc mounts proc(5) for this thread and its children alone.
func mountProc(t *testing.T, path string) {
	t.Helper()
	// The thread is not unlocked, and so ends with the goroutine.
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("proc", path, "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
}

// bothNamed makes a folder for each program, in which it is ./postconf, and returns
// what runs a shell script there.
func (p *postconfPair) bothNamed(t *testing.T, dir string) func(folder, script string) (stdout, stderr string, code int) {
	t.Helper()
	for folder, program := range map[string]string{"/stock": p.stock, "/ours": ourPostconf} {
		if err := os.Mkdir(p.root.Path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, p.root.Path(folder+"/postconf")); err != nil {
			t.Fatal(err)
		}
	}
	return func(folder, script string) (stdout, stderr string, code int) {
		cmd := p.root.Command("/bin/sh", "-c", script)
		cmd.Dir = folder
		cmd.Env = append(cmd.Env, "NORANDOMIZE=1", "MAIL_CONFIG="+dir)
		var out, diag strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &diag
		_ = cmd.Run() // its status is compared
		return out.String(), diag.String(), cmd.ProcessState.ExitCode()
	}
}

// TestPostconfDescriptors runs both programs where files are closed, full, or few.
func TestPostconfDescriptors(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	dir := pair.configure(t, map[string]string{"main.cf": "myhostname = h.example\nzonk = 1\n", "master.cf": "smtp inet n - n - - smtpd\n"})
	run := pair.bothNamed(t, dir)
	for _, script := range []string{
		"./postconf -n <&-", "./postconf -n >&-", "./postconf -n 2>&-", "./postconf -n >&- 2>&-", "./postconf -n <&- >&- 2>&-",
		"./postconf >&-", "./postconf -y >&- 2>&-", "./postconf -y 2>&-", "./postconf -m >&-", "./postconf -n >/dev/full",
		"./postconf -n 2>/dev/full", "./postconf -d 1</dev/null", "./postconf -n 2</dev/null", "./postconf -d | head -1",
		"./postconf -n 2>&1", "./postconf -n -y 2>&1", "./postconf zonk mydestination zonk 2>&1", "./postconf -v -n 2>&1",
		"./postconf -M x smtp 2>&1", "ulimit -n 6; ./postconf -m", "ulimit -n 6; ./postconf mynetworks",
		// Other tests may have SIGPIPE ignored meanwhile, for all that this process starts.
		"(sleep 0.3; env --default-signal=PIPE ./postconf -d; echo $? >&2) | :",
		"exec 3>&2; (sleep 0.3; env --default-signal=PIPE ./postconf zonk x 2>&1; echo $? >&3) | :",
		"ulimit -n 6; ./postconf -a", "ulimit -n 6; ./postconf -T compile-version",
	} {
		t.Run(script, func(t *testing.T) {
			postfix.Case(t)
			wantOut, wantDiag, wantCode := run("/stock", script)
			out, diag, code := run("/ours", script)
			if out != wantOut || diag != wantDiag || code != wantCode {
				t.Errorf("stock: %d\n%s%s\nours: %d\n%s%s", wantCode, wantOut, wantDiag, code, out, diag)
			}
		})
	}
}

// TestPostconfIgnoredPipe shows the agreed difference in what the end of a pipe's
// reader does where SIGPIPE is ignored.
func TestPostconfIgnoredPipe(t *testing.T) {
	t.Parallel()
	postfix.Case(t)
	pair := newPostconfPair(t)
	run := pair.bothNamed(t, pair.configure(t, map[string]string{"main.cf": "", "master.cf": ""}))
	for folder, want := range map[string]string{"/stock": "0\n", "/ours": "141\n"} {
		_, diag, _ := run(folder, "trap '' PIPE; (sleep 0.3; ./postconf -d; echo $? >&2) | :")
		if diag != want {
			t.Errorf("%s: %q, want %q", folder, diag, want)
		}
	}
}
