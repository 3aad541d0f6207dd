package postfix

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/sockpath"
)

// Line is one datagram that came to /dev/log.
type Line struct {
	// Raw is the datagram as it came.
	Raw string
	// Priority is the number in <>, -1 if there is none.
	Priority int
	// Tag is the program's name, such as "postfix/qmqpd".
	Tag string
	// PID is the process id in the brackets, 0 if there is none.
	PID int
	// Text is what follows "TAG[PID]: ".
	Text string
}

// parseLine takes "<PRI>Mmm dd hh:mm:ss TAG[PID]: TEXT" apart; a part that is
// not there keeps its zero value.
func parseLine(raw string) Line {
	l := Line{Raw: raw, Priority: -1, Text: raw}
	rest := raw
	if pri, after, ok := strings.Cut(rest, ">"); ok && strings.HasPrefix(pri, "<") {
		if n, err := strconv.Atoi(pri[1:]); err == nil {
			l.Priority, rest = n, after
		}
	}
	const stamp = len("Nov 22 10:43:27 ")
	if len(rest) < stamp {
		return l
	}
	rest = rest[stamp:]
	head, text, ok := strings.Cut(rest, ": ")
	if !ok {
		return l
	}
	l.Text = text
	l.Tag = head
	if tag, pid, ok := strings.Cut(strings.TrimSuffix(head, "]"), "["); ok {
		if n, err := strconv.Atoi(pid); err == nil {
			l.Tag, l.PID = tag, n
		}
	}
	return l
}

// Log collects the datagrams of one log socket, in the order of their arrival.
type Log struct {
	conn *net.UnixConn
	path string

	mu      sync.Mutex
	lines   []Line
	changed chan struct{}
	fence   int
	fences  map[string]chan struct{}
}

const fencePrefix = "compat-fence "

// ListenLog collects what comes to a log socket at path until Close.
func ListenLog(path string) (*Log, error) {
	conn, err := ListenUnixgram(path)
	if err != nil {
		return nil, err
	}
	l := &Log{conn: conn, path: path, changed: make(chan struct{}), fences: map[string]chan struct{}{}}
	go l.receive()
	return l, nil
}

// ListenUnixgram binds a datagram socket at path, which may be longer than a
// socket address holds, and lets everybody write to it.
func ListenUnixgram(path string) (*net.UnixConn, error) {
	var conn *net.UnixConn
	err := sockpath.Short(path, func(short string) error {
		var err error
		conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: short, Net: "unixgram"})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// ListenUnix listens on a stream socket at path, which may be longer than a
// socket address holds, and lets everybody connect to it. Closing the listener
// leaves the file.
func ListenUnix(path string) (*net.UnixListener, error) {
	var ln *net.UnixListener
	err := sockpath.Short(path, func(short string) error {
		var err error
		ln, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o666); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// DialUnix connects to the stream socket at path, however long that is.
func DialUnix(path string) (*net.UnixConn, error) {
	var conn *net.UnixConn
	err := sockpath.Short(path, func(short string) error {
		var err error
		conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	return conn, err
}

func (l *Log) receive() {
	buf := make([]byte, 65536)
	for {
		n, err := l.conn.Read(buf)
		if err != nil {
			return
		}
		raw := string(buf[:n])
		l.mu.Lock()
		if done := l.fences[raw]; done != nil {
			delete(l.fences, raw)
			close(done)
		} else {
			l.lines = append(l.lines, parseLine(raw))
			close(l.changed)
			l.changed = make(chan struct{})
		}
		l.mu.Unlock()
	}
}

// Close ends the collecting, and leaves the socket.
func (l *Log) Close() { l.conn.Close() }

// Sync returns when everything sent to the socket before the call has been
// collected.
func (l *Log) Sync(t testing.TB) {
	t.Helper()
	l.mu.Lock()
	l.fence++
	mark := fencePrefix + strconv.Itoa(l.fence)
	done := make(chan struct{})
	l.fences[mark] = done
	l.mu.Unlock()
	err := sockpath.Short(l.path, func(short string) error {
		conn, err := net.Dial("unixgram", short)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte(mark))
		return err
	})
	if err != nil {
		t.Fatalf("private log: %v", err)
	}
	<-done
}

// Lines returns all lines so far.
func (l *Log) Lines() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Line(nil), l.lines...)
}

// Of returns the lines of one process from the place from on. The place
// matters, since process ids come again.
func (l *Log) Of(from, pid int) []Line {
	var of []Line
	for _, line := range l.Lines()[from:] {
		if line.PID == pid {
			of = append(of, line)
		}
	}
	return of
}

// Mark returns a place in the log: the number of lines so far.
func (l *Log) Mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// Wait returns the first line from the place from on whose text contains text,
// and fails the test if it has not come after a generous time.
func (l *Log) Wait(t testing.TB, from int, text string) Line {
	t.Helper()
	return l.WaitFor(t, from, strconv.Quote(text), func(line Line) bool {
		return strings.Contains(line.Text, text)
	})
}

// WaitFor is Wait with a condition; what describes it in the failure.
func (l *Log) WaitFor(t testing.TB, from int, what string, wanted func(Line) bool) Line {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	next := from
	for {
		l.mu.Lock()
		lines, changed := l.lines, l.changed
		l.mu.Unlock()
		for ; next < len(lines); next++ {
			if wanted(lines[next]) {
				return lines[next]
			}
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no log line %s after %v; the log ends with:\n%s", what, patience, l.tail(20))
		}
	}
}

// patience bounds every wait for an event that should come at once: long
// enough for a loaded machine, short enough to end a test that hangs.
const patience = 60 * time.Second

func (l *Log) tail(n int) string {
	lines := l.Lines()
	lines = lines[max(0, len(lines)-n):]
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "\t%s\n", line.Raw)
	}
	return b.String()
}
