package postfix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// StockVariable is the environment variable that, when 1, makes Ours return
// the stock program: a check of the tests themselves.
const StockVariable = "QMQPD_COMPAT_STOCK"

// ArchitectureVariable is the environment variable with the GOARCH that ours are built
// for; 386 is what a 64-bit machine runs, too.
const ArchitectureVariable = "QMQPD_COMPAT_GOARCH"

// built keeps the programs built for this test program.
var built struct {
	sync.Mutex
	dir   string
	names map[string]string
}

// Build compiles the program of this module in cmd/NAME, once per test
// program, and returns the path of the executable: static, as it is shipped.
func Build(t testing.TB, name string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if path := built.names[name]; path != "" {
		return path
	}
	module, err := ModuleDir()
	if err != nil {
		t.Fatal(err)
	}
	if built.dir == "" {
		if built.dir, err = os.MkdirTemp("", "qmqpd-built-"); err != nil {
			t.Fatal(err)
		}
		built.names = map[string]string{}
	}
	path := filepath.Join(built.dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/"+name)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if arch := os.Getenv(ArchitectureVariable); arch != "" {
		cmd.Env = append(cmd.Env, "GOARCH="+arch)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build cmd/%s: %v\n%s", name, err, out)
	}
	built.names[name] = path
	return path
}

// Ours returns the path of our qmqpd on this machine, built if need be, or of
// the stock one if StockVariable says so.
func Ours(t testing.TB) string {
	t.Helper()
	if os.Getenv(StockVariable) == "1" {
		return filepath.Join(Root(t), "usr/lib/postfix/sbin/qmqpd")
	}
	return Build(t, "qmqpd")
}

func removeBuilt() {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, "compat:", err)
		}
	}
}
