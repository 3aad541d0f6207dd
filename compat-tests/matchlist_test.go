package compat

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/matchlist"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// The judge of match lists is the stock smtpd(8), which lets us say what the
// client's name and address are (XCLIENT), and asks a match list for
// permit_mynetworks. It runs the same code as qmqpd.

// listJudge is one smtpd with one list.
type listJudge struct {
	t     testing.TB
	in    io.WriteCloser
	lines *bufio.Scanner
	log   []string
	ended func()
}

func newListJudge(t testing.TB, pf *postfix.Instance, list string, parents bool) *listJudge {
	t.Helper()
	style := ""
	if parents {
		style = "mynetworks"
	}
	args := []string{"-S", "-u", "-V"}
	for _, option := range []string{
		"mynetworks=" + list, "parent_domain_matches_subdomains=" + style,
		"smtpd_recipient_restrictions=permit_mynetworks,reject", "smtpd_relay_restrictions=permit",
		"smtpd_reject_unlisted_recipient=no", "smtpd_authorized_xclient_hosts=static:all",
		"smtpd_client_event_limit_exceptions=", "smtpd_forbid_bare_newline_exclusions=", "smtpd_client_restrictions=", "local_recipient_maps=", "alias_maps=",
		"smtputf8_enable=yes", "smtpd_error_sleep_time=0", "smtpd_hard_error_limit=100000", "smtpd_junk_command_limit=100000",
	} {
		args = append(args, "-o", option)
	}
	cmd := pf.Command(postfix.DaemonDir+"/smtpd", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	j := &listJudge{t: t, in: in, lines: bufio.NewScanner(out)}
	j.ended = func() {
		in.Close()
		cmd.Wait()
		out.Close()
	}
	return j
}

// reply reads the answer to a command, and keeps what was logged before it.
func (j *listJudge) reply() string {
	for j.lines.Scan() {
		line := j.lines.Text()
		if text, ok := strings.CutPrefix(line, "postfix/smtpd: "); ok {
			j.log = append(j.log, text)
		} else if len(line) > 3 && line[3] == ' ' {
			return line
		}
	}
	return ""
}

func (j *listJudge) command(format string, args ...any) string {
	fmt.Fprintf(j.in, format+"\r\n", args...)
	return j.reply()
}

// takeLog returns what the list itself has logged.
func (j *listJudge) takeLog() []string {
	var log []string
	for _, line := range j.log {
		if !sessionLine.MatchString(line) {
			log = append(log, line)
		}
	}
	j.log = nil
	return log
}

// sessionLine matches what smtpd logs about its own session.
var sessionLine = regexp.MustCompile(`^(connect from|disconnect from|NOQUEUE: reject)`)

// ask tells whether the list admits a client: yes, no, or error.
func (j *listJudge) ask(name, addr string) string {
	j.t.Helper()
	xname, xaddr := name, addr
	if name == "unknown" {
		xname = "[UNAVAILABLE]"
	}
	if strings.Contains(addr, ":") {
		xaddr = "IPV6:" + addr
	}
	if r := j.command("XCLIENT NAME=%s ADDR=%s", xname, xaddr); !strings.HasPrefix(r, "220") {
		j.t.Fatalf("XCLIENT %s %s: %q", name, addr, r)
	}
	j.command("EHLO judge")
	switch r := j.command("VRFY someone@example.net"); {
	case strings.HasPrefix(r, "252"):
		return "yes"
	case strings.HasPrefix(r, "554"):
		return "no"
	case strings.HasPrefix(r, "451"):
		return "error"
	default:
		j.t.Fatalf("VRFY for %s[%s]: %q", name, addr, r)
		return ""
	}
}

// listGenerator makes match lists, some damaged.
type listGenerator struct{ ruleGenerator }

func (g *listGenerator) element() string {
	not := ""
	for g.IntN(5) == 0 {
		not += "!"
	}
	switch g.IntN(14) {
	case 0, 1, 2:
		return not + g.pick("a.example.com", "example.com", ".example.com", "EXAMPLE.net", "com", "unknown", "host.test", "grüsse.test", "x{y", "aexample.com")
	case 3, 4, 5:
		return not + g.pick("10.0.0.1", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "127.0.0.1", "[10.0.0.1]", "[192.0.2.0]/24", "[192.0.2.0/24]", "0.0.0.0/0", "10", "10.0.0")
	case 6, 7:
		return not + g.pick("[2001:db8::1]", "[2001:DB8::]/32", "[2001:db8::/48]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]/0", "[::ffff:10.0.0.1]", "[fe80::1]")
	case 8:
		return not + g.pick("10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "[::1", "[::1]a", "[::1]/", "[1:2:3]", "10.0.0.0/x", "[::g]", "{10.0.0.1}", "10.0.0.0/264", "[2001:db8::1/32]")
	case 9:
		return not + g.pick("/etc/postfix/list1", "/etc/postfix/list2", "/etc/postfix/list1")
	case 10, 11:
		return not + g.pick("hash:/etc/postfix/clients", "texthash:/etc/postfix/clients", "cdb:/etc/postfix/clients", "lmdb:/etc/postfix/clients", "btree:/etc/postfix/clients",
			"inline:{example.com=x,10.0.0.2=y}", "inline:{.example.com=x}", "cidr:{{10.2.0.0/16 x}, {!2001:db8::/32 y}}", "regexp:{{/^a\\..*com/ x}}", "pcre:{{/^10\\.(3|4)\\./ x}}",
			"unionmap:{inline:{b.example.com=1},cdb:/etc/postfix/clients}", "pipemap:{inline:{host.test=k},inline:{k=v}}")
	case 12:
		if g.IntN(3) > 0 {
			return "10.9.0.0/16"
		}
		return not + g.pick("fail:x", "nosuch:type", "2001:db8::1", "/etc/postfix/missing", "hash:/etc/postfix/missing", "regexp:/etc/postfix/missing", "static:all", "#comment more")
	}
	return g.pick("", ",", "10.5.0.0/16")
}

func (g *listGenerator) list() string {
	var list strings.Builder
	for range 1 + g.IntN(7) {
		list.WriteString(g.element() + g.pick(" ", ", ", ",", "\t", "  "))
	}
	return strings.TrimSpace(list.String())
}

func (g *listGenerator) client() (name, addr string) {
	name = g.pick("a.example.com", "b.example.com", "example.com", "A.Example.Com", "aexample.com", "example.net", "sub.example.net", "host.test", "unknown", "unknown", "com", "file.example.org")
	addr = g.pick("10.0.0.1", "10.0.0.2", "10.1.2.3", "10.2.0.9", "10.3.0.1", "192.0.2.7", "127.0.0.1", "172.16.0.1", "2001:db8::1", "2001:db8:1::2", "::1", "fe80::1", "2001:db9::1")
	return name, addr
}

// oursList reads the list with the root's files, under the names that they
// have inside the root.
func oursList(t testing.TB, pf *postfix.Instance, list string, parents bool) (*matchlist.List, *tableLog) {
	t.Helper()
	outside := func(text string) string {
		return strings.ReplaceAll(text, "/etc/postfix/", pf.Path("/etc/postfix")+"/")
	}
	log := &tableLog{root: pf.Dir, surrogates: true}
	set := table.NewSet(table.Options{Log: log, UTF8: true, Loaded: map[string]string{}})
	t.Cleanup(func() { set.Close() })
	ours, err := matchlist.Parse("mynetworks", outside(list), set, matchlist.Options{
		Parents: parents,
		ReadFile: func(path string) ([]byte, error) {
			text, err := os.ReadFile(path)
			return []byte(outside(string(text))), err
		},
	})
	if err != nil {
		t.Fatalf("Parse(%q): %v", list, err)
	}
	return ours, log
}

func TestMatchLists(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	source := "b.example.com x\n.example.net dotted\nexample.net y\n192.0.2.7 z\n2001:db8:1::2 z\nFile.Example.ORG w\n"
	pf.WriteFile("/etc/postfix/clients", source, 0o644)
	for _, typ := range []string{"hash", "btree", "cdb", "lmdb"} {
		typ, suffix := typ, map[string]string{"hash": ".db", "btree": ".db", "cdb": ".cdb", "lmdb": ".lmdb"}[typ]
		if typ == "btree" {
			continue // shares its file name with hash
		}
		pf.MustRun("/usr/sbin/postmap", typ+":/etc/postfix/clients")
		if _, err := os.Stat(pf.Path("/etc/postfix/clients" + suffix)); err != nil {
			t.Fatal(err)
		}
	}
	pf.WriteFile("/etc/postfix/list1", "# a comment\n10.1.2.3, !10.0.0.2\n  file.example.org # the rest is lost\n !sub.example.net\n[2001:db8::]/32\n", 0o644)
	pf.WriteFile("/etc/postfix/list2", "  lost\n!/etc/postfix/list1\n172.16.0.1", 0o644)
	pf.Start()
	verdicts := map[string]int{}
	for i := range 200 {
		g := &listGenerator{ruleGenerator{Rand: rand.New(rand.NewPCG(6, uint64(i)))}}
		list, parents := g.list(), g.IntN(2) == 0
		ok := t.Run(fmt.Sprint(i), func(t *testing.T) {
			judge := newListJudge(t, pf, list, parents)
			defer judge.ended()
			if r := judge.reply(); !strings.HasPrefix(r, "220") {
				t.Fatalf("smtpd with %q: %q, log %q", list, r, judge.log)
			}
			ours, log := oursList(t, pf, list, parents)
			if diff := cmp.Diff(judge.takeLog(), log.take()); diff != "" {
				t.Errorf("%q: log at the start (-stock +ours):\n%s", list, diff)
			}
			for range 30 {
				name, addr := g.client()
				want := judge.ask(name, addr)
				verdicts[want]++
				got := "no"
				if ok, err := ours.Match(context.Background(), name, addr); err != nil {
					got = "error"
				} else if ok {
					got = "yes"
				}
				if got != want {
					t.Errorf("%q, parents %v: %s[%s]: ours %s, stock %s", list, parents, name, addr, got, want)
				}
				if diff := cmp.Diff(judge.takeLog(), log.take()); diff != "" {
					t.Errorf("%q: %s[%s]: log (-stock +ours):\n%s", list, name, addr, diff)
				}
			}
		})
		if !ok {
			break
		}
	}
	for _, verdict := range []string{"yes", "no", "error"} {
		if verdicts[verdict] < 200 {
			t.Errorf("%d clients got %s: the lists are too much alike", verdicts[verdict], verdict)
		}
	}
}
