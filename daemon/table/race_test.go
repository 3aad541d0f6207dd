//go:build race

package table

// RaceEnabled tells whether the race detector is on.
const RaceEnabled = true
