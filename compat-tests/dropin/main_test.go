package dropin

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// These tests wait far more than they compute: for pauses that a server
	// makes on purpose, and for other programs.
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		flag.Set("test.parallel", "20")
	}
	os.Exit(postfix.Main(m))
}
