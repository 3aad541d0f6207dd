package compat

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestOneAtATime shows that a service limited to one process serves one client
// at a time.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.WriteMaster(strings.Replace(s.ReadFile("/etc/postfix/master.cf"), s.service("-", ""), s.service("1", ""), 1))
	s.Reload()
	mark := s.Log.Mark()
	first := s.dial(t)
	s.waitSessions(t, mark, 1)
	second := s.dial(t)
	defer second.Close()
	if err := second.Send([]byte(request("second"))); err != nil {
		t.Fatal(err)
	}
	if reply, err := second.ReadAll(700 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("second client at once: reply %q, %v, want none yet", reply, err)
	}
	first.Close()
	wantOK(t, "second client", readReply(t, second))
	s.wantDelivered(t, "second")
}

// TestNoProcessLimit shows that a service without a process limit has more sessions
// than default_process_limit, in one process still.
func TestNoProcessLimit(t *testing.T) {
	t.Parallel()
	const n = 12
	s := newSite(t, "", "default_process_limit = 10")
	s.WriteMaster(strings.Replace(s.ReadFile("/etc/postfix/master.cf"), s.service("-", ""), s.service("0", ""), 1))
	s.Reload()
	clients, pids := s.halfway(t, "m", n)
	if len(pids) != 1 {
		t.Errorf("sessions are served by %d processes", len(pids))
	}
	s.wantProcesses(t, 2)
	finish(t, clients)
	s.wantDelivered(t, names("m", n)...)
	s.wantQuiet(t)
}

// TestManyOpenSessions keeps sixty silent clients open, and shows that neither
// another client nor a reload has to wait for them.
func TestManyOpenSessions(t *testing.T) {
	t.Parallel()
	const silent = 60
	s := newSite(t, "")
	mark := s.Log.Mark()
	var open []*standin.Client
	for range silent {
		open = append(open, s.dial(t))
	}
	s.waitSessions(t, mark, silent)
	wantOK(t, "client beside many", s.send(t, "beside"))
	s.Reload()
	wantOK(t, "client after the reload", s.send(t, "after"))
	subjects := []string{"beside", "after"}
	for n, c := range open {
		subject := fmt.Sprintf("silent %d", n)
		subjects = append(subjects, subject)
		if err := c.Send([]byte(request(subject))); err != nil {
			t.Fatal(err)
		}
		wantOK(t, subject, readReply(t, c))
		c.Close()
	}
	s.wantDelivered(t, subjects...)
	s.wantQuiet(t)
}

// TestSlowCleanup has a cleanup(8) that answers nobody before it has all the
// messages: as many as there may be sessions reach it, whatever our gate does.
func TestSlowCleanup(t *testing.T) {
	t.Parallel()
	const n = 99 // as the process limit is 100, no spare is in the way
	s := newSite(t, "", "cleanup_service_name = slowcleanup")
	var all sync.WaitGroup
	all.Add(n)
	standin.ListenCleanup(t, s.Path(postfix.QueueDir+"/public/slowcleanup"), func(int) standin.Verdict {
		return standin.Verdict{Before: func() { all.Done(); all.Wait() }}
	})
	clients, _ := s.halfway(t, "m", n)
	finish(t, clients)
}

// TestMemoryOfLargeMessages has as many clients as there may be send two megabytes
// of a message and then nothing: the processes stay within what is promised for
// messages of ten megabytes, most of which is in files.
func TestMemoryOfLargeMessages(t *testing.T) {
	text := strings.Repeat("0123456789abcde\n", 2<<20/16)
	text = fmt.Sprintf("10000020:10000000:%s", text)
	load := func(n int, dial func() *standin.Client) {
		var wait sync.WaitGroup
		for range n {
			c := dial()
			t.Cleanup(c.Close)
			wait.Go(func() {
				if err := c.Send([]byte(text)); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
	check := func(what string, pid, most int) {
		// What the socket held has been read a moment later.
		time.Sleep(300 * time.Millisecond)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		var kilobytes int
		if _, err := fmt.Sscan(peak, &kilobytes); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d MB", what, kilobytes>>10)
		if kilobytes>>10 > most {
			t.Errorf("%s holds %d MB, want at most %d", what, kilobytes>>10, most)
		}
	}
	t.Run("under master", func(t *testing.T) {
		s := newSite(t, "")
		mark := s.Log.Mark()
		load(100, func() *standin.Client { return s.dial(t) })
		for pid := range s.waitSessions(t, mark, 100) {
			check("worker", pid, 128)
		}
	})
	t.Run("alone", func(t *testing.T) {
		a := newAlone(t)
		load(200, func() *standin.Client {
			c, err := standin.DialTCP("", a.addr)
			if err != nil {
				t.Fatal(err)
			}
			return c
		})
		check("stand-alone server", a.cmd.Process.Pid, 256)
	})
}

// TestAddressSpace has master(8) pass on a limit on address space, or data, as LimitAS= of
// a unit of systemd does. Stock gets along with little; ours needs what
// docs/replacing-qmqpd.md says, and then serves as many clients as ever.
func TestAddressSpace(t *testing.T) {
	const little, littleData, enough = 200000, 60000, 2000000 // kB
	// limited is a site whose master has started nothing of ours yet.
	limited := func(t *testing.T, resource int, kilobytes uint64) *site {
		s := newSite(t, "")
		limit := unix.Rlimit{Cur: kilobytes << 10, Max: kilobytes << 10}
		if err := unix.Prlimit(s.MasterPID(), resource, &limit, nil); err != nil {
			t.Fatal(err)
		}
		return s
	}
	tooLittle := func(t *testing.T, resource int, kilobytes uint64) {
		t.Parallel()
		s := limited(t, resource, kilobytes)
		stock := strconv.Itoa(postfix.FreePort(t))
		s.AppendMaster(stock + " inet n - y - - qmqpd.stock")
		s.Reload()
		mark := s.Log.Mark()
		c, err := standin.DialTCP("", "127.0.0.1:"+stock)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Send([]byte(request("stock"))); err != nil {
			t.Fatal(err)
		}
		wantOK(t, "stock", readReply(t, c))
		if os.Getenv(postfix.StockVariable) != "1" {
			defer s.dial(t).Close()
			s.Log.Wait(t, mark, "qmqpd: bad command startup -- throttling")
		}
	}
	t.Run("little", func(t *testing.T) { tooLittle(t, unix.RLIMIT_AS, little) })
	t.Run("little data", func(t *testing.T) { tooLittle(t, unix.RLIMIT_DATA, littleData) })
	t.Run("enough", func(t *testing.T) {
		t.Parallel()
		s := limited(t, unix.RLIMIT_AS, enough)
		mark := s.Log.Mark()
		text := fmt.Sprintf("10000020:10000000:%s", strings.Repeat("0123456789abcde\n", 2<<20/16))
		const n = 100
		var wait sync.WaitGroup
		for range n {
			c := s.dial(t)
			t.Cleanup(c.Close)
			wait.Go(func() {
				if err := c.Send([]byte(text)); err != nil {
					t.Error(err)
				}
			})
		}
		s.waitSessions(t, mark, n)
		wait.Wait()
		s.wantQuiet(t)
	})
}

// TestBrokenCleanup kills cleanup(8) under open sessions: their clients are
// told to come again, and the next ones are served.
func TestBrokenCleanup(t *testing.T) {
	t.Parallel()
	s := newSite(t, "-o qmqpd_error_delay=0", "service_throttle_time = 1s")
	mark := s.Log.Mark()
	c := s.dial(t)
	defer c.Close()
	text := request("unlucky")
	if err := c.Send([]byte(text[:len(text)-1])); err != nil {
		t.Fatal(err)
	}
	s.waitSessions(t, mark, 1)
	for _, p := range s.Daemons("cleanup") {
		s.Kill(p.PID)
	}
	if err := c.Send([]byte(text[len(text)-1:])); err != nil {
		t.Fatal(err)
	}
	if got, want := readReply(t, c), standin.Netstring("ZError: queue file write error"); got != want {
		t.Errorf("session whose cleanup was killed: reply %q, want %q", got, want)
	}
	wantOK(t, "client afterwards", s.send(t, "lucky"))
	s.wantDelivered(t, "lucky")
}
