package matchlist_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/matchlist"
	"github.com/qmqpd/qmqpd/daemon/table"
)

type recorder struct {
	mu    sync.Mutex
	lines []string
	level int
}

func (r *recorder) add(severity, format string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, severity+fmt.Sprintf(format, args...))
}

func (r *recorder) Infof(format string, args ...any)    { r.add("", format, args) }
func (r *recorder) Warningf(format string, args ...any) { r.add("warning: ", format, args) }
func (r *recorder) Errorf(format string, args ...any)   { r.add("error: ", format, args) }
func (r *recorder) Verbose() int                        { return r.level }

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// Each row was seen with the stock server, or follows from its source.
func TestMatch(t *testing.T) {
	const (
		yes     = "yes"
		no      = "no"
		problem = "error"
	)
	tests := []struct {
		name, list string
		parents    bool
		client     string // NAME ADDR
		want       string
		start, log []string
	}{
		{name: "empty list", list: "", client: "localhost 127.0.0.1", want: no},
		{name: "address", list: "10.0.0.1, 127.0.0.1", client: "unknown 127.0.0.1", want: yes},
		{name: "name", list: "a.example", client: "A.Example 192.0.2.1", want: yes},
		{name: "name in capitals", list: "A.EXAMPLE", client: "a.example 192.0.2.1", want: yes},
		{name: "unknown", list: "unknown", client: "unknown 192.0.2.1", want: yes},
		{name: "parent domain", list: "example.com", parents: true, client: "a.example.com 192.0.2.1", want: yes},
		{name: "no parent domain", list: "example.com", client: "a.example.com 192.0.2.1", want: no},
		{name: "no label boundary", list: "example.com", parents: true, client: "aexample.com 192.0.2.1", want: no},
		{name: "dot with parents", list: ".example.net", parents: true, client: "b.example.net 192.0.2.1", want: no},
		{name: "dot without parents", list: ".example.net", client: "b.example.net 192.0.2.1", want: yes},
		{name: "dot is not the domain", list: ".example.net", client: "example.net 192.0.2.1", want: no},
		{name: "network", list: "10.0.0.0/8", client: "unknown 10.1.2.3", want: yes},
		{name: "order, hit first", list: "10.0.0.0/8 !10.1.0.0/16", client: "unknown 10.1.2.3", want: yes},
		{name: "order, negation first", list: "!10.1.0.0/16 10.0.0.0/8", client: "unknown 10.1.2.3", want: no},
		{name: "double negation", list: "!!127.0.0.1", client: "unknown 127.0.0.1", want: yes},
		{name: "bracketed IPv6", list: "[::1]", client: "unknown ::1", want: yes},
		{name: "long IPv6", list: "[0:0:0:0:0:0:0:1]", client: "unknown ::1", want: yes},
		{name: "IPv6 network", list: "[2001:db8::]/32", client: "unknown 2001:db8:1::2", want: yes},
		{name: "IPv6 network inside", list: "[2001:DB8::/32]", client: "unknown 2001:db8:1::2", want: yes},
		{name: "bracketed IPv4", list: "[127.0.0.1]", client: "unknown 127.0.0.1", want: yes},
		{name: "bracketed IPv4 network", list: "[10.0.0.0]/8", client: "unknown 10.9.8.7", want: yes},
		{name: "bracketed IPv4 network inside", list: "[192.0.2.0/24]", client: "unknown 192.0.2.7", want: yes},
		{name: "everything", list: "0.0.0.0/0", client: "unknown 192.0.2.7", want: yes},
		{name: "IPv4 is not IPv6", list: "[::]/0", client: "unknown 192.0.2.7", want: no},
		{name: "mask in eight bits", list: "10.0.0.0/264", client: "unknown 10.9.9.9", want: yes},
		{name: "braces are literal", list: "{127.0.0.1}", client: "unknown 127.0.0.1", want: no},
		{name: "incomplete address", list: "127.0.0", client: "unknown 127.0.0.1", want: no},
		{name: "text mask", list: "10.0.0.0/x", client: "unknown 10.0.0.1", want: no},
		{name: "not hexadecimal", list: "[::g]", client: "unknown ::1", want: no},
		{name: "zone", list: "[fe80::]/10", client: "unknown fe80::1%eth0", want: no},
		{name: "name before address", list: "!localhost 127.0.0.1", client: "localhost 127.0.0.1", want: no},
		{name: "host bits", list: "127.0.0.1/8", client: "localhost 127.0.0.1", want: problem,
			log: []string{`warning: acl: non-null host address bits in "127.0.0.1/8", perhaps you should use "127.0.0.0/8" instead`}},
		{name: "host bits, other family", list: "127.0.0.1/8 [::1]", client: "localhost ::1", want: yes},
		{name: "hit before the error", list: "127.0.0.1 127.0.0.1/8", client: "localhost 127.0.0.1", want: yes},
		{name: "mask length", list: "10.0.0.0/33", client: "localhost 127.0.0.1", want: problem,
			log: []string{`warning: acl: bad mask length in "10.0.0.0/33"`}},
		{name: "no mask", list: "10.0.0.0/", client: "localhost 127.0.0.1", want: problem,
			log: []string{`warning: acl: bad mask value in "10.0.0.0/"`}},
		{name: "bad network", list: "10.0.0/8", client: "localhost 127.0.0.1", want: problem,
			log: []string{`warning: acl: bad network value in "10.0.0/8"`}},
		{name: "open bracket", list: "[::1", client: "localhost ::1", want: problem,
			log: []string{`warning: acl: missing ']' character after "[::1"`}},
		{name: "after the bracket", list: "[::1]a", client: "localhost ::1", want: problem,
			log: []string{`warning: acl: garbage after "[::1]"`}},
		{name: "no mask after bracket", list: "[::1]/", client: "localhost ::1", want: problem,
			log: []string{`warning: acl: bad mask value in "::1/"`}},
		{name: "short IPv6", list: "[1:2:3]", client: "localhost ::1", want: problem,
			log: []string{`warning: acl: bad address pattern: "1:2:3"`}},
		{name: "host bits, dotted suggestion", list: "[::1.2.3.4/127]/112", client: "localhost ::1", want: problem,
			log: []string{`warning: acl: bad network value in "::1.2.3.4/127/112"`}},
		{name: "host bits, IPv6", list: "[::1.2.3.5]/127", client: "localhost ::1", want: problem,
			log: []string{`warning: acl: non-null host address bits in "::1.2.3.5/127", perhaps you should use "::1.2.3.4/127" instead`}},
		{name: "comment", list: "127.0.0.1 #x 10.0.0.1", client: "localhost 10.0.0.1", want: no,
			start: []string{"warning: acl: #comment after other text is not allowed: #x 10.0.0.1..."}},
		{name: "comment at the end", list: "127.0.0.1 #x", client: "localhost 127.0.0.1", want: yes,
			start: []string{"warning: acl: #comment after other text is not allowed: #x ..."}},
		{name: "long comment", list: "#abc 12345678901234567890123", client: "localhost 127.0.0.1", want: no,
			start: []string{"warning: acl: #comment after other text is not allowed: #abc 12345678901234567890..."}},
		{name: "table of names", list: "inline:{a.example=x}", client: "A.example 192.0.2.1", want: yes},
		{name: "table of parents", list: "inline:{example.com=x}", parents: true, client: "a.b.example.com 192.0.2.1", want: yes},
		{name: "table of parents with a dot", list: "inline:{.example.com=x}", client: "a.b.example.com 192.0.2.1", want: yes},
		{name: "table of addresses", list: "!inline:{192.0.2.1=x} 192.0.2.0/24", client: "unknown 192.0.2.1", want: no},
		{name: "patterns see whole names", list: "regexp:{{/^a[.]b[.]c$/ x}}", client: "A.b.c 192.0.2.1", want: yes},
		{name: "patterns do not see parents", list: "regexp:{{/^b[.]c$/ x} {/^[.]b/ x}}", client: "a.b.c 192.0.2.1", want: no},
		{name: "every hexadecimal digit", list: "[0189:abf:ABF::9]", client: "unknown 189:abf:abf::9", want: yes},
		{name: "missing file", list: "127.0.0.1 /nonexistent/f", client: "localhost 192.0.2.1", want: problem,
			start: []string{"error: open file /nonexistent/f: No such file or directory"},
			log: []string{
				"warning: non-existent:/nonexistent/f is unavailable. open file /nonexistent/f: No such file or directory",
				"warning: acl: non-existent:/nonexistent/f: table lookup problem",
			}},
		{name: "missing file after a hit", list: "127.0.0.1 /nonexistent/f", client: "localhost 127.0.0.1", want: yes,
			start: []string{"error: open file /nonexistent/f: No such file or directory"}},
		{name: "unknown type", list: "foo:bar", client: "localhost 127.0.0.1", want: problem,
			start: []string{"error: unsupported dictionary type: foo"},
			log: []string{
				"warning: foo:bar is unavailable. unsupported dictionary type: foo",
				"warning: acl: foo:bar: table lookup problem",
			}},
		{name: "bare IPv6 is a table", list: "2001:db8::1", client: "localhost 127.0.0.1", want: problem,
			start: []string{"error: unsupported dictionary type: 2001"},
			log: []string{
				"warning: 2001:db8::1 is unavailable. unsupported dictionary type: 2001",
				"warning: acl: 2001:db8::1: table lookup problem",
			}},
		{name: "inline value does not count", list: "inline:{a.example=no}", client: "a.example 192.0.2.1", want: yes},
		{name: "inline by address", list: "inline:{192.0.2.1=}", client: "a.example 192.0.2.1", want: yes},
		{name: "no partial address", list: "inline:{10=x}", client: "a.example 10.0.0.1", want: no},
		{name: "inline parent", list: "inline:{example=x}", parents: true, client: "a.b.example 192.0.2.1", want: yes},
		{name: "inline dot parent", list: "inline:{.b.example=x}", client: "a.b.example 192.0.2.1", want: yes},
		{name: "inline capitals never match", list: "inline:{Host.Example=x}", client: "Host.Example 192.0.2.1", want: no},
		{name: "negated cidr", list: "!cidr:{{1.1.1.0/24 x}} 0.0.0.0/0", client: "unknown 1.1.1.9", want: no},
		{name: "static admits all", list: "static:all", client: "unknown 192.0.2.1", want: yes},
		{name: "fail", list: "fail:x", client: "unknown 192.0.2.1", want: problem,
			log: []string{"warning: acl: fail:x: table lookup problem"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &recorder{}
			set := table.NewSet(table.Options{Log: log, UTF8: true})
			list, err := matchlist.Parse("acl", tt.list, set, matchlist.Options{Parents: tt.parents})
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff(tt.start, log.take()); diff != "" {
				t.Errorf("log of Parse (-want +got):\n%s", diff)
			}
			name, addr, _ := strings.Cut(tt.client, " ")
			ok, err := list.Match(context.Background(), name, addr)
			got := no
			if ok {
				got = yes
			}
			if err != nil {
				got = problem
			}
			if got != tt.want {
				t.Errorf("Match(%q, %q) = %s (%v), want %s", name, addr, got, err, tt.want)
			}
			if diff := cmp.Diff(tt.log, log.take()); diff != "" {
				t.Errorf("log of Match (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseFatal(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, list, want string }{
		{"lone mark", "!", "acl: no pattern after '!'"},
		{"blank after mark", "! 10.0.0.1", "acl: no pattern after '!'"},
		{"empty type", "::1", `open dictionary: expecting "type:name" form instead of "::1"`},
		{"empty name", "foo:", `open dictionary: expecting "type:name" form instead of "foo:"`},
		{"directory", dir, "match_list_parse: read file " + dir + ": Is a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := matchlist.Parse("acl", tt.list, table.NewSet(table.Options{}), matchlist.Options{})
			if err == nil || err.Error() != tt.want || table.ClassOf(err) != table.Fatal {
				t.Errorf("Parse(%q) = %v, want fatal %q", tt.list, err, tt.want)
			}
		})
	}
}

func TestOpenErrorFatal(t *testing.T) {
	set := table.NewSet(table.Options{OpenErrorFatal: true})
	_, err := matchlist.Parse("acl", "/nonexistent/f", set, matchlist.Options{})
	const want = "open file /nonexistent/f: No such file or directory"
	if err == nil || err.Error() != want || table.ClassOf(err) != table.Fatal {
		t.Errorf("Parse = %v, want fatal %q", err, want)
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inner := write("inner", "# comment\n\n10.0.0.1 !10.0.0.2,\n 10.0.0.0/8 #rest dropped 1.1.1.1\n  # comment\n1.1.1.2")
	outer := write("outer", " lost line that is longer than thirty bytes\n!"+inner+" 2.2.2.2\n")
	self := write("self", "3.3.3.3\n"+filepath.Join(dir, "self")+"\n")

	log := &recorder{}
	set := table.NewSet(table.Options{Log: log})
	tests := []struct {
		list, addr string
		want       bool
	}{
		{inner, "10.0.0.1", true},
		{inner, "10.0.0.2", false},
		{inner, "10.0.0.3", true},
		{inner, "1.1.1.1", false},
		{inner, "1.1.1.2", true},
		{"!" + inner, "10.0.0.2", true},
		{"!" + inner, "10.0.0.3", false},
		{outer, "10.0.0.2", true},
		{outer, "10.0.0.1", false},
		{outer, "2.2.2.2", true},
		{self, "3.3.3.3", true},
	}
	for _, tt := range tests {
		list, err := matchlist.Parse("acl", tt.list, set, matchlist.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := list.Match(context.Background(), "unknown", tt.addr); got != tt.want || err != nil {
			t.Errorf("%s: Match(%s) = %v, %v, want %v", tt.list, tt.addr, got, err, tt.want)
		}
	}
	warned := strings.Join(log.take(), "\n")
	for _, want := range []string{
		"warning: acl: #comment after other text is not allowed: #rest dropped 1.1.1.1...",
		"warning: " + outer + `: logical line must not start with whitespace: " lost line that is longer than..."`,
		"error: open file " + self + ": Too many open files",
	} {
		if !strings.Contains(warned, want) {
			t.Errorf("log lacks %q; it has:\n%s", want, warned)
		}
	}
}

func TestVerbose(t *testing.T) {
	log := &recorder{level: 2}
	set := table.NewSet(table.Options{})
	list, err := matchlist.Parse("acl", "inline:{b=x} 10.0.0.1", set, matchlist.Options{Parents: true})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := list.WithLog(log).Match(context.Background(), "h.example", "10.0.0.2"); ok || err != nil {
		t.Errorf("Match = %v, %v", ok, err)
	}
	want := []string{
		"match_hostname: acl: h.example ~? inline:{b=x}(0,lock|utf8_request)",
		"match_hostname: acl: lookup inline:{b=x} h.example: notfound",
		"match_hostname: acl: lookup inline:{b=x} example: notfound",
		"match_hostaddr: acl: 10.0.0.2 ~? inline:{b=x}(0,lock|utf8_request)",
		"match_hostname: acl: h.example ~? 10.0.0.1",
		"match_hostaddr: acl: 10.0.0.2 ~? 10.0.0.1",
		"match_list_match: h.example: no match",
		"match_list_match: 10.0.0.2: no match",
	}
	if diff := cmp.Diff(want, log.take()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestStrings(t *testing.T) {
	set := table.NewSet(table.Options{UTF8: true})
	list, err := matchlist.ParseStrings("parent_domain_matches_subdomains", "debug_peer_list, inline:{qmqpd_authorized_clients=}, !x, fail:f", set, matchlist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]bool{"debug_peer_list": true, "Qmqpd_Authorized_Clients": true, "x": false} {
		if got, err := list.Match(context.Background(), s); got != want || err != nil {
			t.Errorf("Match(%s) = %v, %v, want %v", s, got, err, want)
		}
	}
	_, err = list.Match(context.Background(), "other")
	if want := "parent_domain_matches_subdomains: fail:f: table lookup problem"; err == nil || err.Error() != want || table.ClassOf(err) != table.Fatal {
		t.Errorf("Match(other): %v, want fatal %q", err, want)
	}
}

// TestStringsWarn has a failing table logged, and an error with which a process can
// go on.
func TestStringsWarn(t *testing.T) {
	var log recorder
	set := table.NewSet(table.Options{Log: &log})
	list, err := matchlist.ParseStrings("mydestination", "a, fail:f, b", set, matchlist.Options{WarnLookup: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := list.Match(context.Background(), "a"); !got || err != nil || log.take() != nil {
		t.Errorf("Match(a) = %v, %v", got, err)
	}
	got, err := list.Match(context.Background(), "b")
	if got || err == nil || table.ClassOf(err) != table.Retry {
		t.Errorf("Match(b) = %v, %v, want an error of class Retry", got, err)
	}
	if diff := cmp.Diff([]string{"warning: mydestination: fail:f: table lookup problem"}, log.take()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
