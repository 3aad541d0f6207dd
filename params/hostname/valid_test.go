package hostname

import "testing"

func TestValidAddr(t *testing.T) {
	for s, want := range map[string]bool{
		"1.2.3.4": true, "01.2.3.4": true, "0.0.0.0": true, "0.1.2.3": false, "0.0.0.1": false, "256.1.1.1": false,
		"1.2.3": false, "1.2.3.4.5": false, "1.2.3.": false, "1..2.3": false, ".1.2.3": false, "1.2.3.x": false, "": false,
		"::": true, "::1": true, "1::": true, "1:2:3:4:5:6:7:8": true, "1:2:3:4:5:6:7": true, "1:2": false, ":1:2:3": false,
		"1::2::3": false, "12345::": false, "::ffff:1.2.3.4": true, "1:2:3:4:5:6:1.2.3.4": true, "1:2:3:4:5:6:7:1.2.3.4": false,
		"::g": false, "1:2:3:4:5:6:7:8:9": false, "fe80::1%lo": false, ":::": false, "1:2:": false,
	} {
		if got := ValidAddr(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
