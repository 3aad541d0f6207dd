package patience

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/poll"
)

// plain hides the descriptor of a connection.
type plain struct{ net.Conn }

func pair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// polled returns another connection with the descriptor of c, which is closed.
func polled(t *testing.T, c net.Conn) net.Conn {
	p, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	c.Close()
	conn := p.NewConn(fd)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// forms runs a test with a connection that gives its descriptor, with one that
// does not, and with one of package poll.
func forms(t *testing.T, limit time.Duration, test func(t *testing.T, c *Conn, peer net.Conn)) {
	for _, form := range []struct {
		name string
		wrap func(net.Conn) net.Conn
	}{
		{"descriptor", func(c net.Conn) net.Conn { return c }},
		{"plain", func(c net.Conn) net.Conn { return plain{c} }},
		{"polled", func(c net.Conn) net.Conn { return polled(t, c) }},
	} {
		t.Run(form.name, func(t *testing.T) {
			a, b := pair(t)
			test(t, New(form.wrap(a), limit), b)
		})
	}
}

func TestTransfer(t *testing.T) {
	forms(t, time.Hour, func(t *testing.T, c *Conn, peer net.Conn) {
		big := bytes.Repeat([]byte("0123456789"), 1<<20)
		received := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(peer)
			received <- b
		}()
		if n, err := c.Write(big); n != len(big) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
		c.Close()
		if b := <-received; !bytes.Equal(b, big) {
			t.Errorf("%d bytes arrived", len(b))
		}
	})
}

func TestReadToEnd(t *testing.T) {
	forms(t, time.Hour, func(t *testing.T, c *Conn, peer net.Conn) {
		go func() {
			peer.Write([]byte("hello"))
			peer.Close()
		}()
		if b, err := io.ReadAll(c); string(b) != "hello" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		if n, err := c.Read(nil); n != 0 || err != nil {
			t.Errorf("empty read: %d, %v", n, err)
		}
	})
}

func TestReadTimesOut(t *testing.T) {
	forms(t, time.Millisecond, func(t *testing.T, c *Conn, peer net.Conn) {
		b := make([]byte, 10)
		for range 2 {
			if n, err := c.Read(b); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %d, %v", n, err)
			}
		}
		// What comes after a time-out can be read: the limit is of each
		// operation.
		if _, err := peer.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		c.limit = time.Hour
		if c.reader != nil {
			c.reader.limit = time.Hour
		}
		if n, err := c.Read(b); string(b[:n]) != "late" || err != nil {
			t.Errorf("got %q, %v", b[:n], err)
		}
	})
}

func TestWriteTimesOut(t *testing.T) {
	forms(t, 10*time.Millisecond, func(t *testing.T, c *Conn, peer net.Conn) {
		if n, err := c.Write(make([]byte, 64<<20)); n == 64<<20 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func TestClosed(t *testing.T) {
	forms(t, time.Hour, func(t *testing.T, c *Conn, peer net.Conn) {
		c.Close()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("read from a closed connection")
		}
		if _, err := c.Write(make([]byte, 1)); err == nil {
			t.Error("wrote to a closed connection")
		}
	})
}

func TestNoAllocation(t *testing.T) {
	a, b := pair(t)
	c, buf := New(a, time.Hour), make([]byte, 1)
	if n := testing.AllocsPerRun(100, func() {
		b.Write(buf)
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a read", n)
	}
}
