// Package buildinfo says which version of a program this is.
package buildinfo

import (
	"runtime/debug"
	"strings"
)

// Line is the program's name and what the Go toolchain has put into the program: the
// version of the module, the revision of the source if it was built in a working copy,
// and the Go version.
func Line(program string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return line(program, info)
}

func line(program string, info *debug.BuildInfo) string {
	about := make(map[string]string)
	for _, s := range info.Settings {
		about[s.Key] = s.Value
	}
	text := program
	if v := info.Main.Version; v != "" {
		text += " " + v
	}
	var source []string
	if revision := about["vcs.revision"]; revision != "" {
		source = append(source, "revision "+revision)
	}
	if time := about["vcs.time"]; time != "" {
		source = append(source, time)
	}
	if about["vcs.modified"] == "true" {
		source = append(source, "modified")
	}
	if len(source) > 0 {
		text += " (" + strings.Join(source, ", ") + ")"
	}
	if info.GoVersion != "" {
		text += " " + info.GoVersion
	}
	return text
}
