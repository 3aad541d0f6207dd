package compat

import (
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestPostconfHostname runs both programs on machines with all sorts of names: in a
// UTS namespace (see uts_namespaces(7)) that the test's thread has of its own.
func TestPostconfHostname(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	plain := pair.configure(t, map[string]string{"main.cf": "", "master.cf": ""})
	domain := pair.configure(t, map[string]string{"main.cf": "mydomain = $bar\nbar = x.example\n", "master.cf": ""})
	lines := [][]string{
		{"-c", plain, "-d", "myhostname", "mydomain"},
		{"-c", plain, "-dx", "mydestination"},
		{"-c", plain, "-n"},
		{"-c", plain, "-m"},
		{"-c", domain, "-x", "myorigin", "mydestination"},
	}
	names := []string{
		"foo", "foo.example", "foo.example.", ".foo", "foo.", "a_b", "a..b", "-foo", "foo-", "1.2.3.4", "1234", "a.-b", "a.123",
		"FOO.Example", "\xc3\xa9", "foo bar", "[1.2.3.4]", "::1", "*", "",
		strings.Repeat("x", 63), strings.Repeat("x", 64), "a." + strings.Repeat("y", 62),
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			// The thread is not unlocked, and so ends with the goroutine.
			runtime.LockOSThread()
			if err := syscall.Unshare(syscall.CLONE_NEWUTS); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Sethostname([]byte(name)); err != nil {
				t.Fatal(err)
			}
			pair.same(t, lines)
		})
	}
}
