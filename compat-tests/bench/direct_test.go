package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// direct compares the stock qmqpd and cleanup(8) with our stand-alone server,
// which writes queue files itself: how many messages are accepted a second.
// With manager set, qmgr(8) takes them from the queue at the same time.
func direct(t *testing.T, results *table, manager bool) {
	what := "qmgr running"
	stock, ours := newQueue(t, manager), newQueue(t, manager)
	if !manager {
		what = "no qmgr"
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
	for range rounds() {
		for _, sessions := range []int{1, 10, 50} {
			total := 400 + 20*sessions
			var oursRate float64
			for _, s := range []*side{stock, ours} {
				if manager {
					s.drain(t)
				} else {
					s.empty(t)
				}
				rate := s.source(sessions, total)
				if s == ours {
					oursRate = rate
				}
				results.add(s, fmt.Sprintf("stand-alone against qmqpd and cleanup, %s, %d sessions", what, sessions), "messages/s", goals[sessions], rate)
				peak = max(peak, resident(t, serve))
			}
			if !manager {
				work := fmt.Sprintf("stand-alone against a bare loop of create, write, fsync, rename, close; %d at once (stock: the loop)", sessions)
				goal := ""
				if sessions > 1 {
					goal = "≥ 0.8"
				}
				rate := bareLoop(t, ours.Path(postfix.QueueDir+"/saved"), sessions, total)
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

// newQueue makes a private Postfix that is not started yet.
func newQueue(t *testing.T, manager bool) *side {
	s := &side{Instance: postfix.New(t, postfix.Options{}), name: "stock"}
	mountProc(t, s.Instance)
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t)))
	s.AppendMain("default_transport = discard:", "qmqpd_authorized_clients = 127.0.0.0/8")
	if !manager {
		s.AppendMain("in_flow_delay = 0")
		s.WriteMaster("cleanup unix n - y - 0 cleanup\nrewrite unix - - y - - trivial-rewrite\n")
	}
	return s
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

// empty removes the messages that nobody delivers.
func (s *side) empty(t *testing.T) {
	files, err := filepath.Glob(s.Path(postfix.QueueDir + "/incoming/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		os.Remove(f)
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
// many a second.
func bareLoop(t *testing.T, dir string, parallel, total int) float64 {
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
				name := filepath.Join(dir, strconv.FormatInt(n, 10))
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
	rate := float64(total) / time.Since(start).Seconds()
	for n := range total {
		os.Remove(filepath.Join(dir, strconv.Itoa(n+1)))
	}
	return rate
}
