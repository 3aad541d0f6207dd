package spool

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// benchBody makes messages of about 4 kB, as in issue benchmarks of mail
// servers.
var benchBody = bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz\n"), 110)

// parallel runs n calls of do, by that many writers, and reports the rate.
func parallel(b *testing.B, writers int, do func(i int64) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				i := next.Add(1)
				if i > int64(b.N) {
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
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "msg/s")
}

// BenchmarkSpool compares whole messages through a Spool with the least that
// any writer must do for one: create, write, fsync, rename, close.
//
//	go test -run '^$' -bench Spool -benchtime 3000x ./daemon/spool
//
// Both write into TMPDIR; point it at the disk that you mean to measure.
func BenchmarkSpool(b *testing.B) {
	for _, writers := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("spool/%d", writers), func(b *testing.B) {
			s, _ := newSpool(b, Options{})
			parallel(b, writers, func(int64) error {
				f, err := s.Create(context.Background())
				if err != nil {
					return err
				}
				if err := fill(f, benchBody); err != nil {
					return err
				}
				return f.Commit(context.Background())
			})
		})
		b.Run(fmt.Sprintf("bare/%d", writers), func(b *testing.B) {
			dir := b.TempDir()
			file := &queuefmt.File{}
			if err := fillFile(file, benchBody); err != nil {
				b.Fatal(err)
			}
			content := file.Bytes()
			parallel(b, writers, func(i int64) error {
				return bareWrite(dir, i, content)
			})
		})
	}
}

// bareWrite is the bare loop's body.
func bareWrite(dir string, i int64, content []byte) error {
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
