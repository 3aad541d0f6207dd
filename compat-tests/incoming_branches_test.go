package compat

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// trouble are the keys for which tables fail.
const trouble = `{w@x = y}, {b@x = y}, {l = y}, {e = y}, {@d.example = y}, {"\"q q\"@x" = y}, {"q r" = y}, {"i i@x" = y}, {copy = y}, {copy@mx.example.org = y}`

// branchVariants are settings for TestIncomingBranches.
var branchVariants = map[string]settings{
	"stock":       {},
	"sel-canon":   {"canonical_maps": "inline:{{first@x = w@x}, {second@x = b+e@x}, {third@x = any@d.example}, {multi@x = {ok@x, w@x}}, {fourth@x = l}}, pipemap:{inline:{" + trouble + "}, fail:x}"},
	"sel-virtual": {"virtual_alias_maps": "inline:{{first@x = w@x}, {second@x = b+e@x}, {third@x = any@d.example}, {multi@x = {ok@x, w@x}}, {fourth@x = l}, {fifth@x = {first@x, multi@x}}}, pipemap:{inline:{" + trouble + "}, fail:x}"},
	"sel-both":    {"virtual_alias_maps": "inline:{{first@x = w@x}}, pipemap:{inline:{" + trouble + "}, fail:x}", "recipient_bcc_maps": "static:copy"},
	"sel-limit": {"virtual_alias_maps": "inline:{{size@x = {a@x, b@x, c@x, d@x}}, {nest@x = nest2@x}, {nest2@x = nest@x}, {len@x = looooooooooooong@x}}, pipemap:{inline:{{w@x = y}}, fail:x}",
		"virtual_alias_expansion_limit": "2", "virtual_alias_address_length_limit": "12", "virtual_alias_recursion_limit": "2",
		"recipient_bcc_maps": "inline:{{size@x = nest@x}, {nest@x = len@x}, {len@x = size@x}, {a@x = len@x}, {b@x = size@x}, {c@x = nest@x}}", "always_bcc": "size@x"},
	"sel-bcc":       {"recipient_bcc_maps": "pipemap:{inline:{" + trouble + "}, fail:x}", "sender_bcc_maps": "pipemap:{inline:{" + trouble + "}, fail:x}", "always_bcc": "w@x"},
	"sel-rcpt":      {"recipient_canonical_maps": "pipemap:{inline:{" + trouble + "}, fail:x}", "canonical_maps": "inline:{{w@x = w2@x}, {b+e@x = bcc}}", "always_bcc": "l", "recipient_bcc_maps": "static:copy"},
	"sel-send":      {"sender_canonical_maps": "pipemap:{inline:{" + trouble + "}, fail:x}", "canonical_maps": "inline:{{first@x = w@x}}", "masquerade_domains": "x", "masquerade_exceptions": "fail:y", "sender_bcc_maps": "static:copy"},
	"sel-checks":    {"header_checks": "pipemap:{inline:{{\"X-A: b\" = y}, {\"Subject: x\" = y}, {\"To: joe\" = y}}, fail:x}, inline:{{\"X-B: c\" = REJECT}}", "body_checks": "pipemap:{inline:{{fail = y}}, fail:x}", "mime_header_checks": "pipemap:{inline:{{\"X-A: b\" = y}}, fail:x}", "nested_header_checks": "pipemap:{inline:{{\"X-A: b\" = y}}, fail:x}"},
	"no-classes":    {"canonical_maps": "static:c@x", "sender_canonical_maps": "static:s@x", "recipient_canonical_maps": "static:r@x", "masquerade_domains": "example.com", "masquerade_classes": ""},
	"strict7":       {"strict_7bit_headers": "yes", "header_checks": "regexp:{{/^(X-Do|Subject): *DO (.*)/ $$2}}", "always_bcc": "joe"},
	"strict8":       {"strict_8bitmime_body": "yes", "body_checks": "regexp:{{/^DO (.*)/ $$1} {/^$$/ INFO empty}}"},
	"strict-domain": {"strict_mime_encoding_domain": "yes", "header_checks": "regexp:{{/^(X-Do|Subject): *DO (.*)/ $$2}}"},
	"strict-all":    {"strict_8bitmime": "yes", "strict_mime_encoding_domain": "yes", "mime_nesting_limit": "1", "force_mime_input_conversion": "yes"},
	"nest":          {"header_checks": "regexp:{{/^(X-Do|Subject): *DO (.*)/ $$2}}", "mime_nesting_limit": "1"},
	"keepcr":        {"cleanup_replace_stray_cr_lf": "no", "strict_8bitmime": "yes"},
	"convert":       {"force_mime_input_conversion": "yes", "header_checks": "regexp:{{/^(X-Do|Subject|Content-Type): *DO (.*)/ $$2} {/^Content-Transfer-Encoding: *q/ DISCARD} {/^Content-Transfer-Encoding: *7/ REJECT}}", "mime_header_checks": "regexp:{{/^Content-Transfer-Encoding: *q/ DISCARD} {/^Content-Transfer-Encoding: *7/ REJECT}}"},
	"lit":           {"canonical_maps": "inline:{{lit = found@example.net}}", "virtual_alias_maps": "inline:{{lit = v@example.net}}"},
	"twice": {"canonical_maps": "fail:x", "canonical_classes": "envelope_recipient", "virtual_alias_maps": "inline:{{size@x = {a@x, b@x, c@x, d@x}}}",
		"virtual_alias_expansion_limit": "2", "recipient_bcc_maps": "static:copy"},
	"no-local": {"virtual_alias_maps": "inline:{{@d.example = @e.example}}", "canonical_maps": "inline:{{@c.example = @d.example}}"},
	"octal":    {"message_strip_characters": "\\1\u00e9\\7\xff", "message_reject_characters": `\37G\6\1@`},
	"octal2":   {"message_strip_characters": `\1\0\3\6~`, "message_reject_characters": "\\77\u00e9\\3\u00e9"},
	"acts":     {"header_checks": "regexp:{{/^(X-Do|Subject): *DO (.*)/ $$2}}", "body_checks": "regexp:{{/^DO (.*)/ $$1}}"},
	"parts":    {"mime_header_checks": "regexp:{{/^X/ REJECT mime}}", "nested_header_checks": "regexp:{{/^X/ REJECT nested}}"},
	"known":    {"header_checks": "regexp:{{/^(Subject|To|Resent-To|From|Message-ID|Received|TLS-Required): *DO (.*)/ $$2}}", "always_bcc": "archive"},
}

func branchCorpus() []incomingCase {
	var cases []incomingCase
	add := func(name, variant string, req submission) {
		cases = append(cases, newIncomingCase(name, variant, req))
	}
	add("null byte in an 8-bit body", "strict8", submission{message: "X: y\n\na\x00b\u00e4\n"})
	for _, v := range slices.Sorted(maps.Keys(branchVariants)) {
		if !strings.HasPrefix(v, "sel-") {
			continue
		}
		for _, a := range []string{"w@x", "b@x", "b+e@x", "l", "l@local.example.org", "e", "e+f", "e+f@local.example.org", "any@d.example", "any+e@d.example", "q q@x", "q q+e@x", "q r", "q r+e", "i i@x", "first@x", "second@x", "third@x", "fourth@x", "multi@x", "fifth@x", "ok@a.example.com", "size@x", "nest@x", "len@x", "a@x", "b@x", "c@x"} {
			h := a
			if local, domain, _ := strings.Cut(a, "@"); strings.Contains(local, " ") {
				h = strings.TrimSuffix("\""+local+"\"@"+domain, "@")
			}
			add("sender "+a, v, submission{message: "b\n", sender: a})
			add("second recipient "+a, v, submission{message: "b\n", recipients: []string{"ok@x", a, "fine@x", "w@x"}})
			add("last header "+a, v, submission{message: "From: ok@x, " + h + ", other@x\nTo: ok@x, " + h})
			add("all "+a, v, submission{message: "From: " + h + "\nTo: " + h + "\n\nb\n", sender: a, recipients: []string{a, a}})
		}
	}
	add("in trouble twice", "twice", submission{message: "b\n", recipients: []string{"size@x"}})
	for _, a := range []string{"@d.example", "@c.example", "\"\"@d.example", "a@c.example"} {
		add("no local part "+a, "no-local", submission{message: "To: " + a + "\n\nb\n", sender: a, recipients: []string{a}})
	}
	for _, m := range []string{"X-A: b\nX-B: c\nSubject: x\n\nfail\n", "Subject: x\nTo: joe\n\nfail\n", "X-B: c\nX-A: b\n\nb\n", "Subject: y\n\nfail\nfail\nfail\n", "X-A: b", "To: joe", "Message-Id: <a>\n\n\nfail",
		"Content-Type: multipart/mixed; boundary=q\n\n--q\nX-A: b\nX-A: b\n\nfail\n", "Content-Type: message/rfc822\n\nX-A: b\nX-A: b", "Content-Type: message/rfc822\n\nX-A: b\nX-A: b\n\nfail\n"} {
		add("checks fail", "sel-checks", submission{message: m})
		add("checks fail, nobody", "sel-checks", submission{message: m, recipients: []string{}})
	}
	structure := []string{
		"Subject: \u00e4\nX: \u00e4\n\nb\n",
		"Subject: \u00e4\nX: \u00e4\n",
		"X: y\n\n\u00e4\n\u00e4\n",
		"Content-Type: multipart/mixed; boundary=q\n\n\u00e4\n--q\nX: \u00e4\n\n\u00e4\n--q\nX: \u00e4\nContent-Type: multipart/x; boundary=1; boundary=2; boundary=3; boundary=4\n\n\u00e4\n",
		"Content-Type: multipart/mixed; boundary=1; boundary=2; boundary=3; boundary=4; boundary=5; boundary=6\nContent-Transfer-Encoding: base64\n\n--1\nContent-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nX : y\n\n--1\nContent-Type: message/partial\nContent-Transfer-Encoding: 8bit\n\n\u00e4\n",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nContent-Type: message/partial\nContent-Transfer-Encoding: binary\n\n\u00e4\n",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\u00e4\n",
		"Content-Type: message/partial\n\nX : \u00e4\n",
		"Content-Type: message/external-body\n\nX : \u00e4\n",
		"Content-Type: message/partial\nContent-Transfer-Encoding: base64\n\nX : y\n",
		"Content-Type: message/external-body\nContent-Transfer-Encoding: 7bit\n\nX : y\n",
		"Content-Type: message/\"rfc822\"\nContent-Transfer-Encoding: base64\n\nX : y\n",
		"Content-Type: message/\"global\"\nContent-Transfer-Encoding: 8bit\n\nX : \u00e4\n",
		"Content-Type: message/\"partial\"\nContent-Transfer-Encoding: 8bit\n\nX : \u00e4\n",
		"Content-Type: message/\"external-body\"\nContent-Transfer-Encoding: 8bit\n\nX : \u00e4\n",
		"Content-Type: message/.\nContent-Transfer-Encoding: 8bit\n\nX : \u00e4\n",
		"Content-Type: message/=\nContent-Transfer-Encoding: 8bit\n\nX : \u00e4\n",
		"Content-Type: text/\"plain\"\nContent-Transfer-Encoding: 8bit\n\n\u00e4\n",
		"Content-Type: text/=\nContent-Transfer-Encoding: 8bit\n\n\u00e4\n",
		"Content-Type: multipart/\"digest\"; boundary=q\n\n--q\n\nX : y\n--q\nX : y\n\n",
		"Content-Type: multipart/=; boundary=q\n\n--q\n\nX : y\n--q\nX : y\n\n",
		"Content-Type: multipart/mixed; boundary x y; boundary \"x\" y; boundary - q; boundary = \n\n--y\nX : y\n\n--x\nX : y\n\n",
		"Content-Type: multipart/mixed; boundary : q; boundary\x01q r; boundary=\"\n\"\n\n--q\nX : y\n\n--\nX : y\n\n---\nX : y\n\n",
		"Content-Type: multipart/mixed; boundary=\"q \t\n\tr\"; \"a b \t\n c\" x \" \n \" y\n\n--q\tr\nX : y\n\n--q\n",
		"Content-Type: multipart/mixed; boundary=\"q\r\n\tr\"\n\n--q\tr\nX : y\n\n--q\n",
		"Content-Type: multipart/mixed; boundary=\"q\r\r\\\n\n\tr\"\n\n--q\tr\nX : y\n\n--q\n",
		"Content-Type: multipart/mixed; boundary=\"q\\\\\n\tr\"\n\n--q\\\tr\nX : y\n\n--q\n",
		"Content-Type: multipart/mixed; boundary=\"q\\\n\tr\"\n\n--q\nX : y\n\n--q\n",
		"Content-Type:\r multipart/mixed\r;\rboundary=q\r\n\n--q\rz\nX : y\r\n\n--q\n",
		"Content-Type: multipart\r/mixed; boundary\r=\rq\rx\n\n--q\nX : y\n\n--q\rx\nX : y\n\n",
		"Content-Type: multipart/mixed; boundary=\r\n\n--q\nX : y\n\n--\r\nX : y\n\n",
		"Content-Type: multipart/mixed; boundary=q\x7fr\n\n--q\x7f\nX : y\n\n--q\nX : z\n\n",
		"Content-Transfer-Encoding: x-uuencode\n\n\u00e4\n",
		"Content-Transfer-Encoding: 8bit\r\n\n\u00e4\n",
		"Content-Transfer-Encoding: ;8bit\n\n\u00e4\n",
		"Content-Transfer-Encoding: 8bit;x\n\n\u00e4\n",
		"Content-Transfer-Encoding: \n 8bit\n\n\u00e4\n",
		"Content-Type: multipart/mixed; boundary=q\nContent-Transfer-Encoding: 8bit\n\n--q\nContent-Transfer-Encoding: 8bit\n\n\u00e4\n--q--\n",
		"Content-Type: message/global\nContent-Transfer-Encoding: 8bit\n\nX: \u00e4\n\n\u00e4\n",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\nX: y\n\nContent-Transfer-Encoding: 8bit\nX: \u00e4\n\n\u00e4\n",
		"Content-Type: message/partial\nContent-Transfer-Encoding: 8bit\nX: y",
	}
	for _, v := range []string{"strict7", "strict8", "strict-domain", "strict-all", "keepcr", "convert"} {
		for _, m := range structure {
			add("structure", v, submission{message: m})
		}
	}
	for _, m := range structure[:9] {
		add("structure, nobody", "strict-all", submission{message: m, recipients: []string{}})
	}
	// The action is found at the very end, or where something else is wrong as well.
	for _, act := range []string{"REJECT", "REJECT 4.1.1 x", "DISCARD", "HOLD", "PASS", "REDIRECT a@b", "BCC a@b", "STRIP", "REPLACE Subject: \u00f6", "REPLACE Content-Transfer-Encoding: 8bit", "REPLACE Content-Type: multipart/mixed; boundary=z", "PREPEND X: \u00f6"} {
		for _, v := range []string{"strict7", "strict8", "strict-domain", "nest", "convert", "known"} {
			for _, m := range []string{
				"X: \u00e4\nSubject: DO " + act,
				"X-Do: DO " + act + "\nX: \u00e4\n\n\u00e4\nDO " + act,
				"Content-Type: multipart/mixed; boundary=1; boundary=2; boundary=3; boundary=4; boundary=5; boundary=6\nContent-Transfer-Encoding: base64\nSubject: DO " + act,
				"Content-Type: DO " + act + "\nContent-Transfer-Encoding: 8bit\n\n\u00e4\n",
				"X: y\n\n\u00e4\n" + strings.Repeat("x", 2048) + "\nDO " + act,
				"Received: DO " + act + "\nMessage-ID: DO " + act + "\nTLS-Required: DO " + act + "\nResent-To: DO " + act + "\n",
			} {
				add("action "+act, v, submission{message: m})
			}
			add("action, nobody", v, submission{message: "X: \u00e4\nSubject: DO " + act, recipients: []string{}})
		}
	}
	// Codes that are not quite codes, and bytes that are not ASCII where a blank may stand.
	for _, act := range []string{"REJECT 5.7.1\u00e9 x", "REJECT 5.7.1\xa0x", "REJECT 5.7.1", "REJECT 5.7.1\vx", "REJECT 2.1.1 x", "REJECT 5.1234.1 x", "REJECT 5.123.1234 x", "REJECT 5.123.123 x",
		"REJECT 5.7.", "REJECT 5..1", "REJECT .7.1", "REJECT 57.1 x", "REJECT 6.7.1 x", "REJECT \xff", "REJECT \v 5.7.1 x", "REJECT\u00e9 x", "REJECT5.7.1 x", "WARN\u00e9", "FILTER smtp:\u00e9", "PREPEND X\u00e9: y", "REDIRECT \u00e9@y", "DISCARD 5.7.1\u00e9", "\u00e9"} {
		add("code "+act, "acts", submission{message: "Subject: DO " + act + "\nX: y\n\nb\n"})
		add("code, body "+act, "acts", submission{message: "X: y\n\nb\nDO " + act + "\nc\n"})
	}
	for _, v := range []string{"parts", "keepcr"} {
		for _, m := range []string{
			"Content-Type: multipart/mixed;\tboundary=q\n\n--q\nX: y\n\nb\n--q--\n",
			"Content-Type:\tmultipart/mixed;\n\tboundary\t=\tq\t;x\n\n--q\nX: y\n\nb\n--q--\n",
			"Content-Type: multipart\t/\tmixed; boundary=q\tr\n\n--q\nX: y\n\nb\n--q--\n",
			"Content-Type: multipart/mixed\t(\tc\t)\t; boundary=q\n\n--q\nX: y\n\nb\n--q--\n",
			"Content-Transfer-Encoding:\t8bit\t\nX-Q: z\n\n\u00e9\n",
			"Content-Type: multipart/mixed; boundary=q\n\n-x y\n-q\n-\n--\n---\n--q\nX: y\n\nb\n--q--\n",
			"Content-Type: multipart/mixed; boundary=-\n\n-x y\n---\nX: y\n\nb\n-----\n",
			"Content-Type: multipart/mixed; boundary=\"\u00e9 \"\n\n--\u00e9\nX: y\n\nb\n",
			"Content-Type: multipart/mixed\u00a0; boundary=q\n\n--q\nX: y\n\nb\n",
		} {
			add("tabs and dashes", v, submission{message: m})
		}
	}
	for _, v := range []string{"octal", "octal2"} {
		for _, m := range []string{"a\x01b8c9d\n", "\u00e9 x\n", "\xff\x07\n", "\x06G\n", "\x03?\n", "\x1f\n", "G ~ 1\n"} {
			add("octal digits", v, submission{message: m})
		}
	}
	for _, a := range []string{"[127.0.0.1]x", "[127.0.0.1].x", "[127.0.0.1].", "[127.0.0.1]..", "[127.0.0.1][x]", "[127.0.0.1", "[IPv6:::1].x", "[255.1.2.3]", "[1.256.2.3]", "[IPv6:1:2:3:4:5:6:1.2.3.4]", "[IPv6:1:2:3:4:5:6:7:1.2.3.4]", "[IPv6::0]", "[IPv6::9]", "[IPv6::A]", "[IPv6::Z]", "[IPv6::a]", "[IPv6::z]", "[IPv6::/]", "[IPv6::@]", "[IPv6::`]", "[IPv6::{]", "[x].[127.0.0.1]", "[127.0.0.1] (c)", "[]", "[].", "[ ]", "[\\]]", ".", "..", "", "local.example.org.", "local.example.org..", "LOCAL.example.org"} {
		add("literal "+a, "lit", submission{message: "To: lit@" + a + "\nCc: <lit@" + a + ">\n\nb\n", sender: "lit@" + a, recipients: []string{"lit@" + a}})
	}
	for _, c := range []string{" ", "\t", "\r", "\n ", "\n\t", "\\ ", "\\\t", "\\\r", "\\\n ", "\\\n\t", "\\\\", "\\\"", "\\]", "\\(", "\x01", "\\\x01", "\x0b", "\\\x0b", "\x0c", "\\\x0c", "\\", "\xff", "\\\xff", "\\@", "\\."} {
		for _, v := range []string{"stock", "keepcr"} {
			m := ""
			for _, a := range []string{"a" + c + "b@x", "\"a" + c + "b\"@x", "a@[b" + c + "d]", "a@b" + c + "d", "a (" + c + ") <b>", "a" + c + "b <c@d>", "\"a" + c + "b\" <c>", c + "a", "a" + c, "<a" + c + "b>", "\"" + c + "\"", "[" + c + "]", "a(" + c + ")b", "@a" + c + ":b@c"} {
				m += "To: " + a + ", z\n"
			}
			add("escape", v, submission{message: m + "\nb\n"})
			add("escape in the envelope", v, submission{message: "b\n", sender: "a" + c + "b@x", recipients: []string{"a" + c + "b@x", "a@[b" + c + "d]", "a@b" + c + "d", c, "a" + c, c + "a", "@a" + c + ":b@c", "\"a" + c + "b\"@x"}})
		}
	}
	for _, h := range []string{"\\", "<\\>", "x, \\", "\\ x", "a <\\>, b", "(c) \\", "\\ \\", "x,\\\n ", "\\@", "@\\", "g: \\;", "<\\", "\\\n b", "<[]>", "x <\"\"> y", "\\\x00"} {
		add("almost empty", "stock", submission{message: "From: " + h + "\nTo: x\nCc: " + h, sender: h, recipients: []string{h}})
	}
	return cases
}

// TestIncomingBranches is TestIncomingCorpus for conditions of cleanup(8) that need two
// rare things at once: a table that fails for some keys alone, a message that is refused
// for its last header.
func TestIncomingBranches(t *testing.T) {
	t.Parallel()
	newDuel(t, commonMain, branchVariants).run(branchCorpus())
}
