package dropin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestByHand starts the program without master(8), and so without a status
// channel and sockets: the numbers that these have are then for descriptors of
// its own.
func TestByHand(t *testing.T) {
	stock, ours := postfix.New(t, postfix.Options{}), postfix.New(t, postfix.Options{})
	ours.InstallOurs()
	for _, args := range []string{"-t inet -l", "-d -t unix -l", "-t inet -l -u -c", "-t inet", "-t fifo", ""} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-V"}, strings.Fields(args)...)
			want := stock.Run(postfix.DaemonDir+"/qmqpd", args...)
			got := ours.Run(postfix.DaemonDir+"/qmqpd", args...)
			if !strings.Contains(want.Stderr, "fatal: ") {
				t.Errorf("the stock program said %q", want.Stderr)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("stock (-) and ours (+) differ:\n%s", d)
			}
		})
	}
}
