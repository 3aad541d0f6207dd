package main

import (
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon"
	"github.com/qmqpd/qmqpd/mainconf"
)

// What is not said has a default: the queue only where no configuration may name one.
func TestServeOptions(t *testing.T) {
	set := func(name, value string) []mainconf.Setting { return []mainconf.Setting{{Name: name, Value: value}} }
	defaultAddress := []string{defaultListen}
	for _, tt := range []struct {
		args []string
		want daemon.ServeOptions
	}{
		{nil, daemon.ServeOptions{Listen: defaultAddress, Queue: defaultQueue}},
		{[]string{"-c", "d"}, daemon.ServeOptions{ConfigDir: "d", Listen: defaultAddress}},
		{[]string{"-c", "d", "--queue", "q"}, daemon.ServeOptions{ConfigDir: "d", Listen: defaultAddress, Queue: "q"}},
		{[]string{"-o", "queue_directory=q"}, daemon.ServeOptions{Listen: defaultAddress, Overrides: set("queue_directory", "q")}},
		{[]string{"-o", "queue_directory=q", "--queue", "r"}, daemon.ServeOptions{Listen: defaultAddress, Queue: "r", Overrides: set("queue_directory", "q")}},
		{[]string{"-o", "a = b , c"}, daemon.ServeOptions{Listen: defaultAddress, Queue: defaultQueue, Overrides: set("a", "b , c")}},
		{[]string{"--listen", "a:1", "--listen=unix:/b", "-vv", "--max-sessions", "1"},
			daemon.ServeOptions{Listen: []string{"a:1", "unix:/b"}, Queue: defaultQueue, Verbose: 2, MaxSessions: 1}},
	} {
		var cli commands
		parser, err := kong.New(&cli, kong.WithHyphenPrefixedParameters(true), kong.Vars{"listen": defaultListen, "queue": defaultQueue})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append([]string{"serve"}, tt.args...)); err != nil {
			t.Errorf("%q: %v", tt.args, err)
			continue
		}
		got, err := cli.Serve.options()
		if d := cmp.Diff(tt.want, got); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", tt.args, err, d)
		}
	}
}
