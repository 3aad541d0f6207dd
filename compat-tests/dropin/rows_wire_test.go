package dropin

import (
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// sends is a row with one client that sends text and then only reads.
func sends(name, text string, want ...string) judges.Row {
	return judges.Row{Name: name, Clients: one(text), Want: want}
}

// cut is a row with one client that sends text and then half-closes.
func cut(name, text string, want ...string) judges.Row {
	return judges.Row{Name: name, Clients: []judges.Client{{Send: text, HalfClose: true}}, Want: want}
}

// message is a row with one good request that carries the message.
func message(name, text string, want ...string) judges.Row {
	return sends(name, standin.Request(text, "s@x", "r@x"), append(want, "KOk: queued as")...)
}

// envelope is a row with one good request with these addresses.
func envelope(name, sender string, recipients []string, want ...string) judges.Row {
	return sends(name, standin.Request("a: b\n\nx\n", sender, recipients...), want...)
}

// short makes a row's timeout a second.
func short(row judges.Row) judges.Row {
	row.Main = append(row.Main, "qmqpd_timeout = 1")
	return row
}

const (
	formatError = "Dnetstring format error while "
	sizeError   = "Dnetstring length exceeds storage limit while "
)

// wireRows are about the bytes of requests and replies: contract sections 4.1
// to 4.4.
var wireRows = []judges.Row{
	sends("format error in the header", "abc:", `"58:Dnetstring format error while receiving QMQP packet header,"`),
	sends("header: blank", " 5:", formatError+"receiving QMQP packet header"),
	sends("header: minus", "-5:", formatError+"receiving QMQP packet header"),
	sends("header: plus", "+5:", formatError+"receiving QMQP packet header"),
	sends("header: line feed", "5\n:", formatError+"receiving QMQP packet header"),
	sends("header: carriage return", "\r\n", formatError+"receiving QMQP packet header"),
	sends("header: NUL", "\x00", formatError+"receiving QMQP packet header"),
	sends("header: 8-bit digit", "\u0665:", formatError+"receiving QMQP packet header"),
	sends("header: comma", "5,", formatError+"receiving QMQP packet header"),
	sends("header: hexadecimal", "0x5:", formatError+"receiving QMQP packet header"),
	sends("header: an HTTP request", "GET / HTTP/1.0\r\n\r\n", formatError+"receiving QMQP packet header"),
	sends("header: an SMTP greeting", "EHLO x\r\n", formatError+"receiving QMQP packet header"),
	sends("header: no digits", ":"+body("m", "s", "r"), "KOk"),
	sends("header: zero", "0:"+body("m", "s", "r"), "KOk"),
	sends("header: too small", "1:"+body("m", "s", "r"), "KOk"),
	sends("header: too large", "99999:"+body("m", "s", "r"), "KOk"),
	sends("header: leading zeros", "000000000000000000000000000000013:"+body("m", "s", "r"), "KOk"),
	sends("header: largest number", "9223372036854775807:"+body("m", "s", "r"), "KOk"),
	sends("header: one more than the largest", "9223372036854775808:", sizeError+"receiving QMQP packet header"),
	sends("header: one more than the largest, on the digit", "9223372036854775808", sizeError+"receiving QMQP packet header"),
	sends("header: thirty digits", "123456789012345678901234567890:", sizeError+"receiving QMQP packet header"),
	sends("message: letter", "20:3x:", formatError+"receiving message content"),
	sends("message: no digits", "20::,1:s,1:r,,", "KOk"),
	sends("message: leading zeros", "20:0003:abc,1:s,1:r,,", "KOk"),
	sends("message: wrong end", "20:3:abcd1:s,1:r,,", formatError+"receiving message content"),
	sends("message: wrong end, line feed", "20:3:abc\n", formatError+"receiving message content"),
	sends("message: largest number", "20:9223372036854775807:", sizeError+"receiving message content"),
	sends("message: one more than the largest", "20:9223372036854775808:", sizeError+"receiving message content"),
	sends("message: over the limit", "20:10240001:", sizeError+"receiving message content"),
	sends("message: negative", "20:-1:", formatError+"receiving message content"),
	sends("sender: letter", "20:1:m,x:", formatError+"receiving sender address"),
	sends("sender: comma", "20:1:m,,", formatError+"receiving sender address"),
	sends("sender: no digits", "20:1:m,:,1:r,,", `S ""`, "KOk"),
	sends("sender: wrong end", "20:1:m,1:sx", formatError+"receiving sender address"),
	sends("sender: 2048 bytes", standin.Request("m", strings.Repeat("s", 2048), "r"), "KOk"),
	sends("sender: 2049 bytes", standin.Request("m", strings.Repeat("s", 2049), "r"), sizeError+"receiving sender address"),
	sends("sender: over the limit on the digit", "20:1:m,99999999999999999999", sizeError+"receiving sender address"),
	sends("recipient: letter", "20:1:m,1:s,x", formatError+"receiving recipient address"),
	sends("recipient: colon", "20:1:m,1:s,:,,", `R ""`, "KOk"),
	sends("recipient: wrong end", "20:1:m,1:s,1:rx", formatError+"receiving recipient address"),
	sends("recipient: second one bad", "20:1:m,1:s,1:r,y", formatError+"receiving recipient address"),
	sends("recipient: 2048 bytes", standin.Request("m", "s", strings.Repeat("r", 2048)), "KOk"),
	sends("recipient: 2049 bytes", standin.Request("m", "s", strings.Repeat("r", 2049)), sizeError+"receiving recipient address"),
	sends("recipient: second one too long", standin.Request("m", "s", "r", strings.Repeat("r", 2049)), sizeError+"receiving recipient address"),
	sends("recipient: leading zeros", "20:1:m,1:s,0001:r,,", "KOk"),
	sends("end: semicolon", "20:1:m,1:s,1:r,;", formatError+"receiving recipient address"),
	sends("nothing after the end is read", standin.Request("m", "s", "r")+standin.Request("n", "t", "u"), "KOk"),
	sends("junk after the end", standin.Request("m", "s", "r")+"junk\x00\xff", "KOk"),
	sends("much junk after the end", standin.Request("m", "s", "r")+strings.Repeat("junk ", 2000), "KOk"),
	sends("junk after a format error", "x"+strings.Repeat("junk ", 2000), formatError),
	cut("end of file at once", "", "lost connection while receiving QMQP packet header"),
	cut("end of file in the header", "12", "lost connection while receiving QMQP packet header"),
	cut("end of file after the header", "12:", "lost connection while receiving message content"),
	cut("end of file in the message's length", "12:1", "lost connection while receiving message content"),
	cut("end of file in the message", "12:5:abc", "lost connection while receiving message content"),
	cut("end of file before the message's comma", "12:3:abc", formatError+"receiving message content"),
	cut("end of file after the message", "12:3:abc,", "lost connection while receiving sender address"),
	cut("end of file in the sender's length", "12:3:abc,1", "lost connection while receiving sender address"),
	cut("end of file in the sender", "12:3:abc,5:s", "lost connection while receiving sender address"),
	cut("end of file before the sender's comma", "12:3:abc,1:s", formatError+"receiving sender address"),
	cut("end of file after the sender", "12:3:abc,1:s,", "lost connection while receiving recipient address"),
	cut("end of file in the recipient's length", "12:3:abc,1:s,1", "lost connection while receiving recipient address"),
	cut("end of file in the recipient", "12:3:abc,1:s,5:r", "lost connection while receiving recipient address"),
	cut("end of file before the recipient's comma", "12:3:abc,1:s,1:r", formatError+"receiving recipient address"),
	cut("end of file after the recipient", "12:3:abc,1:s,1:r,", "lost connection while receiving recipient address"),
	cut("end of file after the end", standin.Request("m", "s", "r"), "KOk"),
	cut("end of file in an empty message", "12:0:", formatError+"receiving message content"),
	{Name: "reset at once", Play: resetAfter(""), Want: []string{"lost connection while"}},
	{Name: "reset in the header", Play: resetAfter("1"), Want: []string{"lost connection while receiving QMQP packet header"}},
	{Name: "reset in the message", Play: resetAfter("20:10:abc"), Want: []string{"lost connection while receiving message content"}},
	{Name: "reset before a comma", Play: resetAfter("20:3:abc"), Want: []string{"while receiving message content"}},
	{Name: "reset in the sender", Play: resetAfter("20:3:abc,9:s"), Want: []string{"lost connection while receiving sender address"}},
	{Name: "reset in the recipient", Play: resetAfter("20:3:abc,1:s,9:r"), Want: []string{"lost connection while receiving recipient address"}},
	short(sends("timeout at once", "", "read/write timeout while receiving QMQP packet header")),
	short(sends("timeout in the header", "12", "read/write timeout while receiving QMQP packet header")),
	short(sends("timeout in the message's length", "12:1", "read/write timeout while receiving message content")),
	short(sends("timeout in the message", "12:5:abc", "read/write timeout while receiving message content")),
	short(sends("timeout at the message's comma", "12:3:abc", "netstring format error while receiving message content")),
	short(sends("timeout in the sender", "12:3:abc,5:s", "read/write timeout while receiving sender address")),
	short(sends("timeout at the sender's comma", "12:3:abc,1:s", "netstring format error while receiving sender address")),
	short(sends("timeout in the recipient", "12:3:abc,1:s,5:r", "read/write timeout while receiving recipient address")),
	short(sends("timeout at the recipient's comma", "12:3:abc,1:s,1:r", "netstring format error while receiving recipient address")),
	short(sends("timeout before the end", "12:3:abc,1:s,1:r,", "read/write timeout while receiving recipient address")),
	{Name: "timeout at a comma, with a delay", Main: []string{"qmqpd_timeout = 1", "qmqpd_error_delay = 1"}, Play: timed(1800*time.Millisecond, judges.Client{Send: "12:3:abc"}), Want: []string{`reply ""`, "netstring format error"}},
	{Name: "timeout is for one read", Main: []string{"qmqpd_timeout = 2"}, Clients: []judges.Client{{Send: plain, Piece: 3, Pause: 300 * time.Millisecond}}, Want: queued},
	{Name: "byte by byte", Clients: []judges.Client{{Send: plain, Piece: 1, Pause: time.Millisecond}}, Want: queued},
	{Name: "byte by byte, never half-closed", Clients: []judges.Client{{Send: standin.Request("Subject: x\n\n"+strings.Repeat("line\n", 40), "s@x", "r@x", "r@y"), Piece: 1}}, Want: queued},
	{Name: "in two halves", Clients: []judges.Client{{Send: plain, Piece: len(plain) / 2, Pause: 50 * time.Millisecond}}, Want: queued},
	{Name: "gives up before the reply", Cleanup: []standin.Verdict{{}}, Clients: []judges.Client{{Send: plain, Hangup: true}}, Want: []string{"E "}},
	{Name: "gives up by a reset before the reply", Main: []string{"qmqpd_error_delay = 5"}, Cleanup: []standin.Verdict{{Status: 2}}, Play: resetAfter(plain), Want: []string{"lost connection while sending completion status"}},
	{Name: "gives up by a reset before the refusal", Main: []string{"qmqpd_error_delay = 5", "qmqpd_authorized_clients ="}, Play: func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		s.WaitLog("connect from")
		c.Reset()
		s.WaitSession()
	}, Want: []string{"NOQUEUE: localhost[127.0.0.1]: lost connection while initializing client connection"}},
	{Name: "error delay", Main: []string{"qmqpd_error_delay = 1"}, Play: timed(900*time.Millisecond, judges.Client{Send: "x"}), Want: []string{formatError}},
	{Name: "error delay of an unauthorised client", Main: []string{"qmqpd_error_delay = 1", "qmqpd_authorized_clients ="}, Play: timed(900*time.Millisecond, judges.Client{}), Want: []string{"is not authorized"}},
	{Name: "error delay of a completion error", Main: []string{"qmqpd_error_delay = 1"}, Cleanup: []standin.Verdict{{Status: 2}}, Play: timed(900*time.Millisecond, judges.Client{Send: plain}), Want: []string{"queue file write error"}},
	{Name: "error delay of a list's error", Main: []string{"qmqpd_error_delay = 1", "qmqpd_authorized_clients = 127.0.0.1/8"}, Play: timed(900*time.Millisecond, judges.Client{}), Want: []string{"ZError: server configuration error"}},
	{Name: "no error delay for K", Main: []string{"qmqpd_error_delay = 60"}, Play: timed(0, judges.Client{Send: plain}), Want: queued},
	{Name: "no error delay for a lost connection", Main: []string{"qmqpd_error_delay = 60"}, Play: timed(0, judges.Client{Send: "1", HalfClose: true}), Want: []string{"lost connection"}},
	{Name: "soft_bounce, format error", Main: []string{"soft_bounce = yes"}, Clients: one("x"), Want: []string{`"58:Znetstring format error while receiving QMQP packet header,"`}},
	{Name: "soft_bounce, size error", Main: []string{"soft_bounce = yes"}, Clients: one("20:10240001:"), Want: []string{"Znetstring length exceeds"}},
	{Name: "soft_bounce, unauthorised", Main: []string{"soft_bounce = yes", "qmqpd_authorized_clients ="}, Clients: ok, Want: []string{"ZError: localhost[127.0.0.1] is not authorized"}},
	{Name: "soft_bounce, content", Main: []string{"soft_bounce = yes"}, Cleanup: []standin.Verdict{{Status: 8, Reason: "5.7.1 no"}}, Clients: ok, Want: []string{"ZError: 5.7.1 no"}},
	{Name: "soft_bounce, good", Main: []string{"soft_bounce = yes"}, Clients: ok, Want: queued},
	{Name: "soft_bounce, VERP", Main: []string{"soft_bounce = yes"}, Clients: one(standin.Request("m", "list*@example.org-@[]", "r")), Want: []string{"ZError: Invalid VERP delimiters"}},
	{Name: "unauthorised client that sends", Main: []string{"qmqpd_authorized_clients ="}, Clients: one(plain), Want: []string{`DError: localhost[127.0.0.1] is not authorized to use this service,"`}},
	{Name: "unauthorised client that is silent", Main: []string{"qmqpd_authorized_clients ="}, Clients: []judges.Client{{}}, Want: []string{"is not authorized"}},
	{Name: "unauthorised client that half-closes", Main: []string{"qmqpd_authorized_clients ="}, Clients: []judges.Client{{HalfClose: true}}, Want: []string{"is not authorized"}},
	{Name: "what is left unread ends with a reset", Main: []string{"max_use = 1000"}, Clients: unread(), Want: []string{"reset: true", "reset: false"}},
	{Name: "session after an error", Clients: []judges.Client{{Send: "x"}, {Send: plain}, {Send: "20:3:abc", HalfClose: true}, {Send: plain}}, Want: queued},
}

// unread are clients that send more than the server wants, by a little more or less
// than what the stock program has read by then: blocks of 4096 bytes.
func unread() []judges.Client {
	var clients []judges.Client
	add := func(wanted string) {
		for _, n := range []int{-1, 0, 1, 3000, 4096, 4097} {
			whole := (len(wanted) + 4095) / 4096 * 4096
			if more := whole + n - len(wanted); more >= 0 {
				clients = append(clients, judges.Client{Send: wanted + strings.Repeat("x", more), Ending: true, HalfClose: true})
			}
		}
	}
	add("x")
	add(plain)
	for _, n := range []int{4000, 4096, 5000, 8100, 8192, 10000, 16384, 20000, 30000} {
		content := standin.Netstring(strings.Repeat("y", n))
		add(standin.Netstring(content + "1:s,1:r,"))
		add("9:" + content + "x")
		add("9:" + content + "1:s," + strings.Repeat(standin.Netstring(strings.Repeat("r", 300)), 20) + "x")
	}
	return clients
}

// body is what is inside the outer netstring, with its end.
func body(message, sender string, recipients ...string) string {
	request := standin.Request(message, sender, recipients...)
	_, after, _ := strings.Cut(request, ":")
	return after
}

// resetAfter is a scene with a client that resets its connection when the
// server waits for more.
func resetAfter(text string) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		c := s.Dial(judges.Client{})
		s.Send(c, judges.Client{Send: text})
		s.WaitLog("client=")
		s.WaitRead(c) // a reset throws away what has not been
		c.Reset()
		s.WaitSession()
	}
}

// timed is a scene with one client whose connection is to end after a pause that is
// no shorter, and not much longer: a busy machine may add some seconds.
func timed(pause time.Duration, c judges.Client) func(s *judges.Scene) {
	return func(s *judges.Scene) {
		start := time.Now()
		s.Client("client", c)
		if took := time.Since(start); took < pause || took > pause+20*time.Second {
			s.Note("took %v", took)
		}
		s.WaitSession()
	}
}

// contentRows are about what becomes of the message: contract section 5.4.
var contentRows = []judges.Row{
	message("empty", ""),
	message("no final newline", "x", `L "x"`),
	message("one line", "x\n", `N "x"`),
	message("only a newline", "\n", `N ""`),
	message("only newlines", "\n\n\n"),
	message("carriage returns", "a: b\r\n\r\nx\r\n", `N "a: b\r"`),
	message("lone carriage returns", "a: b\r\rc\r"),
	message("NUL", "a: b\n\na\x00b\n", `N "a\x00b"`),
	message("8-bit", "a: \xe9\n\n\xff\xfe\n"),
	message("every byte", "a: b\n\n"+everyByte()),
	message("dots", "a: b\n\n.\n..\n.x\n", `N "."`),
	message("line of 2047", "a: b\n\n"+strings.Repeat("x", 2047)+"\n"),
	message("line of 2048", "a: b\n\n"+strings.Repeat("x", 2048)+"\n"),
	message("line of 2049", "a: b\n\n"+strings.Repeat("x", 2049)+"\n"),
	message("line of 4096", "a: b\n\n"+strings.Repeat("x", 4096)+"\n"),
	message("line of 2048 without newline", strings.Repeat("x", 2048)),
	message("line of 5000 without newline", strings.Repeat("x", 5000)),
	message("line of 10000", strings.Repeat("0123456789", 1000)+"\n"),
	message("long line of NULs", strings.Repeat("\x00", 3000)),
	message("From line", "From x y\na: b\n\n", `N "X-Mailbox-Line: From x y"`),
	message("From lines", "From x\nFrom y\n>From z\n>>From zz\na: b\n\nFrom w\n", `N "X-Mailbox-Line: >>From zz"`, `N "From w"`),
	message("From line later", "a: b\nFrom x\n\n", `N "From x"`),
	message("From line without newline", "From x", `L "X-Mailbox-Line: From x"`),
	message("From with colon", "From: x\n\n", `N "From: x"`),
	message("From and nothing", "From \n\n", `N "X-Mailbox-Line: From "`),
	message("From without blank", "From\n\n"),
	message("from in lower case", "from x\n\n"),
	message("quote marks only", ">>>\n\n", `N ">>>"`),
	message("quote marks, then not From", ">>Frog x\n\n"),
	message("quote mark with blank", "> From x\n\n"),
	message("From line with NUL", "From a\x00b\nc: d\n\n", `N "X-Mailbox-Line: From a"`),
	message("From line with 8-bit", "From \xe9\nc: d\n\n"),
	message("From line of 2048", "From "+strings.Repeat("x", 2043)+"\nc: d\n\n"),
	message("From line of 2049", "From "+strings.Repeat("x", 2044)+"\nc: d\n\n"),
	message("From line of 2049, then From", "From "+strings.Repeat("x", 2043)+"From z\nc: d\n\n"),
	message("From line of 2049, then blank", "From "+strings.Repeat("x", 2043)+" z\nc: d\n\n"),
	message("From line of 5000", "From "+strings.Repeat("x", 5000)+"\nc: d\n\n"),
	message("leading blank", " x\na: b\n", "  N \"\"\n  N \" x\""),
	message("leading tab", "\tx\na: b\n"),
	message("leading blank after a From line", "From x\n y\na: b\n"),
	message("leading blank without newline", " x"),
	message("blank only", " "),
	message("leading newline", "\nx\n"),
	message("leading vertical tab", "\vx\n"),
	message("leading carriage return", "\rx\n"),
	message("leading NUL", "\x00x\n"),
	message("long first line with a leading blank", " "+strings.Repeat("x", 3000)+"\n"),
	message("100000 bytes", "a: b\n\n"+strings.Repeat(strings.Repeat("x", 99)+"\n", 1000)),
	message("header only", "a: b\n"),
	message("body only", "no header here\n"),
	message("mbox of two", "From a\nx: y\n\nbody\n\nFrom b\nx: y\n\n"),
	{Name: "line_length_limit 512, line of 512", Main: []string{"line_length_limit = 512"}, Clients: one(standin.Request(strings.Repeat("x", 512)+"\n", "s@x", "r@x")), Want: []string{`N "` + strings.Repeat("x", 512) + `"`}},
	{Name: "line_length_limit 512, line of 513", Main: []string{"line_length_limit = 512"}, Clients: one(standin.Request(strings.Repeat("x", 513)+"\n", "s@x", "r@x")), Want: []string{`L "` + strings.Repeat("x", 512) + `"`, `N "x"`}},
	{Name: "line_length_limit 512, From line of 512", Main: []string{"line_length_limit = 512"}, Clients: one(standin.Request("From "+strings.Repeat("x", 507)+"\n", "s@x", "r@x")), Want: []string{`N "X-Mailbox-Line: From `}},
	{Name: "line_length_limit 512, From line of 600", Main: []string{"line_length_limit = 512"}, Clients: one(standin.Request("From "+strings.Repeat("x", 595)+"\n", "s@x", "r@x")), Want: []string{`L "X-Mailbox-Line: From `}},
	{Name: "line_length_limit 512, sender of 512", Main: []string{"line_length_limit = 512"}, Clients: one(standin.Request("m", strings.Repeat("s", 512), "r@x")), Want: queued},
	{Name: "line_length_limit 512, sender of 513", Main: []string{"line_length_limit = 512"}, Clients: one(standin.Request("m", strings.Repeat("s", 513), "r@x")), Want: []string{sizeError + "receiving sender address"}},
	{Name: "line_length_limit 512, recipient of 513", Main: []string{"line_length_limit = 512"}, Clients: one(standin.Request("m", "s", strings.Repeat("s", 513))), Want: []string{sizeError + "receiving recipient address"}},
	{Name: "line_length_limit 100000", Main: []string{"line_length_limit = 100000"}, Clients: one(standin.Request(strings.Repeat("x", 50000)+"\n", strings.Repeat("s", 5000), "r@x")), Want: queued},
	{Name: "message_size_limit 2000, 2000 bytes", Main: []string{"message_size_limit = 2000"}, Clients: one(standin.Request(strings.Repeat("x", 2000), "s", "r")), Want: queued},
	{Name: "message_size_limit 2000, 2001 bytes", Main: []string{"message_size_limit = 2000"}, Clients: one(standin.Request(strings.Repeat("x", 2001), "s", "r")), Want: []string{sizeError + "receiving message content"}},
	{Name: "message_size_limit 2000, judged before the payload", Main: []string{"message_size_limit = 2000"}, Clients: one("30:2001:"), Want: []string{sizeError + "receiving message content"}},
	{Name: "message_size_limit 0, 11 million bytes", Main: []string{"message_size_limit = 0"}, Clients: one(standin.Request(strings.Repeat("0123456789abcde\n", 700000), "s", "r")), Want: queued},
	{Name: "message_size_limit 1", Main: []string{"message_size_limit = 1"}, Clients: []judges.Client{{Send: standin.Request("x", "s", "r")}, {Send: standin.Request("xx", "s", "r")}}, Want: []string{"KOk", sizeError}},
}

// everyByte is a line with all 256 bytes, the newline last.
func everyByte() string {
	var b []byte
	for c := range 256 {
		if c != '\n' {
			b = append(b, byte(c))
		}
	}
	return string(b) + "\n"
}

// envelopeRows are about sender and recipients: contract section 5.4.
var envelopeRows = []judges.Row{
	envelope("null sender", "", []string{"r@x"}, `S ""`),
	envelope("null recipient", "s@x", []string{""}, `R ""`, `for <\"\">`),
	envelope("no recipients", "s@x", nil, `(Postfix) with QMQP"`, "\\tid ABCDEF12345; DATE"),
	envelope("two recipients", "s@x", []string{"a@x", "b@x"}, "\\tid ABCDEF12345; DATE"),
	envelope("the same recipient twice", "s@x", []string{"a@x", "a@x"}, "\\tid ABCDEF12345; DATE"),
	envelope("hundred recipients", "s@x", strings.Split(strings.Repeat("r@x,", 99)+"r@x", ",")),
	envelope("sender with NUL", "s\x00t@x", []string{"r@x"}),
	envelope("sender with newline", "s\nt@x", []string{"r@x"}),
	envelope("sender with 8-bit", "s\xe9@\u00fc", []string{"r@x"}),
	envelope("sender in brackets", "<s@x>", []string{"r@x"}),
	envelope("sender with blank", "s t@x", []string{"r@x"}),
	envelope("recipient with blank", "s@x", []string{"a b@x"}, `for <\"a b\"@x>`),
	envelope("recipient quoted", "s@x", []string{`"q r"@x`}, `for <\"\\\"q r\\\"\"@x>`),
	envelope("recipient with comma", "s@x", []string{"r@x, y@z"}, `for <\"r@x, y\"@z>`),
	envelope("recipient in brackets", "s@x", []string{"<r@x>"}, `for <\"<r\"@x>>`),
	envelope("recipient without @", "s@x", []string{"no-at"}, `for <no-at>`),
	envelope("recipient with two @", "s@x", []string{"a@b@c"}, `for <\"a@b\"@c>`),
	envelope("recipient with NUL", "s@x", []string{"a\x00b@x"}),
	envelope("recipient with newline", "s@x", []string{"a\nb@x"}),
	envelope("recipient with tab", "s@x", []string{"a\tb@x"}),
	envelope("recipient with 8-bit", "s@x", []string{"\xe9@\u00fc.example"}),
	envelope("recipient with backslash", "s@x", []string{`a\b@x`}),
	envelope("recipient with quote mark", "s@x", []string{`a"b@x`}),
	envelope("recipient with dots", "s@x", []string{".a..b.@x"}),
	envelope("recipient only @", "s@x", []string{"@"}),
	envelope("recipient ends in @", "s@x", []string{"a@"}),
	envelope("recipient begins with @", "s@x", []string{"@a"}),
	envelope("recipient with parentheses", "s@x", []string{"a(b)c@x"}),
	envelope("recipient with colon and semicolon", "s@x", []string{"a:b;c@x"}),
	envelope("recipient with square brackets", "s@x", []string{"a[b]@[1.2.3.4]"}),
	envelope("recipient with controls", "s@x", []string{"a\x01\x7f@x"}),
	envelope("recipient with atom characters", "s@x", []string{"!#$%&'*+-/=?^_`{|}~@x"}),
	envelope("recipient with carriage return", "s@x", []string{"a\rb@x"}),
	envelope("recipient blank only", "s@x", []string{" "}),
	envelope("recipient with dash", "s@x", []string{"-a@x"}),
	envelope("recipient domain with blank", "s@x", []string{"a@b c"}),
	envelope("recipient of 2000 bytes", "s@x", []string{strings.Repeat("a", 1990) + "@x"}),
	envelope("VERP -", "list-@example.org-@[]", []string{"r@x"}, `S "list@example.org"`, `V "-="`),
	envelope("VERP shortest", "l-@x-@[]", []string{"r@x"}, `S "l@x"`, `V "-="`),
	envelope("VERP =", "list=@e.org-@[]", []string{"r@x"}, `V "=="`),
	envelope("VERP +", "list+@e.org-@[]", []string{"r@x"}, `V "+="`),
	envelope("VERP two @", "list-@a@b-@[]", []string{"r@x"}, `S "list@a@b"`),
	envelope("VERP only delimiter", "-@x-@[]", []string{"r@x"}, `S "-@x-@[]"`),
	envelope("VERP one letter", "a@x-@[]", []string{"r@x"}, `S "a@x-@[]"`),
	envelope("VERP no origin", "list-@-@[]", []string{"r@x"}, `S "list-@-@[]"`),
	envelope("VERP no first @", "list-@[]", []string{"r@x"}, `S "list-@[]"`),
	envelope("VERP only the mark", "-@[]", []string{"r@x"}),
	envelope("VERP @[]", "@[]", []string{"r@x"}, `S "@[]"`),
	envelope("VERP #@[]", "#@[]", []string{"r@x"}, `S "#@[]"`),
	envelope("VERP refused, letter", "ab@e-@[]", []string{"r@x"}, `DError: Invalid VERP delimiters: \"b=\". Need two characters from \"-=+\"`),
	envelope("VERP refused, star", "list*@e-@[]", []string{"r@x"}, `DError: Invalid VERP delimiters: \"*=\". Need two characters from \"-=+\"`),
	envelope("VERP refused, 8-bit", "list\xe9@e-@[]", []string{"r@x"}, `DError: Invalid VERP delimiters`),
	envelope("VERP refused, newline", "list\n@e-@[]", []string{"r@x"}, `DError: Invalid VERP delimiters`),
	envelope("VERP refused, NUL", "list\x00@e-@[]", []string{"r@x"}),
	envelope("VERP refused, two recipients", "list*@e-@[]", []string{"r@x", "r@y"}, `DError: Invalid VERP delimiters`),
	envelope("VERP refused, no recipients", "list*@e-@[]", nil, `DError: Invalid VERP delimiters`),
	envelope("VERP with NUL before @", "li\x00st-@e-@[]", []string{"r@x"}),
	envelope("VERP with NUL in the origin", "list-@e\x00-@[]", []string{"r@x"}),
	envelope("VERP mark twice", "list-@e-@[]-@[]", []string{"r@x"}),
	envelope("VERP mark in the middle", "list-@[]-@x", []string{"r@x"}),
	envelope("VERP 10000 recipients", "list-@example.org-@[]", strings.Split(strings.Repeat("someone@example.net,", 9999)+"last@example.com", ","), `V "-="`),
	{Name: "VERP with another filter", Main: []string{"verp_delimiter_filter = *+="}, Clients: one(standin.Request("m", "list*@e-@[]", "r")), Want: []string{`V "*="`}},
	{Name: "VERP refused by another filter", Main: []string{"verp_delimiter_filter = *+="}, Clients: one(standin.Request("m", "list-@e-@[]", "r")), Want: []string{`DError: Invalid VERP delimiters: \"-=\". Need two characters from \"*+=\"`}},
	{Name: "VERP, a filter without the equals sign", Main: []string{"verp_delimiter_filter = +-", "default_verp_delimiters = +-"}, Clients: one(standin.Request("m", "list-@e-@[]", "r")), Want: []string{`DError: Invalid VERP delimiters: \"-=\"`}},
	{Name: "VERP refused, with content_filter", Main: []string{"content_filter = scan:x"}, Clients: one(standin.Request("m", "list*@e-@[]", "r")), Want: []string{`L "scan:x"`, `DError: Invalid VERP`}},
	{Name: "VERP refused, then end of file", Clients: []judges.Client{{Send: strings.TrimSuffix(standin.Request("m", "list*@e-@[]", "r"), ",,"), HalfClose: true}}, Want: []string{"while receiving recipient address"}},
	{Name: "VERP refused, then a format error", Clients: one("99:1:m,11:list*@e-@[],x"), Want: []string{formatError + "receiving recipient address"}},
	{Name: "VERP disable_verp_bounces", Main: []string{"disable_verp_bounces = yes"}, Clients: one(standin.Request("m", "list-@e-@[]", "r")), Want: queued},
}
