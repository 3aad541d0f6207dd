package cat

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt/postcat"
)

const samples = "../../../queuefmt/testdata/"

func TestRun(t *testing.T) {
	dov := postcat.Options{Decimal: true, Offsets: true, Verbose: true, Location: time.UTC}
	good, err := os.ReadFile(samples + "01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	placeholders, err := os.ReadFile(samples + "11-milter-placeholders.queue")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good", good)
	write("cut", good[:843])
	write("count", bytes.Replace(good, []byte("511               1"), []byte("511               3"), 1))
	end := len(good) - len("E\x00")
	write("many", slices.Concat(good[:end], bytes.Repeat([]byte("T\x011"), 60), good[end:]))
	write("text", []byte("Hello\n"))
	write("torn", good[843:])
	if err := os.MkdirAll("queue/maildrop/4", 0o700); err != nil {
		t.Fatal(err)
	}
	maildrop := []byte("T\x011S\x01aR\x01bM\x00N\x04A: bN\x00N\x04bodyX\x00E\x00")
	write("queue/maildrop/4/ABC", maildrop)
	write("taken-away", maildrop)
	pointer := bytes.Clone(placeholders)
	copy(pointer[848:], "p\x0f            890")
	write("pointer", pointer)

	tests := []struct {
		name   string
		files  []string
		opts   Options
		stdin  string
		status int
		out    string // what the output contains
		errs   string
	}{
		{name: "records", files: []string{"good"}, opts: Options{Records: dov},
			out: "*** ENVELOPE RECORDS good ***\n        0  67 message_size: "},
		{name: "stdin", stdin: "good", opts: Options{Records: dov},
			out: "      891  69 *** MESSAGE FILE END stdin ***\n"},
		{name: "minus", files: []string{"-"}, stdin: "good", opts: Options{Form: Verdict}, out: "stdin: ok\n"},
		{name: "pointer", files: []string{"pointer"}, opts: Options{Records: dov},
			out: "      848 112 pointer_record:             890\n      890  88 *** HEADER EXTRACTED pointer ***\n"},
		{name: "pointer in a stream", stdin: "pointer", opts: Options{Records: dov},
			out: "      848 112 pointer_record:             890\n      890  88 *** HEADER EXTRACTED stdin ***\n"},
		{name: "damaged and good", files: []string{"cut", "good"}, opts: Options{Records: dov}, status: 1,
			out: "      831  78 regular_text: \n*** ENVELOPE RECORDS good ***\n",
			errs: "qmqpd cat: warning: cut: unexpected EOF in data, record type 78 length 11\n" +
				"qmqpd cat: error: cut: offset 833: unexpected EOF in data, record type 78 length 11\n"},
		{name: "damaged stdin", stdin: "cut", opts: Options{Form: Verdict}, status: 1,
			errs: "qmqpd cat: error: stdin: offset 833: unexpected EOF in data, record type 78 length 11\n"},
		{name: "folder", files: []string{"."}, opts: Options{Form: EML}, status: 1, errs: "qmqpd cat: error: .: read .: is a directory\n"},
		{name: "unreadable", files: []string{"/proc/self/mem"}, opts: Options{Form: EML}, status: 1,
			errs: "qmqpd cat: error: /proc/self/mem: read /proc/self/mem: input/output error\n"},
		{name: "torn", files: []string{"torn"}, opts: Options{Form: EML}, status: 1, out: "body line 2\n",
			errs: "qmqpd cat: warning: torn: bytes 0 to 2 lost: no record of the envelope group\n" +
				"qmqpd cat: warning: torn: no sender record found\n" +
				"qmqpd cat: warning: torn: no recipient record found\n" +
				"qmqpd cat: error: torn: offset 0: not a queue file: first record type 'e'\n"},
		{name: "missing", files: []string{"none"}, status: 1, errs: "qmqpd cat: error: open none: no such file or directory\n"},
		{name: "text", files: []string{"text"}, status: 1,
			errs: "qmqpd cat: warning: text: input is not a valid queue file\nqmqpd cat: error: text: offset 0: input is not a valid queue file\n"},
		{name: "verify", files: []string{"good", "count", "cut"}, opts: Options{Form: Verdict}, status: 1,
			out:  "good: ok\ncount: warning: offset 0: rcpt count mismatch (2)\ncount: ok\n",
			errs: "qmqpd cat: error: cut: offset 833: unexpected EOF in data, record type 78 length 11\n"},
		{name: "verify with more than is shown", files: []string{"many"}, opts: Options{Form: Verdict},
			out: "in the extracted group\nmany: warning: offset 1038: ignored: second arrival time record\nmany: warning: 20 more that are tolerated\nmany: ok\n"},
		{name: "json with more than is shown", files: []string{"many"}, opts: Options{Form: JSON}, out: `}],"more_tolerated":20}`},
		{name: "eml", files: []string{"good"}, opts: Options{Form: EML},
			out: "Message-ID: <id1@example.com>\n\nbody line 1\nbody line 2\n"},
		{name: "eml of a damaged file", files: []string{"cut"}, opts: Options{Form: EML}, status: 1,
			out: "Message-ID: <id1@example.com>\n\nbody lin\n",
			errs: "qmqpd cat: warning: cut: bytes 833 to 834 lost: unexpected EOF in data, record type 78 length 11; its data is kept\n" +
				"qmqpd cat: error: cut: offset 833: unexpected EOF in data, record type 78 length 11\n"},
		{name: "json", files: []string{"good"}, opts: Options{Form: JSON}, out: `{"file":"good","size":{"data_size":348,`},
		{name: "maildrop", files: []string{"queue/maildrop/4/ABC"}, opts: Options{Form: Verdict}, out: "queue/maildrop/4/ABC: ok\n"},
		{name: "maildrop as a message", files: []string{"queue/maildrop/4/ABC"}, opts: Options{Form: EML}, out: "A: b\n\nbody\n"},
		{name: "maildrop as json", files: []string{"queue/maildrop/4/ABC"}, opts: Options{Form: JSON}, out: `{"file":"queue/maildrop/4/ABC","arrival_time":`},
		{name: "not in maildrop", files: []string{"taken-away"}, opts: Options{Form: Verdict}, status: 1,
			out: "taken-away: warning: offset 0: first record is not the size record\n", errs: "qmqpd cat: error: taken-away: offset 9: missing size record\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdin := os.Stdin
			if tt.stdin != "" {
				f, err := os.Open(tt.stdin)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				stdin = f
			}
			var out, errs bytes.Buffer
			if status := Run(tt.files, tt.opts, stdin, &out, &errs); status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if !strings.Contains(out.String(), tt.out) || tt.out == "" && out.Len() > 0 {
				t.Errorf("output\n%s\nwant it to contain\n%s", out.String(), tt.out)
			}
			if errs.String() != tt.errs {
				t.Errorf("errors\n%s\nwant\n%s", errs.String(), tt.errs)
			}
		})
	}
}

// TestRunPipe: standard input that cannot be positioned.
func TestRunPipe(t *testing.T) {
	good, err := os.ReadFile(samples + "01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	for _, opts := range []Options{{}, {Form: Verdict}, {Form: EML}, {Form: JSON}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(good); err != nil {
			t.Fatal(err)
		}
		w.Close()
		var out, errs bytes.Buffer
		if status := Run(nil, opts, r, &out, &errs); status != 0 || out.Len() == 0 || errs.Len() > 0 {
			t.Errorf("%+v: status %d, %d bytes, %s", opts, status, out.Len(), errs.String())
		}
		r.Close()
	}
}

// TestRunFull: output that cannot be written.
func TestRunFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	good, err := os.ReadFile(samples + "01-one-recipient.queue")
	if err != nil {
		t.Fatal(err)
	}
	count := bytes.Replace(good, []byte("511               1"), []byte("511               3"), 1)
	for _, opts := range []Options{{}, {Form: Verdict}, {Form: EML}, {Form: JSON}} {
		files := [][]byte{good, count}
		if opts.Form == EML {
			files = append(files, good[:843])
		}
		for _, file := range files {
			var errs bytes.Buffer
			status := Run(nil, opts, bytes.NewReader(file), full, &errs)
			if status != 1 || !strings.Contains(errs.String(), "qmqpd cat: error: stdin: write /dev/full: no space left on device\n") {
				t.Errorf("%+v, %d bytes: status %d, %s", opts, len(file), status, errs.String())
			}
		}
	}
}

// A damaged file that is larger than any message, be it of nothing, is not read into
// memory.
func TestRunHole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hole")
	if err := errors.Join(os.WriteFile(path, []byte("Hello\n"), 0o600), os.Truncate(path, maxRecovered+1)); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	status := Run([]string{path}, Options{Form: EML}, strings.NewReader(""), &out, &errs)
	if status != 1 || out.Len() > 0 || !strings.Contains(errs.String(), "are not searched") {
		t.Errorf("%d, %d bytes, %s", status, out.Len(), errs.String())
	}
}
