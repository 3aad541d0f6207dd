// Package poll lets goroutines wait for non-blocking descriptors at less cost
// than package os and net do.
//
// A server of short sessions feels three costs of those: each descriptor is
// registered for both directions and so wakes the process whenever its peer
// has read something; each system call is announced to the scheduler, which in
// a process that is idle most of the time wakes the runtime's monitor thread;
// and most descriptors never need to be waited for. Here a descriptor is
// registered when it first has nothing to give, and system calls, which
// cannot block, are made directly.
package poll

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Poller watches descriptors, those of its connections and others. It is an
// epoll instance that the runtime's own poller watches, so that no thread waits
// in a system call. It is safe for concurrent use.
type Poller struct {
	set  *os.File // the epoll instance
	raw  syscall.RawConn
	done chan struct{} // closed when nothing is watched any more

	ready chan []int    // what is ready of Watch's descriptors
	again chan struct{} // to look on: the caller has seen to it
	err   error         // what ended it, once ready is closed

	mu    sync.Mutex
	conns []*Conn // by descriptor: those that are registered
}

// New starts a poller. It uses one goroutine until Close.
func New() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	p := &Poller{
		set:   os.NewFile(uintptr(fd), "epoll"),
		done:  make(chan struct{}),
		ready: make(chan []int, 1),
		again: make(chan struct{}, 1),
	}
	if p.raw, err = p.set.SyscallConn(); err != nil {
		_ = p.set.Close()
		return nil, err
	}
	go p.look()
	return p, nil
}

// Close ends the watch: connections keep only their deadlines.
func (p *Poller) Close() {
	close(p.done)
	_ = p.set.Close() // ends look
}

// Watch adds a descriptor that the caller reads. Its readiness is told by
// Ready.
func (p *Poller) Watch(fd int) error { return p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN, watched) }

// Unwatch takes a descriptor out. What Ready gives next may still name it.
func (p *Poller) Unwatch(fd int) error { return p.control(unix.EPOLL_CTL_DEL, fd, 0, watched) }

// Ready gives descriptors of Watch that can be read. Nothing else is told, and no
// connection wakes up, until the caller has called Seen. The channel is closed
// when the poller has ended.
func (p *Poller) Ready() <-chan []int { return p.ready }

// Seen follows each value of Ready, once the descriptors have been read or
// taken out. The value is not valid any more afterwards.
func (p *Poller) Seen() { p.again <- struct{}{} }

// Err is why the poller has ended, once the channel of Ready is closed. It is nil
// after Close.
func (p *Poller) Err() error { return p.err }

// What an event carries besides its descriptor. A connection's may come late,
// when it has been closed, and must not be taken for one of the others.
const (
	connection = iota
	watched
)

// control changes the set. The raw connection keeps it from being closed
// meanwhile.
func (p *Poller) control(op, fd int, events uint32, kind int32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: kind}
	var errno syscall.Errno
	err := p.raw.Control(func(set uintptr) {
		_, _, errno = syscall.RawSyscall6(unix.SYS_EPOLL_CTL, set, uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&event)), 0, 0)
	})
	if err != nil {
		return os.ErrClosed
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// look tells what is ready until the poller is closed.
func (p *Poller) look() {
	defer close(p.ready)
	l := looker{poller: p}
	step := l.step
	for {
		if p.raw.Read(step) != nil {
			return // closed
		}
		if l.errno != 0 {
			p.err = l.errno
			return
		}
		p.ready <- l.others
		select {
		case <-p.again:
		case <-p.done:
			return
		}
	}
}

// looker is the state of look.
type looker struct {
	poller *Poller
	events [64]unix.EpollEvent
	conns  [64]*Conn
	others []int
	errno  syscall.Errno
}

// step passes on events of connections as long as there are any, and reports
// true when there is something else. False means that there is nothing left,
// and that an event from now on ends the wait that follows: one look less for
// each that found no more than it asked for. That holds for edges; what Watch
// has added is level-triggered, and looked at again.
func (l *looker) step(set uintptr) bool {
	for {
		var n int
		if n, l.errno = wait(set, l.events[:]); l.errno != 0 {
			return true
		}
		l.pass(l.events[:n])
		switch {
		case len(l.others) > 0:
			return true
		case n < len(l.events):
			return false
		}
	}
}

// pass tells connections of their events and puts other descriptors aside.
func (l *looker) pass(events []unix.EpollEvent) {
	p := l.poller
	l.others = l.others[:0]
	p.mu.Lock()
	for i, e := range events {
		if l.conns[i] = nil; e.Pad == watched {
			l.others = append(l.others, int(e.Fd))
		} else {
			l.conns[i] = p.conns[e.Fd]
		}
	}
	p.mu.Unlock()
	for i, c := range l.conns[:len(events)] {
		if c != nil {
			c.tell(events[i].Events)
		}
		l.conns[i] = nil
	}
}

// wait asks for events without waiting.
func wait(set uintptr, events []unix.EpollEvent) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, set, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// register has the connection told of events from now on. Edges are told: one
// event for each time that something arrives.
func (p *Poller) register(c *Conn, events uint32) error {
	op := unix.EPOLL_CTL_MOD
	if c.events == 0 {
		op = unix.EPOLL_CTL_ADD
		p.mu.Lock()
		for len(p.conns) <= c.fd {
			p.conns = append(p.conns, nil)
		}
		p.conns[c.fd] = c
		p.mu.Unlock()
	}
	if err := p.control(op, c.fd, c.events|events|unix.EPOLLET, connection); err != nil {
		if c.events == 0 {
			p.forget(c.fd) // nobody else will
		}
		return err
	}
	c.events |= events
	return nil
}

// forget is called before a registered connection's descriptor is closed, whereby
// it leaves the set.
func (p *Poller) forget(fd int) {
	p.mu.Lock()
	p.conns[fd] = nil
	p.mu.Unlock()
}
