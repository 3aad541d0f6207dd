// Package dropin compares our qmqpd with the stock one as a child of master(8):
// one table of scenes, two judges.
package dropin

import "github.com/qmqpd/qmqpd/compat-tests/judges"

// knownDifferences are the agreed differences between our qmqpd and the stock one
// under master(8), each with its reason. A difference that has vanished, or
// that belongs to no row, fails the test.
var knownDifferences = append([]judges.Known{
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
}, debianHints(map[string]string{
	"access/foo:x for 127.0.0.1":                    "foo",
	"access/{static:a b} for 127.0.0.1":             "{static",
	"access/daemon_table_open_error_is_fatal, type": "foo",
})...)

// debianHints are the rows in which Debian's Postfix, and only Debian's, says
// more about a table type that nobody has.
func debianHints(types map[string]string) []judges.Known {
	var all []judges.Known
	for row, kind := range types {
		all = append(all, judges.Known{
			Row: row, Reason: "Debian's own hint at a package, not in Postfix",
			Stock: []string{"log <20> postfix/qmqpd: warning: unsupported dictionary type: " + kind + ". Is the postfix-" + kind + " package installed?"},
		})
	}
	return all
}
