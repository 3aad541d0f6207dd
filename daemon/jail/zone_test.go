package jail

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Each value of TZ is also given to the C library, by way of date(1).
func TestLocationAgainstDate(t *testing.T) {
	date, err := exec.LookPath("date")
	if err != nil {
		t.Skip("SKIPPED: no date(1)")
	}
	// Not by the layout MST: it does not print an empty abbreviation.
	format := func(t time.Time) string {
		zone, _ := t.Zone()
		return t.Format("2006-01-02 15:04:05 -0700 ") + zone + "\n"
	}
	for _, tz := range []string{
		"", ":", "UTC", "Europe/Berlin", ":America/New_York", "/usr/share/zoneinfo/Asia/Kolkata",
		"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT", "XYZ-5:30", "AAA3BBB", "<+0330>-3:30", "NZST-12NZDT,M9.5.0,M4.1.0/3",
		"ABC-1:30:15,bad", "ABC-001", "ABC-0001", "ABC:1", "ABC-25", "ABC-24", "ABC-1:", "ABC-1:x", "ABC-1:2x", "ABC-1:60", "<ab>1", "<abc1", "ABC-1DEF-3", "ABC-1D", "ABC-1DEF,J60,J300", "ABC-1DEF,59/1:30,299/-2", "+03", "UTC0", "No/Such/Zone", "GMT+3", "<-03>3", "Mars/Phobos", "Foo", "X1", "foo bar", "<a b>3", "<a\xe9>3", "<+0-9zZ>3", "ABC+24:59:59", "Asia/../UTC", strings.Repeat("x", 300) + "-3:30", "../../../etc/localtime",
	} {
		loc := Location(tz, true, "")
		for _, sec := range []int64{0, 1774746000, 1774832400, 1782900000, 1792900000, 1795343349} {
			cmd := exec.Command(date, "-d", fmt.Sprintf("@%d", sec), "+%Y-%m-%d %H:%M:%S %z %Z")
			cmd.Env = append(os.Environ(), "TZ="+tz, "LC_ALL=C")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := format(time.Unix(sec, 0).In(loc)), string(out); got != want {
				t.Errorf("TZ=%q at %d: %q, want %q", tz, sec, got, want)
			}
		}
	}
	local := Location("", false, "")
	cmd := exec.Command(date, "-d", "@1795343349", "+%Y-%m-%d %H:%M:%S %z %Z")
	for _, v := range os.Environ() {
		if len(v) < 3 || v[:3] != "TZ=" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := format(time.Unix(1795343349, 0).In(local)); got != string(out) {
		t.Errorf("local: %q, want %q", got, out)
	}
}
