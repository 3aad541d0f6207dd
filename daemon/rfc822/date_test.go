package rfc822

import (
	"strings"
	"testing"
	"time"
)

func cutNUL(s string) (string, string, bool) { return strings.Cut(s, "\x00") }

// hasOddDomain tells whether the text outside the local part holds bytes that
// unquoting interprets.
func hasOddDomain(s string) bool {
	route := routeLen([]byte(s))
	i := strings.LastIndexByte(s[route:], '@')
	return i >= 0 && strings.ContainsAny(s[route+i:], `"\`)
}

func TestAppendDate(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   time.Time
		want string
	}{
		{"UTC", time.Date(2026, 11, 22, 10, 29, 9, 999, time.UTC), "Sun, 22 Nov 2026 10:29:09 +0000 (UTC)"},
		{"day of one digit", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), "Sun, 01 Nov 2026 00:00:00 +0000 (UTC)"},
		{"half hour east", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("IST", 19800)), "Fri, 02 Jan 2026 03:04:05 +0530 (IST)"},
		{"half hour west", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("NST", -12600)), "Fri, 02 Jan 2026 03:04:05 -0330 (NST)"},
		{"ten hours and more", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("+1245", 45900)), "Fri, 02 Jan 2026 03:04:05 +1245 (+1245)"},
		{"one hour west", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("-01", -3600)), "Fri, 02 Jan 2026 03:04:05 -0100 (-01)"},
		{"seconds east, same minute", time.Date(2026, 1, 2, 3, 4, 30, 0, time.FixedZone("X", 30)), "Fri, 02 Jan 2026 03:04:30 +0000 (X)"},
		{"seconds east, next minute", time.Date(2026, 1, 2, 3, 4, 29, 0, time.FixedZone("X", 30)), "Fri, 02 Jan 2026 03:04:29 +0001 (X)"},
		{"seconds west, minute before", time.Date(2026, 1, 2, 3, 4, 30, 0, time.FixedZone("X", -30)), "Fri, 02 Jan 2026 03:04:30 +0001 (X)"},
		{"seconds west, before 1970", time.Date(1919, 1, 2, 3, 4, 5, 0, time.FixedZone("LMT", -2588)), "Thu, 02 Jan 1919 03:04:05 +0043 (LMT)"},
		{"sign of the hours only", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("X", -1800)), "Fri, 02 Jan 2026 03:04:05 +0030 (X)"},
		{"a day east", time.Date(2026, 1, 1, 3, 4, 5, 0, time.FixedZone("X", 86400)), "Thu, 01 Jan 2026 03:04:05 +2400 (X)"},
		{"a day west", time.Date(2026, 12, 31, 3, 4, 5, 0, time.FixedZone("X", -86400)), "Thu, 31 Dec 2026 03:04:05 -2400 (X)"},
		{"more than a day east, next day", time.Date(2026, 1, 2, 3, 0, 0, 0, time.FixedZone("X", 88200)), "Fri, 02 Jan 2026 03:00:00 +2430 (X)"},
		{"more than a day east, the day after", time.Date(2026, 1, 2, 0, 10, 0, 0, time.FixedZone("X", 88200)), "Fri, 02 Jan 2026 00:10:00 +0030 (X)"},
		{"more than a day west, two days before", time.Date(1969, 12, 30, 23, 50, 0, 0, time.FixedZone("X", -88200)), "Tue, 30 Dec 1969 23:50:00 +0030 (X)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendDate(nil, tt.in)); got != tt.want {
				t.Errorf("AppendDate = %q, want %q", got, tt.want)
			}
		})
	}
}
