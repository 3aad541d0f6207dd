package mime

import (
	"fmt"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// script notes what a Parser finds, one line each.
type script struct {
	lines []string
	ends  int
	bytes int
}

func (s *script) add(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *script) Header(section Section, known *rfc822.Header, text []byte) {
	name := "-"
	if known != nil {
		name = known.Name
	}
	s.add("%s %s %q", [...]string{Primary: "primary", Multipart: "part", Nested: "nested"}[section], name, text)
	s.bytes += len(text)
}

func (s *script) EndOfHeaders() { s.add("end"); s.ends++ }

func (s *script) Body(t queuefmt.RecordType, data []byte, offset int64) {
	s.add("%c%d %q", t, offset, data)
	s.bytes += len(data)
}

func (s *script) Fault(f Fault, text []byte) { s.add("fault %s: %q", f.Text(), text) }

func options() Options {
	return Options{Headers: rfc822.NewHeaderTable(nil), HeaderLimit: 100, BoundaryLimit: 20, MaxDepth: 2}
}

// feed sends a message in pieces of at most limit bytes of a line, as a session
// does.
func feed(p *Parser, message string, limit int) Fault {
	for message != "" {
		n := strings.IndexByte(message, '\n')
		if n >= 0 && n <= limit {
			p.Write(queuefmt.RecNormal, []byte(message[:n]))
			message = message[n+1:]
			continue
		}
		n = min(len(message), limit)
		p.Write(queuefmt.RecContinued, []byte(message[:n]))
		message = message[n:]
	}
	return p.End()
}

func TestParser(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*Options)
		message string
		want    string
	}{
		{"headers and body", nil, "To: a\nX-Y : b\n c\n\nbody\n", `primary To "To: a"
primary - "X-Y: b\n c"
end
N0 ""
N1 "body"`},
		{"nothing", nil, "", "end"},
		{"headers only", nil, "To: a", "primary To \"To: a\"\nend"},
		{"no headers", nil, "text", "end\nN0 \"\"\nL0 \"text\"\nN5 \"\""},
		{"no empty line", nil, "To: a\ntext: \xe4\nb\xe4: c\nTo: d\n", `primary To "To: a"
primary - "text: \xe4"
end
N0 ""
N0 "b\xe4: c"
N6 "To: d"`},
		{"blank first", nil, " a\n", "end\nN0 \"\"\nN0 \" a\""},
		{"folded with a tab", nil, "A \t:\tb\n\tc\n\n", "primary - \"A:\\tb\\n\\tc\"\nend\nN0 \"\""},
		{"closed parts", nil, "Content-Type: multipart/x; boundary=a; boundary=b\n\n--b--\n--b\nA: b\n--a\nA: b\n--b\nA: c\n", `primary Content-Type "Content-Type: multipart/x; boundary=a; boundary=b"
end
N0 ""
N0 "--b--"
N6 "--b"
N10 "A: b"
N15 "--a"
part - "A: b"
N0 "--b"
N4 "A: c"`},
		{"outer boundary", nil, "Content-Type: multipart/x; boundary=a\n\n--a\nContent-Type: multipart/x; boundary=b\n\n--b\nA: b\n--a\nB: c\n\n--b\nC: d\n--a--\n--a\nD: e\n", `primary Content-Type "Content-Type: multipart/x; boundary=a"
end
N0 ""
N1 "--a"
part Content-Type "Content-Type: multipart/x; boundary=b"
N0 ""
N1 "--b"
part - "A: b"
N0 "--a"
part - "B: c"
N0 ""
N1 "--b"
N5 "C: d"
N0 "--a--"
N6 "--a"
N10 "D: e"`},
		{"NUL ends header text", nil, "A: b\x00c\n d\x00e\n\n\x00\n", `primary - "A: b\n d"
end
N0 ""
N1 "\x00"`},
		{"long header", nil, "A: " + strings.Repeat("x", 60) + "\n " + strings.Repeat("y", 60) + "\n z\nB: c\n\n",
			`primary - "A: ` + strings.Repeat("x", 60) + `\n ` + strings.Repeat("y", 60) + `"
primary - "B: c"
end
N0 ""`},
		{"parts", nil, "Content-Type: multipart/mixed; boundary=\"b\"\n\npreamble: x\n--b\nContent-Type: text/plain\n\nA: b\n--b--\nC: d\n", `primary Content-Type "Content-Type: multipart/mixed; boundary=\"b\""
end
N0 ""
N1 "preamble: x"
N13 "--b"
part Content-Type "Content-Type: text/plain"
N0 ""
N1 "A: b"
N0 "--b--"
N6 "C: d"`},
		{"message in a message", nil, "Content-Type: message/rfc822\n\nA : b\n\nC : d\n", `primary Content-Type "Content-Type: message/rfc822"
end
N0 ""
nested - "A: b"
N0 ""
N1 "C : d"`},
		{"digest", nil, "Content-Type: multipart/digest; boundary=b\n\n--b\n\nA : b\n--b\nnot a header\n", `primary Content-Type "Content-Type: multipart/digest; boundary=b"
end
N0 ""
N1 "--b"
N0 ""
nested - "A: b"
N0 "--b"
N0 "not a header"`},
		{"disabled", func(o *Options) { o.Disabled = true }, "Content-Type: message/rfc822\n\nA : b\n", `primary Content-Type "Content-Type: message/rfc822"
end
N0 ""
N1 "A : b"`},
		{"cut boundary", nil, "Content-Type: multipart/mixed; boundary=12345678901234567890xyz\n\n--12345678901234567890other\nA : b\n", `primary Content-Type "Content-Type: multipart/mixed; boundary=12345678901234567890xyz"
end
N0 ""
N1 "--12345678901234567890other"
part - "A: b"`},
		{"no boundary in a continued line", nil, "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("x", 200) + "--b\nA : b\n", `primary Content-Type "Content-Type: multipart/mixed; boundary=b"
end
N0 ""
L1 "` + strings.Repeat("x", 200) + `"
N202 "--b"
N206 "A : b"`},
		{"conversion", func(o *Options) { o.Downgrade = true }, "Content-Transfer-Encoding: 8bit\nA: \xe4\n\n\xe4=\t\n" + strings.Repeat("x", 80) + "\nend", `primary - "A: \xe4"
primary - "Content-Transfer-Encoding: quoted-printable"
end
N0 ""
N1 "=E4=3D=09"
N11 "` + strings.Repeat("x", 73) + `="
N86 "xxxxxxx"
N94 "end"`},
		{"conversion of a composite type", func(o *Options) { o.Downgrade = true }, "Content-Transfer-Encoding: 8bit\nContent-Type: message/rfc822\n\nA: b\n\n\xe4\n", `primary Content-Type "Content-Type: message/rfc822"
primary - "Content-Transfer-Encoding: 7bit"
end
N0 ""
nested - "A: b"
N0 ""
N1 "\xe4"`},
		{"faults", func(o *Options) { o.Report = Fault8BitHeader | Fault8BitBody | FaultEncodingDomain | FaultNesting },
			"A: \xe4\nB: \xe4\nContent-Type: multipart/mixed; boundary=a; boundary=b; boundary=c; boundary=d; boundary=e\nContent-Transfer-Encoding: base64\n\n\xe4\n\xe4\n",
			`fault improper use of 8-bit data in message header: "A: \xe4"
primary - "A: \xe4"
primary - "B: \xe4"
fault MIME nesting exceeds safety limit: "Content-Type: multipart/mixed; boundary=a; boundary=b; boundary=c; boundary=d; boundary=e"
primary Content-Type "Content-Type: multipart/mixed; boundary=a; boundary=b; boundary=c; boundary=d; boundary=e"
primary Content-Transfer-Encoding "Content-Transfer-Encoding: base64"
end
fault invalid message/* or multipart/* encoding domain: "base64"
N0 ""
fault improper use of 8-bit data in message body: "\xe4"
N1 "\xe4"
N3 "\xe4"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options()
			if tt.change != nil {
				tt.change(&o)
			}
			var s script
			var p Parser
			p.Reset(o, &s)
			faults := feed(&p, tt.message, 200)
			if got := strings.Join(s.lines, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if faults != o.Report {
				t.Errorf("faults %b, want %b", faults, o.Report)
			}
		})
	}
}

// TestReset shows that nothing of one message is left for the next.
func TestReset(t *testing.T) {
	var p Parser
	for range 2 {
		var s script
		p.Reset(options(), &s)
		feed(&p, "Content-Type: multipart/mixed; boundary=b\nA: b\n\n--b\nX: half", 200)
		s = script{}
		p.Reset(options(), &s)
		feed(&p, "B: c\n\n--b\nA : b\n", 200)
		if got, want := strings.Join(s.lines, "\n"), "primary - \"B: c\"\nend\nN0 \"\"\nN1 \"--b\"\nN5 \"A : b\""; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func FuzzParser(f *testing.F) {
	for _, m := range []string{
		"A: b\n c\n\nbody", "Content-Type: multipart/mixed; boundary=b; boundary=\"c\\\" d\"\n\n--b\nA : b\n\n--c\" d--\n",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit (x)\n\nA : b\n\n\xe4=\x00", "Content-Type: multipart/digest;boundary=\"\"\n\n---\n\nA : \x00\n",
		"Content-Type: (a(b)\\)) text / plain ; x=y;boundary=z\n\nx", strings.Repeat("A: b\n", 30), strings.Repeat("x", 500),
	} {
		f.Add([]byte(m), uint8(0))
		f.Add([]byte(m), uint8(7))
	}
	f.Fuzz(func(t *testing.T, message []byte, switches uint8) {
		o := options()
		o.Downgrade, o.Disabled = switches&1 != 0, switches&2 != 0
		if switches&4 != 0 {
			o.Report = Fault8BitHeader | Fault8BitBody | FaultEncodingDomain | FaultNesting
		}
		var s script
		var p Parser
		p.Reset(o, &s)
		feed(&p, string(message), 50)
		if s.ends != 1 {
			t.Errorf("%d ends of headers", s.ends)
		}
		if s.bytes > 4*len(message)+60 {
			t.Errorf("%d bytes became %d", len(message), s.bytes)
		}
		if len(p.stack) > o.MaxDepth+2 {
			t.Errorf("%d boundaries are remembered", len(p.stack))
		}
		if cap(p.buffer) > 1000 {
			t.Errorf("a buffer of %d bytes", cap(p.buffer))
		}
	})
}

// What one message leaves to the next counts, wherever it is.
func TestSize(t *testing.T) {
	opts := options()
	opts.HeaderLimit, opts.BoundaryLimit, opts.MaxDepth = 100_000, 2000, 100
	long := strings.Repeat("b", 2000)
	for _, tt := range []struct {
		name, message string
		least         int
	}{
		{"a header", "Subject: " + strings.Repeat("x", 50_000) + "\n\n", 50_000},
		{"a quoted string", "Content-Type: multipart/mixed; x=\"" + strings.Repeat("x", 50_000) + "\"\n\n", 100_000},
		{"boundaries", strings.Repeat("Content-Type: multipart/mixed; boundary="+long+"\n\n--"+long+"\n", 90) + "\n--" + long + "--\n", 180_000},
	} {
		var p Parser
		p.Reset(opts, &script{})
		feed(&p, tt.message, 100_000)
		p.Reset(opts, &script{})
		if n := p.Size(); n < tt.least || n > 4*tt.least {
			t.Errorf("%s: Size = %d, want %d at least", tt.name, n, tt.least)
		}
	}
}
