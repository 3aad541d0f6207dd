package postcat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// optionFiles are queue files, a record each line: its type and its data. "C" alone
// is a size record that is right, "p" and a record's number lead to that record.
var optionFiles = map[string]string{
	"whole": "C|T1000000000 5|Acreate_time=1000000001|Aa=b|Sfrom|w00|Rrcpt|M|NSubject: x|N\tmore|N|NFrom: body|Lunter|Nminated|Llast|X|" +
		"Ainside= x |LInspect|E|Safter",
	"marks":    "C|M|NTo: x|M|Nto: y|E|Nmore|X|X|Nrest|E",
	"sizes":    "Cx|C|C5|T1|M|N|E",
	"half":     "C12|T1|M|NA: b|Nc|E",
	"zero":     "C0 0|T1|M|NA: b|E",
	"back":     "C1 9|T1|M|NA: b|Nc|Nd|X|E",
	"envelope": "C|T-1|W \t+86399x|T|Abad|A=x|Acreate_time=x|Lcontinued|Ntext|Sx\x00y|E",
	"pointer":  "C|Sa|p5|Skipped|w00|w01|Sb|p9|Sskipped|M|NA: b|p13|Nskipped|p0|Nc|X|p18|Rskipped|Rr|E",
	"edited":   "C|Sa|p10|M|NA: b|p12|Nold|X|Ai=x|E|Radded|p3|NB: c|N|Nbody|p7", // by a Milter: the end of the header is behind that of the content
	"nowhere":  "C|Sa|px|Sb|E",
	"blank":    "C|M|N text|N\ttext|Ntext|N more|X|E",
	"headers":  "C|M|Na : b|LA:|Nnone|Nb c: d|Nbody|X|E",
	"colon":    "C|M|N: b|X|E",
	"control":  "C|M|Na\x01: b|X|E",
	"eight":    "C|M|Na\x80: b|X|E",
	"delete":   "C|M|Na\x7f: b|X|E",
	"text":     "NA: b|E",
	"nul":      "\x00A|Sx|E",
	"cut":      "C|Sa|E",
	"empty":    "",
}

// queueFile makes the bytes of one of optionFiles.
func queueFile(name string) []byte {
	if optionFiles[name] == "" {
		return nil
	}
	records := strings.Split(optionFiles[name], "|")
	offsets := make([]int, len(records)+1)
	var b []byte
	for pass := 0; pass < 2; pass++ {
		b = b[:0]
		for i, r := range records {
			offsets[i] = len(b)
			data := r[1:]
			switch n := 0; {
			case r == "C":
				start, end := 0, 0
				for j, other := range records {
					switch other[0] {
					case 'M':
						start = offsets[j+1]
					case 'X':
						end = offsets[j]
					}
				}
				data = fmt.Sprintf("%15d %15d", max(end-start, 1), start)
			case r[0] == 'p' && r != "p0":
				if _, err := fmt.Sscan(r[1:], &n); err == nil {
					data = fmt.Sprintf("%15d", offsets[n])
				}
			}
			b = queuefmt.AppendRecord(b, queuefmt.RecordType(r[0]), []byte(data))
		}
		offsets[len(records)] = len(b)
	}
	if name == "cut" {
		b = append(b[:len(b)-2], "Sabc"...) // a record of 97 bytes that has two
	}
	return b
}

// TestOptions compares with what the real postcat printed and logged with these
// options, and whether it failed. What it loses at its end, unflushed, is put in.
func TestOptions(t *testing.T) {
	golden, err := os.ReadFile("testdata/options.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(string(golden), "\x0c\n")[1:]
	if len(rows) < 60 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		head, want, _ := strings.Cut(row, "\n")
		name, letters, _ := strings.Cut(head, " -")
		t.Run(head, func(t *testing.T) {
			has := func(letter string) bool { return strings.Contains(letters, letter) }
			var out bytes.Buffer
			var warnings strings.Builder
			err := Print(&out, Input{Name: "stdin", At: bytes.NewReader(queueFile(name))}, Options{
				Decimal: has("d"), Offsets: has("o"), Verbose: has("v"), FileName: has("f"), Raw: has("r"),
				Envelope: has("e"), Header: has("h"), Body: has("b"), Location: time.UTC,
				Warn: func(text string) { fmt.Fprintln(&warnings, "warning:", text) },
			})
			got := out.String() + "--\n" + warnings.String()
			if err != nil && name != "text" { // there postcat goes on to the next file
				got += "failed\n"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTimeOutOfRange: a year that is no int, on which postcat crashes, is a fault of
// the record.
func TestTimeOutOfRange(t *testing.T) {
	for data, ok := range map[string]bool{
		"67767976233532799": true, "67767976233532800": false, "-67768040609740800": true, "-67768040609740801": false,
		"99999999999999999999": false, "-99999999999999999999": false,
	} {
		b := queuefmt.AppendRecord(nil, queuefmt.RecTime, []byte(data))
		b = queuefmt.AppendRecord(b, queuefmt.RecEnd, nil)
		err := Print(io.Discard, Input{At: bytes.NewReader(b)}, Options{Location: time.UTC})
		var fault *queuefmt.FormatError
		if errors.As(err, &fault); (err == nil) != ok || !ok && (fault.Kind != queuefmt.FaultValue || fault.Type != queuefmt.RecTime) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

// TestPrintNothing: without an input there is an error, and no output.
func TestPrintNothing(t *testing.T) {
	var out strings.Builder
	if err := Print(&out, Input{Name: "none"}, Options{}); err == nil || out.Len() != 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
}
