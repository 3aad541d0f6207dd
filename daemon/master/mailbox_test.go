package master

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/poll"
)

// A mailbox leaves a poller that is not its own as it was, takes nothing once it is
// closed, and may be closed at any moment.
func TestMailboxOnPoller(t *testing.T) {
	p, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	unix.Close(ends[1]) // so there is always something to read
	for _, heard := range []bool{false, true} {
		box, err := newMailbox(p)
		if err != nil {
			t.Fatal(err)
		}
		if box.poller != p {
			t.Error("another poller")
		}
		if heard {
			if ready, err := box.wait([]int{ends[0]}, patience); len(ready) != 1 || err != nil {
				t.Fatalf("ready: %v, %v", ready, err)
			}
		} else if err := box.watch([]int{ends[0]}); err != nil {
			t.Fatal(err)
		}
		called := false
		box.post(func() { called = true })
		box.close()
		if box.post(func() {}) {
			t.Error("posted to a closed mailbox")
		}
		if box.deliver(); !called {
			t.Error("what was posted before is lost")
		}
		// It may have been told while the box was closed, but not for ever.
		for told := true; told; {
			select {
			case _, open := <-p.Ready():
				if !open {
					t.Fatal("the poller has ended")
				}
				p.Seen()
			case <-time.After(20 * time.Millisecond):
				told = false
			}
		}
	}
	restore := limitFiles(t, 3)
	_, err = newMailbox(nil)
	restore()
	if err != unix.EMFILE {
		t.Error(err)
	}
}

// A wait ends by what is posted, also before it, by its time, and by nothing else.
func TestMailboxWait(t *testing.T) {
	box, err := newMailbox(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer box.close()
	box.post(func() {})
	if ready, err := box.wait(nil, -1); len(ready) != 0 || err != nil {
		t.Errorf("%v, %v", ready, err)
	}
	const pause = 30 * time.Millisecond
	begun := time.Now()
	if ready, err := box.wait(nil, pause); len(ready) != 0 || err != nil || time.Since(begun) < pause {
		t.Errorf("%v, %v after %v", ready, err, time.Since(begun))
	}
	begun = time.Now()
	time.AfterFunc(pause, func() { box.post(func() {}) })
	if ready, err := box.wait(nil, -1); len(ready) != 0 || err != nil || time.Since(begun) < pause {
		t.Errorf("%v, %v after %v", ready, err, time.Since(begun))
	}
	if _, err := box.wait([]int{-1}, -1); err != unix.EBADF {
		t.Error(err)
	}
	if ready, err := box.wait(nil, 0); len(ready) != 0 || err != nil {
		t.Errorf("%v, %v", ready, err)
	}
}
