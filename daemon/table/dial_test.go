package table_test

import (
	"context"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// An address that is none is found out at the first lookup, and ends a process.
func TestServerAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1":          "garbage after numerical service",
		"127.0.0.1:":         "missing service information",
		"[127.0.0.1:1":       `missing "]"`,
		"[127.0.0.1]1":       `garbage after "]"`,
		"[]:1":               "valid hostname or network address required",
		"[IPv6:127.0.0.1]:1": "malformed IPv6 address",
		"a..b:1":             "valid hostname or network address required",
		"1.2.3:1":            "valid hostname or network address required",
	} {
		tbl := open(t, "tcp:"+address, listFlags, nil)
		_, _, err := tbl.Lookup(context.Background(), "key")
		if want = address + ": " + want; err == nil || err.Error() != want || table.ClassOf(err) != table.Fatal {
			t.Errorf("%v, want fatal %q", err, want)
		}
	}
}
