// Package dropin compares our qmqpd with the stock one as a child of master(8):
// one table of scenes, two judges.
package dropin

import "github.com/qmqpd/qmqpd/compat-tests/judges"

// knownDifferences are the agreed differences between our qmqpd and the stock one
// under master(8), each with its reason. A difference that has vanished, or
// that belongs to no row, fails the test.
var knownDifferences = []judges.Known{
	{
		Row: "options/-z, failure in a session", Reason: "where the process limit allows it, ours has many sessions in a process, and what ends the stock process ends only that session",
		Stock: []string{"exit 1"},
		Ours:  []string{"status record: AVAIL generation 7", "exit 0"},
	},
	{
		Row: "access/sqlite:/nonexistent for 127.0.0.1", Reason: "no sqlite in ours; the refusal says how to reach such a table through proxymap(8)",
		Stock: []string{
			"log <19> postfix/qmqpd: error: open /nonexistent: No such file or directory",
			"log <20> postfix/qmqpd: warning: sqlite:/nonexistent is unavailable. open /nonexistent: No such file or directory",
		},
		Ours: []string{
			"log <19> postfix/qmqpd: error: unsupported dictionary type: sqlite; specify proxy:sqlite:/nonexistent instead, and list it in proxy_read_maps, to reach the table through proxymap(8)",
			"log <20> postfix/qmqpd: warning: sqlite:/nonexistent is unavailable. unsupported dictionary type: sqlite; specify proxy:sqlite:/nonexistent instead, and list it in proxy_read_maps, to reach the table through proxymap(8)",
		},
	},
	{
		Row: "checks/sqlite table in mydestination", Reason: "no sqlite in ours, and no use for the table",
		Stock: []string{"log <19> postfix/qmqpd: error: open /nonexistent: No such file or directory"},
	},
}
