package compat

import (
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/queuecompare"
)

// TestIncomingTogether sends messages one at a time, and then by many clients
// together, some of which go away in the middle. That the first are as a real
// cleanup(8) has them is for the other tests to say; the others must be the same,
// reply by reply and record by record, or one message has got hold of what belongs to
// another: a buffer, a table's answer, a part of the bounded memory.
func TestIncomingTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range mapFiles {
		write(name, text)
	}
	write("main.cf", commonMain)
	// Little memory, so that long messages wait in files, and pattern tables, which
	// all messages share.
	set := settings{"qmqpd_message_memory": "20000", "mime_header_checks": "pcre:DIR/mime"}
	for k, v := range mapVariants["everything"] {
		set[k] = v
	}
	for k, v := range set {
		set[k] = strings.ReplaceAll(v, "DIR", dir)
	}
	o := newOurs(t, dir, set)
	const messages, clients, rounds = 60, 8, 3
	requests, alone := make([]submission, messages), make([]result, messages)
	for i := range requests {
		g := generator{rand.New(rand.NewPCG(20261129, uint64(i)))}
		requests[i] = g.submission()
		alone[i] = o.send("127.0.0.1", requests[i])
	}
	for range rounds {
		replies := make([]string, messages)
		next := make(chan int)
		var wg sync.WaitGroup
		for n := range clients {
			wg.Go(func() {
				for i := range next {
					req := requests[i].bytes()
					if n == 0 {
						gone, err := net.Dial("tcp", o.addrs["127.0.0.1"])
						if err != nil {
							t.Error(err)
							continue
						}
						gone.Write(req[:len(req)/2])
						gone.Close()
					}
					var err error
					if replies[i], err = exchange(o.addrs["127.0.0.1"], req); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range requests {
			next <- i
		}
		close(next)
		wg.Wait()
		for i, reply := range replies {
			id := idOf(reply, nil)
			masked := reply
			if id != "" {
				masked = strings.ReplaceAll(reply, id, "QUEUEID")
			}
			if masked != alone[i].reply {
				t.Errorf("message %d: reply %q, alone %q", i, masked, alone[i].reply)
				continue
			}
			if alone[i].queue == "" {
				continue // refused, or discarded
			}
			path := filepath.Join(o.dir, alone[i].queue, id)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
				continue
			}
			records, err := queuecompare.Mask(file, id)
			if err != nil {
				t.Errorf("message %d: %v", i, err)
			}
			for k, r := range records {
				records[k] = clientPort.ReplaceAllString(r, "$1:PORT")
			}
			if d := queuecompare.Diff(records, alone[i].file); d != "" {
				t.Errorf("message %d, with theirs for alone: %s", i, d)
			}
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		}
	}
	// The session of a client that went away may not have ended yet, and where files
	// cannot be without a name, what it has written is there until then.
	var left []string
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left = nil
		for _, queue := range []string{"incoming", "hold"} {
			files, err := os.ReadDir(filepath.Join(o.dir, queue))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			for _, f := range files {
				left = append(left, queue+"/"+f.Name())
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			break
		}
	}
	if len(left) > 0 {
		t.Errorf("what belongs to no reply: %q", left)
	}
}
