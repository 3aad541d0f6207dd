package postfix

import "testing"

// TestFreePort: no port is given out twice, to whichever program.
func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port := FreePort(t)
		if seen[port] {
			t.Fatalf("port %d twice", port)
		}
		seen[port] = true
		if claim, ok := claimPort(port); ok {
			claim.Close()
			t.Errorf("another program would be given port %d, too", port)
		}
	}
}
