package judges

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// ShowVariable is the environment variable that, when 1, logs what the stock
// program did in each row, also where ours does the same.
const ShowVariable = "QMQPD_COMPAT_SHOW"

// Pair is the stock program and ours, each in its own private root.
type Pair struct {
	stock, ours *judge
	rows        atomic.Int64
}

// judge is one program in its root.
type judge struct {
	*postfix.Instance
	name string
}

// Known is an agreed difference of one row: lines that only one of the two
// write-ups has. What is left of both must be the same.
type Known struct {
	Row    string
	Reason string
	// Stock and Ours are whole lines of the write-ups.
	Stock, Ours []string
}

// Site is what all rows of a Pair share.
type Site struct {
	// Hosts is the text of /etc/hosts, in the roots and in every jail.
	Hosts string
	// Users and Groups are put at the end of /etc/passwd and /etc/group in the
	// roots.
	Users, Groups string
	// Zone is what the DNS server knows.
	Zone standin.Zone
}

// ResolvConf is the text of an /etc/resolv.conf with the DNS server of a zone. A busy
// machine may take a second to answer, so nobody gives up before that; only where
// an answer never comes is it worth not to wait for long.
func ResolvConf(server string, zone standin.Zone) string {
	seconds := 30
	if len(zone.Silent) > 0 {
		seconds = 5
	}
	return fmt.Sprintf("nameserver %s\noptions timeout:%d attempts:1\n", server, seconds)
}

// NewPair makes the two roots.
func NewPair(t testing.TB, site Site) *Pair {
	t.Helper()
	resolver := ResolvConf(standin.ServeDNS(t, site.Zone), site.Zone)
	p := &Pair{}
	for _, j := range []struct {
		name string
		to   **judge
	}{{"stock", &p.stock}, {"ours", &p.ours}} {
		in := postfix.New(t, postfix.Options{})
		in.WriteFile("/etc/hosts", site.Hosts, 0o644)
		in.WriteFile("/etc/resolv.conf", resolver, 0o644)
		for name, more := range map[string]string{"/etc/passwd": site.Users, "/etc/group": site.Groups} {
			in.WriteFile(name, in.ReadFile(name)+more, 0o644)
		}
		*j.to = &judge{in, j.name}
	}
	p.ours.InstallOurs()
	return p
}

// WriteFile writes a file in both roots, for all rows to come.
func (p *Pair) WriteFile(name, text string) {
	for _, j := range []*judge{p.stock, p.ours} {
		j.Instance.WriteFile(name, text, 0o644)
	}
}

// Compare runs one row through both programs and reports every difference.
func (p *Pair) Compare(t *testing.T, row Row, known *Known) {
	t.Helper()
	stock, ours := p.Run(t, row)
	if os.Getenv(ShowVariable) == "1" {
		t.Logf("the stock program:\n%s", stock)
	}
	for _, want := range row.Want {
		if !strings.Contains(stock, want) {
			t.Errorf("what the stock program did lacks %q:\n%s", want, stock)
		}
	}
	if known != nil {
		if stock == ours {
			t.Errorf("the known difference has vanished: %s", known.Reason)
		}
		stock = without(t, "stock", stock, known.Stock)
		ours = without(t, "ours", ours, known.Ours)
	}
	if stock != ours {
		t.Errorf("stock (-) and ours (+) differ:\n%s", diff(strings.Split(stock, "\n"), strings.Split(ours, "\n")))
	}
}

// without removes lines from a write-up, each of which must be there.
func without(t *testing.T, who, text string, lines []string) string {
	t.Helper()
	for _, line := range lines {
		before, after, found := strings.Cut("\n"+text, "\n"+line+"\n")
		if !found {
			t.Errorf("known difference: what %s did lacks the line %q", who, line)
			continue
		}
		text = strings.TrimPrefix(before+"\n"+after, "\n")
	}
	return text
}

// Run returns what the stock program and ours did, at the same time. It skips the test
// where this machine lacks an address of the row.
func (p *Pair) Run(t *testing.T, row Row) (stock, ours string) {
	t.Helper()
	row.needAddresses(t)
	n := p.rows.Add(1)
	var wg sync.WaitGroup
	wg.Go(func() { ours = p.ours.perform(apart{t}, row, n) })
	wg.Go(func() { stock = p.stock.perform(apart{t}, row, n) })
	wg.Wait()
	if stock == "" || ours == "" {
		t.FailNow() // why has been said
	}
	return stock, ours
}

// perform runs one row through one program. The result is empty if that could not be
// done, and t has failed then.
func (j *judge) perform(t testing.TB, row Row, n int64) string {
	s := &Scene{t: t, row: row, judge: j, base: fmt.Sprintf("/rows/%d", n)}
	defer s.clear()
	// Before the folders are cleared: the counters are not the row's.
	defer j.MountCoverage(s.queue())()
	if err := s.prepare(); err != nil {
		t.Errorf("%s: prepare: %v", j.name, err)
		return ""
	}
	if err := s.start(); err != nil {
		t.Errorf("%s: start: %v", j.name, err)
		return ""
	}
	if row.Play != nil {
		row.Play(s)
	} else {
		s.clients()
	}
	s.finish()
	return s.text()
}

// base are the lines of main.cf that every row has unless it says otherwise.
var base = []string{
	"compatibility_level = 3.10",
	"myhostname = mx.example.org",
	"queue_directory = @QUEUE",
	"mynetworks = 127.0.0.0/8 [::1]/128",
	"qmqpd_authorized_clients = 127.0.0.0/8 [::1]",
	"qmqpd_error_delay = 0",
}

// mainText returns the text of main.cf for the lines of a row.
func mainText(lines []string) string {
	named := map[string]bool{}
	for _, line := range lines {
		if name, ok := strings.CutPrefix(line, "-"); ok {
			named[name] = true
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		if ok {
			named[strings.TrimSpace(name)] = true
		}
	}
	var text strings.Builder
	for _, line := range base {
		name, _, _ := strings.Cut(line, " =")
		if !named[name] {
			text.WriteString(line + "\n")
		}
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "-") {
			text.WriteString(line + "\n")
		}
	}
	return text.String()
}

// jailFiles are the files that Debian copies into the queue directory.
var jailFiles = []string{"hosts", "resolv.conf", "nsswitch.conf", "host.conf", "services", "localtime"}

// prepare makes the row's folders and files.
func (s *Scene) prepare() error {
	for _, dir := range []string{s.conf(), s.queue(), s.queue() + "/pid", s.queue() + "/public", s.queue() + "/private", s.queue() + "/etc"} {
		if err := os.MkdirAll(s.judge.Path(dir), 0o755); err != nil {
			return err
		}
	}
	// Only mail_owner may look into the queues.
	for _, dir := range []string{"incoming", "active", "deferred", "maildrop"} {
		if err := copyMode(s.judge.Path(postfix.QueueDir+"/"+dir), s.judge.Path(s.queue()+"/"+dir)); err != nil {
			return err
		}
	}
	files := map[string]string{}
	for _, name := range jailFiles {
		data, err := os.ReadFile(s.judge.Path("/etc/" + name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		files[s.queue()+"/etc/"+name] = string(data)
	}
	files[s.conf()+"/main.cf"] = s.expand(mainText(s.row.Main))
	files[s.conf()+"/master.cf"] = postfix.DefaultMaster
	for name, text := range s.row.Files {
		files[s.expand(name)] = s.expand(text)
	}
	for name, text := range files {
		path := s.judge.Path(name)
		if text == Absent {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
		if s.row.Hot {
			continue
		}
		if err := os.Chtimes(path, longAgo, longAgo); err != nil {
			return err
		}
	}
	for _, command := range s.row.Commands {
		words := strings.Fields(s.expand(command))
		cmd := s.judge.Command(words[0], words[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	return nil
}

// copyMode makes the folder to, with owner and mode of the folder from.
func copyMode(from, to string) error {
	var st syscall.Stat_t
	if err := syscall.Stat(from, &st); err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	if err := os.Chown(to, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	return syscall.Chmod(to, st.Mode&0o7777)
}

// clear removes the row's folders.
func (s *Scene) clear() { os.RemoveAll(s.judge.Path(s.base)) }
