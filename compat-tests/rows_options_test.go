package compat

import (
	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// plain is a request that everything is right with.
var plain = standin.Request("a: b\n\nx\n", "s@x", "r@x")

// one is one client that sends a request.
func one(send string) []judges.Client { return []judges.Client{{Send: send}} }

// ok is one client that sends a good request.
var ok = one(plain)

// optionRows are about the command line: contract section 1.2.
var optionRows = []judges.Row{
	{Name: "master's own", Clients: ok, Want: []string{"KOk: queued as", "status record: AVAIL generation 7", "exit 0"}},
	{Name: "no -t", Argv: []string{"qmqpd", "-n", "628", "-u", "-c"}, Want: []string{"fatal: no transport type specified", "exit 1 after a pause"}},
	{Name: "-S pipe", Stdin: "pipe", Clients: ok, Want: []string{"KOk"}},
	{Name: "-S file", Stdin: "file", Clients: ok, Want: []string{"KOk"}},
	{Name: "-S socket", Stdin: "socket", Clients: ok, Want: []string{"KOk"}},
}
