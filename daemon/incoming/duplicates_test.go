package incoming

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// How much a session remembers of its recipients does not depend on their length.
func TestDuplicatesMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const limit = 1000
	long := strings.Repeat("x", 2000)
	var d duplicates
	before := heap()
	for i := range 2 * limit {
		key := []byte(fmt.Sprintf("%d%s", i, long))
		if !d.add(key, false, limit) {
			t.Fatalf("%d is not new", i)
		}
		if again := d.add(key, false, limit); again != (i >= limit) {
			t.Fatalf("%d is new again: %v", i, again)
		}
	}
	if used := int64(heap()) - int64(before); used > 200*limit {
		t.Errorf("%d bytes for %d addresses", used, limit)
	}
	runtime.KeepAlive(&d)
}
