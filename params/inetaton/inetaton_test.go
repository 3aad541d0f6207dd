package inetaton

import "testing"

func TestNumericIPv4(t *testing.T) {
	for name, want := range map[string]string{
		"1.2.3.4": "1.2.3.4", "127.1": "127.0.0.1", "1.2.515": "1.2.2.3", "16909060": "1.2.3.4", "0x7f.0.0.1": "127.0.0.1",
		"0X7F000001": "127.0.0.1", "010.0.0.1": "8.0.0.1", "0": "0.0.0.0", "0xffffffff": "255.255.255.255",
		"": "", "1.2.3.4.5": "", "256.1": "", "1.2.3.256": "", "1.2.3.": "", ".1": "", "1..2": "", "a": "", "0x": "", "08": "", "1_0": "",
		"0b1": "", "0o7": "", "+1": "", "-1": "", "4294967296": "", "0x7f.0.0.1.example": "", "0x1_0": "", "0xb": "0.0.0.11",
	} {
		addr, ok := Parse(name)
		got := ""
		if ok {
			got = addr.String()
		}
		if got != want {
			t.Errorf("Parse(%q) = %q, want %q", name, got, want)
		}
	}
}
