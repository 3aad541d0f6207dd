package oneprocessor

import (
	"runtime"
	"testing"
)

// atStart is initialised after the package's own variable.
var atStart = runtime.GOMAXPROCS(0)

func TestEnd(t *testing.T) {
	if atStart != 1 {
		t.Errorf("begins on %d processors", atStart)
	}
	runtime.SetDefaultGOMAXPROCS()
	all := runtime.GOMAXPROCS(1)
	End()
	if n := runtime.GOMAXPROCS(0); n != all {
		t.Errorf("ends on %d processors, want %d", n, all)
	}
}
