package poll

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tcpPair returns two ends of a TCP connection; the first is ours.
func tcpPair(t *testing.T, p *Poller) (*Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours := p.NewConn(fd)
	t.Cleanup(func() { ours.Close(); peer.Close() })
	return ours, peer.(*net.TCPConn)
}

// The end comes with the data, and the data only with the end. The kernel holds back
// data for 200 ms at most: an attempt that took so long, on a busy machine, tells nothing.
func TestWriteLast(t *testing.T) {
	const attempts, conclusive = 20, 150 * time.Millisecond
	p := newPoller(t)
	for range attempts {
		ours, peer := tcpPair(t, p)
		start := time.Now()
		if n, err := ours.WriteLast([]byte("reply"), time.Second); n != 5 || err != nil {
			t.Fatal(n, err)
		}
		peer.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, err := peer.Read(make([]byte, 10))
		if n != 0 && time.Since(start) > conclusive {
			continue
		}
		if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("before Close: %d bytes, %v", n, err)
		}
		peer.SetReadDeadline(time.Time{})
		if err := ours.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(peer); string(got) != "reply" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		return
	}
	t.Fatalf("each of %d attempts took more than %v", attempts, conclusive)
}

// What nobody has read makes Close reset the connection. The data must arrive
// all the same.
func TestWriteLastWithUnreadInput(t *testing.T) {
	ours, peer := tcpPair(t, newPoller(t))
	if _, err := peer.Write([]byte("junk")); err != nil {
		t.Fatal(err)
	}
	for ours.unread() == 0 {
		time.Sleep(time.Millisecond)
	}
	if n, err := ours.WriteLast([]byte("reply"), time.Second); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	buf := make([]byte, 10)
	if n, err := peer.Read(buf); string(buf[:n]) != "reply" || err != nil {
		t.Errorf("%q, %v", buf[:n], err) // at once
	}
	ours.Close()
	if n, err := peer.Read(buf); n != 0 || !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("after Close: %d bytes, %v", n, err)
	}
}

// Input that arrives in between does not cost the data either, whether it takes the
// kernel's slow path, as the first segment of a connection, or its fast one.
func TestWriteLastBeforeUnreadInput(t *testing.T) {
	for _, reads := range []int{0, 1, 3} {
		ours, peer := tcpPair(t, newPoller(t))
		buf := make([]byte, 10)
		for range reads {
			if _, err := peer.Write([]byte("more")); err != nil {
				t.Fatal(err)
			}
			if _, err := ours.ReadWithin(buf, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ours.WriteLast([]byte("reply"), time.Second); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Write([]byte("junk")); err != nil {
			t.Fatal(err)
		}
		for ours.unread() == 0 {
			time.Sleep(time.Millisecond)
		}
		ours.Close()
		if n, err := peer.Read(buf); string(buf[:n]) != "reply" || err != nil {
			t.Errorf("after %d reads: %q, %v", reads, buf[:n], err)
		}
	}
}

func TestWriteLastAfterTheEnd(t *testing.T) {
	ours, peer := tcpPair(t, newPoller(t))
	peer.SetLinger(0)
	peer.Close() // a reset
	for range 1000 {
		if _, err := ours.ReadWithin(make([]byte, 1), time.Minute); err != nil {
			break
		}
	}
	if n, err := ours.WriteLast([]byte("reply"), time.Second); n != 0 || !errors.Is(err, unix.EPIPE) {
		t.Errorf("%d, %v", n, err)
	}
	ours.Close()
	if _, err := ours.WriteLast([]byte("reply"), time.Second); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// A socket that takes only a part gets the rest when the peer reads on.
func TestWriteLastOfMuch(t *testing.T) {
	ours, peer := tcpPair(t, newPoller(t))
	much := make([]byte, 20<<20)
	done := make(chan error, 1)
	go func() {
		_, err := ours.WriteLast(much, 10*time.Second)
		ours.Close()
		done <- err
	}()
	got, err := io.Copy(io.Discard, peer)
	if got != int64(len(much)) || err != nil {
		t.Errorf("%d bytes, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
