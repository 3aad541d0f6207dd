package mime

import (
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// TestContentType: the type, and the boundaries that are looked for from then on.
func TestContentType(t *testing.T) {
	type kind struct {
		ctype
		subtype
	}
	before := kind{typeText, subtypePlain} // what there is without the header
	multipart := kind{typeMultipart, subtypePlain}
	for _, row := range []struct {
		value      string
		want       kind
		boundaries string
	}{
		{" text/plain", kind{typeText, subtypePlain}, ""},
		{"\tTEXT(a(b)\\)) / Html ", kind{typeText, subtypeOther}, ""},
		{"text plain", kind{typeText, subtypeOther}, ""},
		{"text;/plain", kind{typeText, subtypeOther}, ""},
		{"texts/x", before, ""},
		{`"message"/rfc822`, before, ""},
		{"image/png; boundary=a", before, ""},
		{"(nothing)", kind{typeOther, subtypePlain}, ""},
		{"; message/rfc822", kind{typeOther, subtypePlain}, ""},
		{"message/x", kind{typeMessage, subtypeOther}, ""},
		{`message/"rfc822"`, kind{typeMessage, subtypeOther}, ""},
		{"Message/RFC822", kind{typeMessage, subtypeRFC822}, ""},
		{"message/partial", kind{typeMessage, subtypePartial}, ""},
		{"message/external-body", kind{typeMessage, subtypeExternalBody}, ""},
		{"message/global; boundary=a", kind{typeMessage, subtypeGlobal}, ""},
		{"multipart/x; boundary=a;BOUNDARY = b ; boundaries=c; boundary; boundary=", multipart, "a|b"},
		{`multipart/x; boundary="a\"\\b;"; boundary="c` + " \t\n" + ` d"; boundary="e\`, multipart, `a"\b;|c d|e`},
		{"multipart/x; boundary=a\rb;\nboundary\n=\n\tc\td", multipart, "a|c"},
		{`multipart/x; x="a" "b;boundary=c"; d(;boundary=e)=f; boundary=g h i`, multipart, "g"},
		{"multipart/x; boundary=(", multipart, ""},
		{`multipart/x; boundary=a(\`, multipart, "a"},
		{"multipart/x; boundary=\x7f; boundary=\x1f; boundary=~", multipart, "\x7f|\x1f|~"},
		{"multipart/x; boundary=a; boundary=b; boundary=c; boundary=d; boundary=e", multipart, "a|b|c|d"}, // MaxDepth is 2
	} {
		var p Parser
		p.Reset(options(), &script{})
		p.contentType([]byte(row.value))
		var boundaries []string
		for _, b := range p.stack {
			boundaries = append(boundaries, string(b.text))
		}
		if got := strings.Join(boundaries, "|"); (kind{p.ctype, p.subtype}) != row.want || got != row.boundaries {
			t.Errorf("%q: type %d/%d, boundaries %q", row.value, p.ctype, p.subtype, got)
		}
		if p.faults != 0 {
			t.Errorf("%q: a fault that nobody looks for", row.value)
		}
	}
}

func TestContentEncoding(t *testing.T) {
	for value, want := range map[string][2]encoding{
		"7bit": {encoding7Bit, encoding7Bit}, " (c) 8BIT x": {encoding8Bit, encoding8Bit}, "binary;": {encodingBinary, encodingBinary},
		"base64": {encodingBase64, encoding7Bit}, "Quoted-Printable": {encodingQuotedPrintable, encoding7Bit},
		"": {}, "x 8bit": {}, `"8bit"`: {}, "=8bit": {}, "8bit=": {}, "8bit.": {encoding8Bit, encoding8Bit},
	} {
		var p Parser
		p.Reset(options(), &script{})
		p.contentEncoding([]byte(value))
		if got := [...]encoding{p.encoding, p.domain}; got != want {
			t.Errorf("%q: encoding and domain %d, want %d", value, got, want)
		}
	}
}

// TestFaults: where all faults are looked for, what is one.
func TestFaults(t *testing.T) {
	const (
		typ = "Content-Type: "
		enc = "Content-Transfer-Encoding: "
	)
	for _, row := range []struct {
		message string
		want    Fault
	}{
		{"A: b\n\nc\n", 0},
		{"A: \x7f\n\n\x7f\n", 0},
		{"A: \x80\n\nc\n", Fault8BitHeader},
		{"A: b\n\n\x80\n", Fault8BitBody},
		{enc + "8bit\n\n\x80\n", 0},
		{enc + "base64\n\n\x80\n", 0}, // as in stock: only what says 7bit, or nothing, is looked at
		{typ + "multipart/x\n" + enc + "8bit\n\n", 0},
		{typ + "multipart/x\n" + enc + "base64\n\n", FaultEncodingDomain},
		{typ + "multipart/x\nTo: base64\n\n", 0},
		{typ + "message/rfc822\n" + enc + "binary\n\n", 0},
		{typ + "message/rfc822\n" + enc + "quoted-printable\n\n", FaultEncodingDomain},
		{typ + "message/partial\n" + enc + "8bit\n\n", FaultEncodingDomain},
		{typ + "message/partial\n" + enc + "base64\n\n", 0},
		{typ + "message/external-body\n" + enc + "binary\n\n", FaultEncodingDomain},
		{typ + "message/global\n" + enc + "base64\n\n", 0},
		{typ + "message/x\n" + enc + "8bit\n\n", 0},
		{typ + "text/plain\n" + enc + "base64\n\n", 0},
		{typ + "multipart/x; boundary=a\n\n--a\n" + enc + "8bit\n\n\x80\n--a--\nb\n", 0},
		{typ + "multipart/x; boundary=a\n\n--a\n" + enc + "8bit\n\n\x80\n--a--\n\x80\n", Fault8BitBody},
		{typ + "multipart/x; boundary=a\n\n--a\n" + enc + "8bit\n\n\x80\n--a\n\n\x80\n", Fault8BitBody},
	} {
		o := options()
		o.Report = Fault8BitHeader | Fault8BitBody | FaultEncodingDomain | FaultNesting
		var p Parser
		p.Reset(o, &script{})
		if got := feed(&p, row.message, 200); got != row.want {
			t.Errorf("%q: faults %b, want %b", row.message, got, row.want)
		}
	}
}

// TestQuotedPrintable: lines of text as they become.
func TestQuotedPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"a b\tc~":                      "a b\tc~",
		"a ":                           "a=20",
		"\t":                           "=09",
		"=\x00\x1f\x7f\xff":            "=3D=00=1F=7F=FF",
		strings.Repeat("x", 73):        strings.Repeat("x", 73),
		strings.Repeat("x", 74):        strings.Repeat("x", 73) + "=\nx",
		strings.Repeat("x", 72) + "==": strings.Repeat("x", 72) + "=3D=\n=3D",
	} {
		var lines []string
		var p Parser
		p.Reset(options(), &bodyLines{&script{}, &lines})
		p.quotedPrintable(queuefmt.RecContinued, []byte(in))
		p.quotedPrintable(queuefmt.RecNormal, nil)
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// bodyLines notes the text of a body's records.
type bodyLines struct {
	*script
	lines *[]string
}

func (b *bodyLines) Body(_ queuefmt.RecordType, data []byte, _ int64) {
	*b.lines = append(*b.lines, string(data))
}
