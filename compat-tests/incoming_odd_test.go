package compat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// oddValues are values of address tables. Key kN@x has the one with index N.
var oddValues = []string{
	"a@x, <>, b@x", "(c)", "g: a, b@y;, c", "\"a b\" c@x", "a b c", "a@x (c), Joe <j@x> (d)", "@r:u@x", ".", "a\\", "a\\ b@x", "a@b@c", "<a@x", "a@x>", ";", ":", "g:;", "@", "@@x", "@x@y", "@.x", "@x.", "@x..", "@\u00f6", "a!b", "a%b", "a!b@c", "%", "!", "\"\"", "\"\"@x", "\"@x\"", "\"a\"b@x", "a\"b", "[x]", "a@[x", "a@[1.2.3.4]x", ",", ", ,", "a,,b", "a;b", "a|b", "\\", "\"", "(", "<", "[", "\u00f6", "\u00f6@\u00f6", "+e", "a+e@x", "a+e", "+@x", "postmaster", "mailer-daemon", "mailer-daemon@mx.example.org", "<mailer-daemon>", "owner-a", "double-bounce", "MAILER-DAEMON+e", strings.Repeat("v", 1500), strings.Repeat("v,", 1200) + "w", strings.Repeat("v", 1001) + "@x", "a@x(c)", "(c)a@x", "a(c)@x", "a@(c)x", "a@x.(c)", "a\x01b@x", "\"a\x7fb\"@x", "@a,@b:c@d", "@a:", "@a:@b:c", "<@a:b@c>", "<<a@b>>", "a@b <c@d>", "<c@d> a@b", "a: <b>", "@x, a@b", "a@b, @x", "@x a", "@x(c)", "@[1.2.3.4]", "@\"x\"", "@x y", "@x;", "@x:y", "@x,@y:z",
}

// oddVariants are settings with the table of oddValues.
var oddVariants = map[string]settings{
	"canon":        {"canonical_maps": "texthash:DIR/odd", "recipient_delimiter": "+"},
	"canon-noorg":  {"canonical_maps": "texthash:DIR/odd", "append_at_myorigin": "no", "append_dot_mydomain": "yes", "smtputf8_autodetect_classes": "all"},
	"virtual":      {"virtual_alias_maps": "texthash:DIR/odd", "recipient_delimiter": "+"},
	"virtual-none": {"virtual_alias_maps": "texthash:DIR/odd", "recipient_delimiter": "+", "propagate_unmatched_extensions": "", "append_at_myorigin": "no", "enable_original_recipient": "no"},
	"bcc":          {"sender_bcc_maps": "texthash:DIR/odd", "recipient_bcc_maps": "texthash:DIR/odd", "recipient_delimiter": "+", "smtputf8_autodetect_classes": "all"},
	"mix":          {"sender_canonical_maps": "texthash:DIR/odd", "virtual_alias_maps": "texthash:DIR/odd", "sender_bcc_maps": "texthash:DIR/odd", "recipient_bcc_maps": "texthash:DIR/odd", "always_bcc": "k0@x", "virtual_alias_expansion_limit": "3", "recipient_delimiter": "+"},
}

// Odd values of parameters.
var (
	oddOrigins     = []string{"a@b", "(c)x", "\"q\"", "x.", ".", "..", "@", "@x", "<x>", "[x", "x]", "\u00f6", "\\", "x\\", "a!b", "a%b", "x:y", "\"", "("}
	oddEmpty       = []string{"<>", "a,b", "(c)", "\"q\"", "@", "a b", "\\", "a@", "\u00f6", "MAILER-DAEMON@x", "@a:b"}
	oddUndisclosed = []string{"X:", "X: " + strings.Repeat("x", 3000), "X : y", ": x", "X", "X\tY: z", "\u00f6: x", "To: \u00f6, " + strings.Repeat("a,", 1200)}
	oddDrop        = []string{"bcc:, X-Drop:", "x drop", "X-Drop,,X-Drop;to", "From Message-ID Date Received", "To:x", "\u00f6", "\"to\"", "resent-to resent-from", "content-type content-transfer-encoding mime-version"}
	oddInterfaces  = []settings{
		{"cleanup:inet_interfaces": "[::1]"}, {"cleanup:inet_interfaces": "::1"}, {"cleanup:inet_interfaces": "localhost"}, {"cleanup:inet_interfaces": "127.0.0.1, 127.0.0.1 ::1"}, {"cleanup:inet_interfaces": "[127.0.0.1]"},
		{"cleanup:inet_interfaces": "127.0.0.1", "cleanup:proxy_interfaces": "localhost"}, {"cleanup:inet_interfaces": "127.0.0.1", "cleanup:proxy_interfaces": "[192.0.2.1], [2001:db8::1],127.0.0.1"},
		{"cleanup:inet_protocols": "ipv4", "cleanup:inet_interfaces": "127.0.0.1", "cleanup:proxy_interfaces": "localhost,[::ffff:192.0.2.1]"}, {"cleanup:inet_protocols": "ipv4", "cleanup:inet_interfaces": "127.0.0.1", "cleanup:proxy_interfaces": "localhost"},
		{"cleanup:inet_protocols": "ipv4", "cleanup:inet_interfaces": "localhost"}, {"cleanup:inet_protocols": "ipv6", "cleanup:inet_interfaces": "loopback-only"},
		{"cleanup:inet_protocols": "ipv6", "cleanup:inet_interfaces": "loopback-only", "cleanup:proxy_interfaces": "::ffff:127.0.0.1"}, {"cleanup:inet_protocols": "all", "cleanup:inet_interfaces": "127.0.0.1", "cleanup:proxy_interfaces": "::ffff:192.0.2.1"},
	}
)

// oddCorpus returns all settings and their requests.
func oddCorpus() (map[string]settings, []incomingCase) {
	variants := maps.Clone(oddVariants)
	var cases []incomingCase
	add := func(name, variant string, req submission) {
		cases = append(cases, newIncomingCase(name, variant, req))
	}
	for _, v := range slices.Sorted(maps.Keys(oddVariants)) {
		for i := range oddValues {
			k := fmt.Sprintf("k%d", i)
			add(oddValues[i], v, submission{message: "From: " + k + "@x\nTo: " + k + "@x, \"p\" <" + k + "+e@x> (c)\n\nb\n", sender: k + "@x", recipients: []string{k + "@x", k + "+e@x", "other"}})
		}
	}
	for i, o := range oddOrigins {
		v := fmt.Sprintf("origin%d", i)
		variants[v] = settings{"myorigin": o, "append_dot_mydomain": []string{"yes", "no"}[i%2], "canonical_maps": "inline:{{found = f@x}}"}
		for _, a := range []string{"user", "found", "a!b", "", "mailer-daemon", "a b", "u."} {
			add("origin "+o+" "+a, v, submission{message: "To: " + a + ", b@c\nFrom: " + a + "\n\nb\n", sender: a, recipients: []string{a}})
		}
	}
	for i, o := range oddEmpty {
		v := fmt.Sprintf("empty%d", i)
		variants[v] = settings{"empty_address_recipient": o, "recipient_bcc_maps": "static:copy", "recipient_canonical_maps": "inline:{{\"MAILER-DAEMON@mx.example.org\" = found}}"}
		add("empty "+o, v, submission{message: "b\n", recipients: []string{"", "x", ""}})
		add("empty "+o, v, submission{message: "b\n", recipients: []string{""}})
	}
	for i, o := range oddUndisclosed {
		v := fmt.Sprintf("undisclosed%d", i)
		variants[v] = settings{"undisclosed_recipients_header": o, "line_length_limit": "512"}
		add("undisclosed "+o[:min(9, len(o))], v, submission{message: "b\n"})
		add("undisclosed "+o[:min(9, len(o))], v, submission{message: "Bcc: x\nSubject: y\n\nb\n"})
	}
	for i, o := range oddDrop {
		v := fmt.Sprintf("drop%d", i)
		variants[v] = settings{"message_drop_headers": o, "header_checks": "regexp:{{/^X-Drop: *(.*)/ $$1}}"}
		add("drop "+o, v, submission{message: "Bcc: x\nX-Drop: y\nX-Drop: WARN x\nX-Drop: REPLACE To: x\nX-Drop: REPLACE X-Drop: x\nTo: y\nFrom: u\nSubject: y\nResent-To: x\nContent-Type: multipart/mixed; boundary=q\nContent-Transfer-Encoding: 8bit\nMessage-ID: <a@b>\n\n--q\nTo: x\nX-Drop: y\nContent-Type: text/plain\n\nb\n"})
	}
	for i, o := range oddInterfaces {
		v := fmt.Sprintf("interfaces%d", i)
		variants[v] = settings{"canonical_maps": "inline:{{lit = found@example.net}}"}
		maps.Copy(variants[v], o)
		for _, l := range []string{"127.0.0.1", "IPv6:::1", "IPv6:::ffff:127.0.0.1", "127.0.0.2", "192.0.2.1", "IPv6:2001:db8::1", "IPv6:::ffff:192.0.2.1", "::1", "IPv6:0:0:0:0:0:0:0:1", "IPv6:0::1", "IPv6:::ffff:7f00:1"} {
			add("literal "+l, v, submission{message: "b\n", sender: "lit@[" + l + "]", recipients: []string{"lit@[" + l + "]."}})
		}
	}
	return variants, cases
}

// TestIncomingOdd is TestIncomingCorpus for values in tables and in main.cf that nobody
// meant to be there.
func TestIncomingOdd(t *testing.T) {
	t.Parallel()
	variants, cases := oddCorpus()
	var text strings.Builder
	for i, v := range oddValues {
		fmt.Fprintf(&text, "k%d@x %s\n", i, v)
	}
	newDuel(t, commonMain, variants, map[string]string{"odd": text.String()}).run(cases)
}
