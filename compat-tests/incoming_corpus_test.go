package compat

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// incomingVariants are the settings under which the corpus runs.
var incomingVariants = map[string]settings{
	"stock":    {},
	"level0":   {"compatibility_level": "0"},
	"auto":     {"smtputf8_autodetect_classes": "all"},
	"noutf8":   {"smtputf8_enable": "no", "smtputf8_autodetect_classes": "all"},
	"filter":   {"content_filter": "scan:[127.0.0.1]:10025"},
	"size":     {"message_size_limit": "5000"},
	"warn":     {"delay_warning_time": "4h"},
	"longid":   {"enable_long_queue_ids": "yes", "hash_queue_names": "incoming", "hash_queue_depth": "2"},
	"hashed":   {"hash_queue_names": "deferred, Incoming", "hash_queue_depth": "2"},
	"dup2":     {"duplicate_filter_limit": "2"},
	"noorcpt":  {"enable_original_recipient": "no"},
	"small":    {"header_size_limit": "200"},
	"smallest": {"header_size_limit": "100"},
	"witheld":  {"undisclosed_recipients_header": "To: undisclosed-recipients:;"},
	"drop":     {"message_drop_headers": "bcc, X-Drop, subject, Content-Type, content-length, Message-ID"},
	"override": {"receive_override_options": "no_address_mappings,no_header_body_checks,no_milters"},
	"hop3":     {"hopcount_limit": "3"},
	"rules":    {"swap_bangpath": "no", "allow_percent_hack": "no", "append_at_myorigin": "no"},
	"origin":   {"myorigin": "short", "append_dot_mydomain": "yes", "empty_address_recipient": "post master"},
	"keepcr":   {"cleanup_replace_stray_cr_lf": "no"},
	"nomime":   {"disable_mime_input_processing": "yes", "detect_8bit_encoding_header": "no", "tls_required_enable": "no"},
	"mime":     {"mime_boundary_length_limit": "10", "mime_nesting_limit": "2"},
	"line":     {"line_length_limit": "512"},
	"tokens":   {"header_address_token_limit": "5"},
	"chars":    {"message_reject_characters": `\0\007`, "message_strip_characters": `\177o`},
	"convert":  {"force_mime_input_conversion": "yes"},
	"strict":   {"strict_8bitmime": "yes", "strict_mime_encoding_domain": "yes", "mime_nesting_limit": "2"},
	"strict7":  {"strict_7bit_headers": "yes"},
	"strict8":  {"strict_8bitmime_body": "yes"},
	"attrs":    {"queue_file_attribute_count_limit": "5"},
	"services": {"cleanup:smtputf8_enable": "no", "cleanup:canonical_maps": "inline:{{\u00f6@x = folded@x}, {\u00e4@x = same@x}}",
		"cleanup:verp_delimiter_filter": "+=", "cleanup:myorigin": "c.example", "rewrite:myorigin": "rw.example", "rewrite:swap_bangpath": "no"},
}

const plainMessage = "Date: Sun, 22 Nov 2026 10:00:00 +0000\nFrom: joe@example.com\nMessage-ID: <x1@example.com>\nSubject: hi\n\nbody\n"

// largeText is a text of about n bytes with lines of all lengths and all sorts of
// bytes, the same each time.
func largeText(n int) string {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, 0, n+6000)
	for len(b) < n {
		for range random.IntN(2) * random.IntN(5000) {
			c := byte('a' + random.IntN(26))
			if random.IntN(100) == 0 {
				c = byte(random.IntN(256))
			}
			b = append(b, c)
		}
		b = append(b, '\n')
	}
	return string(b)
}

func incomingCorpus() []incomingCase {
	var cases []incomingCase
	add := func(name, variant string, req submission) {
		if req.sender == "" {
			req.sender = "sender@example.com"
		}
		if req.sender == "<>" {
			req.sender = ""
		}
		if req.recipients == nil {
			req.recipients = []string{"user@local.example.org"}
		}
		cases = append(cases, incomingCase{name: name, variant: variant, req: req})
	}
	message := func(name, variant, message string) { add(name, variant, submission{message: message}) }
	headers := func(name, variant, h string) {
		message(name, variant, "Date: x\nMessage-ID: <a@b>\n"+h+"\n\nb\n")
	}
	recipients := func(name, variant string, rcpt ...string) {
		add(name, variant, submission{message: plainMessage, recipients: rcpt})
	}
	sender := func(name, variant, from string) { add(name, variant, submission{message: plainMessage, sender: from}) }

	message("01 plain", "", plainMessage)
	recipients("02 five recipients", "", "u1@a", "u2@b", "u3@c", "u4@d", "u5@e")
	recipients("03 exact duplicates", "", "u1@a", "u1@a", "u2@a", "u1@a")
	recipients("04 case duplicates", "", "u1@a.example", "U1@a.example", "u1@A.example")
	recipients("05 different originals", "", "x", "x@mx.example.org", "X")
	recipients("06 UTF-8 case duplicates", "", "\u00d6@x.example", "\u00f6@x.example", "\u1e9e@x", "ss@x", "SS@x", "\u00df@x", "\u0130@x", "i\u0307@x", "\u03a3@x", "\u03c3@x", "\u03c2@x")
	recipients("06 UTF-8 case duplicates", "noutf8", "\u00d6@x.example", "\u00f6@x.example")
	recipients("06 invalid UTF-8 case duplicates", "", "\xd6A@x.example", "\xd6a@x.example", "\xf6a@x.example")
	sender("07 VERP -", "", "list-@example.com-@[]")
	add("08 VERP +", "", submission{message: plainMessage, sender: "list+@example.com-@[]", recipients: []string{"a@b", "c@d"}})
	sender("09 bad VERP", "", "list!@example.com-@[]")
	for _, s := range []string{"-@example.com-@[]", "-@[]", "l@-@[]", "#@[]", "l-@-@[]"} {
		sender("10 "+s, "", s)
	}
	message("11 content_filter", "filter", plainMessage)
	sender("12 null sender", "", "<>")
	for _, s := range []string{"mailer-daemon", "Mailer-Daemon@MX.example.ORG", "MAILER-DAEMON@other", "mailer-daemon@", "mailer-daemonx"} {
		sender("13 "+s, "", s)
	}
	recipients("14 empty recipient", "", "")
	recipients("14 empty recipient", "origin", "", "a")
	recipients("15 NUL", "", "nul\x00x@example.com", "\x00")
	sender("15 NUL sender", "", "nul\x00x@example.com")
	recipients("16 tab and LF", "", "tab\tx@example.com", "nl\nx@example.com", "u@example.com.\n", "\t", "a@b\nc")
	for _, a := range envelopeAddresses {
		for _, v := range []string{"", "level0", "rules", "origin"} {
			add("17 "+a, v, submission{message: plainMessage, sender: a, recipients: []string{a}})
		}
	}
	add("18 all at once", "level0", submission{message: plainMessage, recipients: envelopeAddresses})

	message("19 zero bytes", "", "")
	message("20 one LF", "", "\n")
	message("20 one LF, queue id cut", "smallest", "\n")
	message("21 text without LF", "", "text only")
	message("21 two lines without LF", "", "text only\nmore")
	message("22 headers only", "", "Subject: x\nTo: y\n")
	message("22 headers only, no LF", "", "Subject: x\nTo: y")
	message("22 folded, no LF", "", "Subject: x\n y")
	message("23 no blank line", "", "Subject: x\ntext here\nTo: x\n")
	message("23 bad header first", "", "bad header\nTo: x\n\nb\n")
	message("24 leading blank", "", " leading\nTo: x\n\nb\n")
	message("24 leading tab", "", "\tleading\nTo: x\n\nb\n")
	message("25 From_", "", "From x\n>From y\n>>>From z\nSubject: a\n\nFrom b\n")
	message("25 From_, blank", "", "From x\n Subject: y\n\nb\n")
	message("25 From_ with NUL", "", "From x\x00y\nSubject: y\n\nb\n")
	message("25 two LF", "", "\n\nbody")
	message("26 long From_", "", "From "+strings.Repeat("x", 3000)+"\nSubject: y\n\nb\n")
	message("26 long From_, From in the rest", "", "From "+strings.Repeat("x", 2043)+"From me\nSubject: y\n\nb\n")
	message("26 long From_, blank in the rest", "", "From "+strings.Repeat("x", 2043)+" me\nSubject: y\n\nb\n")
	for _, n := range []int{511, 512, 513, 2047, 2048, 2049, 4095, 4096, 4097, 5000} {
		for _, end := range []string{"\n", ""} {
			message("27 long body lines", "", "Subject: x\n\n"+strings.Repeat("y", n)+end)
			message("27 long body lines", "line", "Subject: x\n\n"+strings.Repeat("y", n)+end)
		}
	}
	for _, v := range []string{"", "line", "convert"} {
		message("27 more than stays in memory", v, ">From x\nSubject: x\n\n"+largeText(2500000))
		message("27 more than stays in memory, no header", v, largeText(1<<20+100))
	}
	message("28 header of 5000", "", "Subject: "+strings.Repeat("z", 5000)+"\n\nb\n")
	message("28 header of 5000", "line", "Subject: "+strings.Repeat("z", 5000)+"\n\nb\n")
	message("28 header name of 2047", "", strings.Repeat("z", 2047)+": x\n\nb\n")
	message("28 header name of 2050", "", strings.Repeat("z", 2050)+": x\n\nb\n")
	message("28 header of exactly a record", "", "X: "+strings.Repeat("z", 2045)+"\nY: z\n\nb\n")
	message("28 long header, continued by a blank", "", "X: "+strings.Repeat("z", 2045)+" more\n and\nY: z\n\nb\n")
	for _, n := range []int{1000, 2047, 2048, 5000, 50} {
		message("29 folded 150000", "", "Subject: x\n"+strings.Repeat(" "+strings.Repeat("f", n)+"\n", 150000/(n+2)+1)+"To: y\n\nb\n")
	}
	message("29 one line of 150000", "", "Subject: "+strings.Repeat("f", 150000)+"\nTo: y\n\nb\n")
	for _, n := range []int{10, 50, 100, 185, 190, 195, 199, 200, 201, 250} {
		message("29 small limit", "small", "Subject: "+strings.Repeat("f", n)+"\n "+strings.Repeat("g", 50)+"\n\t"+strings.Repeat("h", 50)+"\n "+strings.Repeat("i", 90)+"\n "+strings.Repeat("k", 90)+"\nTo: y\n\nb\n")
	}
	message("29 small limit, rewritten", "small", "To: "+strings.Repeat("abcdefgh, ", 40)+"z\n\nb\n")
	message("30 NUL", "", "Subject: a\x00b\nX: c\x00\n d\x00e\nNa\x00me: x\n\nb\x00c\n\x00\n")
	message("30 NUL in a long header", "", "Subject: "+strings.Repeat("x", 2000)+"\x00"+strings.Repeat("y", 3000)+"\n\nb\n")
	message("31 CRLF", "", strings.ReplaceAll(plainMessage, "\n", "\r\n"))
	message("31 CRLF", "keepcr", strings.ReplaceAll(plainMessage, "\n", "\r\n"))
	message("31 CRLF 8bit", "", "Content-Transfer-Encoding: 8bit\r\n\r\nb\r\n")
	message("32 lone CR", "", "Subject: a\rb\rTo: x\n\nb\rc\r\n\r")
	message("32 lone CR", "keepcr", "Subject: a\rb\rTo: x@y\rz\n\nb\rc\r\n\r")
	for _, v := range []string{"", "auto", "noutf8"} {
		message("33 8-bit Subject", v, "Subject: \u00e4\n\nb\n")
		message("33 invalid Subject", v, "Subject: \xe4\n\nb\n")
		message("33 8-bit body", v, "Subject: a\n\n\u00e4\xe4\n")
		message("33 8-bit Message-Id", v, "Message-Id: <\u00e4@\xe4>\n\n\u00e4\xe4\n")
		sender("33 UTF-8 sender", v, "j\u00f6@example.com")
		sender("33 invalid sender", v, "j\xf6@example.com")
		recipients("34 UTF-8", v, "j\u00f6@example.com")
		recipients("34 two UTF-8", v, "j\u00f6@example.com", "k\u00f6@example.com", "plain@x")
		recipients("34 invalid", v, "j\xf6@example.com")
		add("34 header and sender", v, submission{message: "Subject: \u00e4\n\nb\n", sender: "j\u00f6@x"})
	}
	for mask := range 8 {
		h := ""
		for i, line := range []string{"Message-ID: <a@b>\n", "Date: x\n", "From: y\n"} {
			if mask>>i&1 != 0 {
				h += line
			}
		}
		message("35 missing", "", h+"\nb\n")
		add("35 missing, odd sender", "", submission{message: h + "\nb\n", sender: "a b@c"})
		add("35 missing, null sender", "", submission{message: h + "\nb\n", sender: "<>"})
	}
	for _, id := range []string{
		"<a@b>\nMessage-ID: <c@d>", "a@b", "", "\n <a@b>", "<a@b> (c)", "<a\x01b@c>", "<a<b>c@d>", "<a@b", " \t <a@b>x", "a\nMessage-Id: <c@d>", "<>", "<\u00e4\xe4\x7f>",
		"<a\n b>", "\v<a>",
	} {
		message("36 "+id, "", "Message-ID:"+id+"\n\nb\n")
		message("36 "+id, "noutf8", "Message-ID: "+id+"\n\nb\n")
	}
	for _, h := range []string{"Bcc", "Cc", "Date", "From", "Message-Id", "Reply-To", "Sender", "To"} {
		message("37 Resent-"+h, "", "Resent-"+h+": joe\nSubject: x\n\nb\n")
		message("37 all but Resent-"+h, "", plainMessage[:strings.Index(plainMessage, "Subject")]+"resent-"+h+": joe\nSubject: x\n\nb\n")
	}
	headers("38 dropped", "", "Bcc: a\nReturn-Path: <x>\nContent-Length: 5\nResent-Bcc: b\nTo: c")
	headers("38 dropped with text", "", "Bcc: a, "+strings.Repeat("x", 300)+" <y>")
	for _, h := range []string{"From", "To", "Cc", "Reply-To", "Resent-From", "X-Header", "Mail-Followup-To", "Return-Path", "Apparently-To"} {
		for _, v := range headerValues {
			headers("39 "+h+": "+v, "", h+": "+v)
		}
	}
	for _, v := range headerValues {
		headers("39 level0 "+v, "level0", "To: "+v)
		headers("39 tokens "+v, "tokens", "To: "+v)
		headers("39 rules "+v, "rules", "To:"+v)
	}
	list := func(item string) string { return strings.TrimSuffix(strings.Repeat(item+", ", 12), ", ") }
	headers("40 twelve unqualified", "", "To: "+list("user0"))
	headers("40 twelve qualified", "", "To: "+list("user0@mx.example.org"))
	headers("40 folded", "", "To: "+strings.ReplaceAll(list("user0"), ", ", ",\n\t"))
	headers("40 long addresses", "", "To: "+strings.ReplaceAll(list(strings.Repeat("a", 80)), ", ", ",\n\t"))
	for _, n := range []string{"Subject : x", "Subject\t \t: x", "To  : joe", "To \t:joe", "A B: x", ": x", " : x", "\u00e4: x", "X\x01: x", "X:", "X", "--: x", "(a): x", "Message-Id : <a@b>", "bcc : x"} {
		headers("41 "+n, "", n)
	}
	for i, m := range mimeMessages {
		for _, v := range []string{"", "nomime", "mime", "convert", "strict", "strict7", "strict8", "drop"} {
			message("42 MIME "+string(rune('A'+i)), v, m)
		}
	}
	for _, v := range []string{"8bit", "binary", "BINARY", "base64", "8bit (c)", "8bit ", "(c) 8bit", "7bit", "x", "", "\"8bit\""} {
		headers("43 "+v, "", "Content-Transfer-Encoding: "+v)
		headers("43 "+v, "nomime", "Content-Transfer-Encoding: "+v)
		message("43 convert "+v, "convert", "Content-Transfer-Encoding: "+v+"\nContent-Type: text/plain\n\n\u00e4=\x01 \n"+strings.Repeat("\u00e4 x=", 60)+"\nend \t")
	}
	for _, v := range []string{"no", "NO", "yes", "", "no ", " \t no", "no (c)", "no\n"} {
		headers("44 "+v, "", "TLS-Required: "+v)
		headers("44 "+v, "nomime", "tls-required: "+v)
	}
	for _, n := range []int{47, 48, 49, 50, 60} {
		message("45 hops", "", strings.Repeat("Received: x\n", n)+"\nb\n")
	}
	for _, n := range []int{0, 1, 2, 3} {
		message("45 hops of 3", "hop3", strings.Repeat("received : x\n", n)+"\nb\n")
	}
	message("45 nested", "hop3", "Content-Type: message/rfc822\nReceived: y\n\nReceived: x\nReceived: x\nReceived: x\n\nb\n")
	add("46 no recipients", "", submission{message: plainMessage, recipients: []string{}})
	add("46 no recipients, warning", "warn", submission{message: plainMessage, recipients: []string{}})
	for n := 4150; n <= 5000; n += 50 {
		message("47 size", "size", strings.Repeat(strings.Repeat("x", 49)+"\n", n/50))
	}
	for n := 4400; n <= 4500; n++ {
		message("47 size to the byte", "size", "\n"+strings.Repeat("x", 2000)+"\n"+strings.Repeat("y", n-2002))
	}
	message("47 too large for qmqpd", "size", strings.Repeat("x", 5001))
	message("48 warning time", "warn", plainMessage)
	add("48 warning time, null sender", "warn", submission{message: plainMessage, sender: "<>"})
	message("49 long ids", "longid", plainMessage)
	message("49 long ids, added headers", "longid", "b\n")
	message("49 hashed", "hashed", plainMessage)
	recipients("50 duplicate limit", "dup2", "a@b", "c@d", "e@f", "e@f", "a@b")
	recipients("50 no originals", "noorcpt", "x", "x@mx.example.org", "X", "y@z", "Y@z")
	message("50 undisclosed", "witheld", "b\n")
	message("50 undisclosed, To", "witheld", "To: x\n\nb\n")
	message("50 undisclosed, Resent-Cc", "witheld", "Resent-Cc: x\n\nb\n")
	message("50 undisclosed, Bcc", "witheld", "Bcc: x\n\nb\n")
	headers("50 dropped", "drop", "X-Drop: a\nx-drop : b\nBcc: c\nSubject: d\nContent-Type: text/html\nReturn-Path: <x>\nTo: e")
	message("51 overrides", "override", plainMessage)
	for _, n := range []int{240, 246, 247, 248, 249, 250, 251, 300} {
		headers("52 comment", "", "To: joe ("+strings.Repeat("c", n)+")")
		headers("52 phrase", "", "To: "+strings.Repeat("p", n)+" <joe>, b")
		headers("52 phrase, empty route", "", "To: x, "+strings.Repeat("p", n)+" <>")
		headers("52 comment in the domain", "", "To: j@x, joe@h(\x01\u00e4"+strings.Repeat("c", n)+").example")
	}
	for _, m := range []string{"a\x00b", "a\x07b", "a\x7fb", "QaQ", "Subject: Q\n\x7f \nTo: xQ\n\nQ\x7f\n", "Q\n", "QQ\nSubject: x\n\nb\n", "Subject: a\x07\n\nb\n"} {
		message("55 characters", "chars", m)
		message("55 characters", "", m)
	}
	message("56 attributes", "attrs", plainMessage)
	for _, v := range []string{"", "services"} {
		recipients("57 services", v, "\u00d6@x", "\u00c4@x", "\u00e4@x", "joe", "a!b", "\u00e4", "\xe4@x")
		sender("57 services, VERP", v, "list-@x-@[]")
		headers("57 services", v, "To: \u00d6@x, \u00e4@x, joe, a!b")
		message("57 services", v, "Message-Id: <\u00e4@\xe4>\nTLS-Required: \u00e4\nTo: x ("+strings.Repeat("\u00e4", 200)+") <y>\n\nb\n")
	}
	return append(cases,
		incomingCase{name: "53 IPv6", host: "::1", req: submission{plainMessage, "s@x", []string{"a@b"}}},
		incomingCase{name: "53 IPv6, two", host: "::1", req: submission{"b\n", "s@x", []string{"a@b", "c@d"}}},
	)
}

// envelopeAddresses are the rows of the table of envelope rewriting, and more.
var envelopeAddresses = []string{
	"user", "user@host", "user@host.example.com.", "user@host..", "user@", "@", "host!user", "host!user@dom", "h1!h2!user", "!user", "host!", "!", "%",
	"user%dom.example", "a%b%c", "user%", "%dom", "user%dom@local.example.org", "@a.example,@b.example:user@c.example", "user@[1.2.3.4]",
	`"john doe"@example.com`, "john doe@example.com", "a@b@c.example", "u,v@example.com", "<u@example.com>", ".dot@x", "two..dots@x", "tr.@example.com",
	`back\slash@example.com`, "us:er@example.com", "u@ex ample.com", "tab\tx@example.com", "nl\nx@example.com", "u@example.com.\n", "u@Local.Example.ORG",
	"j\u00f6@example.com", "j\xf6@example.com", "u@\u00f6.example", "u@\xf6", "u+ext@example.com", "-opt@example.com", strings.Repeat("l", 300) + "@example.com",
	"@a:", "@a", "@a:b", "u@(c)h", "u@h(c)", "u@h (c) x", "u@[1.2.3.4", "u@1]", "u@h;", "u@,h", "u@h,i", "u@\"q\"", "\"", "\\", "a\\", "u@\\h", "u@h\\", "u@<h>", "a!b%c", "a%b!c",
	"u@localhost", "u@h.", "u@h..", "u@.", "u@.h", " ", " u", "u ", "u@ h", "u @h", "(c)", "[x]", "u.", "\x01", "u@\x01h", "\x7f@x", ".", "..", "u@h\r", "\r", "u@@h", "@@", "::", "<>",
}

// headerValues are the rows of the table of header rewriting, and more.
var headerValues = []string{
	"joe", "joe (Joe Doe)", `"Joe, Q. Doe" <joe@host>`, "joe@example.com", "joe@host.example.com.", "a b c", "group: a, b@example.com;", "undisclosed-recipients:;",
	"<>", "", "(comment)", "a!b", "a%b.example", "@r1:routed@example.com", "@r1,@r2:u@example.com", "Joe <joe@example.com> junk", `"Joe" joe@example.com`, "a;b",
	`"a\"b" <c>`, `"a\\b" <c>`, `a (b\)c) d`, "a, B <b> C <c>; D <d>", "g: A <a>, b;", `a\ b`, "x@y\rz", "a (c1) (c2), b (c3)", "a@b\n\tc@d", "Bob B. Bar <bob>", "a@b (c\n\td), e", "a(c1)b@c", "<a@(x)b>", "a <b", "a b> c", "<a b>", "a:b",
	"g: a;, h: b;", "g:; x", ";", ":", ",,a,,", "<<a>>", "a\\", `"a`, "(a", "[a", "a@[1.2.3.4]", "a@[\\]x", "a@b@c", "a\x01b", "\u00e4 <\u00e4@x>", "\xe4@x, b", "a|b", "Joe <@r1,@r2:u@c>",
	"joe@(c1)host(c2).(c3)com", "a,b,c@d,e", "<a>, <b>", "a b@c d", "a@b.c. (x)", "x: y: z;", "x:<a>;", "a<b>c", "\"\" <a>", "\"\"", "\"\"@x", "a@", "@", "a.b. <c>", "[x] a",
	"a (x(y)z\\)) b", "a\t\tb", "a ,b ; c", "a > b", ")", "a]b", "g: a b, c (d);, e <f> (g), h@[i] j", "a%b!c", "!", "%", ".a", "a.", "a..b", "joe@h..", "@:x", "<@:x>", "<\"a b\"@c>", "<a@b.>",
}

var mimeMessages = []string{
	"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b1\"\nSubject: x\n\npreamble\n--b1\nContent-Type : text/plain\nX-A:\tb\n folded\n\ntext\n--b1\nContent-Type: message/rfc822\n\nFrom : a\nSubject : b\nReceived: x\n\nnested\n--b1\nbad header\ntext\n--b1--\nepilogue\nTo : x\n",
	"Content-Type: multipart/digest; boundary=d\n\n--d\n\nTo : a\n\nx\n--d\n\nTo : b\n--d--\n",
	"Content-Type: multipart/mixed; boundary=a; boundary=\"b c\"\n\n--a\nX : y\n\n--b c\nX : y\n\n--a--\n--b c\nX : y\n",
	"Content-Type: multipart/mixed; boundary=abc\n\n--abc\nContent-Type: multipart/mixed; boundary=abcd\n\n--abcd\nX : y\n\n--abcd--\n--abc\nX : y\n",
	"Content-Type: multipart/mixed; boundary=\"" + strings.Repeat("z", 100) + "\"\n\n--" + strings.Repeat("z", 100) + "\nX : y\n\n--zzzzzzzzzz\nX : y\n",
	"Content-Type: multipart/mixed; boundary=1\n\n--1\nContent-Type: multipart/mixed; boundary=2\n\n--2\nContent-Type: multipart/mixed; boundary=3\n\n--3\nContent-Type: multipart/mixed; boundary=4\n\n--4\nContent-Type: multipart/mixed; boundary=5\n\n--5\nX : y\n\n--4\nX : y\n",
	"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nX : y\n\nZ : y\n",
	"Content-Type: message/partial\nContent-Transfer-Encoding: 8bit\n\nX : y\n\n\u00e4\n",
	"Content-Type: message/global\nContent-Transfer-Encoding: 8bit\n\nX : \u00e4\n\n\u00e4\n",
	"Content-Type: multipart/mixed; boundary=a\nContent-Transfer-Encoding: 8bit\n\n--a\nContent-Transfer-Encoding: 8bit\nContent-Type: text/plain\nX : \u00e4\n\n\u00e4 trail \n" + strings.Repeat("long \u00e4", 1000) + "\n--a\nContent-Transfer-Encoding: binary\n\n\u00e4\n--a--\n\u00e4\n",
	"Content-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n\u00e4",
	"Content-Type: text/plain\n\n\u00e4\n",
	"Subject: \u00e4\n\nx\n",
	"Content-Type: multipart/mixed; boundary=\n\n--\nX : y\n\n--x\nX : y\n",
	"Content-Type: multipart/mixed; boundary=\"\"\n\n---\nX : y\n\n--x\nX : y\n",
	"Content-Type: multipart/mixed; boundary==x\n\n--=\nX : y\n\n--x\nX : y\n",
	"Content-Type: multipart/mixed (a;b\\)c); foo=\"x;boundary=q\"; boundary (c) = \"a\n b\\\"c\"; charset=x\n\n--a b\"c\nX : y\n\n--q\nX : y\n",
	"Content-Type: \"multipart\"/mixed; boundary=a\n\n--a\nX : y\n\n",
	"Content-Type: Multipart / Mixed ; Boundary=a\n\n--a\nX : y\n\n--A\nX : y\n",
	"Content-Type: (c)\n\n--a\nX : y\n",
	"Content-Type: multipart\n\n--a\nX : y\n",
	"Content-Type: multipart/mixed; boundary=a\n\n" + strings.Repeat("x", 2048) + "--a\nX : y\n\n--a\n" + strings.Repeat("x", 2048) + ": y\nX : y\n\n--a" + strings.Repeat("x", 5000) + "\nX : z\n\n",
	"Content-Type: multipart/mixed; boundary=a\n\n--a\nX : y\n\tz\x00q\n\x00\n\n--a\nX : " + strings.Repeat("folded\n ", 40) + "\n\n",
	"Content-Type: multipart/mixed; boundary=a\n\n--a",
	"Content-Type: multipart/mixed; boundary=a\n\n--a\n",
	"Content-Type: multipart/mixed; boundary=a\n\n--a\nX: y",
	"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nX : y\n\nX : y\n",
	"Content-Transfer-Encoding: 8bit\nContent-Type: message/rfc822\n\nSubject : \u00e4\n\n\u00e4\n",
	"Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=a\nContent-Type: text/html\n\n--a\nX : y\n\n",
	"Content-Type: multipart/alternative; boundary=a\nContent-Transfer-Encoding: quoted-printable\n\n--a\nX : y\n\n",
}

// TestIncomingCorpus sends every request of the corpus to qmqpd and cleanup of
// a real Postfix, and to a session of ours that writes the queue file itself,
// with the same settings. Replies, queue files and cleanup's log lines must be
// the same.
func TestIncomingCorpus(t *testing.T) {
	t.Parallel()
	newDuel(t, commonMain, incomingVariants).run(incomingCorpus())
}

// TestIncomingTimeZone compares the dates in added headers in zones that are
// not a whole number of hours from UTC, or have a summer time. Postfix has them
// from import_environment.
func TestIncomingTimeZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{
		"IST-5:30", "NST3:30", "ODD0:30", "ABCDEF-12:45",
		// It is another day there, whatever time it is here.
		"EARLY24", "LATE-24",
		"CET-1CEST", "America/New_York", ":",
	} {
		t.Run(zone, func(t *testing.T) {
			d := newDuel(t, commonMain+"import_environment = MAIL_CONFIG MAIL_LOGTAG LANG=C TZ="+zone+"\n", map[string]settings{"stock": {}})
			d.run([]incomingCase{
				{name: "54 one recipient", req: submission{"b\n", "s@x", []string{"a@b"}}},
				{name: "54 two recipients", req: submission{"Resent-To: x\n\nb\n", "s@x", []string{"a@b", "c@d"}}},
			})
		})
	}
}
