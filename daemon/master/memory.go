package master

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// MemoryBound returns a function for Config.Drain that has a process make way
// for its successor once it holds more than limit bytes of memory, stacks and
// what the allocator keeps included. Memory that was given back to the system does
// not count. The function is called often, and looks at the first and then at
// every sixteenth call.
//
// What the process holds now is known to the runtime alone, which stops all
// goroutines for the answer. So the kernel is asked first for the most that was
// ever resident, which is no more than that in most processes all their lives.
// (Package runtime/metrics need not stop anything, but sets up a list of all there
// is to measure in each process that starts.)
func MemoryBound(limit uint64) func() string {
	calls := 0
	return func() string {
		if calls++; calls%16 != 1 || peakResident() <= limit {
			return ""
		}
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		held := now.Sys - min(now.HeapReleased, now.Sys)
		if held <= limit {
			return ""
		}
		return fmt.Sprintf("memory in use (%d bytes) exceeds %d bytes", held, limit)
	}
}

// peakResident returns the most memory that the process has had in use at any
// time, in bytes. It needs no /proc, which a jail has not. What the process was
// before it became this program counts, too.
func peakResident() uint64 {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return ^uint64(0)
	}
	return uint64(usage.Maxrss) << 10
}
