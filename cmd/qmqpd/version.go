package main

import (
	"fmt"
	"runtime/debug"
	"strings"
)

type versionCmd struct{}

// Run prints what the Go toolchain has put into the program.
func (versionCmd) Run(term terminal) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	_, err := fmt.Fprintln(term.out, versionText(info))
	return err
}

// versionText is the version of the module, the revision of the source if it was built
// in a working copy, and the Go version.
func versionText(info *debug.BuildInfo) string {
	about := make(map[string]string)
	for _, s := range info.Settings {
		about[s.Key] = s.Value
	}
	text := "qmqpd"
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
