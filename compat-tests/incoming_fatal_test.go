package compat

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
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
