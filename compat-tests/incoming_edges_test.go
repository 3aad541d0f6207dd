package compat

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// edgeVariants are settings for paths of cleanup(8) and trivial-rewrite(8) that
// neither the other corpora nor random messages take: tables that fail, lists that
// leave a class out, numbers at their limits.
var edgeVariants = map[string]settings{
	"stock":           {},
	"size":            {"message_size_limit": "5000"},
	"size-convert":    {"message_size_limit": "5000", "force_mime_input_conversion": "yes"},
	"size-8192":       {"message_size_limit": "8192", "line_length_limit": "512"},
	"size-tiny":       {"message_size_limit": "1"},
	"size-4096":       {"message_size_limit": "4096"},
	"size-checks":     {"message_size_limit": "5000", "header_checks": "regexp:{{/^X-Long/ PREPEND X-New: " + strings.Repeat("n", 1500) + "}}", "always_bcc": "archive"},
	"rcpt-header":     {"recipient_canonical_maps": "static:r@example.net", "recipient_canonical_classes": "header_recipient", "always_bcc": "archive"},
	"sender-envelope": {"sender_canonical_maps": "static:s@example.net", "sender_canonical_classes": "envelope_sender", "canonical_maps": "static:c@example.net", "canonical_classes": "header_recipient", "always_bcc": "archive"},
	"masq-bcc":        {"masquerade_domains": "example.com", "always_bcc": "u@a.example.com"},
	"masq-bcc-all":    {"masquerade_domains": "example.com", "masquerade_classes": "envelope_recipient", "always_bcc": "u@a.example.com"},
	"bcc-utf8":        {"always_bcc": "j\u00f6@example.com", "smtputf8_autodetect_classes": "qmqpd"},
	"bcc-noutf8":      {"always_bcc": "j\u00f6@example.com", "smtputf8_enable": "no"},
	"bcc-masked":      {"canonical_maps": "static:x@example.net", "canonical_classes": "header_sender", "masquerade_domains": "example.com", "masquerade_classes": "header_sender", "always_bcc": "u@a.example.com"},

	"fail-canonical":  {"canonical_maps": "fail:x"},
	"fail-sender":     {"sender_canonical_maps": "fail:x", "canonical_maps": "static:c@example.net"},
	"fail-rcpt":       {"recipient_canonical_maps": "fail:x"},
	"fail-virtual":    {"virtual_alias_maps": "fail:x"},
	"fail-sender-bcc": {"sender_bcc_maps": "fail:x"},
	"fail-rcpt-bcc":   {"recipient_bcc_maps": "fail:x"},
	"fail-header":     {"header_checks": "fail:x", "body_checks": "static:WARN"},
	"fail-mime":       {"mime_header_checks": "fail:x"},
	"fail-nested":     {"nested_header_checks": "fail:x"},
	"fail-body":       {"body_checks": "fail:x"},
	"fail-masq":       {"masquerade_domains": "example.com", "masquerade_exceptions": "fail:x"},
	"fail-masq2":      {"masquerade_domains": "example.com", "masquerade_exceptions": "joe, fail:x", "masquerade_classes": "envelope_sender, envelope_recipient, header_sender, header_recipient"},
	"fail-mydest":     {"mydestination": "local.example.org, fail:x", "canonical_maps": "inline:{{@example.com = @example.net}, {full@example.com = f@example.net}}"},
	"fail-mydest-v":   {"mydestination": "fail:x", "virtual_alias_maps": "inline:{{@example.com = @example.net}, {full@example.com = f@example.net}}"},
	"fail-mydest-b":   {"mydestination": "fail:x", "recipient_bcc_maps": "inline:{{@example.com = bcc@example.net}}"},
	"masq-odd":        {"masquerade_domains": "! !! .example.com example.com. \u00d6.example !EXAMPLE.NET net [1.2.3.4] 2.3.4]", "masquerade_classes": "envelope_sender, envelope_recipient, header_sender, header_recipient"},
	"delim-dot":       {"recipient_delimiter": ". =", "canonical_maps": "inline:{{postmaster = pm@example.net}, {user@mx = u@example.net}, {a@x.y = ax}, {a = aa@example.net}}", "virtual_alias_maps": "inline:{{a = v@example.net}}"},
	"delim-at":        {"recipient_delimiter": "@\"\u00f6", "canonical_maps": "inline:{{postmaster = pm@example.net}, {j = u@example.net}, {a = aa@example.net}}"},
	"empty-canonical": {"canonical_maps": "static:{}"},
	"empty-virtual":   {"virtual_alias_maps": "static:{}, static:x"},
	"empty-bcc":       {"recipient_bcc_maps": "static:{ }"},
	"empty-checks":    {"header_checks": "static:{}", "body_checks": "static:{ }"},
	"masq-table":      {"masquerade_domains": "example.com", "masquerade_exceptions": "!u, texthash:DIR/virtual, alias@local.example.org", "masquerade_classes": "envelope_sender, envelope_recipient, header_sender, header_recipient"},

	"undisclosed":      {"undisclosed_recipients_header": "no header"},
	"undisclosed-8bit": {"undisclosed_recipients_header": "To: \u00f6"},
	"unescape":         {"message_reject_characters": `\a\b\f\v\1`, "message_strip_characters": `\t\n\r\1I\041%\~`},
	"unescape-end":     {"message_reject_characters": `\400\&\`, "message_strip_characters": `\\`},
	"strict-domain":    {"strict_mime_encoding_domain": "yes"},
	"strict-nested":    {"nested_header_checks": "regexp:{{/^x/ WARN}}", "mime_nesting_limit": "1"},
	"strict-checks":    {"header_checks": "regexp:{{/^X-Do: *(.*)/ $$1}}", "strict_8bitmime": "yes", "strict_mime_encoding_domain": "yes", "mime_nesting_limit": "1"},
	"percent":          {"append_at_myorigin": "no", "append_dot_mydomain": "yes", "swap_bangpath": "no"},
	"percent2":         {"allow_percent_hack": "no", "append_dot_mydomain": "yes", "mydomain": "dom"},
	"literals":         {"canonical_maps": "inline:{{lit = found@example.net}}"},
	"literals-all":     {"cleanup:inet_interfaces": "all", "canonical_maps": "inline:{{lit = found@example.net}}"},
	"literals-v4":      {"cleanup:inet_protocols": "ipv4", "canonical_maps": "inline:{{lit = found@example.net}}"},
	"literals-v6":      {"cleanup:inet_protocols": "ipv6", "cleanup:inet_interfaces": "all", "canonical_maps": "inline:{{lit = found@example.net}}"},
	"bcc-ext":          {"recipient_bcc_maps": "inline:{{user@example.com = bcc@example.net}, {u = cc@example.net}}", "sender_bcc_maps": "inline:{{s@x = sbcc+ext}}", "recipient_delimiter": "+"},
	"canon-ext":        {"canonical_maps": "inline:{{u@x = noat}, {v@x = {\"a b\"@y, c@d}}, {w@x = @}, {@at.example = @new.example}, {bare = @new.example}, {y@x = {@r:z@q}}}", "recipient_delimiter": "+-", "append_at_myorigin": "no"},
	"virtual-ext":      {"virtual_alias_maps": "inline:{{u@x = noat}, {v@x = {\"a b\"@y, c@d, e}}, {w@x = @}, {@at.example = @new.example}, {bare = @new.example}, {p@x = postmaster+x@x}, {postmaster = pm@x}, {mailer-daemon = md@x}}", "recipient_delimiter": "+", "append_at_myorigin": "no"},
	"db-sender":        {"double_bounce_sender": "D\u00f6uble-Bounce+q", "canonical_maps": "inline:{{d\u00f6uble-bounce = db@x}, {double-bounce = dbx@x}}", "recipient_delimiter": "+"},
	"no-ownreq":        {"owner_request_special": "no", "recipient_delimiter": "-", "virtual_alias_maps": "inline:{{owner = o@example.net}, {list = l@example.net}}"},
	"not-ascii":        {"header_checks": "static:{\u0131NFO x}", "body_checks": "static:{pa\u017fs}"},
	"actions":          {"header_checks": "regexp:{{/^X-Do: *(.*)/ $$1}}", "body_checks": "regexp:{{/^DO (.*)/ $$1}}"},
	"known":            {"header_checks": "regexp:{{/^(Subject|To): *DO (.*)/ $$2}}", "always_bcc": "archive"},
	"known-unmapped":   {"header_checks": "regexp:{{/^(Subject|To): *DO (.*)/ $$2}}", "receive_override_options": "no_address_mappings", "canonical_maps": "static:c@example.net", "virtual_alias_maps": "static:v@example.net", "smtputf8_autodetect_classes": "all"},
	"known-failed":     {"header_checks": "regexp:{{/^(Subject|To): *DO (.*)/ $$2}}", "virtual_alias_maps": "texthash:DIR/virtual", "virtual_alias_expansion_limit": "4", "always_bcc": "wide@x"},
	"size-prepend":     {"message_size_limit": "5000", "header_checks": "regexp:{{/^Subject/ PREPEND X-New: " + strings.Repeat("n", 9000) + "}}"},
	"attrs":            {"queue_file_attribute_count_limit": "1"},
	"attrs-9":          {"queue_file_attribute_count_limit": "9"},
	"attrs-10":         {"queue_file_attribute_count_limit": "10"},
	"no-filter":        {"receive_override_options": "no_header_body_checks", "message_strip_characters": "b", "message_reject_characters": "j"},
	"header-200":       {"header_size_limit": "200"},
	"literals-table":   {"mydestination": "static:x", "canonical_maps": "inline:{{lit = found@example.net}}"},
	"verp":             {"verp_delimiter_filter": "+="},
	"time":             {"delay_warning_time": "1000d", "empty_address_recipient": "@"},
	"level0":           {"compatibility_level": "0", "mydestination": "localhost, localhost.example.org"},
	"level0-relay":     {"compatibility_level": "0", "relay_domains": "localhost"},
	"longids":          {"enable_long_queue_ids": "yes", "hash_queue_names": "incoming hold", "hash_queue_depth": "2", "header_checks": "regexp:{{/^Subject/ HOLD}}"},
	"myorigin-file":    {"myorigin": "example.net", "canonical_maps": "inline:{{bare = found@x}}", "mydestination": ""},
	"proxyif":          {"proxy_interfaces": "192.0.2.1, 2001:db8::1", "canonical_maps": "inline:{{lit = found@example.net}}", "inet_interfaces": "127.0.0.1"},
	"proxyif-brackets": {"proxy_interfaces": "[192.0.2.1], [2001:db8::1]", "canonical_maps": "inline:{{lit = found@example.net}}", "inet_interfaces": "127.0.0.1"},
	"proxyif-v4":       {"cleanup:inet_protocols": "ipv4", "cleanup:proxy_interfaces": "::ffff:192.0.2.1", "canonical_maps": "inline:{{lit = found@example.net}}", "inet_interfaces": "127.0.0.1"},
}

// newIncomingCase returns a case whose request has a sender and a recipient if none
// are given; an empty list of recipients stays empty.
func newIncomingCase(name, variant string, req submission) incomingCase {
	if req.sender == "" {
		req.sender = "s@x"
	}
	if req.recipients == nil {
		req.recipients = []string{"user@local.example.org"}
	}
	return incomingCase{name: name, variant: variant, req: req}
}

func edgeCorpus() []incomingCase {
	var cases []incomingCase
	add := func(name, variant string, req submission) {
		cases = append(cases, newIncomingCase(name, variant, req))
	}

	// cleanup(8) finds that the file is too large while it writes.
	var many []string
	for i := range 200 {
		many = append(many, strings.Repeat("r", i)+"@example.com")
	}
	for _, v := range []string{"size", "size-8192"} {
		for _, n := range []int{20, 30, 40, 45, 50, 55, 60, 65, 70, 100, 110, 120} {
			add("many recipients", v, submission{message: "Subject: x\n\nb\n", recipients: many[:n]})
			add("many recipients, null sender", v, submission{message: "TLS-Required: x\n\nb\n", sender: "<>", recipients: many[n-20 : n]})
		}
		for n := 100; n < 700; n += 60 {
			add("header grows", v, submission{message: "To: " + strings.Repeat("a,", n) + "z\nMessage-Id: x\nCc: " + strings.Repeat("b,", n) + "\n\nb\n"})
		}
	}
	for n := 2000; n < 5000; n += 300 {
		add("conversion grows", "size-convert", submission{message: "Content-Transfer-Encoding: 8bit\n\n" + strings.Repeat("\u00e4", n/2) + "\n" + strings.Repeat("xyz\n", 20)})
		add("checks grow", "size-checks", submission{message: strings.Repeat("X-Long: x\n", n/400) + "\n" + strings.Repeat("xyz\n", n/8)})
	}

	all := submission{message: "From: u@a.example.com\nTo: joe@a.example.com, joe\nContent-Type: multipart/mixed; boundary=b\n\nbody\n--b\nX-Part: x\n\nDO INFO x\n--b\nContent-Type: message/rfc822\n\nX-Nested: y\n\nend\n--b--\n",
		sender: "u@a.example.com", recipients: []string{"full@example.com", "joe@b.example.com", "other@example.com", ""}}
	for _, v := range slices.Sorted(maps.Keys(edgeVariants)) {
		add("all", v, all)
		add("plain", v, submission{message: "b\n"})
		add("addressed", v, submission{message: plainMessage, sender: "s@example.com", recipients: []string{"joe@example.com", "u+e@x", "user@example.com"}})
		add("local", v, submission{message: "To: u@c.example.com\n\nb\n", sender: "", recipients: []string{"lit", "bare", "full@example.com"}})
	}
	for _, v := range []string{"level0", "level0-relay"} {
		add("localhost", v, submission{message: "To: a@localhost, b@LOCALHOST, c@host\n\nb\n", sender: "a@localhost", recipients: []string{"a@localhost.", "b@host", "c@\"localhost\"", "d@(localhost)"}})
	}
	literal := func(l string) {
		for _, v := range []string{"literals", "literals-all", "literals-v4", "literals-v6", "proxyif", "proxyif-brackets", "proxyif-v4"} {
			add("literal "+l, v, submission{message: "To: lit@" + l + "\n\nb\n", sender: "lit@" + l, recipients: []string{"lit@" + l}})
		}
	}
	for _, l := range []string{"", "1.2.3.", "1..2.3", ".1.2.3", "0.1.2.3", "0.0.0.0", "00.0.0.1", "256.1.1.1", "1.2.3", "1.2.3.4.5", "127.0.0.1", "127.000.0.01", "0177.0.0.1", "127.0.0.08", "127.0.0.001", "127.0.00.0001", "127.0.0.1 ", "x", "\u00e4",
		"IPv6:", "IPv6:1", "IPv6:1:2", "IPv6:::", "IPv6:1::2::3", "IPv6::1:2", "IPv6:12345::", "IPv6:1:2:3:4:5:6:7:8", "IPv6:1:2:3:4:5:6:7:8:9", "IPv6:1:2:3:4:5:6:7:", "IPv6:1::2:3:4:5:6:7:8",
		"IPv6:::1.2.3.4", "IPv6:1.2.3.4", "IPv6:1:2:3:4:5:6:7:1.2.3.4", "IPv6:::1.2.3", "IPv6:x::", "IPv6:1::x", "IPv6:1:2:", "IPv6:::ffff:127.0.0.1", "ipv6:::1", "IPV6:0:0:0:0:0:0:0:1", "IPv6:::1%lo", "IPv6:00001::", "IPv6:" + strings.Repeat("1", 200), strings.Repeat("1.", 200),
		"127.0.0.2", "192.0.2.1", "IPv6:2001:db8::1", "::1", "1:2"} {
		literal("[" + l + "]")
	}
	literal("[")
	literal("]")
	literal("[1.2.3.4].")
	add("literal with two dots", "literals-table", submission{message: "To: lit@a..\n\nb\n", sender: "lit@a.", recipients: []string{"lit@a..", "lit@a"}})
	add("long value", "stock", submission{message: "TLS-Required: " + strings.Repeat("x", 150) + "\n\nb\n"})
	for n := 178; n <= 180; n++ {
		add("line that ends near nine tenths", "header-200", submission{message: "X: " + strings.Repeat("x", n-3) + "\n " + strings.Repeat("y", 50) + "\n\nb\n"})
	}
	for _, a := range []string{"user", "user%dom", "a!b", "user@", "@", "u@h", "u@h.", "u%h.", "u%", "%", "u@[1.2.3.4]", "u@\"h\"", "u@(h)", "u@h i", "@a:u", "@a:b:u", "@a:b@c:", "@:"} {
		for _, v := range []string{"percent", "percent2", "myorigin-file"} {
			add("rewrite "+a, v, submission{message: "To: " + a + ", b\n\nb\n", sender: a, recipients: []string{a}})
		}
	}
	for _, a := range []string{"u@x", "u+e@x", "v@x", "v+e@x", "v-e@x", "w@x", "w+e@x", "y@x", "y+e@x", "n+e@at.example", "n@at.example", "bare", "bare+e", "p@x", "p+f@x", "postmaster", "postmaster+x", "mailer-daemon+x", "Mailer-Daemon", "d\u00f6uble-bounce+q", "D\u00d6UBLE-BOUNCE+Q", "double-bounce+q", "+e@x", "u+", "u+@x", "u@x+e", "postmaster@x+y", "MAILER-DAEMON@x+y", "D\u00d6uble-bounce@x+y", "owner-a@x-y",
		"owner-list", "list-request", "list-x", "-request", "owner-", "\"a b\"+e@x", "user+\"x@y\"@example.com", "user+a b@example.com"} {
		for _, v := range []string{"canon-ext", "virtual-ext", "db-sender", "no-ownreq", "bcc-ext", "delim-dot", "delim-at"} {
			add("extension "+a, v, submission{message: "From: <" + a + ">\nTo: " + a + "\n\nb\n", sender: a, recipients: []string{a, "S+e@X"}})
		}
	}
	for _, s := range []string{"MAILER-DAEMON-@-@[]", "mailer-daemon+@mx.example.org-@[]", "a+@x-@[]", "a=@x-@[]", "a-@x-@[]"} {
		add("VERP "+s, "stock", submission{message: plainMessage, sender: s})
		add("VERP "+s, "verp", submission{message: plainMessage, sender: s})
	}
	for _, m := range []string{"a\ab", "a\bb", "a\fb", "a\vb", "a\x01b", "a\tb", "a\nb", "a\rb", "aIb", "a!b", "a%b", "a~b", "a\x00b", "a&", "a\\b", "!!!!", "\t\t\t", "Subject: x\n!!\tTo: y\n", "Subject: x\n!\ny\n", "\t: x\n\nb\n", strings.Repeat("!", 2048), strings.Repeat("!", 2048) + "X: y", "X: y\n" + strings.Repeat("!", 2048) + "Z: y\n", "X: y\n" + strings.Repeat("!", 2048) + "\nZ : y\n\nb\n", "X: " + strings.Repeat("!", 2045) + " more\n"} {
		for _, v := range []string{"unescape", "unescape-end", "stock"} {
			add("characters", v, submission{message: m})
		}
	}
	for _, m := range []string{
		"Content-Type: multipart/mixed (a(b)c\\)); boundary=\"q  \n r\\\"\"\n\n--q r\"\nX : y\n\n--q\n",
		"Content-Type: multipart/mixed; boundary=\"q \t\n\tr\"\n\n--q\tr\nX : y\n\n--q\n",
		"Content-Type: multipart/mixed; boundary=\"  \n\n r\"\n\n-- r\nX : y\n\n--q\n",
		"Content-Type: multipart/mixed; boundary=\"q\\",
		"Content-Type: multipart/mixed; boundary=\"q\\\n\n--q\nX : y\n\n--q\\\n",
		"Content-Type: multipart/mixed (a\\",
		"Content-Type: multipart/mixed (a\\\n\n--q\nX : y\n",
		"Content-Type: multipart/mixed; (a(b) boundary=q\n\n--q\nX : y\n",
		"Content-Type: multipart/mixed; a b c \"d \n e\" boundary=q; boundary=q\x01r\n\n--q\nX : y\n",
		"Content-Type: ; multipart/mixed; boundary=q\n\n--q\nX : y\n",
		"Content-Type: multipart(c)/(d)mixed;;;boundary(e)=(f)q(g)\n\n--q\nX : y\n",
		"Content-Type: multipart/mixed; boundary=q/r\n\n--q\nX : y\n",
		"Content-Type: multipart/mixed; boundary=(\n\n--\nX : y\n",
		"Content-Type: multipart/mixed; boundary=;boundary=q\n\n--q\nX : y\n",
		"Content-Type: text\x7fplain\nContent-Transfer-Encoding: (c(d)\\)) 8bit x\n\n\u00e4\n",
		"Content-Type: text/html\nContent-Transfer-Encoding: \"8bit\"\n\n\u00e4\n",
		"Content-Type: text plain\nContent-Transfer-Encoding: .8bit\n\n\u00e4\n",
		"Content-Type: message\nContent-Transfer-Encoding: base64\n\nX : \u00e4\n",
		"Content-Type: message rfc822 x\nContent-Transfer-Encoding: base64\n\nX : \u00e4\n",
		"Content-Type: message/rfc822x\nContent-Transfer-Encoding: base64\n\nX : \u00e4\n",
		"Content-Type: message/other\nContent-Transfer-Encoding: binary\n\nX : \u00e4\n",
		"Content-Type: message/partial\nContent-Transfer-Encoding: binary\n\nX : \u00e4\n",
		"Content-Type: message/external-body\nContent-Transfer-Encoding: base64\n\nX : \u00e4\n",
		"Content-Type: message/external-body\nContent-Transfer-Encoding: 8bit\nX-Bad\n\nX : \u00e4\n",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nX : \u00e4\n",
		"Content-Type: message/global\nContent-Transfer-Encoding: base64\n\nX : \u00e4\n",
		"Content-Type: multipart/mixed; boundary=q\nContent-Transfer-Encoding: base64\n\n--q\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nX : y\n--q\nContent-Type: message/partial\nContent-Transfer-Encoding: 8bit\n\n--q--\n",
		"Content-Type: multipart/x; boundary=q\nContent-Transfer-Encoding: uuencode\n\n--q\n",
		"Content-Type: multipart x digest; boundary=q\n\n--q\n\nX : y\n",
		"Content-Type: multipart/mixed; boundary=1; boundary=2; boundary=3; boundary=4; boundary=5\n\n--5\nX : y\n\n--4\nX : y\n\n--3\nX : y\n\n--2\nX : y\n\n--1\nX : y\n",
		"X-Do: REJECT 4.1.1\nContent-Type: multipart/mixed; boundary=1; boundary=2; boundary=3; boundary=4; boundary=5\n\n\u00e4\n",
		"Subject: \u00e4\nX-Do: REJECT\nContent-Type: multipart/mixed; boundary=1; boundary=2; boundary=3; boundary=4; boundary=5\n\n\u00e4\n",
		"Subject: \u00e4\nX-Do: PASS\nContent-Type: multipart/mixed; boundary=1; boundary=2; boundary=3; boundary=4; boundary=5\nContent-Transfer-Encoding: base64\n\n\u00e4\n",
		"Subject: \u00e4\nX-Do: DISCARD\nContent-Type: multipart/mixed; boundary=1; boundary=2; boundary=3; boundary=4; boundary=5\n\n\u00e4\n",
	} {
		for _, v := range []string{"strict-domain", "strict-nested", "strict-checks", "size-convert", "stock"} {
			add("structure", v, submission{message: m})
		}
	}
	for _, action := range []string{
		"pa\u017fs", "\u0131NFO x", "REJECT  4.1.1 \t x", "REJECT 5.1.1234 x", "REJECT 5.1234.1 x", "REJECT 5..1 x", "REJECT 5.1. x", "REJECT 5.1.1x", "REJECT 4.1.1\tx", "REJECT 2", "REJECT 45", "REJECT 5.x.1", "REJECT 4.1.1\v\fx",
		"INFO\tx", "INFO \v x", "FILTER :", "FILTER a:b c", "BCC @", "BCC a@b, c@d", "BCC \u00f6@x", "BCC <a@b>", "REDIRECT @", "REDIRECT a@b c", "REDIRECT \u00f6@x", "PREPEND a:", "PREPEND a : b", "PREPEND \u00f6: b", "PREPEND X-\u00f6: b", "PREPEND Subject: \u00f6",
		"PREPEND : b", "REPLACE a:", "REPLACE a : b", "REPLACE \u00f6: b", "REPLACE Bcc: x", "REPLACE Message-Id : <x@y>", "REPLACE To : x, y", "REPLACE Content-Transfer-Encoding : 8bit", "REPLACE Received: z", "REPLACE TLS-Required: no", "REPLACE TLS-Required : no", "REPLACE Resent-To: x",
		"REPLACE From: \u00f6", "STRIP\tx", "DUNNO x", "OK x", "WARN " + strings.Repeat("x", 3000), "PREPEND X: " + strings.Repeat("x", 3000), "REPLACE X: " + strings.Repeat("x", 5000),
	} {
		add("action "+action, "actions", submission{message: "X-Do: " + action + "\nX-Do: " + action + "\n\nDO " + action + "\nDO " + action + "\n"})
	}
	for _, action := range append(checkActions, "BCC \xf6@x", "BCC \u00f6@x", "REDIRECT \xf6@x", "FILTER \xf6:x", "PREPEND X: \xf6") {
		for _, v := range []string{"known", "known-unmapped", "known-failed"} {
			add("known header, "+action, v, submission{message: "Subject: DO " + action + "\nTo: DO " + action + "\nMessage-Id: <a@b>\n\nb\n"})
			add("no recipients, "+action, v, submission{message: "Subject: DO " + action + "\n\nb\n", recipients: []string{}})
		}
	}
	for _, a := range []string{"u@example.com.", "u@a.example.com", "u@a.example.com.", "u@.example.com", "u@b..example.com", "u@a.\u00f6.example", "u@a.\u00d6.EXAMPLE", "u@a.\xf6.example", "u@a.example.net", "u@example.net", "u@1.2.3.4", "u@[1.2.3.4]", "u@[1.2.3.4", "\"u@a.net\"", "u@\"a.net\"", "u@net.", "a.b@x.y", "a.b", "a.b c@x.y", ".a@x.y", "a@x.y", "postmaster.x", "j\u00f6@x", "j\u00f6", "a\"b@c", "postmaster"} {
		for _, v := range []string{"masq-odd", "delim-dot", "delim-at"} {
			add("odd "+a, v, submission{message: "From: " + a + "\nTo: <" + a + ">\n\nb\n", sender: a, recipients: []string{a}})
		}
	}
	for n := 3400; n < 4990; n += 3 {
		add("size to the record", "size", submission{message: "Message-Id: <a@b>\n\n" + strings.Repeat(strings.Repeat("x", 99)+"\n", n/100) + strings.Repeat("y", n%100), recipients: many[10:50]})
	}
	add("long record", "size-prepend", submission{message: "Subject: x\nTo: y\n\nb\n"})
	for _, n := range []int{2030, 2032, 2033, 2034, 2040, 2047, 2048, 2049} {
		a := strings.Repeat("a", n)
		for _, v := range []string{"stock", "size", "percent2", "bcc-ext", "virtual-ext", "masq-table", "actions"} {
			add("long address", v, submission{message: "To: " + a + "\nX-Do: INFO x\n\nb\n", sender: a, recipients: []string{a, "u+" + a[2:], a[:n/2] + " " + a[n/2+1:]}})
		}
	}
	// Comments, routes and groups beside addresses.
	for _, v := range []string{
		"a@b (c\\", "(\\", "a\\", "\"a\\", "[a\\", "a@[b\\\n c]", "a@[b\rc]", "g: [x] (c) \"q\";", "[x] [y], \"a\" (c) [d] <e>", "x:(c);", "g:(c) a, b (d);", "a (c) <(d) b (e)> (f)", "<a> b: c;", "a; (c) b", "(c1) (c2) <> (c3)", ";;", ":;", "a:;b:;c", "<;>", "<a;b>", "<a:b>", "<a,b>", "a <b <c>>",
		"a: b: c@d;", "@", "@@", "\"a\nb\" <c>", "\"a\r b\" <c@d>", "a@b\x7f", "\x7f", "a|b%c!d", "a.b.c@d..e.", "\"\\\"\"", "\"a\"b\"c\"@d", "a\\@b@c", "\"a@b\"", "\"a@b\"@c", "<\"a@b\">", "a@\"b@c\"", "@a:\"b c\"@d", "@a,@b:c d", "<@a:>", "<@a>",
	} {
		for _, variant := range []string{"stock", "percent", "canon-ext", "masq-table", "masq-bcc"} {
			add("address "+v, variant, submission{message: "From: " + v + "\nTo: x, " + v + "\nCc: " + v + ", y\n\nb\n"})
		}
	}
	return cases
}

// TestIncomingEdges is TestIncomingCorpus for what is rare: errors of lookup
// tables, sizes that are exceeded in the middle, unusual words and addresses.
func TestIncomingEdges(t *testing.T) {
	t.Parallel()
	newDuel(t, commonMain, edgeVariants).run(edgeCorpus())
}
