package postfix

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// tally holds the names of compat cases, by what became of them.
type tally struct {
	sync.Mutex
	ran, skipped map[string]bool
}

var cases = tally{ran: map[string]bool{}, skipped: map[string]bool{}}

func (c *tally) skip(name string) {
	c.Lock()
	defer c.Unlock()
	delete(c.ran, name)
	c.skipped[name] = true
}

func (c *tally) run(name string) {
	c.Lock()
	defer c.Unlock()
	if !c.skipped[name] {
		c.ran[name] = true
	}
}

// Case counts t as one compat case. Root and New count their test by
// themselves; Case is for the rows of a table that share one instance.
func Case(t testing.TB) { count(t) }

func count(t testing.TB) {
	name := t.Name()
	t.Cleanup(func() {
		if t.Skipped() {
			cases.skip(name)
		} else {
			cases.run(name)
		}
	})
}

// Main runs the tests of one test program, twenty at once unless the command line has
// another number, removes what the package built for them, prints how many compat cases
// ran, and returns the exit status. It is
// the whole body of TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(postfix.Main(m)) }
func Main(m *testing.M) int {
	// What the tests make for other users is for them, whatever the caller's umask.
	syscall.Umask(0o022)
	flag.Parse()
	// These tests wait far more than they compute: for pauses that a server
	// makes on purpose, and for other programs.
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		flag.Set("test.parallel", "20")
	}
	status := m.Run()
	removeBuilt()
	cases.Lock()
	defer cases.Unlock()
	ran, skipped := len(cases.ran), len(cases.skipped)
	fmt.Printf("compat: %d cases ran, %d skipped\n", ran, skipped)
	return status
}
