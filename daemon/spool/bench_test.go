package spool

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// benchBody makes messages of about 4 kB.
var benchBody = bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz\n"), 110)

// BenchmarkSpool compares whole messages through a Spool with the least that
// any writer must do for one: create, write, fsync, rename, close. A round
// writes so many messages in one way and then in the other, for a disk is
// seldom as fast as a minute ago; the medians of the rounds are reported.
//
//	go test -run '^$' -bench Spool -benchtime 15x ./daemon/spool
//
// Both write into TMPDIR; point it at the disk that you mean to measure.
func BenchmarkSpool(b *testing.B) {
	for _, share := range []bool{true, false} {
		for _, writers := range []int{1, 10, 50} {
			name := fmt.Sprintf("writers=%d", writers)
			if !share {
				name = "SyncEach/" + name
			}
			b.Run(name, func(b *testing.B) { benchRounds(b, writers, share) })
		}
	}
}

// benchRounds measures with a sync that files share, where that can be, or with one
// for each.
func benchRounds(b *testing.B, writers int, share bool) {
	file := &queuefmt.File{}
	if err := fillFile(file, benchBody); err != nil {
		b.Fatal(err)
	}
	content := file.Bytes()
	messages := 100 + 20*writers
	var ours, bare, ratio []float64
	s, dir := newSpool(b, Options{})
	s.group.share = s.group.share && share
	for range b.N {
		rate := parallel(b, writers, messages, func(int) error {
			f, err := s.Create(context.Background())
			if err != nil {
				return err
			}
			if err := fill(f, benchBody); err != nil {
				return err
			}
			return f.Commit(context.Background())
		})
		ours = append(ours, rate)
		bareDir := b.TempDir()
		rate = parallel(b, writers, messages, func(i int) error { return bareWrite(bareDir, i, content) })
		bare = append(bare, rate)
		ratio = append(ratio, 100*ours[len(ours)-1]/rate)
		for _, name := range queueFiles(b, dir) {
			os.Remove(name)
		}
		os.RemoveAll(bareDir)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "spool/s")
	b.ReportMetric(median(bare), "bare/s")
	b.ReportMetric(median(ratio), "%of-bare")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// parallel runs n calls of do, by that many writers, and returns the calls per
// second.
func parallel(b *testing.B, writers, n int, do func(i int) error) float64 {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				i := int(next.Add(1))
				if i > n {
					return
				}
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	return float64(n) / time.Since(start).Seconds()
}

// bareWrite is the bare loop's body.
func bareWrite(dir string, i int, content []byte) error {
	name := filepath.Join(dir, fmt.Sprint(i))
	f, err := os.OpenFile(name+".tmp", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}
