package postfix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// RequireVariable is the environment variable that turns a skip for want of a
// Postfix into a failure, when its value is 1.
const RequireVariable = "REQUIRE_POSTFIX"

// setUpScript is the program that makes the template, below the module's root.
const setUpScript = "compat-tests/setup-postfix"

// Root returns the folder of the template, which is shared by every test on
// the machine and must not be changed. It counts the calling test as a compat
// case (see Main), and skips or fails it where there is no template.
func Root(t testing.TB) string {
	t.Helper()
	root, err := findRoot()
	if err == nil {
		count(t)
		return root
	}
	if os.Getenv(RequireVariable) == "1" {
		t.Fatalf("%s=1, but there is no private Postfix: %v", RequireVariable, err)
	}
	cases.skip(t.Name())
	fmt.Fprintf(os.Stderr, "SKIPPED, NOT COMPARED WITH POSTFIX: %s: %v\n", t.Name(), err)
	t.SkipNow()
	return ""
}

var findRoot = sync.OnceValues(func() (string, error) {
	module, err := ModuleDir()
	if err != nil {
		return "", err
	}
	script := filepath.Join(module, setUpScript)
	out, err := exec.Command(script, "--where").Output()
	if err != nil {
		return "", fmt.Errorf("%s --where: %w", setUpScript, err)
	}
	root := strings.TrimSuffix(string(out), "\n")
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("not root")
	}
	if _, err := os.Stat(filepath.Join(root, ".recipe")); err != nil {
		return "", fmt.Errorf("not set up: run %s as root on Debian", setUpScript)
	}
	return root, nil
})

// ModuleDir returns the folder of go.mod, looked for from the current
// directory upwards.
func ModuleDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the current directory")
		}
		dir = up
	}
}
