package cleanup

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// visitors go through a gate, one each millisecond in the order of their
// numbers, and stay for a while. It returns who passed, in order, and when.
func visitors(g *Gate, n int, stay time.Duration) (order []int, at []time.Duration) {
	start := time.Now()
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			p := g.enter()
			mu.Lock()
			order, at = append(order, i), append(at, time.Since(start))
			mu.Unlock()
			time.Sleep(stay)
			g.leave(p)
		})
	}
	group.Wait()
	return order, at
}

const ms = time.Millisecond

func TestGate(t *testing.T) {
	tests := []struct {
		name string
		gate *Gate
		stay time.Duration
		at   []time.Duration
	}{
		{"none", nil, 50 * ms, []time.Duration{0, 1 * ms, 2 * ms, 3 * ms, 4 * ms, 5 * ms}},
		{"room for all", NewGate(6, 100*ms), 50 * ms, []time.Duration{0, 1 * ms, 2 * ms, 3 * ms, 4 * ms, 5 * ms}},
		{"two at a time", NewGate(2, 100*ms), 50 * ms, []time.Duration{0, 1 * ms, 50 * ms, 51 * ms, 100 * ms, 101 * ms}},
		{"who takes long does not count", NewGate(2, 10*ms), 50 * ms, []time.Duration{0, 1 * ms, 10 * ms, 11 * ms, 20 * ms, 21 * ms}},
		{"none at a time is one", NewGate(0, 100*ms), 10 * ms, []time.Duration{0, 10 * ms, 20 * ms, 30 * ms, 40 * ms, 50 * ms}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				order, at := visitors(test.gate, len(test.at), test.stay)
				if !slices.IsSorted(order) {
					t.Errorf("passed in the order %v", order)
				}
				if !slices.Equal(at, test.at) {
					t.Errorf("passed at %v, want %v", at, test.at)
				}
				if g := test.gate; g != nil && len(g.inside)+len(g.waiting) != 0 {
					t.Errorf("%d inside and %d waiting at the end", len(g.inside), len(g.waiting))
				}
			})
		})
	}
}

// Where all that are inside have become slow at the same moment, as many as
// there is room for come in at once.
func TestGateAllSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(3, 10*ms)
		start := time.Now()
		var mu sync.Mutex
		passed := map[time.Duration]int{}
		var group sync.WaitGroup
		for range 9 {
			group.Go(func() {
				p := g.enter()
				mu.Lock()
				passed[time.Since(start)]++
				mu.Unlock()
				time.Sleep(time.Hour)
				g.leave(p)
			})
		}
		group.Wait()
		for _, at := range []time.Duration{0, 10 * ms, 20 * ms} {
			if passed[at] != 3 {
				t.Errorf("%d passed at %v, want 3: %v", passed[at], at, passed)
			}
		}
	})
}

// A message passes once the client can delay it no more: its envelope goes out
// before, its content does not. Who gives up leaves.
func TestGateOfStreams(t *testing.T) {
	l := listen(t)
	o := opener()
	o.Gate = NewGate(1, time.Hour)
	open := func() (mailstream.Stream, net.Conn) {
		accepted := make(chan net.Conn)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				t.Error(err)
			}
			io.WriteString(conn, greeting)
			accepted <- conn
		}()
		s, err := o.Open(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s, <-accepted
	}
	write := func(s mailstream.Stream, rt queuefmt.RecordType, data []byte) {
		if err := s.WriteRecord(rt, data); err != nil {
			t.Error(err)
		}
	}
	big := bytes.Repeat([]byte("x"), bufferSize-100)

	first, conn := open()
	defer conn.Close()
	write(first, queuefmt.RecMessage, nil)
	write(first, queuefmt.RecNormal, big)
	write(first, queuefmt.RecNormal, big) // has the one before sent
	if len(o.Gate.inside) != 1 {
		t.Fatalf("%d inside, want 1", len(o.Gate.inside))
	}

	second, conn := open()
	defer conn.Close()
	write(second, queuefmt.RecRecipient, big)
	write(second, queuefmt.RecRecipient, []byte("last"))
	write(second, queuefmt.RecRecipient, big)
	write(second, queuefmt.RecMessage, nil)
	want := queuefmt.AppendRecord([]byte("flags\x00114\x00\x00"), queuefmt.RecRecipient, big)
	want = queuefmt.AppendRecord(want, queuefmt.RecRecipient, []byte("last"))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes of the envelope, %v", len(got), err)
	}

	done := make(chan mailstream.Status)
	go func() {
		status, _ := second.Finish(t.Context())
		done <- status
	}()
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		o.Gate.mu.Lock()
		waiting = len(o.Gate.waiting)
		o.Gate.mu.Unlock()
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("sent before its turn: %d, %v", n, err)
	}
	first.Abort()
	conn.SetReadDeadline(time.Time{})
	want = queuefmt.AppendRecord(nil, queuefmt.RecRecipient, big)
	want = queuefmt.AppendRecord(want, queuefmt.RecMessage, nil)
	got = make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes of the rest, %v", len(got), err)
	}
	io.WriteString(conn, "status\x000\x00reason\x00\x00\x00")
	if status := <-done; status != 0 {
		t.Errorf("status %d", status)
	}
	if len(o.Gate.inside)+len(o.Gate.waiting) != 0 {
		t.Errorf("%d inside and %d waiting at the end", len(o.Gate.inside), len(o.Gate.waiting))
	}
}
