package dropin

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestRandomSessions draws settings, requests good and damaged, and verdicts
// of cleanup(8), and holds ours against the stock program. By default it runs
// a thousand sessions; QMQPD_RANDOM_SESSIONS and QMQPD_RANDOM_SEED choose
// others, as "make qmqpd-random N=20000 SEED=7" does. A failure names the seed
// that repeats it alone.
func TestRandomSessions(t *testing.T) {
	sessions, seed := number(t, "QMQPD_RANDOM_SESSIONS", 1000), number(t, "QMQPD_RANDOM_SEED", 1)
	pair := judges.NewPair(t, dropInSite)
	t.Run("server", func(t *testing.T) {
		for left, next := sessions, seed; left > 0; next++ {
			seed := next
			world := newWorld(uint64(seed), left)
			if seed%4 == 0 {
				world.Env = append(world.Env, "MAIL_VERBOSE=")
			}
			left -= len(world.Clients)
			t.Run(fmt.Sprintf("SEED=%d", seed), func(t *testing.T) {
				t.Parallel()
				postfix.Case(t)
				pair.Compare(t, world, nil)
				if t.Failed() {
					t.Logf("again: make qmqpd-random N=%d SEED=%d", len(world.Clients), seed)
					describe(t, world)
				}
			})
		}
	})
	t.Logf("%d sessions", sessions)
}

func number(t *testing.T, name string, standard int) int {
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func describe(t *testing.T, world judges.Row) {
	t.Logf("main.cf: %q, arguments: %q, sockets: %q, environment: %q", world.Main, world.Args, world.Listen, world.Env)
	for n, c := range world.Clients {
		send := c.Send
		if len(send) > 2000 {
			send = send[:1000] + "..." + send[len(send)-1000:]
		}
		t.Logf("client %d from %q, half-close %v: %q", n, c.From, c.HalfClose, send)
	}
	for n, v := range world.Cleanup {
		if v.Status != 0 || v.Final != nil || v.Greeting != nil || v.HangupFinal {
			t.Logf("verdict %d: status %d %q, final %q, greeting %q, hangs up %v %v", n, v.Status, v.Reason, v.Final, v.Greeting, v.Hangup, v.HangupFinal)
		}
	}
}

// dice draws from a seeded source.
type dice struct{ *rand.Rand }

// chance is true in percent of cases.
func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// newWorld draws one server's settings and up to 25 sessions, no more than
// limit.
func newWorld(seed uint64, limit int) judges.Row {
	d := dice{rand.New(rand.NewPCG(seed, 0x716d717064))}
	row := judges.Row{Name: "random", Lasts: 1}
	lineLimit, sizeLimit := 2048, 10240000
	set := func(percent int, name string, values ...string) {
		if !d.chance(percent) {
			return
		}
		value := pick(d, values...)
		switch name {
		case "line_length_limit":
			lineLimit, _ = strconv.Atoi(value)
		case "message_size_limit":
			sizeLimit, _ = strconv.Atoi(value)
		}
		if d.chance(20) {
			row.Args = append(row.Args, "-o", name+"="+value)
		} else {
			row.Main = append(row.Main, name+" = "+value)
		}
	}
	set(20, "soft_bounce", "yes", "no")
	set(20, "content_filter", "scan:", "scan:[127.0.0.1]:10025", "x:$myhostname", "")
	set(20, "receive_override_options", "no_milters", "no_address_mappings, no_header_body_checks", "no_unknown_recipient_checks", "no_milters no_address_mappings no_header_body_checks")
	set(15, "smtputf8_autodetect_classes", "all", "qmqpd", "sendmail")
	set(15, "smtputf8_enable", "yes", "no")
	set(25, "line_length_limit", "512", "513", "600", "1000", "4096")
	set(25, "message_size_limit", "1", "100", "1000", "10000", "70000")
	set(20, "qmqpd_client_port_logging", "yes", "no")
	set(10, "verp_delimiter_filter", "-=+*", "=+-#", "+=")
	set(10, "myhostname", "other.example", "Mixed.Case.Example", "single")
	set(10, "mail_name", "Mail", "A B C", "$myhostname mail")
	set(10, "syslog_name", "postfix/random", "q", "$service_name")
	set(10, "syslog_facility", "local0", "local7", "daemon")
	most := 25
	if d.chance(10) {
		// Later clients would be for another process.
		most = 1 + d.IntN(7)
		row.Main = append(row.Main, fmt.Sprintf("max_use = %d", most))
	}
	set(10, "inet_protocols", "ipv4", "ipv4, ipv6", "all")
	set(10, "parent_domain_matches_subdomains", "", "qmqpd_authorized_clients", "debug_peer_list")
	if d.chance(40) {
		row.Main = append(row.Main, "qmqpd_authorized_clients = "+drawList(d))
	}
	if d.chance(15) {
		level := 1 + d.IntN(2)
		if seed%4 == 0 {
			level = 1 // MAIL_VERBOSE is one more, and level 3 has its differences
		}
		row.Main = append(row.Main, "debug_peer_list = "+drawList(d), fmt.Sprintf("debug_peer_level = %d", level))
	}
	if d.chance(10) {
		row.Env = append(row.Env, "TZ="+pick(d, "America/New_York", "Asia/Kolkata", "UTC", "XYZ3"))
	}
	impatient := d.chance(8)
	if impatient {
		row.Main = append(row.Main, "qmqpd_timeout = 1")
	}
	row.Open = d.chance(20)
	if d.chance(4) {
		// A setting that keeps the server from starting, or at least might.
		row.Main = append(row.Main, pick(d, "soft_bounce = maybe", "qmqpd_timeout = 0", "qmqpd_timeout = 5y", "max_use = 0", "line_length_limit = 100",
			"myhostname = -bad-", "myhostname = a..b", "inet_protocols = ipv5", "smtputf8_autodetect_classes = nobody", "receive_override_options = nothing",
			"verp_delimiter_filter = -", "syslog_facility = none", "mail_owner = root", "message_size_limit = 1k", "ipc_timeout = 1.5", "qmqpd_authorized_clients = ::1",
			"debug_peer_level = -1", "compatibility_level = x.y", "content_filter = ${a", "max_idle = 0"))
	}
	if d.chance(6) {
		// Not -z: then ours has many sessions in a process, and what ends the
		// stock process ends only one of them. See known.go.
		row.Args = append(row.Args, pick(d, "-d", "-l", "-r5", "-x", "-m", "-m5x", "-i1h", "word", "--", "-o=", "-ocontent_filter=y:"))
	}
	if d.chance(5) {
		row.Stdin = pick(d, "pipe", "socket", "file")
		row.Clients = []judges.Client{drawClient(d, lineLimit, sizeLimit, true, false)}
		if row.Stdin == "socket" {
			// Nobody closes its other end before the server has.
			row.Main = append(row.Main, "qmqpd_timeout = 1")
		}
		row.Cleanup = []standin.Verdict{drawVerdict(d)}
		return row
	}
	row.Listen = []string{pick(d, "127.0.0.1", "127.0.0.1", "127.0.0.1", "unix", "0.0.0.0", "::", "::1")}
	for range min(1+d.IntN(most), limit) {
		c := drawClient(d, lineLimit, sizeLimit, row.Listen[0] == "unix", impatient)
		switch row.Listen[0] {
		case "::":
			c.To = "127.0.0.1"
			if d.chance(40) {
				c.To, c.From = "::1", ""
			}
		case "::1":
			c.From = ""
		}
		row.Clients = append(row.Clients, c)
		row.Cleanup = append(row.Cleanup, drawVerdict(d))
	}
	return row
}

// drawList draws the value of qmqpd_authorized_clients.
func drawList(d dice) string {
	var list []string
	for range 1 + d.IntN(5) {
		list = append(list, pick(d, "", "", "!", "!!")+pick(d,
			fmt.Sprintf("127.%d.%d.%d/%d", d.IntN(2), d.IntN(4), d.IntN(256), d.IntN(33)), fmt.Sprintf("127.0.0.%d/%d", 16*d.IntN(4), 28+d.IntN(5)),
			fmt.Sprintf("[::%x]/%d", d.IntN(3), 120+d.IntN(9)), "cidr:{{127.0.0.0/27 x}}", "pcre:{{/example/ x}}", "regexp:{{/^127/ x}}", "texthash:/etc/hosts",
			"127.0.0.0/8", "127.0.0.1", "127.0.0.2", "127.0.0.0/30", "[::1]", "[::]/0", "localhost", "LOCALHOST", "unknown",
			"example.org", ".example.org", "two.example.org", "allowed.example", "sub.allowed.example", "dns.example", "10.0.0.0/8",
			"127.0.0.1/8", "127.0.0.0/33", "/nonexistent", "static:x", "[127.0.0.1", "127.0.0.", "127", "127.0.0.1:25", "[::1", "::1", "*", "", "a,!", "/etc/hosts", "/etc/protocols",
			"fail:x", "internal:x", "static:", "inline:{}", "unionmap:{fail:x,static:x}", "unionmap:{static:x,texthash:/etc/hosts}", "pipemap:{static:127.0.0.1,inline:{127.0.0.1=x}}", "randmap:{a,a}",
			"texthash:/etc/hosts(lookup)", "nosuch:x", "cidr:{{::/0 x}}", "cidr:{{!127.0.0.0/30 x}}", "pcre:{{!/^127/ x}}", "inline:{127.0.0.1=x}", "inline:{{example.org=y}}", "127.0.0", "0.0.0.0/0"))
	}
	return strings.Join(list, pick(d, " ", ", ", ",", "  \t"))
}

// drawVerdict draws what cleanup(8) does: mostly what a good one does.
func drawVerdict(d dice) standin.Verdict {
	v := standin.Verdict{}
	if d.chance(30) {
		v.QueueID = pick(d, "4bQz1x2y3zz", "A", "3zX0bQ1nNqz5xQ", "0123456789ABCDEF")
	}
	if d.chance(40) {
		v.Status = pick(d, 1, 2, 4, 8, 8, 8, 16, 64, 128, 256, 512, 65536, d.IntN(1024), d.IntN(1<<17))
		v.Reason = pick(d, "", "5.7.1 no", "4.7.1 later", "text", drawBytes(d, 40, true))
	}
	switch d.IntN(100) {
	case 0:
		v.HangupFinal = true
	case 1:
		v.Final = []byte(pick(d, "status\x00x\x00reason\x00\x00\x00", "reason\x00\x00\x00", "status\x000\x00\x00", "status\x000\x00reason\x00\x00more\x00x\x00\x00", "\x00"))
	case 2:
		if d.chance(25) {
			v.Greeting, v.Hangup = []byte(pick(d, "", "protocol\x00x\x00queue_id\x00Q\x00\x00", "220 hello\r\n")), true
		}
	}
	return v
}

// drawBytes draws up to most bytes, without NUL if text says so.
func drawBytes(d dice, most int, text bool) string {
	b := make([]byte, d.IntN(most+1))
	for i := range b {
		switch {
		case d.chance(70):
			b[i] = byte(' ' + d.IntN(95))
		case text:
			b[i] = byte(1 + d.IntN(255))
		default:
			b[i] = byte(d.IntN(256))
		}
	}
	return string(b)
}

// drawLine draws a line of a message, without its end.
func drawLine(d dice, limit int) string {
	switch d.IntN(12) {
	case 0:
		return strings.Repeat(">", d.IntN(3)) + "From " + drawBytes(d, 30, false)
	case 1:
		return pick(d, "From ", "From", ">From x", "from x", "> From", "From:", ">>>")
	case 2:
		return pick(d, " ", "\t", "") + drawBytes(d, 20, false)
	case 3:
		return strings.Repeat(pick(d, "x", "\x00", "y ", "\xe9"), max(0, limit-3+d.IntN(6)))
	case 4:
		return "From " + strings.Repeat("x", max(0, limit-8+d.IntN(6)))
	case 5:
		return "Header: " + drawBytes(d, 50, false)
	case 6:
		return drawBytes(d, 3*limit, false)
	case 7, 8:
		return ""
	}
	return drawBytes(d, 80, false)
}

// drawMessage draws a message.
func drawMessage(d dice, lineLimit, sizeLimit int) string {
	if d.chance(10) && sizeLimit < 100000 {
		return strings.Repeat("m", max(0, sizeLimit-2+d.IntN(5)))
	}
	var b strings.Builder
	for range d.IntN(12) {
		b.WriteString(drawLine(d, lineLimit))
		b.WriteString(pick(d, "\n", "\n", "\n", "\n", "\r\n", "\n\n", "\r"))
	}
	if d.chance(20) {
		b.WriteString(drawLine(d, lineLimit))
	}
	if d.chance(2) {
		b.WriteString(strings.Repeat("0123456789abcdef\n", d.IntN(6000)))
	}
	return b.String()
}

// drawAddress draws a recipient's address, or a sender's.
func drawAddress(d dice, limit int) string {
	switch d.IntN(12) {
	case 0:
		return ""
	case 1:
		return drawBytes(d, 30, false)
	case 2:
		return drawBytes(d, 15, false) + "@" + drawBytes(d, 15, false)
	case 3:
		return strings.Repeat("a", max(0, limit-2+d.IntN(4)))
	case 4:
		return pick(d, "a b@x", `"q r"@x`, "r@x, y@z", "<r@x>", "no-at", "a@b@c", "a@", "@a", "@", `a\b@x`, `a"b@x`, ".a.@x", "a\x00b@x", "\xe9@x", "a(b)@x")
	}
	return pick(d, "user@example.org", "a@b", "first.last@host.example", "x+y@z.example")
}

// drawSender draws an envelope sender: often one that asks for VERP.
func drawSender(d dice, limit int) string {
	if !d.chance(35) {
		return drawAddress(d, limit)
	}
	prefix := pick(d, "list", "l", "", "a.b", "li\x00st", drawBytes(d, 8, false))
	delimiter := pick(d, "-", "-", "=", "+", "*", "#", "", "\xe9", drawBytes(d, 1, false))
	origin := pick(d, "example.org", "x", "", "a@b", drawBytes(d, 8, false))
	return prefix + delimiter + "@" + origin + pick(d, "-@[]", "-@[]", "-@[]", "@[]", "-@[")
}

// drawNumber writes n as the number of a netstring: rarely as a sober client
// would not.
func drawNumber(d dice, n int) string {
	switch {
	case d.chance(3):
		return strings.Repeat("0", 1+d.IntN(25)) + strconv.Itoa(n)
	case n == 0 && d.chance(30):
		return ""
	}
	return strconv.Itoa(n)
}

func drawNetstring(d dice, b string) string { return drawNumber(d, len(b)) + ":" + b + "," }

// drawRequest draws a whole request, which may be too large but is well
// formed.
func drawRequest(d dice, lineLimit, sizeLimit int) string {
	body := drawNetstring(d, drawMessage(d, lineLimit, sizeLimit)) + drawNetstring(d, drawSender(d, lineLimit))
	recipients := d.IntN(4)
	if d.chance(2) {
		recipients = d.IntN(500)
	}
	for range recipients {
		body += drawNetstring(d, drawAddress(d, lineLimit))
	}
	if d.chance(5) {
		// The outer length is parsed, and its value ignored.
		return strconv.Itoa(d.IntN(1<<30)) + ":" + body + ","
	}
	return drawNetstring(d, body)
}

// damage changes a request at one place.
func damage(d dice, s string) string {
	at := d.IntN(len(s) + 1)
	// The first bytes, and those round the netstrings' ends, matter most.
	if d.chance(30) {
		at = min(at, d.IntN(12))
	}
	rest := s[at:]
	if len(rest) > 0 {
		rest = rest[1:]
	}
	switch d.IntN(8) {
	case 0, 1:
		return s[:at]
	case 2:
		return s[:at] + string(byte(d.IntN(256))) + rest
	case 3:
		return s[:at] + pick(d, "0", "9", ":", ",", "-", " ", "\n", "\x00", "99999999999999999999", string(byte(d.IntN(256)))) + s[at:]
	case 4:
		return s[:at] + rest
	case 5:
		return s + pick(d, ",", "junk", s, "\n", "0:,")
	case 6:
		return s[:at] + pick(d, ":", ",", "0", "1", "5", "9223372036854775807:", "9223372036854775808") + rest
	}
	return drawBytes(d, 60, false)
}

// drawClient draws one client.
func drawClient(d dice, lineLimit, sizeLimit int, local, impatient bool) judges.Client {
	c := judges.Client{Send: drawRequest(d, lineLimit, sizeLimit)}
	if d.chance(40) {
		c.Send = damage(d, c.Send)
		// Without its end the server would wait for more.
		c.HalfClose = !impatient || d.chance(90)
	} else if d.chance(30) {
		c.HalfClose = true
	}
	if !local {
		c.From = pick(d, "", "", "", "127.0.0.1", "127.0.0.2", "127.0.0.5", "127.0.0.9", "127.0.0.77",
			fmt.Sprintf("127.0.0.%d", 20+d.IntN(19)), fmt.Sprintf("127.0.0.%d", 41+d.IntN(8)), fmt.Sprintf("127.%d.%d.%d", d.IntN(256), d.IntN(256), 1+d.IntN(254)))
	}
	if d.chance(15) && len(c.Send) < 3000 {
		c.Piece = 1 + d.IntN(50)
	}
	return c
}
