package compat

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestIncomingFatalLookups: a look-up that ends cleanup(8) gets the client the same
// reply from ours, which goes on, and the log says why in the same words.
func TestIncomingFatalLookups(t *testing.T) {
	t.Parallel()
	const noPort = "socketmap:inet:127.0.0.1:name" // the address is taken for a port
	variants := make(map[string]settings)
	for _, parameter := range []string{"canonical_maps", "virtual_alias_maps", "sender_bcc_maps", "recipient_bcc_maps", "header_checks", "body_checks"} {
		variants[parameter] = settings{parameter: noPort}
	}
	variants["masquerade_exceptions"] = settings{"masquerade_domains": "example.com", "masquerade_exceptions": noPort}
	variants["mydestination"] = settings{"cleanup:mydestination": noPort, "canonical_maps": "inline:{x=y}"}
	r := startRival(t, commonMain, variants)
	r.pf.Start()
	fatal := func(l string) bool { return strings.HasPrefix(l, "fatal: ") }
	for name, set := range variants {
		t.Run(name, func(t *testing.T) {
			postfix.Case(t)
			if value, found := set["cleanup:mydestination"]; found {
				delete(set, "cleanup:mydestination")
				set["mydestination"] = value
			}
			req := submission{plainMessage, "s@a.example.com", []string{"r@example.net"}}
			mark := r.pf.Log.Mark()
			theirs, err := exchange(net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ports[name])), req.bytes())
			if err != nil {
				t.Fatal(err)
			}
			line := r.pf.Log.WaitFor(t, mark, "of the end of cleanup(8)", func(l postfix.Line) bool { return fatal(l.Text) })
			our := newOurs(t, r.pf.Path("/etc/postfix"), set).send("127.0.0.1", req)
			if our.reply != theirs {
				t.Errorf("reply: ours %q, theirs %q", our.reply, theirs)
			}
			if reasons := slices.DeleteFunc(slices.Clone(our.log), func(l string) bool { return !fatal(l) }); !slices.Equal(reasons, []string{line.Text}) {
				t.Errorf("ours logs %q, theirs %q", our.log, line.Text)
			}
		})
	}
}

// TestIncomingManyMissingTables: the thirteenth table that cannot be opened ends
// cleanup(8) as it starts. Ours starts, and puts the client off as with one table.
func TestIncomingManyMissingTables(t *testing.T) {
	t.Parallel()
	variants := make(map[string]settings)
	for _, n := range []int{12, 13} {
		var tables []string
		for i := range n {
			tables = append(tables, "texthash:/nonexistent/"+strconv.Itoa(i))
		}
		variants[strconv.Itoa(n)] = settings{"virtual_alias_maps": strings.Join(tables, ", ")}
	}
	r := startRival(t, commonMain, variants)
	r.pf.Start()
	for name, set := range variants {
		t.Run(name, func(t *testing.T) {
			postfix.Case(t)
			req := submission{plainMessage, "s@a.example.com", []string{"r@example.net"}}
			address := net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ports[name]))
			const want = "ZError: queue file write error"
			theirs := want
			if name == "12" {
				var err error
				if theirs, err = exchange(address, req.bytes()); err != nil {
					t.Fatal(err)
				}
			} else { // the client waits for a cleanup(8)
				mark := r.pf.Log.Mark()
				c, err := standin.DialTCP("", address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				r.pf.Log.WaitFor(t, mark, "of the end of cleanup(8)", func(l postfix.Line) bool {
					return l.Text == "fatal: too many errors - program terminated"
				})
			}
			our := newOurs(t, r.pf.Path("/etc/postfix"), set).send("127.0.0.1", req)
			if our.reply != want || theirs != want {
				t.Errorf("reply: ours %q, theirs %q, want %q", our.reply, theirs, want)
			}
		})
	}
}
