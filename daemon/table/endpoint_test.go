package table

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// endpointServer is a server whose ends of the connections the test has.
func endpointServer(t *testing.T) (e *endpoint, accepted func() net.Conn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	e = &endpoint{network: "unix", address: path, timeout: time.Minute}
	t.Cleanup(e.Close)
	return e, func() net.Conn {
		t.Helper()
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
}

func getLink(t *testing.T, e *endpoint) *link {
	t.Helper()
	l, err := e.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// closedByPeer waits for the end of a connection.
func closedByPeer(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("connection is not closed: %d, %v", n, err)
	}
}

// A connection is used again unless it is too old, has been unused for too long, or is
// out of step; it is closed then.
func TestEndpointUsesAgain(t *testing.T) {
	for _, tt := range []struct {
		name        string
		idle, age   time.Duration // limits
		unused, old time.Duration
		blind       bool
		server      func(net.Conn)
		again       bool
		reset       bool // what the server closes has bytes that it did not read
	}{
		{name: "no limits", unused: time.Hour, old: 9 * time.Hour, again: true},
		{name: "within both", idle: time.Hour, age: 2 * time.Hour, unused: 59 * time.Minute, old: 119 * time.Minute, again: true},
		{name: "unused for too long", idle: time.Minute, age: time.Hour, unused: time.Minute},
		{name: "too old", idle: time.Minute, age: time.Hour, old: time.Hour},
		{name: "ended", server: func(c net.Conn) { c.Close() }},
		{name: "unasked", server: func(c net.Conn) { _, _ = c.Write([]byte("x")) }},
		{name: "ended, asked blindly", blind: true, server: func(c net.Conn) { c.Close() }, again: true},
		{name: "unasked, asked blindly", blind: true, server: func(c net.Conn) { _, _ = c.Write([]byte("x")) }},
		{name: "unasked and ended, asked blindly", blind: true, server: func(c net.Conn) { _, _ = c.Write([]byte("x")); c.Close() }},
		{name: "reset", reset: true, server: func(c net.Conn) { c.Close() }},
		{name: "reset, asked blindly", blind: true, reset: true, server: func(c net.Conn) { c.Close() }, again: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, accepted := endpointServer(t)
			e.idleLimit, e.ageLimit, e.asksBlindly = tt.idle, tt.age, tt.blind
			first := getLink(t, e)
			peer := accepted()
			if !first.fresh {
				t.Error("a new connection is not fresh")
			}
			if tt.reset {
				if _, err := first.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			e.put(first)
			if first.fresh {
				t.Error("a used connection is fresh")
			}
			now := time.Now()
			first.used, first.opened = now.Add(-tt.unused), now.Add(-tt.old)
			if tt.server != nil {
				tt.server(peer) // what a UNIX-domain socket sends is there at once
			}
			second := getLink(t, e)
			if second == first != tt.again {
				t.Errorf("used again: %t", !tt.again)
			}
			if !tt.again && tt.server == nil {
				closedByPeer(t, peer)
			}
			if second == first && tt.reset {
				if _, err := second.reader.ReadByte(); !errors.Is(err, unix.ECONNRESET) {
					t.Errorf("read after the reset: %v", err)
				}
			}
			second.drop()
		})
	}
}

// TestEndpointResetMeanwhile looks at connections over and over while the server resets
// them. They stay usable, where an endpoint asks blindly, and the error is there for the
// next request.
func TestEndpointResetMeanwhile(t *testing.T) {
	e, accepted := endpointServer(t)
	e.asksBlindly = true
	for range 300 {
		l := getLink(t, e)
		peer := accepted()
		if _, err := l.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			peer.Close()
		}()
		for looking := true; looking; {
			select {
			case <-closed:
				looking = false
			default:
			}
			if !l.usable() {
				t.Fatal("a connection that the server resets is not usable")
			}
		}
		if _, err := l.reader.ReadByte(); !errors.Is(err, unix.ECONNRESET) {
			t.Fatalf("read after the reset: %v", err)
		}
		l.drop()
	}
}

// An endpoint keeps a few unused connections, the last one used first, and none once it
// is closed.
func TestEndpointKeeps(t *testing.T) {
	e, accepted := endpointServer(t)
	var links []*link
	var peers []net.Conn
	for range endpointIdle + 1 {
		links = append(links, getLink(t, e))
		peers = append(peers, accepted())
	}
	for _, l := range links {
		e.put(l)
	}
	closedByPeer(t, peers[endpointIdle])
	for i := endpointIdle - 1; i > 0; i-- {
		if getLink(t, e) != links[i] {
			t.Errorf("%d is not the next one", i)
		}
	}
	e.Close()
	closedByPeer(t, peers[0]) // unused
	e.put(links[1])
	closedByPeer(t, peers[1]) // comes back
	if len(e.idle) != 0 {
		t.Errorf("%d are kept", len(e.idle))
	}
}

// The end of a lookup's context ends what its connection is waiting for, but not once
// it has been given back; there is none for a lookup that is over.
func TestEndpointContext(t *testing.T) {
	e, accepted := endpointServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := e.get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	accepted()
	e.put(l)
	cancel()
	if next := getLink(t, e); next != l {
		t.Error("given back, and closed by its old context")
	} else {
		e.put(next)
	}
	if l, err := e.get(ctx); err != context.Canceled {
		t.Errorf("for a lookup that is over: %v, %v", l, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	if l, err = e.get(ctx); err != nil {
		t.Fatal(err)
	}
	peer := accepted()
	cancel()
	if _, err := l.reader.ReadByte(); err == nil {
		t.Error("read on")
	}
	closedByPeer(t, peer)
	l.drop()
}

// A connection that the end of a context is about to close is not for anybody else.
func TestEndpointForgetsInterrupted(t *testing.T) {
	e, accepted := endpointServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := e.get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	peer := accepted()
	cancel()
	e.put(l)
	if n := len(e.idle); n != 0 {
		t.Errorf("%d connections kept", n)
	}
	closedByPeer(t, peer)
}
