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
	{
		Row: "log/postlog whose socket is replaced", Reason: "nobody misses log lines that are lost; outside a jail ours connects again, stock does not",
		Stock: []string{"second socket hears of its client: false"},
		Ours:  []string{"second socket hears of its client: true"},
	},
	{
		Row: "life/SIGSEGV idle", Reason: "the Go runtime's own signal; nobody sends it to a server",
		Stock: []string{"signal 11"}, Ours: []string{"exit 2"},
	},
	{
		Row: "life/SIGSTKFLT idle", Reason: "the Go runtime's own signal; nobody sends it to a server",
		Stock: []string{"signal 16"}, Ours: []string{"exit 2"},
	},
	{
		Row: "life/SIGPROF and SIGTERM idle", Reason: "the Go runtime's own signal; nobody sends it to a server",
		Stock: []string{"signal 27"}, Ours: []string{"signal 15"},
	},
	{
		Row: "life/signal 40 and SIGTERM idle", Reason: "the Go runtime's own signal; nobody sends it to a server",
		Stock: []string{"signal 40"}, Ours: []string{"signal 15"},
	},
	{
		Row: "servers/memcache:mc with a timeout below zero", Reason: "stock panics when it is connected to the server; in ours, where one process has all sessions, the table is unavailable, and the log says why",
		Stock: []string{
			`client 0: reply ""`,
			"log <18> postfix/qmqpd: panic: vstream_control: bad timeout -1",
			"signal 6",
		},
		Ours: []string{
			`client 0: reply "34:ZError: server configuration error,"`,
			"status record: AVAIL generation 7",
			"log <19> postfix/qmqpd: error: memcache:mc: unsupported setting: timeout = -1",
			"log <20> postfix/qmqpd: warning: memcache:mc is unavailable. memcache:mc: unsupported setting: timeout = -1",
			"log <20> postfix/qmqpd: warning: qmqpd_authorized_clients: memcache:mc: table lookup problem",
			"log <22> postfix/qmqpd: disconnect from localhost[127.0.0.1]",
			"exit 0",
		},
	},
}

// serviceDifferences are those of TestNameServices.
var serviceDifferences = []judges.Known{
	{
		Row: "mdns4", Reason: "of host name services ours has files, dns and myhostname; others are libraries, which a program of this kind cannot load",
		Stock: []string{
			`  A "log_client_name=hr.local"`, `  A "log_message_origin=hr.local[127.0.0.77]"`, `  A "client_name=hr.local"`,
			`  N "Received: from hr.local (hr.local [127.0.0.77])"`,
			"log <22> postfix/qmqpd: connect from hr.local[127.0.0.77]",
			"log <22> postfix/qmqpd: ABCDEF12345: client=hr.local[127.0.0.77]",
			"log <22> postfix/qmqpd: disconnect from hr.local[127.0.0.77]",
		},
		Ours: []string{
			`  A "log_client_name=unknown"`, `  A "log_message_origin=unknown[127.0.0.77]"`, `  A "client_name=unknown"`,
			`  N "Received: from unknown (unknown [127.0.0.77])"`,
			"log <22> postfix/qmqpd: connect from unknown[127.0.0.77]",
			"log <22> postfix/qmqpd: ABCDEF12345: client=unknown[127.0.0.77]",
			"log <22> postfix/qmqpd: disconnect from unknown[127.0.0.77]",
			`log <20> postfix/qmqpd: warning: nsswitch.conf: the host name service "mdns4" is not asked: clients that it alone knows are unknown`,
		},
	},
}
