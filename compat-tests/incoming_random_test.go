package compat

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// The environment variables that rule TestIncomingRandom: how many messages
// are sent, and the seed of the first one, whose successors have the next
// numbers. The seed is printed.
const (
	randomCount = "QMQPD_COMPAT_MESSAGES"
	randomSeed  = "QMQPD_COMPAT_SEED"
)

// randomRun returns how many random messages a test shall send, usually so many, and
// its seed, usually the same one: what fails for one fails for all, and because of
// what was changed. The environment may say otherwise.
func randomRun(t *testing.T, usually int) (count int, seed uint64) {
	count, seed = usually, 1
	var err error
	if v := os.Getenv(randomCount); v != "" {
		if count, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	if v := os.Getenv(randomSeed); v != "" {
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return count, seed
}

// TestIncomingRandom sends random messages and envelopes, made to be nasty, to
// a real Postfix and to ours, as TestIncomingCorpus does. A difference is
// reported with the seed that brings it back.
func TestIncomingRandom(t *testing.T) {
	t.Parallel()
	count, seed := randomRun(t, 300)
	t.Logf("%s=%d", randomSeed, seed)
	variants := maps.Clone(incomingVariants)
	maps.Copy(variants, mapVariants)
	maps.Copy(variants, extremeVariants)
	maps.Copy(variants, edgeVariants)
	maps.Copy(variants, branchVariants)
	names := slices.Sorted(maps.Keys(variants))
	// Settings that nobody thought of together.
	mix := generator{rand.New(rand.NewPCG(seed, 1))}
	for i := range 8 {
		set := make(settings)
		for range 4 {
			if name := mix.pick(names...); !strings.HasPrefix(name, "missing") && !strings.HasPrefix(name, "fail") {
				maps.Copy(set, variants[name])
			}
		}
		// Ours takes one that is set for both, the rival the one in master.cf.
		for name := range set {
			if _, parameter, found := strings.Cut(name, ":"); found {
				delete(set, parameter)
			}
		}
		// With one family alone cleanup(8) dies, and ours does not start, of an address of
		// the other one.
		if set["cleanup:inet_protocols"] != "" {
			delete(set, "proxy_interfaces")
		}
		if set["disable_mime_input_processing"] == "yes" {
			delete(set, "force_mime_input_conversion")
		}
		// A long queue id, which stands in the Received: header, has such a letter or not.
		if strings.ContainsFunc(set["message_reject_characters"]+set["message_strip_characters"], unicode.IsLetter) {
			delete(set, "enable_long_queue_ids")
		}
		name := fmt.Sprintf("mix%d", i)
		variants[name] = set
		t.Logf("%s: %v", name, set)
	}
	names = slices.Sorted(maps.Keys(variants))
	d := newDuel(t, commonMain, variants)
	for i := range count {
		g := generator{rand.New(rand.NewPCG(seed+uint64(i), 0))}
		variant := "stock"
		if !g.one(3) {
			variant = names[g.IntN(len(names))]
		}
		host := g.host(t)
		postfix.Case(t)
		if !d.compare(t, variant, host, g.submission()) {
			t.Fatalf("difference in message %d of %s=%d, settings %s", i, randomSeed, seed, variant)
		}
	}
}

// generator makes messages out of pieces that are likely to matter.
type generator struct{ *rand.Rand }

// one is true once in n times.
func (g generator) one(n int) bool { return g.IntN(n) == 0 }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// host returns the address at which both sides are asked, ::1 now and then.
func (g generator) host(t testing.TB) string {
	hosts := loopbacks(t)
	if g.one(10) {
		return hosts[len(hosts)-1]
	}
	return hosts[0]
}

func (g generator) submission() submission {
	s := submission{message: g.message(0), sender: g.envelopeAddress()}
	switch g.IntN(12) {
	case 0:
		s.sender = ""
	case 1:
		s.sender = g.word() + g.pick("-", "+", "=", "*") + "@" + g.domain() + "-@[]"
	}
	switch g.IntN(8) {
	case 0:
		for range g.IntN(12) {
			s.recipients = append(s.recipients, g.pick("a@b", "A@b", "x", "X", "x@mx.example.org", "\u00d6@x", "\u00f6@x", "", g.envelopeAddress()))
		}
	case 1, 2:
		for range 1 + g.IntN(3) {
			s.recipients = append(s.recipients, g.envelopeAddress())
		}
	default:
		s.recipients = []string{g.envelopeAddress()}
	}
	return s
}

func (g generator) word() string {
	return g.pick("joe", "a", "user", "Bob", "x-y", "u+ext", "MAILER-DAEMON", "j\u00f6", "\xe4", "owner-list", "list-request", strings.Repeat("long", 1+g.IntN(30)))
}

func (g generator) domain() string {
	return g.pick("example.com", "host", "mx.example.org", "h.", "h..", ".h", "", "[1.2.3.4]", "[IPv6:::1]", "EXAMPLE.com", "\u00f6.example", "a.b.c.d", "h(c)", "sub.example.com", "\"q\"", "x y", "[", "]")
}

func (g generator) envelopeAddress() string {
	switch g.IntN(9) {
	case 0:
		return g.pick(envelopeAddresses...)
	case 8:
		return g.pick(mapAddresses...)
	case 1:
		return g.noise(12)
	case 2:
		return g.pick("@a:", "@a,@b:", "a!", "!", "\"", "") + g.word() + g.pick("", "%", "%x", "!", "@y", "\"", " ", ".", "\x00z", "\n", "\\") + g.pick("", "@"+g.domain())
	default:
		return g.word() + "@" + g.domain()
	}
}

// noise is a text of special characters.
func (g generator) noise(n int) string {
	var b strings.Builder
	for range g.IntN(n + 1) {
		b.WriteString(g.pick("a", "b", "@", "<", ">", "(", ")", "[", "]", "\"", "\\", ",", ";", ":", ".", "%", "!", "|", " ", "\t", "\r", "\x00", "\x01", "\x7f", "\u00e4", "\xff", "\n ", "\n\t", "joe", "=", "-", "/"))
	}
	return b.String()
}

// addressList is the value of an address header.
func (g generator) addressList() string {
	var b strings.Builder
	for range 1 + g.IntN(4) {
		switch g.IntN(12) {
		case 0:
			b.WriteString(g.noise(20))
		case 1:
			b.WriteString(g.pick(headerValues...))
		case 2:
			b.WriteString("\"" + g.noise(6) + "\" <" + g.word() + "@" + g.domain() + ">")
		case 3:
			b.WriteString(g.word() + "@" + g.domain() + " (" + g.noise(6) + ")")
		case 4:
			b.WriteString(g.word() + ": " + g.word() + ", " + g.word() + "@" + g.domain() + g.pick(";", "", ";;"))
		case 5:
			b.WriteString(g.word() + strings.Repeat(g.pick("c", "(c)", " c", "c."), 40+g.IntN(100)) + g.pick(" <"+g.word()+">", "", " <>"))
		case 6:
			b.WriteString(strings.Repeat(g.word()+g.pick(",", ", ", ",\n ", " "), g.IntN(20)))
		default:
			b.WriteString(g.pick("", g.word()+" ", "B. Bar ") + "<" + g.pick(g.word()+g.pick("", "@"+g.domain()), g.pick(mapAddresses...)) + ">")
		}
		b.WriteString(g.pick(", ", ",", ",\n\t", ";", " ", "\n ", ""))
	}
	return b.String()
}

func (g generator) headerName() string {
	return g.pick("From", "To", "Cc", "Bcc", "Reply-To", "Sender", "Resent-From", "Resent-To", "resent-date", "Resent-Message-ID", "Return-Path", "Errors-To", "Apparently-To",
		"Date", "Subject", "Message-ID", "Message-Id", "Received", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Length", "Content-Disposition",
		"Delivered-To", "TLS-Required", "X-Drop", "X-Other", "x", "Disposition-Notification-To", "Mail-Followup-To", "Resent-Reply-To", "TO", "fRoM")
}

// text is free text, sometimes long.
func (g generator) text() string {
	switch g.IntN(14) {
	case 0:
		return strings.Repeat(g.pick("x", "long ", "\u00e4", "=", "folded\n "), g.pickInt(50, 500, 700, 2040+g.IntN(20), 4090+g.IntN(20), 30000))
	case 1:
		return g.noise(30)
	case 3:
		return "DO " + g.pick(checkActions...)
	case 2:
		return g.pick("8-bit \u00e4 text", "\xe4\xff", "nul\x00nul", "\x00", "cr\rcr", "end\r", "Q\x7f", "bell\x07", " ", "\t")
	default:
		return g.pick("some text", "hello world", "x", "", "a: b", "--b1", "From here", ">From there", "trailing ", "tab\t")
	}
}

func (g generator) pickInt(from ...int) int { return from[g.IntN(len(from))] }

func (g generator) header(depth int) string {
	switch g.IntN(25) {
	case 0:
		return g.text()
	case 1:
		return g.pick("X-Do", "X-Mime", "X-Nested", "Content-Description") + ": " + g.pick(checkActions...)
	}
	name := g.headerName()
	colon := g.pick(": ", ": ", ": ", ": ", ":", " : ", "\t:", ":  ", ":\n ")
	value := ""
	switch strings.ToLower(name) {
	case "content-type":
		value = g.contentType()
	case "content-transfer-encoding":
		value = g.pick("8bit", "7bit", "binary", "base64", "quoted-printable", "8BIT", "8bit ", "8bit (c)", "(c) 8bit", "\"8bit\"", "8 bit", "8bit;x", "7bit, 8bit", "x", "")
	case "message-id", "resent-message-id":
		value = g.pick("<a@b>", "a@b", "", "<a<b>c>", "<a", "<\u00e4\x01>", "<a@b> x", "\n <c@d>", g.noise(6))
	case "tls-required":
		value = g.pick("no", "yes", "No", "", "no ")
	case "subject", "date", "received", "x", "x-other", "x-drop", "delivered-to", "content-length", "mime-version", "content-disposition":
		value = g.text()
	default:
		value = g.addressList()
	}
	for g.one(6) {
		value += g.pick("\n ", "\n\t", "\n  ") + g.text()
	}
	return name + colon + value
}

func (g generator) contentType() string {
	params := ""
	for range g.IntN(3) {
		params += g.pick(";", "; ", ";\n ", " ; (c) ") + g.pick("boundary=b1", "boundary=\"b1\"", "boundary=b2", "boundary=\"b 3\"", "boundary=b12", "BOUNDARY = b1", "boundary=\"\"", "boundary", "charset=x", "boundary=\"b\\1\"", "boundary=\"b\n 1\"",
			"boundary*=b1", "boundary*0=b1", "boundary==b1", "boundary:b1", "boundary='b1'", "boundary=b1 (c)", "boundary=(c)b1", "boundary=\"b1 \"", "boundary=\"b1--\"", "boundary=\"b1", g.noise(6))
	}
	return g.pick("text/plain", "multipart/mixed", "multipart/mixed", "multipart/digest", "message/rfc822", "message/global", "message/partial", "message/external-body", "image/png", "multipart", "MULTIPART/Mixed", "\"multipart\"/mixed", "multi part/mixed", "(c)multipart/mixed", "multipart / digest", "message/delivery-status", "message/global-headers", "\"message\"/\"rfc822\"", "message/", "") + params
}

// message is a message, or a part of one.
func (g generator) message(depth int) string {
	var b strings.Builder
	end := "\n"
	if g.one(12) {
		end = "\r\n"
	}
	if depth == 0 && g.one(15) {
		b.WriteString(g.pick("From ", ">From ", ">>From ", "From") + g.text() + end)
	}
	if depth == 0 && g.one(40) {
		b.WriteString(strings.Repeat("Received: x"+end, g.pickInt(2, 46, 47, 48, 49, 50, 60)))
	}
	for range g.IntN(9) {
		b.WriteString(g.header(depth) + end)
	}
	if !g.one(8) {
		b.WriteString(end)
	}
	for range g.IntN(6) {
		switch g.IntN(7) {
		case 0:
			b.WriteString("--" + g.pick("b1", "b2", "b 3", "b1--", "b12", "b", "", "b2--") + g.pick("", "", " ", "x") + end)
			if depth < 4 && g.one(2) {
				b.WriteString(g.message(depth + 1))
			}
		case 1:
			if depth < 4 {
				b.WriteString(g.message(depth + 1))
			}
		default:
			b.WriteString(g.text() + end)
		}
	}
	s := b.String()
	if g.one(10) {
		s = strings.TrimSuffix(s, end)
	}
	if len(s) > 200000 {
		s = s[:200000]
	}
	return s
}
