package compat

import (
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestPostconf runs the table of cases in testdata/postconf through the stock
// postconf and ours: standard output, the set of messages, exit status.
func TestPostconf(t *testing.T) {
	pair := newPostconfPair(t)
	for file, blocks := range allCases(t) {
		t.Run(file, func(t *testing.T) {
			for _, block := range blocks {
				t.Run(block.name, func(t *testing.T) {
					t.Parallel()
					dir := pair.configure(t, block.files)
					for _, line := range block.lines {
						postfix.Case(t)
						c, err := line.parse(dir)
						if err != nil {
							t.Fatal(err)
						}
						diff, err := pair.compare(c)
						if err != nil {
							t.Fatal(err)
						}
						if diff != "" {
							t.Errorf("%s\n%s", line.text, diff)
						}
					}
				})
			}
		})
	}
}
