package master

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestMemoryBound(t *testing.T) {
	if got := MemoryBound(1 << 40)(); got != "" {
		t.Error(got)
	}
	small := MemoryBound(1000)
	if got := small(); !strings.HasPrefix(got, "memory in use (") || !strings.HasSuffix(got, " bytes) exceeds 1000 bytes") {
		t.Error(got)
	}
	for i := range 32 {
		if said := small() != ""; said != (i%16 == 15) {
			t.Errorf("call %d after the first: %v", i+1, said)
		}
	}
	roomy := MemoryBound(1 << 40)
	if n := testing.AllocsPerRun(100, func() { roomy() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What was given back to the system does not count.
func TestMemoryGivenBack(t *testing.T) {
	const much = 256 << 20
	held := func() (n int) {
		if _, err := fmt.Sscanf(MemoryBound(0)(), "memory in use (%d bytes)", &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := held()
	block := touched(much)
	if now := held(); now < before+much/2 {
		t.Errorf("%d bytes before, %d with %d more", before, now, much)
	}
	runtime.KeepAlive(block)
	debug.FreeOSMemory()
	if now := held(); now > before+much/2 {
		t.Errorf("%d bytes before, %d after", before, now)
	}
}

// touched returns memory that is resident.
func touched(size int) []byte {
	block := make([]byte, size)
	for i := 0; i < size; i += os.Getpagesize() {
		block[i] = 1
	}
	return block
}

// A peak that is over does not count, and what is held counts only if it is more
// than the bound.
func TestMemoryPeak(t *testing.T) {
	const much = 64 << 20
	runtime.KeepAlive(touched(much))
	debug.FreeOSMemory()
	peak := peakResident()
	if peak < much {
		t.Fatalf("%d bytes at the most, with %d touched", peak, much)
	}
	if got := MemoryBound(peak - much/2)(); got != "" {
		t.Error(got)
	}
}

func BenchmarkMemoryBound(b *testing.B) {
	f := MemoryBound(1 << 40)
	for b.Loop() {
		f()
	}
}
