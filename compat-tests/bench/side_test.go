package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/poll"
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
// lines for main.cf. Where processor time is not counted, nothing stands
// between master(8) and the program.
func newSide(b testing.TB, ours, count bool, limit int, main ...string) *side {
	s := &side{Instance: postfix.New(b, postfix.Options{}), name: "stock"}
	if count {
		s.cpu = newCgroup(b)
	}
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

// drain waits until the mail of all sides is gone, so that the next one has the
// machine to itself: the one before it may have left a backlog for its qmgr(8).
func drain(b testing.TB, sides ...*side) {
	for _, s := range sides {
		s.drain(b)
	}
}

// drain waits until all of its mail is gone.
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

// poller serves the load generator and the stand-in for cleanup(8): what they
// cost is part of each measurement.
var poller = sync.OnceValue(func() *poll.Poller {
	p, err := poll.New()
	if err != nil {
		panic(err)
	}
	return p
})

// dial connects by TCP over IPv4.
func dial(addr string) (*poll.Conn, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	conn := poller().NewConn(fd)
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	called := false
	e := raw.Write(func(fd uintptr) bool {
		if !called {
			called = true
			err = unix.Connect(int(fd), &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
			return err != unix.EINPROGRESS
		}
		failed, e := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err = e; failed != 0 {
			err = unix.Errno(failed)
		}
		return true
	})
	if err := cmp.Or(e, err); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// exchange sends a request and reads the reply to its end.
func exchange(addr string, request []byte) error {
	const patience = 2 * time.Minute
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.WriteWithin(request, patience); err != nil {
		return err
	}
	// The server closes when it is done.
	var reply []byte
	var buf [512]byte
	for {
		n, err := conn.ReadWithin(buf[:], patience)
		reply = append(reply, buf[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	r, err := qmqp.ReadReply(bytes.NewReader(reply))
	if err != nil {
		return err
	}
	if r.Code != 'K' {
		return fmt.Errorf("%c%s", r.Code, r.Text)
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
	file, err := l.File()
	if err != nil {
		b.Fatal(err)
	}
	listener := int(file.Fd())
	if err := unix.SetNonblock(listener, true); err != nil {
		b.Fatal(err)
	}
	own, err := poll.New()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(own.Close)
	if err := own.Watch(listener); err != nil {
		b.Fatal(err)
	}
	go func() {
		defer file.Close()
		for range own.Ready() {
			for {
				fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
				if err != nil {
					break
				}
				go answer(own.NewConn(fd))
			}
			own.Seen()
		}
	}()
}

var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func answer(conn *poll.Conn) {
	defer conn.Close()
	if _, err := conn.Write([]byte("protocol\x00cleanup_protocol\x00queue_id\x00ABCDEF12345\x00\x00")); err != nil {
		return
	}
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	var tail [4]byte
	for {
		n, err := conn.Read(buf[:])
		if err != nil {
			return
		}
		if n < len(tail) {
			copy(tail[:], tail[n:])
		}
		copy(tail[max(0, len(tail)-n):], buf[max(0, n-len(tail)):n])
		if string(tail[:]) == "X\x00E\x00" {
			conn.Write([]byte("status\x000\x00reason\x00\x00\x00"))
			return
		}
	}
}
