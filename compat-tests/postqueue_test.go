package compat

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// What postqueue(1) prints of a message that differs between any two: its queue
// id, its size, which counts the digits of that id, and its time.
var queueListing = regexp.MustCompile(`(?m)^[0-9A-F]+ +\d+ \w+ \w+ +\d+ [\d:]+`)

// TestPostqueue lets the real postqueue(1) list the messages that our
// stand-alone server has queued, and the same ones as cleanup(8) queued them.
func TestPostqueue(t *testing.T) {
	t.Parallel()
	requests := []string{
		request("one"),
		standin.Request("Subject: bounce\n\n", "", "r@a.example"),
		standin.Request("m", "s@a.example", "r@a.example", "R@A.example", "other@b.example", "local"),
		standin.Request("m", "list-@lists.example-@[]", "r@a.example", "s@b.example"),
		standin.Request(strings.Repeat("0123456789\n", 20000), "odd local part@a.example", "\"quoted\"@b.example"),
	}
	send := func(addr string) {
		for _, text := range requests {
			c, err := standin.DialTCP("", addr)
			if err != nil {
				t.Fatal(err)
			}
			c.Send([]byte(text))
			wantOK(t, text[:20], readReply(t, c))
			c.Close()
		}
	}
	list := func(pf *postfix.Instance, args ...string) string {
		r := pf.Run("/usr/sbin/postqueue", append(args, "-p")...)
		if r.Code != 0 {
			t.Fatalf("postqueue: exit status %d, %s", r.Code, r.Stderr)
		}
		lines := strings.Split(queueListing.ReplaceAllString(r.Stdout, "QUEUEID SIZE TIME"), "\n")
		// The order is that of the directory.
		var entries []string
		for _, entry := range strings.Split(strings.Join(lines, "\n"), "\n\n") {
			if !strings.HasPrefix(entry, "--") {
				entries = append(entries, strings.TrimPrefix(entry, lines[0]+"\n"))
			}
		}
		return sorted(entries)
	}

	stock := postfix.New(t, postfix.Options{})
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(postfix.FreePort(t)))
	stock.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8", "in_flow_delay = 0", "smtputf8_enable = no")
	stock.WriteMaster("cleanup unix n - y - 0 cleanup\nrewrite unix - - y - - trivial-rewrite\nshowq unix n - y - - showq\n" + addr + " inet n - y - - qmqpd\n")
	stock.Start()
	send(addr)

	ours := newAlone(t)
	ours.AppendMain("queue_directory = "+ours.queue, "smtputf8_enable = no")
	send(ours.addr)
	want, got := list(stock), list(ours.Instance)
	if strings.Count(want, "QUEUEID") != len(requests) {
		t.Errorf("postqueue lists of the stock programs' queue:\n%s", want)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("postqueue's listings differ (-stock +ours):\n%s", d)
	}
}

func sorted(entries []string) string {
	slices.Sort(entries)
	return strings.Join(entries, "\n\n")
}
