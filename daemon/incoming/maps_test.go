package incoming

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// deliver sends a message and returns what tables may have changed: a sender that is
// not s@d, the recipients, filter and redirection in the envelope, the queue if it is
// not incoming, the content if it is another one, and what was logged; or the refusal.
func deliver(t *testing.T, cfg Config, recipients []string, content ...string) string {
	t.Helper()
	b := newBench(t, cfg, spool.Options{})
	s := b.open(t)
	write(t, s, "T 1795343700 239654", "S s@d", "A log_client_name=localhost", "A log_message_origin=localhost[127.0.0.1]", "A log_protocol_name=QMQP")
	for _, r := range recipients {
		write(t, s, "R "+r)
	}
	content = append([]string{strings.TrimPrefix(received, "N "), "Date: x", "Message-Id: <x@y>"}, content...)
	write(t, s, "M")
	for i, line := range content {
		content[i] = strings.TrimRight("N "+line, " ")
		write(t, s, content[i])
	}
	write(t, s, "X", "E")
	var got, after []string
	if status, reason := s.Finish(context.Background()); status != 0 {
		got = append(got, strings.TrimRight(fmt.Sprintf("refused %d %s", status, reason), " "))
	}
	for path, records := range b.files(t) {
		if queue, _, _ := strings.Cut(path, "/"); queue != "incoming" {
			got = append(got, queue)
		}
		for _, r := range records {
			switch {
			case r[0] == 'N':
				after = append(after, r)
			case strings.Contains("SRL>", r[:1]) && r != "S s@d":
				got = append(got, r)
			}
		}
		if !slices.Equal(after, content) {
			got = append(got, after[3:]...)
		}
	}
	for _, l := range strings.Split(strings.TrimSuffix(b.log.String(), "\n"), "\n") {
		l = strings.ReplaceAll(strings.TrimPrefix(l, "x: "), s.QueueID()+": ", "")
		if l = strings.Replace(l, " from localhost[127.0.0.1]; from=<s@d> to=<u@d> proto=QMQP", "", 1); l != "message-id=<x@y>" {
			got = append(got, l)
		}
	}
	return strings.Join(got, "\n")
}

// withMaps returns a configuration whose tables are opened by the row.
func withMaps(t *testing.T, change func(m *Maps, open func(list string, flags table.Flags) Mapping)) Config {
	t.Helper()
	set := table.NewSet(table.Options{})
	cfg := stock()
	const every = EnvelopeSender | EnvelopeRecipient | HeaderSender | HeaderRecipient
	m := &cfg.Maps
	m.CanonicalClasses, m.SenderCanonicalClasses, m.RecipientCanonicalClasses = every, every, every
	m.MasqueradeClasses = EnvelopeSender | HeaderSender | HeaderRecipient
	m.ExpansionLimit, m.RecursionLimit, m.AddressLimit = 5, 5, 100
	m.PropagateCanonical, m.PropagateVirtual = true, true
	m.RecipientDelimiter, m.OwnerRequestSpecial, m.DoubleBounceSender = "+-", true, "double-bounce"
	m.Origin = "mx.example.org"
	change(m, func(list string, flags table.Flags) Mapping {
		mapping, err := OpenMapping(set, "some_maps", list, flags)
		if err != nil {
			t.Fatal(err)
		}
		return mapping
	})
	return cfg
}

// TestAddressMaps: what is looked up of an address, and what comes of the result, as
// with cleanup(8).
func TestAddressMaps(t *testing.T) {
	type open = func(list string, flags table.Flags) Mapping
	virtual := func(list string) func(*Maps, open) {
		return func(m *Maps, open open) { m.VirtualAlias = open(list, AddressTable) }
	}
	canonical := func(list string) func(*Maps, open) {
		return func(m *Maps, open open) { m.Canonical = open(list, AddressTable) }
	}
	masquerade := func(domains ...string) func(*Maps, open) {
		return func(m *Maps, _ open) { m.MasqueradeDomains = domains }
	}
	for _, row := range []struct {
		name   string
		change func(*Maps, open)
		to     string // recipients, separated by blanks
		want   string
	}{
		{"virtual", virtual("inline:{{u@d=a@b, c@d},{c@d=e@f}}"), "u@d", "R a@b\nR e@f"},
		{"virtual loop", virtual("inline:{{u@d=u@d, v@d},{v@d=u@d}}"), "u@d", "R u@d"},
		{"too many", virtual("inline:{{u@d=a@b, b@b, c@b, d@b, e@b, f@b}}"), "u@d", "refused 256 4.6.0 Alias expansion error\nwarning: unreasonable some_maps map expansion size for u@d -- message not accepted, try again later\nremoved (canceled)"},
		{"as many as may be", virtual("inline:{{u@d=a@b, b@b, c@b, d@b, e@b}}"), "u@d", "R a@b\nR b@b\nR c@b\nR d@b\nR e@b"},
		{"too deep", virtual("regexp:{{/^(.*)@d$/ x$1@d}}"), "u@d", "refused 256 4.6.0 Alias expansion error\nwarning: unreasonable some_maps map nesting for u@d -- message not accepted, try again later\nremoved (canceled)"},
		{"too long", virtual("inline:{u@d=" + strings.Repeat("x", 99) + "@b}"), "u@d", "refused 256 4.6.0 Alias expansion error\nwarning: unreasonable some_maps result " + strings.Repeat("x", 99) + "@b... -- message not accepted, try again later\nremoved (canceled)"},
		{"as long as may be", virtual("inline:{u@d=" + strings.Repeat("x", 98) + "@b}"), "u@d", "R " + strings.Repeat("x", 98) + "@b"},
		{"nothing is no address", virtual("inline:{{u@d=,}}"), "u@d", "refused 2 4.6.0 Alias expansion error\nwarning: some_maps lookup of u@d returns non-address result \",\"\nwarning: some_maps map lookup problem for u@d -- message not accepted, try again later\nremoved (canceled)"},
		{"table in trouble", virtual("fail:x"), "u@d", "refused 2 4.6.0 Alias expansion error\nwarning: some_maps map lookup problem for u@d -- message not accepted, try again later\nremoved (canceled)"},
		{"the whole before its parts", virtual("inline:{u+x@d=1@b,u@d=2@b,@d=3@b}"), "u+x@d u-y+z@d U@D v@d", "R 1@b\nR 2-y+z@b\nR 2@b\nR 3@b"},
		{"extension kept", virtual("inline:{u@d=@e,v@d=w}"), "u+x@d v-y@d", "R u+x@e\nR w-y@mx.example.org"},
		{"no local part", virtual("inline:{@d=@e}"), "@d", "R @e"},
		{"extension lost", func(m *Maps, open open) { virtual("inline:{u@d=@e,v@d=w}")(m, open); m.PropagateVirtual = false }, "u+x@d v-y@d", "R u@e\nR w@mx.example.org"},
		{"in one piece", virtual("inline:{postmaster@d=1,owner@d=2,u@d=3,double@d=4,mailer@d=5}"),
			"owner-u@d u-request@d double-bounce@d mailer-daemon@d -request@d +u@d", "R owner-u@d\nR u-request@d\nR double-bounce@d\nR mailer-daemon@d\nR -request@d\nR +u@d"},
		{"not special", func(m *Maps, open open) { virtual("inline:{owner@d=2,u@d=3}")(m, open); m.OwnerRequestSpecial = false },
			"owner-u@d u-request@d", "R 2-u@mx.example.org\nR 3-request@mx.example.org"},
		{"local part alone", virtual("inline:{u=1@b,v+x=2@b}"), "u+x@MX.example.org v+x@mx.example.org u@d", "R 1+x@b\nR 2@b\nR u@d"},
		{"local domain", func(m *Maps, open open) {
			virtual("inline:{u=1@b}")(m, open)
			m.IsLocal = func(_ context.Context, domain string) (bool, error) { return domain == "d", nil }
		}, "u@d u@e", "R 1@b\nR u@e"},
		{"local domain unknown", func(m *Maps, open open) {
			virtual("inline:{u=1@b}")(m, open)
			m.IsLocal = func(context.Context, string) (bool, error) { return false, errors.New("trouble") }
		}, "u@d", "refused 2 4.6.0 Alias expansion error\nwarning: some_maps map lookup problem for u@d -- message not accepted, try again later\nremoved (canceled)"},
		{"canonical", canonical("inline:{s@d=t@d,u@d=v@d,v@d=w@d,f@d=g@d}"), "u@d", "S t@d\nR w@d\nN From: g@d\nN To: r@x.d, root@a.no.d, n@no.d, t@d (c)\nN"},
		{"canonical to several", canonical("inline:{{u@d=v@d, w@d}}"), "u@d", "R v@d\nwarning: multi-valued some_maps entry for u@d"},
		{"canonical and back", canonical("inline:{u@d=U@D,f@d=F@d}"), "u@d", "R U@D\nN From: F@d\nN To: r@x.d, root@a.no.d, n@no.d, (c) s@d\nN"},
		{"canonical without end", canonical("inline:{u@d=v@d,v@d=u@d}"), "u@d", "R u@d\nwarning: unreasonable some_maps map nesting for u@d -- message not accepted, try again later"},
		{"canonical in trouble", canonical("fail:x"), "u@d", "refused 2\nwarning: some_maps map lookup problem for s@d -- message not accepted, try again later\nremoved (canceled)"},
		{"in trouble twice", func(m *Maps, open open) {
			m.Canonical, m.CanonicalClasses = open("fail:x", AddressTable), EnvelopeRecipient
			m.VirtualAlias = open("inline:{{u@d=a@b, b@b, c@b, d@b, e@b, f@b}}", AddressTable)
			m.RecipientBCC = open("inline:{u@d=copy@b}", AddressTable)
		}, "u@d", "refused 258 4.6.0 Alias expansion error\nwarning: some_maps map lookup problem for u@d -- message not accepted, try again later\n" +
			"warning: unreasonable some_maps map expansion size for u@d -- message not accepted, try again later\n" +
			"warning: some_maps map lookup problem for copy@b -- message not accepted, try again later\nremoved (canceled)"},
		{"of senders and recipients", func(m *Maps, open open) {
			m.SenderCanonical = open("inline:{s@d=s1@d,u@d=no,f@d=f1@d}", AddressTable)
			m.RecipientCanonical = open("inline:{s@d=no,u@d=u1@d,f@d=no}", AddressTable)
			m.Canonical = open("inline:{s1@d=s2@d,u1@d=u2@d,f1@d=f2@d}", AddressTable)
		}, "u@d", "S s2@d\nR u2@d\nN From: f2@d\nN To: r@x.d, root@a.no.d, n@no.d, no@mx.example.org (c)\nN"},
		{"of some classes", func(m *Maps, open open) {
			m.Canonical = open("inline:{s@d=s1@d,u@d=u1@d,f@d=f1@d}", AddressTable)
			m.CanonicalClasses = EnvelopeRecipient | HeaderSender
		}, "u@d", "R u1@d\nN From: f1@d\nN To: r@x.d, root@a.no.d, n@no.d, (c) s@d\nN"},
		{"masquerade", masquerade("!no.d", "!!d", "d"), "u@d", "R u@d\nN From: f@d\nN To: r@d, root@a.no.d, n@no.d, s@d (c)\nN"},
		{"masquerade the first that covers", masquerade("x.d", "d", "", "o"), "u@d", "R u@d\nN From: f@d\nN To: r@x.d, root@d, n@d, s@d (c)\nN"},
		{"masquerade exceptions", func(m *Maps, _ open) {
			m.MasqueradeDomains = []string{"d"}
			m.IsMasqueradeException = func(_ context.Context, local string) (bool, error) { return local == "root", nil }
		}, "u@d", "R u@d\nN From: f@d\nN To: r@d, root@a.no.d, n@d, s@d (c)\nN"},
		{"masquerade exceptions in trouble", func(m *Maps, _ open) {
			m.MasqueradeDomains = []string{"d"}
			m.IsMasqueradeException = func(context.Context, string) (bool, error) { return false, errors.New("x") }
		}, "u@d", "refused 2\nmasquerade_exceptions map lookup problem -- message not accepted, try again later\nremoved (canceled)"},
		{"copies", func(m *Maps, open open) {
			m.AlwaysBCC = "always"
			m.SenderBCC = open("inline:{s@d=copy-s@b}", AddressTable)
			m.RecipientBCC = open("inline:{u=copy-u@b,@d=copy-d@b}", AddressTable)
			m.Canonical = open("inline:{copy-s@b=copy-t@b}", AddressTable)
		}, "u@mx.example.org v@d", "R copy-t@b\nR u@mx.example.org\nR copy-u@b\nR v@d\nR copy-d@b\nR always@mx.example.org"},
		{"canonical without a server", canonical("tcp:127.0.0.1"), "u@d", "refused 2\nfatal: 127.0.0.1: garbage after numerical service\nremoved (canceled)"},
		{"virtual without a server", virtual("tcp:127.0.0.1"), "u@d", "refused 2 4.6.0 Alias expansion error\nfatal: 127.0.0.1: garbage after numerical service\nremoved (canceled)"},
		{"local domain without a server", func(m *Maps, open open) {
			virtual("inline:{x=y}")(m, open)
			m.IsLocal = func(context.Context, string) (bool, error) {
				return false, &table.Error{Class: table.Fatal, Text: "out of order"}
			}
		}, "u@d", "refused 2 4.6.0 Alias expansion error\nfatal: out of order\nremoved (canceled)"},
		{"masquerade exceptions without a server", func(m *Maps, _ open) {
			m.MasqueradeDomains = []string{"d"}
			m.IsMasqueradeException = func(context.Context, string) (bool, error) {
				return false, &table.Error{Class: table.Fatal, Text: "out of order"}
			}
		}, "u@d", "refused 2\nfatal: out of order\nremoved (canceled)"},
		{"copies without a server", func(m *Maps, open open) { m.SenderBCC = open("tcp:127.0.0.1", AddressTable) }, "u@d", "refused 2\nfatal: 127.0.0.1: garbage after numerical service\nremoved (canceled)"},
		{"checks without a server", func(m *Maps, open open) { m.HeaderChecks = open("tcp:127.0.0.1", CheckTable) }, "u@d", "refused 2\nfatal: 127.0.0.1: garbage after numerical service\nremoved (canceled)"},
		{"copies in trouble", func(m *Maps, open open) { m.SenderBCC = open("fail:x", AddressTable) }, "u@d", "refused 2\nwarning: some_maps map lookup problem -- message not accepted, try again later\nremoved (canceled)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := deliver(t, withMaps(t, row.change), strings.Split(row.to, " "), "From: f@d", "To: r@x.d, root@a.no.d, n@no.d, (c) s@d", "")
			if got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

// TestChecks: each action, on a header and on a line of the body.
func TestChecks(t *testing.T) {
	for _, row := range []struct{ action, header, body string }{
		{"REJECT",
			"refused 8 5.7.1 message content rejected\nreject: header A: x? z: 5.7.1 message content rejected\nremoved (canceled)",
			"refused 8 5.7.1 message content rejected\nreject: body A: x: 5.7.1 message content rejected\nremoved (canceled)"},
		{"reject 4.3.0 later",
			"refused 256 4.3.0 later\nreject: header A: x? z: 4.3.0 later\nremoved (canceled)",
			"refused 256 4.3.0 later\nreject: body A: x: 4.3.0 later\nremoved (canceled)"},
		{"REJECT  2.0.0 well",
			"refused 256 4.0.0 well\nwarning: bad DSN action in 2.0.0 well -- need 4.x.x or 5.x.x\nreject: header A: x? z: 4.0.0 well\nremoved (canceled)",
			"refused 256 4.0.0 well\nwarning: bad DSN action in 2.0.0 well -- need 4.x.x or 5.x.x\nreject: body A: x: 4.0.0 well\nremoved (canceled)"},
		{"WARN note this",
			"R u@d\nwarning: header A: x? z: note this\nwarning: header A: y: note this",
			"R u@d\nwarning: body A: x: note this"},
		{"INFO",
			"R u@d\ninfo: header A: x? z\ninfo: header A: y",
			"R u@d\ninfo: body A: x"},
		{"FILTER",
			"R u@d\nwarning: missing FILTER command argument in some_maps map\nwarning: missing FILTER command argument in some_maps map",
			"R u@d\nwarning: missing FILTER command argument in some_maps map"},
		{"FILTER smtp",
			"R u@d\nwarning: bad FILTER command smtp in some_maps -- need transport:destination\nwarning: bad FILTER command smtp in some_maps -- need transport:destination",
			"R u@d\nwarning: bad FILTER command smtp in some_maps -- need transport:destination"},
		{"FILTER smtp:host",
			"R u@d\nL smtp:host\nfilter: header A: x? z: smtp:host\nfilter: header A: y: smtp:host",
			"R u@d\nL smtp:host\nfilter: body A: x: smtp:host"},
		{"PASS",
			"R u@d\npass: header A: x? z",
			"R u@d\npass: body A: x"},
		{"DISCARD",
			"discard: header A: x? z\nremoved (discarded)",
			"discard: body A: x\nremoved (discarded)"},
		{"HOLD",
			"hold\nR u@d\nhold: header A: x? z",
			"hold\nR u@d\nhold: body A: x"},
		{"PREPEND",
			"R u@d\nwarning: PREPEND action without text in some_maps map\nwarning: PREPEND action without text in some_maps map",
			"R u@d\nwarning: PREPEND action without text in some_maps map"},
		{"PREPEND X: y",
			"R u@d\nN From: a@d\nN X: y\nN A: x\nN  z\nN X: y\nN A: y\nN\nN A: x\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nprepend: header A: x? z: X: y\nprepend: header A: y: X: y",
			"R u@d\nN From: a@d\nN A: x\nN  z\nN A: y\nN\nN X: y\nN A: x\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nprepend: body A: x: X: y"},
		{"PREPEND x y",
			"R u@d\nwarning: bad PREPEND header text \"x y\" in some_maps map -- need \"headername: headervalue\"\nwarning: bad PREPEND header text \"x y\" in some_maps map -- need \"headername: headervalue\"",
			"R u@d\nN From: a@d\nN A: x\nN  z\nN A: y\nN\nN x y\nN A: x\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nprepend: body A: x: x y"},
		{"REPLACE",
			"R u@d\nwarning: REPLACE action without text in some_maps map\nwarning: REPLACE action without text in some_maps map",
			"R u@d\nwarning: REPLACE action without text in some_maps map"},
		{"REPLACE\tX:  y",
			"R u@d\nN From: a@d\nN X:  y\nN X:  y\nN\nN A: x\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nreplace: header A: x? z: X:  y\nreplace: header A: y: X:  y",
			"R u@d\nN From: a@d\nN A: x\nN  z\nN A: y\nN\nN X:  y\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nreplace: body A: x: X:  y"},
		{"REPLACE x y",
			"R u@d\nwarning: bad REPLACE header text \"x y\" in some_maps map -- need \"headername: headervalue\"\nwarning: bad REPLACE header text \"x y\" in some_maps map -- need \"headername: headervalue\"",
			"R u@d\nN From: a@d\nN A: x\nN  z\nN A: y\nN\nN x y\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nreplace: body A: x: x y"},
		{"REDIRECT r@e",
			"R u@d\n> r@e\nredirect: header A: x? z: r@e",
			"R u@d\n> r@e\nredirect: body A: x: r@e"},
		{"REDIRECT r",
			"R u@d\nwarning: bad REDIRECT target \"r\" in some_maps map -- need user@domain\nwarning: bad REDIRECT target \"r\" in some_maps map -- need user@domain",
			"R u@d\nwarning: bad REDIRECT target \"r\" in some_maps map -- need user@domain"},
		{"BCC b@e",
			"R u@d\nR b@e\nbcc: header A: x? z: b@e\nbcc: header A: y: b@e",
			"R u@d\nR b@e\nbcc: body A: x: b@e"},
		{"BCC b",
			"R u@d\nwarning: bad BCC address \"b\" in some_maps map -- need user@domain\nwarning: bad BCC address \"b\" in some_maps map -- need user@domain",
			"R u@d\nwarning: bad BCC address \"b\" in some_maps map -- need user@domain"},
		{"STRIP",
			"R u@d\nN From: a@d\nN\nN A: x\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nstrip: header A: x? z\nstrip: header A: y",
			"R u@d\nN From: a@d\nN A: x\nN  z\nN A: y\nN\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nstrip: body A: x"},
		{"STRIP why",
			"R u@d\nN From: a@d\nN\nN A: x\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nstrip: header A: x? z: why\nstrip: header A: y: why",
			"R u@d\nN From: a@d\nN A: x\nN  z\nN A: y\nN\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x\nstrip: body A: x: why"},
		{"IGNORE",
			"R u@d\nN From: a@d\nN\nN A: x\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x",
			"R u@d\nN From: a@d\nN A: x\nN  z\nN A: y\nN\nN A: z\nN zzzzzzzzzzzzzzzzzzzz\nN A: x"},
		{"DUNNO",
			"R u@d",
			"R u@d"},
		{"OK",
			"R u@d",
			"R u@d"},
		{"OKAY x",
			"R u@d\nwarning: unknown command in some_maps map: OKAY x\nwarning: unknown command in some_maps map: OKAY x",
			"R u@d\nwarning: unknown command in some_maps map: OKAY x"},
	} {
		for where, want := range map[string]string{"header": row.header, "body": row.body} {
			cfg := withMaps(t, func(m *Maps, open func(string, table.Flags) Mapping) {
				mapping := open("regexp:{{/^A: (x|y)/ "+row.action+"}}", CheckTable)
				if where == "header" {
					m.HeaderChecks = mapping
				} else {
					m.BodyChecks, m.BodyChecksLimit = mapping, 20
				}
			})
			got := deliver(t, cfg, []string{"u@d"}, "From: a@d", "A: x", " z", "A: y", "", "A: x", "A: z", strings.Repeat("z", 20), "A: x")
			if got != want {
				t.Errorf("%s in the %s: got\n%s\nwant\n%s", row.action, where, got, want)
			}
		}
	}
}
