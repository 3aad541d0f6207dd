// Package dropin compares our qmqpd with the stock one as a child of master(8):
// one table of scenes, two judges.
package dropin

import "github.com/qmqpd/qmqpd/compat-tests/judges"

// knownDifferences are the agreed differences between our qmqpd and the stock one
// under master(8), each with its reason. A difference that has vanished, or
// that belongs to no row, fails the test.
var knownDifferences = []judges.Known{}
