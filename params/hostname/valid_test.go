package hostname

import (
	"strings"
	"testing"
)

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

// What is wrong is told as Postfix does, with no more than the beginning of the text.
func TestAddrProblems(t *testing.T) {
	long := strings.Repeat("1", 101)
	for _, row := range []struct {
		check      func(string) string
		text, want string
	}{
		{IPv4Problem, "256.1.1.1", "valid_ipv4_hostaddr: invalid octet value: 256.1.1.1"},
		{IPv4Problem, ".1.2.3", "valid_ipv4_hostaddr: misplaced dot: .1.2.3"},
		{IPv4Problem, "1.2.3.", "valid_ipv4_hostaddr: misplaced dot: 1.2.3."},
		{IPv4Problem, "0.1.2.3", "valid_ipv4_hostaddr: bad initial octet value: 0.1.2.3"},
		{IPv4Problem, "1.2.3.x", "valid_ipv4_hostaddr: invalid character 120(decimal): 1.2.3.x"},
		{IPv4Problem, "", "valid_ipv4_hostaddr: invalid octet count: "},
		{IPv4Problem, "1.2.3", "valid_ipv4_hostaddr: invalid octet count: 1.2.3"},
		{IPv4Problem, long, "valid_ipv4_hostaddr: invalid octet value: " + long[:100]},
		{IPv6Problem, "1:2", "valid_ipv6_hostaddr: too few `:' in IPv6 address: 1:2"},
		{IPv6Problem, "1:2:", "valid_ipv6_hostaddr: bad null last field in IPv6 address: 1:2:"},
		{IPv6Problem, "1:1.2.3.4", "valid_ipv6_hostaddr: malformed IPv4-in-IPv6 address: 1:1.2.3.4"},
		{IPv6Problem, "::1.2.3.256", "valid_ipv4_hostaddr: invalid octet value: 1.2.3.256"},
		{IPv6Problem, ":1:2:3", "valid_ipv6_hostaddr: bad null first field in IPv6 address: :1:2:3"},
		{IPv6Problem, "1:2:3:4:5:6:7:8:9", "valid_ipv6_hostaddr: too many `:' in IPv6 address: 1:2:3:4:5:6:7:8:9"},
		{IPv6Problem, "1::2::3", "valid_ipv6_hostaddr: too many `::' in IPv6 address: 1::2::3"},
		{IPv6Problem, "12345::", "valid_ipv6_hostaddr: malformed IPv6 address: 12345::"},
		{IPv6Problem, "::g", "valid_ipv6_hostaddr: invalid character 103(decimal) in IPv6 address: ::g"},
		{IPv6Problem, "::1\x00x", ""}, // where a C string ends
	} {
		if got := row.check(row.text); got != row.want {
			t.Errorf("%q: %s", row.text, got)
		}
	}
}
