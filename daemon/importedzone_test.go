package daemon

import (
	"testing"
	"time"
)

// TestImportedZone tells the time zone by its name on a winter's day.
func TestImportedZone(t *testing.T) {
	for _, tt := range []struct{ list, tz, want, err string }{
		{list: "MAIL_CONFIG TZ LANG=C", tz: "CET-1CEST", want: "CET"},
		{list: "LANG=C, TZ=EET-2", tz: "CET-1CEST", want: "EET"},
		{list: "TZ=EET-2 TZ", tz: "CET-1CEST", want: "CET"},
		{list: "TZ {TZ = <+0530>-5:30}", tz: "CET-1CEST", want: "+0530"},
		{list: "{ TZ }", tz: "CET-1CEST", want: "CET"},
		{list: "TZ=", tz: "CET-1CEST", want: "UTC"},
		{list: "TZDIR=/usr/share/zoneinfo/Asia TZ=Tokyo", want: "JST"},
		{list: "TZ=Asia/Tokyo", want: "JST"},
		{list: "XTZ=EET-2 =", err: "import_environment: missing attribute name in: ="},
		{list: "{TZ=EET-2", err: "import_environment: missing '}' in \"{TZ=EET-2\""},
	} {
		zone, err := importedZone(tt.list, func(name string) (string, bool) { return tt.tz, name == "TZ" })
		if err != nil || tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: error %v, want %s", tt.list, err, tt.err)
			}
			continue
		}
		if name, _ := time.Unix(0, 0).In(zone).Zone(); name != tt.want {
			t.Errorf("%s: %s, want %s", tt.list, name, tt.want)
		}
	}
	// What is not named is not imported: the zone is that of the machine.
	zone, err := importedZone("LANG=C", func(string) (string, bool) { return "ODD-3", true })
	if name, _ := time.Now().In(zone).Zone(); err != nil || name == "ODD" {
		t.Errorf("not imported: %s, %v", name, err)
	}
}
