package postconf

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGolden compares answers with those of a real postconf, recorded with
// compat-tests: standard output, then the messages, sorted, without program
// name and severity. Each line of ARGS names a file and holds the arguments.
func TestGolden(t *testing.T) {
	list, err := os.ReadFile("testdata/golden/ARGS")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		words := strings.Fields(line)
		t.Run(words[0], func(t *testing.T) {
			want, err := os.ReadFile("testdata/golden/" + words[0] + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			stdout, stderr, status := ask(t, "3.10.13/debian", append([]string{"-c", "testdata/golden"}, words[1:]...)...)
			if fatal := strings.Contains(string(want), "\npostconf: fatal: "); fatal != (status == 1) {
				t.Errorf("status %d", status)
			}
			messages := strings.SplitAfter(stderr, "\n")
			for i, m := range messages {
				messages[i] = strings.TrimPrefix(m, "postconf: warning: ")
			}
			slices.Sort(messages)
			got := stdout + "--- messages\n" + strings.Join(messages, "")
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}
