package master

import (
	"fmt"
	"runtime/metrics"
)

// MemoryBound returns a function for Config.Drain that has a process make way
// for its successor once it holds more than limit bytes of memory, stacks and
// what the allocator keeps included. Memory that was given back to the system does
// not count. The function is called often, and looks at the first and then at
// every sixteenth call.
func MemoryBound(limit uint64) func() string {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	calls := 0
	return func() string {
		if calls++; calls%16 != 1 {
			return ""
		}
		metrics.Read(samples)
		var held uint64
		if total := samples[0].Value; total.Kind() == metrics.KindUint64 {
			held = total.Uint64()
		}
		if released := samples[1].Value; released.Kind() == metrics.KindUint64 {
			held -= min(held, released.Uint64())
		}
		if held <= limit {
			return ""
		}
		return fmt.Sprintf("memory in use (%d bytes) exceeds %d bytes", held, limit)
	}
}
