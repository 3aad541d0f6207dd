package compat

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// steps returns the commands of a section of docs/replacing-qmqpd.md: the
// blocks that install, and the last one, which takes it back.
func steps(t *testing.T, section string) (install, rollback string) {
	t.Helper()
	page, err := os.ReadFile("../docs/replacing-qmqpd.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n## "+section)
	if !ok {
		t.Fatalf("no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	text, after, ok := strings.Cut(text, "Rollback:")
	if !ok {
		t.Fatalf("section %q has no rollback", section)
	}
	block := func(text string) string {
		var lines []string
		for line := range strings.Lines(text) {
			if command, ok := strings.CutPrefix(line, "    "); ok {
				lines = append(lines, command)
			}
		}
		return strings.Join(lines, "")
	}
	return block(text), block(after)
}

// TestReplace follows each of the three ways of docs/replacing-qmqpd.md, to the
// letter, and back.
func TestReplace(t *testing.T) {
	stock := "postfix/qmqpd"
	for _, way := range []struct {
		section string
		beside  bool
		tag     string
	}{
		{"1. Beside the stock one", true, "postfix/qmqpd-go"},
		{"2. In its place, on Debian", false, stock},
		{"3. In its place, elsewhere", false, stock},
	} {
		t.Run(way.section, func(t *testing.T) {
			t.Parallel()
			install, rollback := steps(t, way.section)
			pf := postfix.New(t, postfix.Options{})
			if err := os.MkdirAll(pf.Path("/var/lib/dpkg"), 0o755); err != nil { // for dpkg-divert
				t.Fatal(err)
			}
			for _, name := range []string{"/srv/bin/qmqpd", "/path/to/bin/qmqpd"} {
				if err := os.MkdirAll(pf.Path(name[:strings.LastIndex(name, "/")]), 0o755); err != nil {
					t.Fatal(err)
				}
				pf.Install(postfix.Build(t, "qmqpd"), name)
			}
			// The page's ports may be taken on this machine.
			old, port := strconv.Itoa(postfix.FreePort(t)), strconv.Itoa(postfix.FreePort(t))
			install, rollback = strings.ReplaceAll(install, "6280", port), strings.ReplaceAll(rollback, "6280", port)
			if !way.beside {
				port = old
			}
			pf.AppendMain("default_transport = discard:", "qmqpd_authorized_clients = 127.0.0.0/8")
			pf.AppendMaster(old + " inet n - y - - qmqpd")
			pf.Start()

			shell := func(script string) {
				mark, before := pf.Log.Mark(), pf.Processes()
				r := pf.Run("/bin/sh", "-e", "-c", "PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH; cd /srv\n"+script)
				if r.Code != 0 {
					t.Fatalf("%s\nexit status %d\n%s%s", script, r.Code, r.Stdout, r.Stderr)
				}
				if strings.Contains(script, "postfix reload") {
					// Until they have noticed, idle processes serve clients.
					pf.Log.Wait(t, mark, "reload -- version")
					for _, p := range before {
						if strings.Contains(p.Command, "qmqpd") {
							(&site{Instance: pf}).waitGone(t, p.PID)
						}
					}
				}
			}
			served := func(port, tag string, ours bool) {
				t.Helper()
				pf.Log.Sync(t)
				mark := len(pf.Log.Lines()) // the session is logged as soon as it is there
				c, err := standin.DialTCP("", net.JoinHostPort("127.0.0.1", port))
				// master says that it reloads before it listens on new ports.
				for late := time.Now().Add(patience); errors.Is(err, syscall.ECONNREFUSED) && time.Now().Before(late); {
					time.Sleep(5 * time.Millisecond)
					c, err = standin.DialTCP("", net.JoinHostPort("127.0.0.1", port))
				}
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := c.Send([]byte(request("replace"))); err != nil {
					t.Fatal(err)
				}
				wantOK(t, port, readReply(t, c))
				pf.Log.Sync(t)
				var daemons []string
				found := false
				for _, line := range pf.Log.Lines()[mark:] {
					if strings.Contains(line.Text, ": client=") {
						found = true
						if line.Tag != tag {
							t.Errorf("port %s: tag %s, want %s", port, line.Tag, tag)
						}
						if is := isGo(pf, line.PID); is != ours {
							t.Errorf("port %s: process %d is ours: %v, want %v", port, line.PID, is, ours)
						}
					}
					daemons = append(daemons, line.Raw)
				}
				if !found {
					t.Errorf("port %s: no session in the log: %q", port, daemons)
				}
			}

			// The private root lacks manual pages, which postfix misses with
			// either program.
			quiet := func() (said []string) {
				for _, command := range []string{"check", "set-permissions", "upgrade-configuration"} {
					r := pf.Run("/usr/sbin/postfix", command)
					said = append(said, r.Stdout+r.Stderr+strconv.Itoa(r.Code))
				}
				return said
			}
			quiet() // the first time, files are copied into the jail
			before, files := quiet(), replaced(t, pf)
			served(old, stock, false)
			shell(install)
			served(port, way.tag, true)
			if way.beside {
				served(old, stock, false)
			}
			if after := quiet(); !slices.Equal(before, after) {
				t.Errorf("postfix check, set-permissions and upgrade-configuration: %q, before: %q", after, before)
			}
			shell(rollback)
			if diff := cmp.Diff(files, replaced(t, pf)); diff != "" {
				t.Errorf("the rollback leaves something behind:\n%s", diff)
			}
			served(old, stock, false)
			if way.beside {
				if c, err := standin.DialTCP("", net.JoinHostPort("127.0.0.1", port)); err == nil {
					c.Close()
					t.Errorf("port %s is still served", port)
				}
			}
		})
	}
}

// replaced returns what the ways of the page touch: the daemons, each with
// owner, mode, time and contents, master.cf, and the diversions of dpkg.
func replaced(t *testing.T, pf *postfix.Instance) map[string]string {
	t.Helper()
	files := map[string]string{}
	daemons, err := filepath.Glob(pf.Path("/usr/lib/postfix/sbin/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range daemons {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		files[filepath.Base(path)] = fmt.Sprintf("%v %d:%d %v %x", info.Mode(), owner.Uid, owner.Gid, info.ModTime(), sha256.Sum256(data))
	}
	for _, name := range []string{"/etc/postfix/master.cf", "/var/lib/dpkg/diversions"} {
		data, err := os.ReadFile(pf.Path(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	return files
}

// isGo tells whether a process runs our program: it is the one that the test
// program built, which is static and so maps no C library.
func isGo(pf *postfix.Instance, pid int) bool {
	for _, p := range pf.Processes() {
		if p.PID == pid {
			maps, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/maps")
			return err == nil && !strings.Contains(string(maps), "libc.so")
		}
	}
	return false
}

// TestOwnParametersUnused: to Postfix, parameters of our own are unused ones, of which
// it warns, and no more.
func TestOwnParametersUnused(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	pf.AppendMain("qmqpd_message_memory = 1000000", "queue_via = auto")
	pf.AppendMaster("628 inet n - y - - qmqpd -o qmqpd_sessions_per_process=1")
	r := pf.Run("/usr/sbin/postconf", "-h", "mail_version")
	for _, setting := range []string{"main.cf: unused parameter: qmqpd_message_memory=", "main.cf: unused parameter: queue_via=", "master.cf: unused parameter: qmqpd_sessions_per_process="} {
		if !strings.Contains(r.Stderr, setting) {
			t.Errorf("%q is not in %q", setting, r.Stderr)
		}
	}
	if n := strings.Count(r.Stderr, "\n"); r.Code != 0 || n != 3 {
		t.Errorf("exit status %d, %d lines: %q", r.Code, n, r.Stderr)
	}
}
