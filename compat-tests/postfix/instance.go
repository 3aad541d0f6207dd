package postfix

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// QueueDir is the queue directory inside an instance's root.
const QueueDir = "/var/spool/postfix"

// DaemonDir is the folder of the daemons inside an instance's root.
const DaemonDir = "/usr/lib/postfix/sbin"

// DefaultMain is an instance's main.cf unless the test says otherwise.
const DefaultMain = `compatibility_level = 3.10
myhostname = mx.example.org
mydestination = $myhostname, localhost
inet_interfaces = loopback-only
inet_protocols = all
mynetworks = 127.0.0.0/8 [::1]/128
alias_maps = texthash:/etc/aliases
alias_database =
biff = no
`

// DefaultMaster is an instance's master.cf unless the test says otherwise:
// Debian's, without any network service.
const DefaultMaster = `pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
bounce    unix  -       -       y       -       0       bounce
defer     unix  -       -       y       -       0       bounce
trace     unix  -       -       y       -       0       bounce
verify    unix  -       -       y       -       1       verify
flush     unix  n       -       y       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
showq     unix  n       -       y       -       -       showq
error     unix  -       -       y       -       -       error
retry     unix  -       -       y       -       -       error
discard   unix  -       -       y       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       y       -       -       lmtp
anvil     unix  -       -       y       -       1       anvil
scache    unix  -       -       y       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
`

// Options say how an instance starts out. The zero value is a good instance.
type Options struct {
	// Main is the text of main.cf; empty means DefaultMain.
	Main string
	// Master is the text of master.cf; empty means DefaultMaster.
	Master string
	// Debian keeps the main.cf and master.cf that the package installed.
	Debian bool
}

// Instance is one private root with a Postfix in it.
type Instance struct {
	// Dir is the root's folder on this machine.
	Dir string
	// Log holds what was sent to the root's /dev/log.
	Log *Log

	t      testing.TB
	master *masterProcess
}

var instances atomic.Int64

// New makes a private root for t, and removes it, and whatever still runs in
// it, when t ends. It skips or fails t where there is no template.
func New(t testing.TB, o Options) *Instance {
	t.Helper()
	template := Root(t)
	removeStale(filepath.Dir(template))
	var dir string
	for {
		dir = filepath.Join(filepath.Dir(template), fmt.Sprintf("run-%d-%d", os.Getpid(), instances.Add(1)))
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			break
		}
		if !os.IsExist(err) { // of a program that was killed and had the same process id
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the private root: %v", err)
		}
	})
	if err := makeRoot(template, dir); err != nil {
		t.Fatalf("make the private root: %v", err)
	}
	i := &Instance{Dir: dir, t: t}
	for _, jail := range []string{"/", QueueDir} {
		t.Cleanup(i.MountCoverage(jail))
	}
	log, err := ListenLog(i.Path("/dev/log"))
	if err != nil {
		t.Fatalf("listen on the private /dev/log: %v", err)
	}
	i.Log = log
	t.Cleanup(func() {
		log.Close()
		if t.Failed() {
			t.Logf("last lines of the private log:\n%s", log.tail(60))
		}
	})
	if !o.Debian {
		i.WriteMain(or(o.Main, DefaultMain))
		i.WriteMaster(or(o.Master, DefaultMaster))
	}
	t.Cleanup(i.endProcesses)
	return i
}

// CoverageVariable is the environment variable that names the folder of gcov's
// counters, where the template's programs have any: see judge-coverage.
const CoverageVariable = "QMQPD_COMPAT_COVERAGE"

// MountCoverage puts the folder of the counters where the programs look for it
// when dir, a path inside the root, is their root: the root itself, or a jail.
// The result takes it away again.
func (i *Instance) MountCoverage(dir string) (unmount func()) {
	counters := os.Getenv(CoverageVariable)
	if counters == "" {
		return func() {}
	}
	at := i.Path(filepath.Join(dir, "coverage"))
	err := os.MkdirAll(at, 0o755)
	if err == nil {
		err = syscall.Mount(counters, at, "", syscall.MS_BIND, "")
	}
	if err != nil {
		i.t.Error(err)
	}
	return func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) }
}

func or(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}

// Path returns the path on this machine of the absolute path name inside the
// root. Symbolic links in it are not looked at.
func (i *Instance) Path(name string) string { return filepath.Join(i.Dir, name) }

// old is a time of change that no Postfix program takes for "just edited":
// they wait for a main.cf to be older than a second before they believe it.
var old = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// WriteFile writes a file inside the root, owned by root, with an old time of
// change, and makes its folder if need be.
func (i *Instance) WriteFile(name, text string, mode os.FileMode) {
	i.t.Helper()
	path := i.Path(name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = WriteProgram(path, []byte(text)) // if it is one
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err == nil {
		err = os.Chtimes(path, old, old)
	}
	if err != nil {
		i.t.Fatal(err)
	}
}

// ReadFile returns the contents of a file inside the root.
func (i *Instance) ReadFile(name string) string {
	i.t.Helper()
	data, err := os.ReadFile(i.Path(name))
	if err != nil {
		i.t.Fatal(err)
	}
	return string(data)
}

// WriteMain replaces /etc/postfix/main.cf.
func (i *Instance) WriteMain(text string) {
	i.t.Helper()
	i.WriteFile("/etc/postfix/main.cf", text, 0o644)
}

// AppendMain adds lines to /etc/postfix/main.cf.
func (i *Instance) AppendMain(lines ...string) {
	i.t.Helper()
	i.WriteMain(i.ReadFile("/etc/postfix/main.cf") + strings.Join(lines, "\n") + "\n")
}

// WriteMaster replaces /etc/postfix/master.cf.
func (i *Instance) WriteMaster(text string) {
	i.t.Helper()
	i.WriteFile("/etc/postfix/master.cf", text, 0o644)
}

// AppendMaster adds lines to /etc/postfix/master.cf.
func (i *Instance) AppendMaster(lines ...string) {
	i.t.Helper()
	i.WriteMaster(i.ReadFile("/etc/postfix/master.cf") + strings.Join(lines, "\n") + "\n")
}

// Install puts a copy of the program at src, a path on this machine, at name
// inside the root, executable, in place of what is there.
func (i *Instance) Install(src, name string) {
	i.t.Helper()
	path := i.Path(name)
	// Removed first: the old file is a hard link into the template.
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		i.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		i.t.Fatal(err)
	}
	if err := copyFile(src, path); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		i.t.Fatal(err)
	}
}

// InstallOurs puts our qmqpd (see Ours) at the place of the stock one, which
// stays beside it as qmqpd.stock.
func (i *Instance) InstallOurs() {
	i.t.Helper()
	stock := i.Path(DaemonDir + "/qmqpd")
	if err := os.Link(stock, stock+".stock"); err != nil {
		i.t.Fatal(err)
	}
	i.Install(Ours(i.t), DaemonDir+"/qmqpd")
}
