package hosttext

import (
	"net/netip"
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
		{"\xfc", "invalid character 252(decimal): \xfc"},
		{strings.Repeat(label+".", 3) + label, ""}, {strings.Repeat(label+".", 3) + label[1:] + ".c", "bad length 256 for " + (label + "." + label)[:100] + "..."},
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

// Texts of addresses as the C library prints them.
func TestAddr(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "::", "::1", "::ffff", "::0.1.0.0", "::0.1.2.3", "::1.2.3.4", "::ffff:1.2.3.4", "2001:db8::1",
		"2001:db8:0:1:1:1:1:1", "1:0:0:2::", "::ab", "::1:2:3",
	} {
		if got := Addr(netip.MustParseAddr(text)); got != text {
			t.Errorf("%s: %s", text, got)
		}
	}
}
