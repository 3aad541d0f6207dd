package master

import (
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
	if n := testing.AllocsPerRun(100, func() { MemoryBound(1 << 40) }); n > 10 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMemoryBound(b *testing.B) {
	f := MemoryBound(1 << 40)
	for b.Loop() {
		f()
	}
}
