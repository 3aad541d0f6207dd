// Package oneprocessor has the program that imports it begin on one processor.
//
// A child of master(8) stays there: sessions wait for others most of the time;
// what they do in between is over sooner than a second thread is woken up to
// help. It may live for a hundred sessions only, and the earlier the second
// processor is given up, the less there is to give up with it: its initialisation
// needs nothing but the runtime, so it is one of the first of all packages'.
package oneprocessor

import "runtime"

// The number of processors is a setting of the runtime and no state of this
// package.
var _ = runtime.GOMAXPROCS(1)

// End lets the program use all processors that it is entitled to.
func End() { runtime.SetDefaultGOMAXPROCS() }
