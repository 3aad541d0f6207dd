package compat

import "github.com/qmqpd/qmqpd/compat-tests/judges"

// knownDropIn are the agreed differences between our qmqpd and the stock one
// under master(8), each with its reason. A difference that has vanished, or
// that belongs to no row, fails the test.
var knownDropIn = []judges.Known{}
