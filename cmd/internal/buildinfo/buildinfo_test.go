package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestLine(t *testing.T) {
	for _, tt := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{}, "qmqpd"},
		{debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}}, "qmqpd v1.2.3 go1.26.8"},
		{debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
			{Key: "GOOS", Value: "linux"}, {Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0123abc"},
			{Key: "vcs.time", Value: "2026-11-29T15:00:00Z"}, {Key: "vcs.modified", Value: "true"},
		}}, "qmqpd (devel) (revision 0123abc, 2026-11-29T15:00:00Z, modified) go1.26.8"},
		{debug.BuildInfo{Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "false"},
		}}, "qmqpd (revision 0123abc)"},
	} {
		if got := line("qmqpd", &tt.info); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
