package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
)

// side is one of the two programs in a private Postfix of its own.
type side struct {
	*postfix.Instance
	name string
	addr string
	cpu  *cgroup // nil if processor time cannot be counted
}

// newSide starts a Postfix whose mail goes nowhere, with a QMQP service of
// the stock program or ours. limit is the service's process limit; main are
// lines for main.cf.
func newSide(b testing.TB, ours bool, limit int, main ...string) *side {
	s := &side{Instance: postfix.New(b, postfix.Options{}), name: "stock", cpu: newCgroup(b)}
	if ours {
		s.name = "ours"
		s.InstallOurs()
	}
	if s.cpu != nil {
		s.cpu.wrap(b, s.Instance)
	}
	mountProc(b, s.Instance)
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(b)))
	s.AppendMain("default_transport = discard:", "qmqpd_authorized_clients = 127.0.0.0/8", "maximal_queue_lifetime = 0")
	s.AppendMain(main...)
	s.AppendMaster(fmt.Sprintf("%s inet n - y - %d qmqpd", s.addr, limit))
	s.Start()
	return s
}

// mountProc gives the root a /proc, as every system has one.
func mountProc(b testing.TB, pf *postfix.Instance) {
	dir := pf.Path("/proc")
	if err := os.MkdirAll(dir, 0o555); err != nil {
		b.Fatal(err)
	}
	if err := syscall.Mount("proc", dir, "proc", 0, ""); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// source sends messages by qmqp-source and returns how many a second.
func (s *side) source(sessions, messages int) float64 {
	start := time.Now()
	s.MustRun("/usr/sbin/qmqp-source", "-s", strconv.Itoa(sessions), "-m", strconv.Itoa(messages), "-l", "4096",
		"-f", "from@a.example", "-t", "to@b.example", "inet:"+s.addr)
	return float64(messages) / time.Since(start).Seconds()
}

// drain waits until all mail is gone, so that the other side has the machine to
// itself.
func (s *side) drain(b testing.TB) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		n := 0
		for _, queue := range []string{"incoming", "active"} {
			entries, err := os.ReadDir(s.Path(postfix.QueueDir + "/" + queue))
			if err != nil {
				b.Fatal(err)
			}
			n += len(entries)
		}
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%s: %d messages stay in the queue", s.name, n)
		}
	}
}

// message is a request with a message of some 4 kB.
func message(recipients int) []byte {
	return request(4096, recipients)
}

func request(size, recipients int) []byte {
	var m bytes.Buffer
	m.WriteString("From: from@a.example\nTo: to@b.example\nSubject: bench\n\n")
	for m.Len() < size {
		m.WriteString("The quick brown fox jumps over the lazy dog, again and again and again.\n")
	}
	to := make([]string, recipients)
	for i := range to {
		to[i] = fmt.Sprintf("recipient%d@b.example", i)
	}
	return qmqp.AppendRequest(nil, m.Bytes(), "from@a.example", to)
}

// exchange sends a request and reads the reply to its end.
func exchange(addr string, request []byte) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	reply, err := qmqp.ReadReply(conn)
	if err != nil {
		return err
	}
	if reply.Code != 'K' {
		return fmt.Errorf("%c%s", reply.Code, reply.Text)
	}
	// The server closes when it is done.
	_, err = conn.Read(make([]byte, 1))
	if err != io.EOF {
		return err
	}
	return nil
}

// load sends total requests from so many clients at once. It returns how many a
// second, and the time that 99 of 100 replies took at most.
func load(b testing.TB, addr string, clients, total int, request []byte) (rate float64, p99 time.Duration) {
	var next atomic.Int64
	var wait sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	start := time.Now()
	for range clients {
		wait.Go(func() {
			var mine []time.Duration
			for next.Add(1) <= int64(total) {
				at := time.Now()
				if err := exchange(addr, request); err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wait.Wait()
	elapsed := time.Since(start)
	slices.Sort(took)
	if len(took) == 0 {
		return 0, 0
	}
	return float64(total) / elapsed.Seconds(), took[len(took)*99/100]
}

// hold opens n connections that send the beginning of a request and wait. They
// are closed by the function returned.
func hold(b testing.TB, addr string, n int) func() {
	conns := make([]net.Conn, 0, n)
	for range n {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Write([]byte("100:50:")); err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
	}
	return func() {
		for _, c := range conns {
			c.Close()
		}
	}
}

// sessions waits until so many sessions have begun since the log had mark
// lines.
func (s *side) sessions(b testing.TB, n, mark int) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		begun := 0
		for _, l := range s.Log.Lines()[mark:] {
			if strings.Contains(l.Text, ": client=") {
				begun++
			}
		}
		if begun >= n {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%s: %d of %d sessions", s.name, begun, n)
		}
	}
}

// memory returns the sum of the proportional set sizes of all qmqpd processes,
// in bytes, and their number.
func (s *side) memory(b testing.TB) (pss int64, processes int) {
	for _, p := range s.Daemons("qmqpd") {
		f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", p.PID))
		if err != nil {
			continue // it has just ended
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
				n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
				if err != nil {
					b.Fatal(err)
				}
				pss += n << 10
				processes++
			}
		}
		f.Close()
	}
	return pss, processes
}

// fastCleanup stands in for cleanup(8): it takes everything and says yes at
// once.
func (s *side) fastCleanup(b testing.TB) {
	l, err := postfix.ListenUnix(s.Path(postfix.QueueDir + "/public/fastcleanup"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
}

func answer(conn net.Conn) {
	defer conn.Close()
	if _, err := io.WriteString(conn, "protocol\x00cleanup_protocol\x00queue_id\x00ABCDEF12345\x00\x00"); err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	var tail [4]byte
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		copy(tail[:], append(tail[:], buf[:n]...)[max(0, n):])
		if string(tail[:]) == "X\x00E\x00" {
			io.WriteString(conn, "status\x000\x00reason\x00\x00\x00")
			return
		}
	}
}
