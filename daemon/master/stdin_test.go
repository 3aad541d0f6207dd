package master

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pipes returns a connection on two pipes, and their other ends.
func pipes(t *testing.T, flags int) (conn net.Conn, in *os.File, out *os.File) {
	t.Helper()
	var a, b [2]int
	if err := errors.Join(unix.Pipe2(a[:], unix.O_CLOEXEC|flags), unix.Pipe2(b[:], unix.O_CLOEXEC|flags)); err != nil {
		t.Fatal(err)
	}
	in, out = os.NewFile(uintptr(a[1]), "in"), os.NewFile(uintptr(b[0]), "out")
	t.Cleanup(func() {
		in.Close()
		out.Close()
		_ = unix.Close(a[0])
		_ = unix.Close(b[1])
	})
	return StdinConn(a[0], b[1]), in, out
}

func TestStdinConn(t *testing.T) {
	for _, flags := range []int{0, unix.O_NONBLOCK} {
		c, in, out := pipes(t, flags)
		if n, err := c.Read(nil); n != 0 || err != nil {
			t.Errorf("nothing: %d, %v", n, err)
		}
		buf := make([]byte, 10)
		const soon = 10 * time.Millisecond
		expired := func(what string, n int, err error, begun time.Time, least time.Duration) {
			t.Helper()
			if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) < least {
				t.Errorf("%s: %d, %v after %v", what, n, err, time.Since(begun))
			}
		}
		begun := time.Now()
		c.SetReadDeadline(begun.Add(soon))
		n, err := c.Read(buf)
		expired("read", n, err, begun, soon)
		n, err = c.Read(buf)
		expired("again", n, err, begun, soon)
		for _, set := range []func(time.Time) error{c.SetReadDeadline, c.SetDeadline} {
			if err := set(time.Time{}); err != nil { // no bound
				t.Fatal(err)
			}
			time.AfterFunc(soon, func() { in.WriteString("hello") })
			if n, err := c.Read(buf); err != nil || string(buf[:n]) != "hello" {
				t.Errorf("%q, %v", buf[:n], err)
			}
			if err := set(time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		// The write end has its own bound, and a pipe its size.
		if n, err := c.Write([]byte("reply")); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := out.Read(buf); err != nil || string(buf[:n]) != "reply" {
			t.Errorf("%q, %v", buf[:n], err)
		}
		much := bytes.Repeat([]byte("0123456789"), 30_000)
		got := make(chan []byte)
		go func() {
			b := make([]byte, len(much))
			_, _ = io.ReadFull(out, b)
			got <- b
		}()
		if n, err := c.Write(much); n != len(much) || err != nil || !bytes.Equal(<-got, much) {
			t.Errorf("%d of %d, %v", n, len(much), err)
		}
		for n, err = 1, nil; err == nil; n, err = c.Write(make([]byte, 4096)) { // until it is full
			begun = time.Now()
			c.SetWriteDeadline(begun.Add(soon))
		}
		expired("write", n, err, begun, soon)
		in.Close()
		if n, err := c.Read(buf); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
		out.Close()
		if n, err := c.Write(buf); n != 0 || err != unix.EPIPE {
			t.Errorf("to nobody: %d, %v", n, err)
		}
		if c.LocalAddr() != nil || c.RemoteAddr() != nil || c.Close() != nil {
			t.Errorf("%v, %v", c.LocalAddr(), c.RemoteAddr())
		}
		if raw, err := c.(syscall.Conn).SyscallConn(); err != nil {
			t.Error(err)
		} else {
			never := func(uintptr) bool { t.Error("called"); return true }
			if r, w := raw.Read(never), raw.Write(never); !errors.Is(r, errors.ErrUnsupported) || !errors.Is(w, errors.ErrUnsupported) {
				t.Errorf("%v, %v", r, w)
			}
			fd := -1
			if err := raw.Control(func(f uintptr) { fd = int(f) }); err != nil || fd != c.(*stdinConn).in {
				t.Errorf("descriptor %d, %v", fd, err)
			}
		}
	}
}

// The addresses are those of the descriptor that requests come from.
func TestStdinAddresses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	ours, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f, err := ours.(*net.TCPConn).File()
	ours.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := StdinConn(int(f.Fd()), -1)
	if c.LocalAddr().String() != peer.RemoteAddr().String() || c.RemoteAddr().String() != peer.LocalAddr().String() {
		t.Errorf("%v, %v", c.LocalAddr(), c.RemoteAddr())
	}
}

// poll(2) counts milliseconds in 32 bits: part of one is waited for, and a long wait
// is at least a day.
func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]int{
		-1: -1, -time.Hour: -1, 0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000,
		24 * time.Hour: 86_400_000, 1 << 62: 86_400_000,
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v: %d, want %d", d, got, want)
		}
	}
}
