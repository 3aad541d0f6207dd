package judges

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// mostLines is how many records of a message a write-up shows; it has a digest
// of the whole for the others.
const mostLines = 400

// text is the write-up of a finished scene.
func (s *Scene) text() string {
	var out strings.Builder
	for _, note := range s.notes {
		out.WriteString(s.mask(note) + "\n")
	}
	for n, m := range s.Messages() {
		fmt.Fprintf(&out, "cleanup connection %d:\n", n)
		text := s.mask(maskTimes(m.Text()))
		shown := 0
		for line := range strings.Lines(text) {
			if shown++; shown > mostLines {
				fmt.Fprintf(&out, "  and so on: %d lines, SHA-256 %x\n", strings.Count(text, "\n"), sha256.Sum256([]byte(text)))
				break
			}
			out.WriteString("  " + line)
		}
	}
	records, rest := s.Child.Records()
	for _, r := range records {
		who := ""
		if int(r.PID) != s.Child.PID {
			who = fmt.Sprintf(" of process %d", r.PID)
		}
		fmt.Fprintf(&out, "status record: %v%s\n", r, who)
	}
	if len(rest) > 0 {
		fmt.Fprintf(&out, "unfinished status record: % x\n", rest)
	}
	for _, line := range s.logLines() {
		out.WriteString(s.mask(line) + "\n")
	}
	for _, line := range s.postlogLines() {
		out.WriteString(s.mask(line) + "\n")
	}
	how, ran := s.Child.End()
	if how != "exit 0" && s.row.Play == nil && len(s.row.Clients) == 0 {
		// A fatal error sleeps for a second before the end.
		if ran >= 950*time.Millisecond {
			how += " after a pause"
		} else {
			how += " at once"
		}
	}
	out.WriteString(how + "\n")
	return out.String()
}

// stamp is the beginning of a datagram to syslog.
var stamp = regexp.MustCompile(`^<(\d+)>[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d ([^\[]*)\[\d+\]: (?s:(.*))$`)

// logLines returns the server's log lines without time and process id.
func (s *Scene) logLines() []string {
	var lines []string
	more := false
	for _, l := range s.judge.Log.Of(s.logged, s.Child.PID) {
		if s.row.Verbose && !usual(l) {
			more = true
			continue
		}
		if s.ignored(l.Text) {
			continue
		}
		part := stamp.FindStringSubmatch(l.Raw)
		if part == nil {
			lines = append(lines, fmt.Sprintf("log, strange form: %q", l.Raw))
			continue
		}
		lines = append(lines, fmt.Sprintf("log <%s> %s: %s", part[1], part[2], part[3]))
	}
	if s.row.Verbose {
		lines = append(lines, fmt.Sprintf("verbose: %v", more))
	}
	return lines
}

func (s *Scene) ignored(text string) bool {
	return slices.ContainsFunc(s.row.Ignore, func(part string) bool { return strings.Contains(text, part) })
}

// postlogStamp is the beginning of a datagram to postlogd(8).
var postlogStamp = regexp.MustCompile(`^[A-Z][a-z][a-z] \d\d \d\d:\d\d:\d\d (\S+) ([^\[]*)\[\d+\]: (?s:(.*))$`)

// postlogLines returns what came to postlogd's socket, without time and
// process id. The server has ended: nothing more can come.
func (s *Scene) postlogLines() []string {
	if s.postlog == nil {
		return nil
	}
	var lines []string
	for _, l := range s.Lines(s.postlog) {
		part := postlogStamp.FindStringSubmatch(l.Raw)
		if part == nil {
			lines = append(lines, fmt.Sprintf("postlog, strange form: %q", l.Raw))
			continue
		}
		lines = append(lines, fmt.Sprintf("postlog %s %s: %s", part[1], part[2], part[3]))
	}
	return lines
}

// usual says whether a line is one that is logged without -v, too.
func usual(l postfix.Line) bool {
	const info = 6
	if l.Priority&7 < info {
		return true
	}
	for _, part := range []string{"connect from ", ": client=", " while ", " has changed -- restarting"} {
		if strings.Contains(l.Text, part) {
			return true
		}
	}
	return false
}

// mask replaces client ports, and the process id if the row says so.
func (s *Scene) mask(text string) string {
	for n, port := range s.ports {
		mark := fmt.Sprintf("PORT%d", n)
		text = strings.ReplaceAll(text, "client_port="+port+`"`, "client_port="+mark+`"`)
		text = strings.ReplaceAll(text, "]:"+port, "]:"+mark)
	}
	if s.row.MaskPID {
		text = strings.ReplaceAll(text, strconv.Itoa(s.Child.PID), "PID")
	}
	return text
}

var (
	timeRecord = regexp.MustCompile(`(?m)^T "(\d+) (0|[1-9]\d{0,5})"$`)
	dateText   = regexp.MustCompile(`; ([A-Z][a-z][a-z], \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d [+-]\d{4}) \(([^()]*)\)"`)
)

// maskTimes replaces the arrival time in the record T, if it is a good one and
// near, and the date in the Received header, if that is the same second.
func maskTimes(text string) string {
	part := timeRecord.FindStringSubmatch(text)
	if part == nil {
		return text
	}
	seconds, err := strconv.ParseInt(part[1], 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return text
	}
	text = strings.Replace(text, part[0], `T "SECONDS MICROSECONDS"`, 1)
	return dateText.ReplaceAllStringFunc(text, func(found string) string {
		date := dateText.FindStringSubmatch(found)
		when, err := time.Parse("Mon, 02 Jan 2006 15:04:05 -0700", date[1])
		if err != nil || when.Unix() != seconds {
			return found
		}
		return fmt.Sprintf(`; DATE %s (%s)"`, date[1][len(date[1])-5:], date[2])
	})
}
