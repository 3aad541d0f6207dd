// Package queuecompare puts two queue files side by side: what may differ
// between two runs of the same request is masked, everything else must be
// equal, record by record.
package queuecompare

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/queuefmt"
)

var (
	// message_strip_characters may have taken a letter away: Nv, Mn. A check that
	// replaces the Received header may have taken the day, or part of it.
	date      = regexp.MustCompile(`([A-Z][a-z]{1,2}, )?\d\d [A-Z][a-z]{1,2} \d{4} \d\d:\d\d:\d\d `)
	messageID = regexp.MustCompile(`<\d{14}\.QUEUEID@`)
	// A log line that quotes a fixed number of bytes of our Received header
	// quotes less of it after a longer id.
	cutReceived = regexp.MustCompile(`(mime-error .* Received: .*[ ?]id ).* from `)
)

// Mask checks the numbers of the file's size record against the file and
// returns its records, one a line, with the volatile parts replaced: the queue
// id wherever it stands, times, dates of today, ports. The warning time is
// kept as its distance from the arrival time.
func Mask(file []byte, id string) ([]string, error) {
	f, err := queuefmt.Parse(file)
	if err != nil {
		return nil, err
	}
	var lines []string
	var arrival int64
	var found queuefmt.Size
	for _, r := range f.Records {
		data := bytes.ReplaceAll(r.Data, []byte(id), []byte("QUEUEID"))
		switch r.Type {
		case queuefmt.RecSize:
			continue
		case queuefmt.RecTime:
			seconds, _, _ := bytes.Cut(data, []byte(" "))
			if arrival, err = strconv.ParseInt(string(seconds), 10, 64); err != nil {
				return nil, err
			}
			data = []byte("ARRIVAL")
		case queuefmt.RecWarnTime:
			if len(data) != 15 {
				return nil, fmt.Errorf("warning time %q", data)
			}
			at, err := strconv.ParseInt(string(bytes.TrimLeft(data, " ")), 10, 64)
			if err != nil {
				return nil, err
			}
			data = fmt.Appendf(nil, "ARRIVAL+%d", at-arrival)
		case queuefmt.RecAttr:
			name, _, _ := bytes.Cut(data, []byte("="))
			switch string(name) {
			case "create_time", "log_client_port", "client_port":
				data = append(name, "=MASKED"...)
			}
		case queuefmt.RecMessage:
			found.DataOffset = r.Offset + int64(r.Header)
		case queuefmt.RecExtracted:
			found.DataSize = r.Offset - found.DataOffset
		case queuefmt.RecRecipient:
			found.Recipients++
		case queuefmt.RecNormal, queuefmt.RecContinued:
			data = maskCutID(date.ReplaceAll(data, []byte("DATE ")), id)
		}
		data = messageID.ReplaceAll(data, []byte("<TIME.QUEUEID@"))
		lines = append(lines, fmt.Sprintf("%c %d %q", r.Type, len(data), data))
	}
	if len(f.Records) == 0 || f.Records[0].Type != queuefmt.RecSize {
		return nil, fmt.Errorf("no size record")
	}
	size, err := queuefmt.ParseSize(f.Records[0].Data)
	if err != nil {
		return nil, err
	}
	if size.DataOffset != found.DataOffset || size.DataSize != found.DataSize ||
		size.ContentLength != found.DataSize || size.Recipients != found.Recipients {
		return nil, fmt.Errorf("size record %+v, file %+v", size, found)
	}
	return append([]string{fmt.Sprintf("C recipients=%d flags=%d options=%d", size.Recipients, size.QMgrFlags, size.SendOptions)}, lines...), nil
}

// beforeID is what our Received header has before the queue id, on the same line.
var beforeID = regexp.MustCompile(`^\t(by .* with QMQP )?id $`)

// maskCutID replaces what header_size_limit has left of a queue id at the end of our
// Received header by how much that is: ids of the two sides may differ in length.
func maskCutID(data []byte, id string) []byte {
	at := bytes.LastIndex(data, []byte("id ")) + len("id ")
	if at < len("id ") || !beforeID.Match(data[:at]) || at == len(data) || !strings.HasPrefix(id, string(data[at:])) {
		return data
	}
	return fmt.Appendf(bytes.Clone(data[:at]), "CUT TO %d", len(data)-at)
}

// MaskLine masks a log line as Mask masks records.
func MaskLine(line, id string) string {
	b := []byte(line)
	if id != "" {
		b = bytes.ReplaceAll(b, []byte(id), []byte("QUEUEID"))
	}
	b = cutReceived.ReplaceAll(b, []byte("${1}CUT from "))
	b = date.ReplaceAll(b, []byte("DATE "))
	return string(messageID.ReplaceAll(b, []byte("<TIME.QUEUEID@")))
}

// Diff describes the first difference between the masked forms, or returns "".
func Diff(ours, theirs []string) string {
	for i := range max(len(ours), len(theirs)) {
		a, b := "(end)", "(end)"
		if i < len(ours) {
			a = ours[i]
		}
		if i < len(theirs) {
			b = theirs[i]
		}
		if a != b {
			return fmt.Sprintf("record %d:\n  ours   %s\n  theirs %s", i, a, b)
		}
	}
	return ""
}
