package judges

import (
	"testing"
	"time"
)

// failures counts the failures of a test, which does not fail.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Fail()                 { f.n++ }
func (f *failures) Error(...any)          { f.n++ }
func (f *failures) Errorf(string, ...any) { f.n++ }

// What ends a test fails it and ends the goroutine alone.
func TestApart(t *testing.T) {
	for name, end := range map[string]func(testing.TB){
		"FailNow": func(t testing.TB) { t.FailNow() },
		"Fatal":   func(t testing.TB) { t.Fatal("no") },
		"Fatalf":  func(t testing.TB) { t.Fatalf("%s", "no") },
	} {
		f := &failures{TB: t}
		ended := make(chan bool, 1)
		go func() {
			on := false
			defer func() { ended <- !on }()
			end(apart{f})
			on = true
		}()
		select {
		case ok := <-ended:
			if !ok || f.n != 1 {
				t.Errorf("%s: ended the goroutine %v, %d failures", name, ok, f.n)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: the goroutine goes on", name)
		}
	}
}
