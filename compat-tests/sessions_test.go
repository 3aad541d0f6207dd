package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// These tests are about many sessions in one process under the real master(8),
// which counts processes.

// halfway opens n sessions that have sent all but the last byte of their
// request and waits until they are served.
func (s *site) halfway(t *testing.T, name string, n int) (clients []*standin.Client, pids map[int]bool) {
	t.Helper()
	mark := s.Log.Mark()
	for i := range n {
		c := s.dial(t)
		t.Cleanup(c.Close)
		text := request(name + strconv.Itoa(i))
		if err := c.Send([]byte(text[:len(text)-1])); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	return clients, s.waitSessions(t, mark, n)
}

// finish sends the last byte of each request.
func finish(t *testing.T, clients []*standin.Client) {
	t.Helper()
	for _, c := range clients {
		if err := c.Send([]byte(",")); err != nil {
			t.Error(err)
		}
	}
	for i, c := range clients {
		wantOK(t, "client "+strconv.Itoa(i), readReply(t, c))
	}
}

func names(name string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, name+strconv.Itoa(i))
	}
	return all
}

// wantProcesses checks how many processes of our server there are.
func (s *site) wantProcesses(t *testing.T, most int) {
	t.Helper()
	if p := s.Daemons("qmqpd"); len(p) > most {
		t.Errorf("%d processes, want at most %d: %v", len(p), most, p)
	}
}

// TestOneWorker shows that one process takes all sessions and that master
// keeps one spare.
func TestOneWorker(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	clients, pids := s.halfway(t, "m", 40)
	if len(pids) != 1 {
		t.Errorf("sessions are served by %d processes", len(pids))
	}
	s.wantProcesses(t, 2)
	finish(t, clients)
	s.wantDelivered(t, names("m", 40)...)
	s.wantProcesses(t, 2)
	s.wantQuiet(t)
}

// TestOneSessionPerProcess shows the setting that brings back the original's way.
func TestOneSessionPerProcess(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-o qmqpd_sessions_per_process=1")
	clients, pids := s.halfway(t, "m", 6)
	if len(pids) != 6 {
		t.Errorf("sessions are served by %d processes", len(pids))
	}
	finish(t, clients)
	s.wantDelivered(t, names("m", 6)...)
	s.wantQuiet(t)
}

// TestMaxUseWithSessionsOpen shows that no process begins more than max_use
// sessions and that clients that come meanwhile are served at once.
func TestMaxUseWithSessionsOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-o max_use=5")
	mark := s.Log.Mark()
	clients, _ := s.halfway(t, "m", 17)
	served := map[int]int{}
	for _, line := range s.Log.Lines()[mark:] {
		if strings.HasPrefix(line.Text, "connect from ") {
			served[line.PID]++
		}
	}
	if len(served) != 4 {
		t.Errorf("processes %v, want 4", served)
	}
	for pid, n := range served {
		if n > 5 {
			t.Errorf("process %d began %d sessions", pid, n)
		}
	}
	finish(t, clients)
	s.wantDelivered(t, names("m", 17)...)
	// Those that have done their work are gone.
	for pid, n := range served {
		if n == 5 {
			s.waitGone(t, pid)
		}
	}
	s.wantQuiet(t)
}

// TestMaxUseNotSet shows that with the default of max_use, which is meant for
// processes of one session, sessions that are open at once share a use, and that
// the same number in the configuration means what it says.
func TestMaxUseNotSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options   string
		processes int
	}{{"", 1}, {"-o max_use=100", 2}, {"-m 100", 2}} {
		t.Run(c.options, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, c.options)
			mark := s.Log.Mark()
			open, _ := s.halfway(t, "m", 1)
			for i := range 119 {
				wantOK(t, c.options, s.send(t, "n"+strconv.Itoa(i)))
			}
			finish(t, open)
			s.wantDelivered(t, append(names("m", 1), names("n", 119)...)...)
			s.Log.Sync(t)
			served := map[int]int{}
			for _, line := range s.Log.Lines()[mark:] {
				if strings.HasPrefix(line.Text, "connect from ") {
					served[line.PID]++
				}
			}
			if len(served) != c.processes {
				t.Errorf("processes %v, want %d", served, c.processes)
			}
			s.wantQuiet(t)
		})
	}
}

// TestProcessLimit shows that the process limit bounds sessions, old processes that
// drain included, with the warning that master gives for the original.
func TestProcessLimit(t *testing.T) {
	t.Parallel()
	for _, server := range []struct{ name, tag string }{{"qmqpd.stock", "postfix/master"}, {"qmqpd", "postfix/qmqpd"}} {
		t.Run(server.name, func(t *testing.T) {
			s := newSite(t, "")
			// Master knows the port's number; a jail need not have it.
			s.WriteFile("/etc/services", fmt.Sprintf("some-name %d/tcp\n", s.port), 0o644)
			if err := os.RemoveAll(s.Path(postfix.QueueDir + "/etc/services")); err != nil {
				t.Fatal(err)
			}
			// Only services that others could reach have a stress mode.
			const addr = "0.0.0.0:some-name"
			s.WriteMaster(postfix.DefaultMaster + addr + " inet n - y - 6 " + server.name + " -o qmqpd_error_delay=${stress?{0}:{1}}\n")
			s.Reload()
			clients, _ := s.halfway(t, "m", 5)
			s.Reload() // five sessions of old processes go on
			more, _ := s.halfway(t, "n", 1)
			mark := s.Log.Mark()
			waiting := s.dial(t)
			t.Cleanup(waiting.Close)
			if err := waiting.Send([]byte(request("waiting"))); err != nil {
				t.Fatal(err)
			}
			if reply, err := waiting.ReadAll(500 * time.Millisecond); err == nil || len(reply) > 0 {
				t.Errorf("a seventh session is served: %q", reply)
			}
			finish(t, clients[:1])
			wantOK(t, "client that waited", readReply(t, waiting))
			finish(t, clients[1:])
			finish(t, more)
			s.wantDelivered(t, append(names("m", 5), "n0", "waiting")...)
			want := []string{
				fmt.Sprintf("warning: service \"%s\" ([0.0.0.0]:%d) has reached its process limit \"6\": new clients may experience noticeable delays", addr, s.port),
				"warning: to avoid this condition, increase the process count in master.cf or reduce the service time per client",
				"warning: see https://www.postfix.org/STRESS_README.html for examples of stress-adapting configuration settings",
			}
			s.Log.Sync(t)
			var got []string
			for _, line := range s.Log.Lines() {
				if strings.HasPrefix(line.Text, "warning: ") && line.Tag == server.tag {
					got = append(got, line.Text)
				}
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("warnings %q (from line %d)", got, mark)
			}
		})
	}
}

// TestStressSettings shows that settings take their stress value for the session
// that makes the limit full and for later ones, whichever process has them: those
// of a session, the access list with tables outside the jail, and what ends the
// process.
func TestStressSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", "qmqpd_authorized_clients = ${stress?{hash:/etc/postfix/few}:{127.0.0.0/8}}",
		"qmqpd_error_delay = ${stress?{0}:{6}}", "max_use = ${stress?{4}:{100}}")
	s.WriteFile("/etc/postfix/few", "127.0.0.2 ok\n", 0o644)
	s.MustRun("/usr/sbin/postmap", "hash:/etc/postfix/few")
	// Only services that others could reach have a stress mode.
	s.WriteMaster(postfix.DefaultMaster + "0.0.0.0:" + strconv.Itoa(s.port) + " inet n - y - 3 qmqpd\n")
	s.Reload()
	from := func(host, text string) (string, time.Duration) {
		began := time.Now()
		c, err := standin.DialTCP(host, s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return readReply(t, c), time.Since(began)
	}
	if reply, took := from("127.0.0.1", "x"); !strings.HasPrefix(reply, "58:D") || took < 5*time.Second {
		t.Errorf("without stress: %q after %v", reply, took)
	}
	clients, worker := s.halfway(t, "m", 2)
	unlisted := standin.Netstring("DError: localhost[127.0.0.1] is not authorized to use this service")
	stressed := func(what string) {
		t.Helper()
		if reply, took := from("127.0.0.1", request("unlisted")); reply != unlisted || took > 5*time.Second {
			t.Errorf("%s: %q after %v", what, reply, took)
		}
	}
	stressed("third session")
	for pid := range worker {
		// Its fourth session was the last: with three, it is full.
		finish(t, clients)
		s.waitGone(t, pid)
	}
	stressed("session of the next process")
	reply, _ := from("127.0.0.2", request("listed"))
	wantOK(t, "listed client", reply)
	s.wantDelivered(t, append(names("m", 2), "listed")...)
}

// TestTableChangeWithSessionsOpen shows that sessions go on while a new process
// with the new table takes the next client.
func TestTableChangeWithSessionsOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", "qmqpd_authorized_clients = hash:/etc/postfix/clients")
	build := func(text string) {
		s.WriteFile("/etc/postfix/clients", text, 0o644)
		s.MustRun("/usr/sbin/postmap", "hash:/etc/postfix/clients")
	}
	build("127.0.0.1 ok\n")
	s.Reload()
	clients, old := s.halfway(t, "m", 3)
	later := time.Now().Add(5 * time.Second)
	build("127.0.0.2 ok\n")
	if err := os.Chtimes(s.Path("/etc/postfix/clients.db"), later, later); err != nil {
		t.Fatal(err)
	}
	if got, want := s.send(t, "unlisted"), standin.Netstring("DError: localhost[127.0.0.1] is not authorized to use this service"); got != want {
		t.Errorf("after the change: reply %q, want %q", got, want)
	}
	finish(t, clients)
	for pid := range old {
		s.waitGone(t, pid)
	}
	s.wantDelivered(t, names("m", 3)...)
	changes := 0
	s.Log.Sync(t)
	for _, line := range s.Log.Lines() {
		if strings.HasSuffix(line.Text, " has changed -- restarting") {
			changes++
		}
	}
	// The worker says so, and the spare, which has the old table as well.
	if changes < 1 || changes > 2 {
		t.Errorf("%d processes restarted", changes)
	}
}

// TestWorkerAndSpareKilled shows that a crash costs only the sessions of the
// process, and no client that comes later.
func TestWorkerAndSpareKilled(t *testing.T) {
	t.Parallel()
	// A process that ends badly without having served anyone makes master
	// throttle the service.
	s := newSite(t, "", "service_throttle_time = 1s")
	wantOK(t, "first", s.send(t, "first"))
	lost, worker := s.halfway(t, "lost", 3)
	for _, p := range s.Daemons("qmqpd") {
		if !worker[p.PID] {
			syscall.Kill(p.PID, syscall.SIGKILL)
			s.waitGone(t, p.PID)
		}
	}
	clients, pids := s.halfway(t, "m", 2)
	finish(t, clients)
	for pid := range pids {
		if !worker[pid] {
			t.Errorf("the worker %v did not go on, but %d", worker, pid)
		}
	}
	for pid := range worker {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, c := range lost {
		if reply := readReply(t, c); reply != "" {
			t.Errorf("reply %q of a process that was killed", reply)
		}
	}
	wantOK(t, "after the crash", s.send(t, "after"))
	s.wantDelivered(t, "first", "m0", "m1", "after")
}

// TestStockSibling mixes processes of the stock server and of ours on one
// socket: the program is replaced without a reload.
func TestStockSibling(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	daemon := postfix.DaemonDir + "/qmqpd"
	ours := filepath.Join(t.TempDir(), "qmqpd")
	if err := os.Rename(s.Path(daemon), ours); err != nil {
		// Another file system.
		s.Install(s.Path(daemon), daemon+".ours")
		ours = s.Path(daemon + ".ours")
	}
	s.Install(s.Path(daemon+".stock"), daemon)
	first, stock := s.halfway(t, "stock", 1)
	s.Install(ours, daemon)
	second, worker := s.halfway(t, "ours", 3)
	for pid := range worker {
		if stock[pid] || len(worker) != 1 {
			t.Errorf("stock %v, ours %v", stock, worker)
		}
	}
	// The stock process becomes idle and waits for the lock that ours has.
	finish(t, first)
	third, pids := s.halfway(t, "more", 3)
	for pid := range pids {
		if !worker[pid] {
			t.Errorf("process %d took a client, the worker is %v", pid, worker)
		}
	}
	finish(t, second)
	finish(t, third)
	// With ours gone, stock takes over.
	for pid := range worker {
		syscall.Kill(pid, syscall.SIGTERM)
		s.waitGone(t, pid)
	}
	for i := range 4 {
		wantOK(t, "last", s.send(t, "last"+strconv.Itoa(i)))
	}
	var all []string
	all = append(append(append(append(all, names("stock", 1)...), names("ours", 3)...), names("more", 3)...), names("last", 4)...)
	s.wantDelivered(t, all...)
}

// TestReloadEverySecond sends messages by ten clients while master reloads
// every second: each is answered once and queued once. COMPAT_SESSIONS says how
// many there are at least; a fast machine sends more, until there were reloads enough.
func TestReloadEverySecond(t *testing.T) {
	least := 4000 // some six seconds' worth
	if n, err := strconv.Atoi(os.Getenv("COMPAT_SESSIONS")); err == nil && n > 0 {
		least = n
	}
	const enough = 3 // reloads
	s := newSite(t, "", "default_transport = discard", "relay_transport = discard", "in_flow_delay = 0",
		"enable_long_queue_ids = yes") // short ones come again
	mark := s.Log.Mark()
	var mu sync.Mutex
	ids := map[string]int{}
	var next, sent, reloads atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(least) && reloads.Load() >= enough {
					return
				}
				sent.Add(1)
				c, err := standin.DialTCP("", s.addr)
				if err != nil {
					t.Error(err)
					return
				}
				if err := c.Send([]byte(request(strconv.Itoa(int(n))))); err != nil {
					t.Error(err)
				}
				reply, err := c.ReadAll(patience)
				c.Close()
				_, id, ok := strings.Cut(string(reply), ":KOk: queued as ")
				if err != nil || !ok {
					t.Errorf("session %d: reply %q, %v", n, reply, err)
				}
				mu.Lock()
				ids[strings.TrimSuffix(id, ",")]++
				mu.Unlock()
			}
		})
	}
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				syscall.Kill(s.MasterPID(), syscall.SIGHUP)
				reloads.Add(1)
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-stopped
	if int64(len(ids)) != sent.Load() {
		t.Errorf("%d queue ids for %d sessions", len(ids), sent.Load())
	}
	// What is queued leaves the queue. A queue manager that was just being
	// replaced may not have heard of a message.
	s.MustRun("/usr/sbin/postqueue", "-f")
	removed, processes := map[string]int{}, map[int]bool{}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		clear(removed)
		for _, line := range s.Log.Lines()[mark:] {
			if strings.HasPrefix(line.Text, "connect from ") {
				processes[line.PID] = true
			}
			if id, ok := strings.CutSuffix(line.Text, ": removed"); ok {
				removed[id]++
			}
		}
		if len(removed) >= len(ids) || time.Now().After(deadline) {
			break
		}
	}
	for id := range ids {
		if removed[id] != 1 {
			t.Errorf("message %s left the queue %d times", id, removed[id])
			for _, line := range s.Log.Lines()[mark:] {
				if strings.Contains(line.Text, id) {
					t.Log(line.Raw)
				}
			}
		}
	}
	for _, line := range s.Log.Lines()[mark:] {
		// On a busy machine a queue manager that starts anew may not have taken the
		// last wake-up calls yet when master has another.
		wakeup := strings.Contains(line.Text, "service qmgr(public/qmgr): Resource temporarily unavailable")
		if line.Priority&7 <= 4 && (line.Tag == "postfix/qmqpd" || line.Tag == "postfix/master" && !wakeup) {
			t.Errorf("unexpected log line: %s", line.Raw)
		}
	}
	t.Logf("%d sessions, %d reloads, %d processes", sent.Load(), reloads.Load(), len(processes))
}
