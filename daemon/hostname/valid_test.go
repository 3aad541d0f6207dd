package hostname

import (
	"strings"
	"testing"
)

func TestProblem(t *testing.T) {
	label := strings.Repeat("a", 63)
	long := strings.Repeat("abcdefgh.", 32)
	for _, tt := range []struct{ name, want string }{
		{"mx.example.org", ""}, {"under_score", ""}, {"a-b.c", ""}, {"1a.2", ""}, {label + ".x", ""}, {"a--b", ""}, {"1-2", ""},
		{"", "empty hostname"},
		{label + "a.x", "hostname label too long: " + label + "a.x"},
		{".a", "misplaced delimiter: .a"}, {"a..b", "misplaced delimiter: a..b"}, {"a.", "misplaced delimiter: a."},
		{"-a", "misplaced hyphen: -a"}, {"a-", "misplaced hyphen: a-"}, {"a-.b", "misplaced hyphen: a-.b"}, {"a.-b", "misplaced hyphen: a.-b"},
		{"bad_host!", "invalid character 33(decimal): bad_host!"}, {"a b", "invalid character 32(decimal): a b"},
		{"\xc3\xa9.x", "invalid character 195(decimal): \xc3\xa9.x"}, {"*.x", "invalid character 42(decimal): *.x"},
		{"1.2.3.4", "numeric hostname: 1.2.3.4"}, {"12", "numeric hostname: 12"},
		{long + "a", "bad length 289 for " + long[:100] + "..."},
		{strings.Repeat("a.", 60) + "!", "invalid character 33(decimal): " + strings.Repeat("a.", 50)},
	} {
		want := tt.want
		if want != "" {
			want = "valid_hostname: " + want
		}
		if got := Problem(tt.name); got != want {
			t.Errorf("%q: %q, want %q", tt.name, got, want)
		}
	}
}

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
