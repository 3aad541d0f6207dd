package judges

import (
	"runtime"
	"testing"
)

// apart is a test as it is given to goroutines other than its own, which must not end
// it: Fatal and its like fail the test, and end the goroutine.
type apart struct{ testing.TB }

func (a apart) FailNow() {
	a.Fail()
	runtime.Goexit()
}

func (a apart) Fatal(args ...any) {
	a.Helper()
	a.Error(args...)
	runtime.Goexit()
}

func (a apart) Fatalf(format string, args ...any) {
	a.Helper()
	a.Errorf(format, args...)
	runtime.Goexit()
}
