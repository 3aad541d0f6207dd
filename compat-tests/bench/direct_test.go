package bench

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// direct compares the stock qmqpd and cleanup(8) with our stand-alone server,
// which writes queue files itself: how many messages are accepted a second.
// With manager set, qmgr(8) takes them from the queue at the same time. The
// queues are on the disk as it is, or in a file system on it that volume gives.
func direct(t *testing.T, results *table, manager bool, volume string) {
	what := "qmgr running"
	stock, ours := newQueue(t, manager, volume), newQueue(t, manager, volume)
	if !manager {
		what = "no qmgr"
	}
	if volume != "" {
		what += ", journal"
	}
	ours.name = "ours"
	stock.AppendMaster(fmt.Sprintf("%s inet n - y - 100 qmqpd", stock.addr))
	stock.Start()
	if manager {
		ours.Start()
	}
	serve, end := ours.serve(t)
	goals := map[int]string{10: "≥ 2.5", 50: "≥ 2.5"}
	if !manager {
		goals = map[int]string{10: "≥ 3.5", 50: "≥ 3.5"}
	}
	var peak int64
	// What nobody delivers stays until the end: to remove it would make the
	// search for a free inode longer for those who come next.
	for round := range rounds() {
		for _, sessions := range []int{1, 10, 50} {
			// Enough that the start of qmqp-source, some 5 ms, is next to
			// nothing: ours takes 4,000 a second.
			total := 1000 + 40*sessions
			var oursRate float64
			for _, s := range []*side{stock, ours} {
				if manager {
					drain(t, stock, ours)
				}
				rate := s.source(sessions, total)
				if s == ours {
					oursRate = rate
				}
				results.add(s, fmt.Sprintf("stand-alone against qmqpd and cleanup, %s, %d sessions", what, sessions), "messages/s", goals[sessions], rate)
				peak = max(peak, resident(t, serve))
			}
			if !manager {
				work := fmt.Sprintf("stand-alone against a bare loop of create, write, fsync, rename, close%s; %d at once (stock: the loop)", strings.TrimPrefix(what, "no qmgr"), sessions)
				goal := ""
				if sessions > 1 {
					goal = "≥ 0.8"
				}
				rate := bareLoop(t, ours.Path(postfix.QueueDir+"/saved"), fmt.Sprintf("%d-%d-", round, sessions), sessions, total)
				results.add(&side{name: "stock"}, work, "messages/s", goal, rate)
				results.add(ours, work, "messages/s", goal, oursRate)
			}
		}
	}
	results.add(ours, "peak memory of the stand-alone server, "+what, "MB", "", float64(peak)/1e6)
	end()
	stock.Stop()
	if manager {
		ours.Stop()
	}
}

// directLarge measures the memory of our stand-alone server with two hundred
// large messages under way at once.
func directLarge(t *testing.T, results *table) {
	s := newQueue(t, false, "")
	s.name = "ours"
	s.AppendMain("message_size_limit = 20000000")
	serve, end := s.serve(t)
	big := request(10_000_000, 1)
	for range rounds() {
		peak := underway(t, s.addr, 200, big, func() int64 { return resident(t, serve) })
		results.add(s, "memory of the stand-alone server with 200 messages of 10 MB under way", "MB", "< 256", float64(peak)/1e6)
		if n := s.empty(t); n != 200 {
			t.Errorf("%d of 200 large messages are in the queue", n)
		}
	}
	end()
}

// empty removes the messages that nobody delivers and returns how many there
// were.
func (s *side) empty(t *testing.T) int {
	files, err := filepath.Glob(s.Path(postfix.QueueDir + "/incoming/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		os.Remove(f)
	}
	return len(files)
}

// newQueue makes a private Postfix that is not started yet.
func newQueue(t *testing.T, manager bool, volume string) *side {
	s := &side{Instance: postfix.New(t, postfix.Options{}), name: "stock"}
	mountProc(t, s.Instance)
	if volume != "" {
		s.moveQueue(t, volume)
	}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t)))
	s.AppendMain("default_transport = discard:", "qmqpd_authorized_clients = 127.0.0.0/8")
	if !manager {
		s.AppendMain("in_flow_delay = 0")
		s.WriteMaster("cleanup unix n - y - 0 cleanup\nrewrite unix - - y - - trivial-rewrite\n")
	}
	return s
}

// moveQueue puts the queue directory into another file system.
func (s *side) moveQueue(t *testing.T, volume string) {
	queue := s.Path(postfix.QueueDir)
	dir, err := os.MkdirTemp(volume, "queue")
	if err != nil {
		t.Fatal(err)
	}
	run(t, "cp", "-a", queue+"/.", dir)
	run(t, "mount", "--bind", dir, queue)
	t.Cleanup(func() { syscall.Unmount(queue, syscall.MNT_DETACH) })
}

// journaled returns the folder of a new ext4 with a journal, in a file on the
// disk of the queues; "" when there are no tools for that.
//
// Most mail servers have a journal. Without one, ext4 looks for the inode of a
// new file among those that were freed in the last minutes, all of which it
// passes over: it is the more processor time the more mail was delivered, up to
// half a millisecond for a file, whoever makes it.
func journaled(t *testing.T) string {
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Log("no mkfs.ext4: stand-alone mode is measured on the disk as it is only")
		return ""
	}
	image := filepath.Join(postfix.New(t, postfix.Options{}).Path("/"), "volume")
	dir := image + ".d"
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "fallocate", "-l", "2G", image)
	run(t, "mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
	run(t, "mount", "-o", "loop", image, dir)
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// serve starts our stand-alone server on the instance's queue.
func (s *side) serve(t *testing.T) (pid int, end func()) {
	s.Install(postfix.Build(t, "qmqpd"), "/usr/sbin/qmqpd")
	cmd := s.Command("/usr/sbin/qmqpd", "serve", "-c", "/etc/postfix", "-o", "queue_via=direct", "--listen", s.addr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	t.Cleanup(end)
	for late := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close()
			return cmd.Process.Pid, end
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
	}
}

// resident returns the resident memory of a process, in bytes.
func resident(t *testing.T, pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int64
	fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize())
}

// bareLoop writes files as plainly as can be, so many at once, and returns how
// many a second. The names of the files begin with prefix.
func bareLoop(t *testing.T, dir, prefix string, parallel, total int) float64 {
	data := make([]byte, 4900)
	var next atomic.Int64
	var wait sync.WaitGroup
	start := time.Now()
	for range parallel {
		wait.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(total) {
					return
				}
				name := filepath.Join(dir, prefix+strconv.FormatInt(n, 10))
				f, err := os.OpenFile(name+".tmp", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = f.Write(data)
				if err == nil {
					err = f.Sync()
				}
				if err == nil {
					err = os.Rename(name+".tmp", name)
				}
				f.Close()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	return float64(total) / time.Since(start).Seconds()
}
