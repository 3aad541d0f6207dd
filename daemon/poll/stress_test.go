package poll

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Connections by the thousand, few of them at a time, so that numbers of descriptors
// come back soon: all that is sent arrives, no wait is forgotten or ends too soon, and
// of the connections that are closed under those who wait nothing is left.
func TestManyShortConnections(t *testing.T) {
	const rounds = 20
	p := newPoller(t)
	var idle []*Conn // which must not make the others wait
	for range 200 {
		a, _ := pair(t, p)
		idle = append(idle, a)
	}
	var wait sync.WaitGroup
	for _, c := range idle {
		wait.Go(func() {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("idle: %v", err)
			}
		})
	}
	var active sync.WaitGroup
	for range 8 {
		active.Go(func() {
			for range rounds {
				transferMuch(t, p)
				closeUnderWaiters(t, p)
			}
		})
	}
	active.Wait()
	for _, c := range idle {
		c.Close()
	}
	wait.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for fd, c := range p.conns {
		if c != nil && c.closed {
			t.Errorf("descriptor %d is remembered", fd)
		}
	}
}

// bare is pair without an end by the test.
func bare(t *testing.T, p *Poller) (a, b *Conn) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return p.NewConn(-1), p.NewConn(-1)
	}
	for _, fd := range fds {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<10+rand.IntN(64<<10))
	}
	return p.NewConn(fds[0]), p.NewConn(fds[1])
}

// transferMuch sends in both directions at once while deadlines change.
func transferMuch(t *testing.T, p *Poller) {
	a, b := bare(t, p)
	data := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 1+rand.IntN(20_000))
	var all, ends sync.WaitGroup
	for _, c := range [][2]*Conn{{a, b}, {b, a}} {
		ends.Go(func() {
			rest := data
			for len(rest) > 0 {
				n, err := c[0].WriteWithin(rest[:min(len(rest), 1+rand.IntN(30_000))], time.Minute)
				if err != nil {
					t.Errorf("write: %v", err)
					break
				}
				rest = rest[n:]
			}
		})
		ends.Go(func() {
			got := make([]byte, 0, len(data))
			for buf := make([]byte, 1+rand.IntN(10_000)); len(got) < len(data); {
				var n int
				var err error
				if rand.IntN(4) == 0 {
					n, err = c[1].ReadWithin(buf, time.Duration(1+rand.IntN(1000))*time.Microsecond)
				} else {
					n, err = c[1].Read(buf)
				}
				if errors.Is(err, os.ErrDeadlineExceeded) {
					continue
				}
				if err != nil {
					t.Errorf("read: %v", err)
					break
				}
				got = append(got, buf[:n]...)
			}
			if !bytes.Equal(got, data) {
				t.Errorf("%d of %d bytes, or others", len(got), len(data))
			}
		})
	}
	done := make(chan struct{})
	all.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				a.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(2000)) * time.Microsecond))
				b.SetDeadline(time.Now().Add(time.Hour))
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	ends.Wait()
	close(done)
	all.Wait()
	a.Close()
	b.SetDeadline(time.Time{})
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	b.Close()
}

// closeUnderWaiters closes a connection, or its peer, at any moment of a read and a write
// that have much to wait for.
func closeUnderWaiters(t *testing.T, p *Poller) {
	a, b := bare(t, p)
	ours := rand.IntN(2) == 0
	var users sync.WaitGroup
	users.Go(func() {
		_, err := a.ReadWithin(make([]byte, 1), time.Minute)
		if ours && !errors.Is(err, net.ErrClosed) || !ours && err != io.EOF && !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("read, closed by us %v: %v", ours, err)
		}
	})
	users.Go(func() {
		_, err := a.WriteWithin(make([]byte, 1<<20), time.Minute)
		if ours && !errors.Is(err, net.ErrClosed) || !ours && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("write, closed by us %v: %v", ours, err)
		}
	})
	time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	if ours {
		a.Close()
	} else {
		b.Close()
	}
	users.Wait()
	if ours {
		b.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.Copy(io.Discard, b); err != nil {
			t.Errorf("drain: %v", err)
		}
		b.Close()
	} else {
		a.Close()
	}
}
