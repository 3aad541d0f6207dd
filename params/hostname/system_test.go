package hostname

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// etc makes a directory with the resolver's files.
func etc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ask does lookups written as "n ADDRESS", "4 NAME", "6 NAME" or "0 NAME" and returns the
// result or the error text.
func ask(ctx context.Context, r Resolver, query string) string {
	kind, what, _ := strings.Cut(query, " ")
	if kind == "n" {
		name, err := r.LookupName(ctx, netip.MustParseAddr(what))
		if err != nil {
			return err.Error()
		}
		return name
	}
	addrs, err := r.LookupAddrs(ctx, what, Families(kind != "6", kind != "4"))
	if err != nil {
		return err.Error()
	}
	return strings.Trim(fmt.Sprint(addrs), "[]")
}

const (
	noName = "Name or service not known"
	noData = "No address associated with hostname"
	later  = "Temporary failure in name resolution"
	system = "System error"
)

type lookup struct{ query, want string }

func checkLookups(t *testing.T, s *System, lookups []lookup) {
	t.Helper()
	for _, l := range lookups {
		if got := ask(context.Background(), s, l.query); got != l.want {
			t.Errorf("%s: %q, want %q", l.query, got, l.want)
		}
	}
}

// The results in this file are those of glibc 2.41, with the same files and
// answers.

func TestDNS(t *testing.T) {
	replies := map[string]reply{
		"ptr 1.0.0.10.in-addr.arpa":  records(ptr("Plain.Example")),
		"ptr 2.0.0.10.in-addr.arpa":  records(ptr("bad!name.example")),
		"ptr 3.0.0.10.in-addr.arpa":  records(ptr("-x.example")),
		"ptr 4.0.0.10.in-addr.arpa":  records(ptr("12.34.56.78")),
		"ptr 5.0.0.10.in-addr.arpa":  records(ptr("first.example"), ptr("second.example")),
		"ptr 6.0.0.10.in-addr.arpa":  records(ptr("under_score.example")),
		"ptr 8.0.0.10.in-addr.arpa":  records(ptr("sp ace.example")),
		"ptr 9.0.0.10.in-addr.arpa":  records(ptr("single")),
		"ptr 10.0.0.10.in-addr.arpa": records(cname("10.sub.0.0.10.in-addr.arpa"), of("10.sub.0.0.10.in-addr.arpa", ptr("classless.example"))),
		"ptr 11.0.0.10.in-addr.arpa": records(ptr("")),
		"ptr 13.0.0.10.in-addr.arpa": records(ptr("do\x01t.example")),
		"ptr 14.0.0.10.in-addr.arpa": records(ptr("nu\x00l.example")),
		"ptr 15.0.0.10.in-addr.arpa": records(ptr("bad!name.example"), ptr("good.example")),
		"ptr 16.0.0.10.in-addr.arpa": records(of("other.example", ptr("good.example"))),
		"ptr 17.0.0.10.in-addr.arpa": code(rcodeServerFailure),
		"ptr 18.0.0.10.in-addr.arpa": records(ptr("\xc3\xa9t.example")),
		"ptr 19.0.0.10.in-addr.arpa": records(ptr("*.wild.example")),
		"ptr 20.0.0.10.in-addr.arpa": records(ptr("sl/ash.example")),
		"ptr 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": records(ptr("six.example")),
		"any servfail.example":   code(rcodeServerFailure),
		"any refused.example":    code(rcodeRefused),
		"any formerr.example":    code(1),
		"any notimp.example":     code(rcodeNotImplemented),
		"any rc9.example":        code(9),
		"any timeout.example":    {silent: true},
		"any nodata.example":     records(),
		"any cnameonly.example":  records(cname("target.example")),
		"a cnamenx.example":      {rcode: rcodeNameError, records: []rr{cname("target.example")}},
		"a cname.example":        records(cname("Target.example"), of("target.EXAMPLE", a("10.1.1.1"))),
		"a cnamerev.example":     records(of("target.example", a("10.1.1.1")), cname("target.example")),
		"a cnamebad.example":     records(cname("t!rget.example"), of("t!rget.example", a("10.1.1.1"))),
		"any wrongowner.example": records(of("else.example", a("10.1.1.2"))),
		"a wrongboth.example":    records(of("else.example", a("10.1.1.2")), a("10.1.1.3")),
		"a wrongtype.example":    records(a("::5")),
		"a short.example":        records(rr{rtype: typeA, data: []byte{1, 2, 3}}),
		"a trunc.example":        {cut: true, records: []rr{a("10.3.0.1"), a("10.3.0.2")}},
		"a multi.example":        records(a("10.1.1.3"), a("10.1.1.1"), a("10.1.1.2")),
		"aaaa multi.example":     records(),
		"any six.example":        records(),
		"aaaa six.example":       records(a("2001:db8::1")),
		"a badid.example":        {wrongID: true, records: []rr{a("10.9.9.9")}},
		"a badq.example":         {askedOf: "evil.example", records: []rr{of("evil.example", a("10.9.9.9"))}},
		"a garbage.example":      {raw: []byte{0x81, 0x80}},
		"a chaos.example":        records(rr{rtype: typeA, class: 3, data: []byte{10, 9, 9, 9}}),
		// Whatever name the CNAME is for.
		"a cnameother.example":       records(of("other.example", cname("target.example")), of("target.example", a("10.1.1.4")), a("10.1.1.5")),
		"ptr 21.0.0.10.in-addr.arpa": records(of("other.example", cname("target.example")), of("target.example", ptr("by.alias.example"))),
		// What cannot be read spoils what is before it, too.
		"a damaged.example":          records(a("10.1.1.6"), damagedName(typeCNAME, "else.example")),
		"ptr 22.0.0.10.in-addr.arpa": records(damagedName(typeCNAME, "else.example"), ptr("good.example")),
		// Names of records that do not count are not read.
		"ptr 23.0.0.10.in-addr.arpa": records(damagedName(typePTR, "else.example"), ptr("good.example")),
		"a ptrtoo.example":           records(damagedName(typePTR, ""), a("10.1.1.7")),
		// Both at once.
		"a nxwitha.example":      {rcode: rcodeNameError, records: []rr{a("10.1.1.8")}},
		"aaaa nxwitha.example":   records(a("2001:db8::8")),
		"any onlyrcodes.example": {rcode: rcodeNameError, records: []rr{a("10.1.1.8")}},
		"a damaged6.example":     records(a("10.1.1.9")),
		"aaaa damaged6.example":  records(a("2001:db8::9"), damagedName(typeCNAME, "")),
		"a damaged4.example":     records(damagedName(typeCNAME, "")),
		"aaaa damaged4.example":  records(a("2001:db8::9")),
		"a anyclass.example":     records(rr{rtype: typeA, class: 3, data: []byte{10, 9, 9, 9}}),
		"aaaa anyclass.example":  records(),
		"a failed6.example":      records(),
		"aaaa failed6.example":   code(rcodeServerFailure),
		"a lame.example":         {raw: slices.Concat([]byte{0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0}, wireName("lame.example"), []byte{0, typeA, 0, classIN})},
	}
	d := newDNS(t, replies)
	asking := func(timeout int) *System {
		return NewSystem(SystemOptions{Port: d.port, Hostname: "h", Dir: etc(t, map[string]string{
			"resolv.conf": fmt.Sprintf("nameserver 127.0.0.1\noptions timeout:%d attempts:1\n", timeout),
		})})
	}
	// A busy machine may take a second to answer. Only what never comes is not worth
	// to wait for long.
	checkLookups(t, asking(1), []lookup{
		{"4 timeout.example", later}, {"4 badid.example", later}, {"4 badq.example", later}, {"4 garbage.example", later},
	})
	checkLookups(t, asking(30), []lookup{
		{"n 10.0.0.1", "Plain.Example"}, {"n 10.0.0.2", noName}, {"n 10.0.0.3", noName},
		{"n 10.0.0.4", "12.34.56.78"}, {"n 10.0.0.5", "first.example"}, {"n 10.0.0.6", "under_score.example"},
		{"n 10.0.0.8", noName}, {"n 10.0.0.9", "single"}, {"n 10.0.0.10", "classless.example"},
		{"n 10.0.0.11", "."}, {"n 10.0.0.13", noName}, {"n 10.0.0.14", noName},
		{"n 10.0.0.15", noName}, {"n 10.0.0.16", noName}, {"n 10.0.0.17", later},
		{"n 10.0.0.18", noName}, {"n 10.0.0.19", noName}, {"n 10.0.0.20", noName}, {"n 10.0.0.99", noName},
		{"n 2001:db8::1", "six.example"},
		{"4 nx.example", noName}, {"4 servfail.example", later}, {"4 refused.example", later},
		{"4 formerr.example", noName}, {"4 notimp.example", later}, {"4 rc9.example", noName},
		{"4 nodata.example", noData}, {"4 cnameonly.example", noData},
		{"4 cnamenx.example", noName}, {"4 cname.example", "10.1.1.1"}, {"4 cnamerev.example", noData},
		{"4 cnamebad.example", "10.1.1.1"}, {"4 wrongowner.example", noData}, {"4 wrongboth.example", "10.1.1.3"},
		{"4 wrongtype.example", noData}, {"4 short.example", noData}, {"4 trunc.example", "10.3.0.1 10.3.0.2"},
		{"4 multi.example", "10.1.1.3 10.1.1.1 10.1.1.2"}, {"6 multi.example", noData}, {"4 six.example", noData},
		{"6 six.example", "2001:db8::1"}, {"6 cnameonly.example", noName}, {"4 wrongowner.example", noData}, {"6 wrongowner.example", noName},
		{"n ::10.0.0.1", "Plain.Example"}, {"n ::ffff:10.0.0.1", "Plain.Example"},
		{"4 chaos.example", noData}, {"4 bad!x.example", noName},
		{"4 -x.example", noName}, {"4 a..b", noName}, {"4 " + strings.Repeat("a", 64) + ".example", noName},
		{"4 multi.example.", "10.1.1.3 10.1.1.1 10.1.1.2"},
		{"4 cnameother.example", "10.1.1.4"}, {"n 10.0.0.21", "by.alias.example"}, {"4 damaged.example", noData}, {"n 10.0.0.22", noName},
		{"n 10.0.0.23", "good.example"}, {"4 ptrtoo.example", "10.1.1.7"}, {"0 nxwitha.example", "2001:db8::8 10.1.1.8"}, {"0 onlyrcodes.example", noName},
		{"0 damaged6.example", "2001:db8::9 10.1.1.9"}, {"0 damaged4.example", noName}, {"0 anyclass.example", "10.9.9.9"}, {"0 failed6.example", noData},
		{"4 lame.example", later},
	})
	if q := d.questions(); !strings.Contains(q, "udp A trunc.example; tcp A trunc.example") || strings.Contains(q, "bad!x") {
		t.Error(q)
	}
}

// A name server may refuse without saying what; that needs no waiting for more.
func TestBareRefusal(t *testing.T) {
	d := newDNS(t, map[string]reply{"a refused.example": {raw: []byte{0x81, 0x80 | rcodeRefused, 0, 0, 0, 0, 0, 0, 0, 0}}})
	s := NewSystem(SystemOptions{Port: d.port, Hostname: "h", Dir: etc(t, map[string]string{
		"resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n",
	})})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if got := ask(ctx, s, "4 refused.example"); got != later {
		t.Error(got)
	}
}

func TestHosts(t *testing.T) {
	const hosts = `# comment
::1 ip6-localhost Ip6-Alias
   127.0.0.1	Local.Host  alias1 # c
127.0.0.1 second.line alias1
::ffff:10.0.0.50 mapped.example
10.0.0.51 multi2.example
10.0.0.52 multi2.example MULTI2.example
2001:db8::5 multi2.example
10.0.0.53
10.0.0.54 12.34.56.78
0x0a000037 hexaddr.example
10.0.0.056 octal.example
10.0.0.57 trail.dot.
fe80::1%lo scoped.example
10.0.0.58 dash_-x.example#nospace
10.0.0.59	-bad.example
10.0.0.61 glued.example
10.0.0.62 nul.example` + "\x00 more.example\n 10.0.0.63 twice.exampl"
	common := []lookup{
		{"n 127.0.0.1", "ip6-localhost"}, {"n ::1", "ip6-localhost"}, {"n 10.0.0.50", "mapped.example"},
		{"n ::ffff:10.0.0.51", "multi2.example"}, {"n ::ffff:127.0.0.1", "Local.Host"}, {"n ::ffff:10.0.0.50", "mapped.example"}, {"n 10.0.0.53", ""}, {"n 10.0.0.54", "12.34.56.78"},
		{"n 10.0.0.55", noName}, {"n 10.0.0.56", noName}, {"n 10.0.0.57", "trail.dot."}, {"n fe80::1", noName},
		{"n 10.0.0.58", "dash_-x.example"}, {"n 10.0.0.59", "-bad.example"}, {"n 2001:db8::5", "multi2.example"},
		{"4 ip6-localhost", "127.0.0.1"}, {"4 IP6-ALIAS", "127.0.0.1"}, {"6 alias1", noName}, {"6 ip6-localhost", "::1"},
		{"4 local.host", "127.0.0.1"}, {"4 mapped.example", "10.0.0.50"}, {"6 mapped.example", "::ffff:10.0.0.50"},
		{"6 multi2.example", "2001:db8::5"}, {"4 trail.dot", noName}, {"4 trail.dot.", "10.0.0.57"},
		{"4 hexaddr.example", noName}, {"4 octal.example", noName}, {"4 none.example", noName}, {"6 local.host", noName},
		{"4 -bad.example", "10.0.0.59"}, {"6 scoped.example", noName},
		{"4 glued.example", noName}, {"4 nul.example", "10.0.0.62"}, {"4 more.example", noName}, {"n 10.0.0.63", "twice.exampll"},
	}
	for _, tt := range []struct {
		name, conf string
		only       []lookup
	}{
		{"multi", "multi on\n", []lookup{{"4 alias1", "127.0.0.1 127.0.0.1"}, {"4 multi2.example", "10.0.0.51 10.0.0.52"}}},
		{"multi with blanks", "order hosts\n  Multi  ON # x\n", []lookup{{"4 multi2.example", "10.0.0.51 10.0.0.52"}}},
		{"no multi", "multi off\n", []lookup{{"4 alias1", "127.0.0.1"}, {"4 multi2.example", "10.0.0.51"}}},
		{"neither on nor off", "multi on\nmulti x\nmulti# on\n", []lookup{{"4 multi2.example", "10.0.0.51 10.0.0.52"}}},
		{"none", "", []lookup{{"4 multi2.example", "10.0.0.51"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSystem(SystemOptions{Port: 1, Dir: etc(t, map[string]string{"hosts": hosts, "nsswitch.conf": "hosts: files\n", "host.conf": tt.conf})})
			checkLookups(t, s, append(common, tt.only...))
		})
	}
	s := NewSystem(SystemOptions{Dir: etc(t, map[string]string{"nsswitch.conf": "hosts: files\n"})})
	checkLookups(t, s, []lookup{{"n 127.0.0.1", noName}, {"4 localhost", noData}, {"6 localhost", noName}})
}

// Ends that host.conf or the environment names are cut off names of addresses.
func TestTrim(t *testing.T) {
	for _, tt := range []struct{ conf, add, override, name, want string }{
		{conf: "trim .org", name: "a.b.ORG", want: "a.b"},
		{conf: "trim .x, .y:z ;.org # .b", name: "a.org", want: "a"},
		{conf: "trim .x # .org", name: "a.org", want: "a.org"},
		{conf: "trim .b.org .org", name: "a.b.org", want: "a"},
		{conf: "trim .org\ntrim .b.org", name: "a.b.org", want: "a.b"},
		{conf: "trim a.org", name: "a.org", want: "a.org"},
		{conf: "trim ,.org", name: "a.org", want: "a.org"},
		{conf: "trim .1 .2 .3", add: ".4,.5", name: "a.4", want: "a"},
		{conf: "trim .1 .2 .3", add: ".4,.5", name: "a.5", want: "a.5"},
		{conf: "trim .1", add: ".2", override: ".3", name: "a.1", want: "a.1"},
		{conf: "trim .1", add: ".2", override: ".3", name: "a.2", want: "a.2"},
		{conf: "trim .1", add: ".2", override: ".3", name: "a.3", want: "a"},
	} {
		c := parseHostConf([]byte(tt.conf), func(name string) (string, bool) {
			value := map[string]string{"RESOLV_ADD_TRIM_DOMAINS": tt.add, "RESOLV_OVERRIDE_TRIM_DOMAINS": tt.override}[name]
			return value, value != ""
		})
		if got := c.trimmed(tt.name); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

// A changed hosts file counts at once.
func TestHostsChange(t *testing.T) {
	dir := etc(t, map[string]string{"nsswitch.conf": "hosts: files\n"})
	s := NewSystem(SystemOptions{Dir: dir})
	check := func(name string) {
		t.Helper()
		s.hosts.looked = time.Time{} // long ago
		checkLookups(t, s, []lookup{{"n 10.0.0.1", name}})
	}
	path := filepath.Join(dir, "hosts")
	for i := range 20 {
		name := fmt.Sprintf("n%d.example", i)
		if err := os.WriteFile(path, []byte("10.0.0.1 "+name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // one that is not fresh any more is remembered
			old := time.Now().Add(-time.Hour - time.Duration(i)*time.Second)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		check(name)
		check(name)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check(noName)
}

func TestOrder(t *testing.T) {
	d := newDNS(t, map[string]reply{
		"ptr 1.0.0.10.in-addr.arpa": records(ptr("Plain.Example")),
		"a plain.example":           records(a("10.0.0.1")),
		"any nodata.example":        records(),
		"any servfail.example":      code(rcodeServerFailure),
	})
	files := map[string]string{
		"hosts":       "127.0.0.1 localhost\n10.0.0.1 fromfiles.example\n10.0.0.60 nodata.example\n",
		"resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n",
	}
	queries := []string{"n 10.0.0.1", "n 10.0.0.60", "4 fromfiles.example", "4 nodata.example", "4 nx.example", "4 servfail.example", "4 plain.example"}
	filesDNS := []string{"fromfiles.example", "nodata.example", "10.0.0.1", "10.0.0.60", noName, later, "10.0.0.1"}
	dnsFiles := []string{"Plain.Example", "nodata.example", "10.0.0.1", "10.0.0.60", noName, noName, "10.0.0.1"}
	onlyFiles := []string{"fromfiles.example", "nodata.example", "10.0.0.1", "10.0.0.60", noName, noName, noName}
	nothing := []string{noName, noName, noName, noName, noName, noName, noName}
	broken := []string{system, system, system, system, system, system, system}
	for _, tt := range []struct {
		name, conf string
		want       []string
	}{
		{"files dns", "hosts: files dns\n", filesDNS},
		{"no file", "", filesDNS},
		{"no hosts line", "# hosts: x\npasswd: files\n", filesDNS},
		{"no blank", "hosts:files dns\n", filesDNS},
		{"blanks", "  hosts : \tfiles   dns  \n", filesDNS},
		{"the last line counts", "hosts: bogus\nhosts: files\n", onlyFiles},
		{"comment", "hosts: files dns # c\n", filesDNS},
		{"glued comment", "hosts: files\tdns#x\n", onlyFiles},
		{"stop after files", "hosts: files [NOTFOUND=return] dns\n", onlyFiles},
		{"in small letters", "hosts: files [notfound=RETURN tryagain=continue]dns\n", onlyFiles},
		{"dns files", "hosts: dns files\n", dnsFiles},
		{"dns unless unavailable", "hosts: dns [!UNAVAIL=return] files\n",
			[]string{"Plain.Example", noName, noName, noData, noName, noName, "10.0.0.1"}},
		{"dns if available", "hosts: dns [UNAVAIL=return] files\n",
			[]string{"Plain.Example", "nodata.example", "10.0.0.1", "10.0.0.60", noName, later, "10.0.0.1"}},
		{"go on after success", "hosts: dns [NOTFOUND=continue success=continue] files\n", onlyFiles},
		{"not found is the exception", "hosts: files [!NOTFOUND=return] dns\n", filesDNS},
		{"mdns", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n", filesDNS},
		{"not installed is unavailable", "hosts: mdns [UNAVAIL=return] dns files\n", nothing},
		{"a bad name is unavailable", "hosts: dns [UNAVAIL=return] files\n",
			[]string{"Plain.Example", "nodata.example", "10.0.0.1", "10.0.0.60", noName, later, "10.0.0.1"}},
		{"systemd", "hosts: files resolve [!UNAVAIL=return] dns myhostname\n", filesDNS},
		{"empty", "hosts:\n", nothing},
		{"unknown", "hosts: bogus\n", nothing},
		{"capitals", "hosts: FILES DNS\n", nothing},
		{"unknown status", "hosts: files [oops] dns\n", broken},
		{"no status", "hosts: files [] dns\n", broken},
		{"unknown action", "hosts: files [NOTFOUND=stop] dns\n", broken},
		{"open bracket", "hosts: files dns [\n", broken},
		{"no colon", "hosts files\n", onlyFiles},
		{"colons and blanks", "\v hosts : : files\n", onlyFiles},
		{"no end of the last line", "hosts: files", filesDNS},
		{"blanks in brackets", "hosts: files [ NOTFOUND = return ] dns\n", onlyFiles},
		{"actions after actions", "hosts: files [NOTFOUND=continue] [SUCCESS=return] dns\n", onlyFiles},
		{"a mistake elsewhere", "hosts: files dns\npasswd: files [NOTFOUND]\n", broken},
		{"a mistake where nobody looks", "hosts: files dns\nsudoers: files [NOTFOUND]\n", filesDNS},
		{"a blank of Unicode", "hosts: files dns\u00a0dns\n", onlyFiles},
		{"a zero", "hosts: files\x00 dns\n", onlyFiles},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := map[string]string{"hosts": files["hosts"], "resolv.conf": files["resolv.conf"]}
			if tt.conf != "" {
				f["nsswitch.conf"] = tt.conf
			}
			s := NewSystem(SystemOptions{Dir: etc(t, f), Port: d.port, Hostname: "h"})
			var got []string
			for _, q := range queries {
				got = append(got, ask(context.Background(), s, q))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Hosts cannot be merged, which getaddrinfo(3) finds out at the next service.
func TestMerge(t *testing.T) {
	for conf, want := range map[string][]string{
		"hosts: files [SUCCESS=merge]\n":       {noData, "10.0.0.1", noName},
		"hosts: files [SUCCESS=merge] bogus\n": {noData, noName, noName},
		"hosts: bogus [SUCCESS=merge] files\n": {"10.0.0.1", "10.0.0.1", "a.example"},
	} {
		s := NewSystem(SystemOptions{Dir: etc(t, map[string]string{"hosts": "10.0.0.1 a.example\n", "nsswitch.conf": conf})})
		checkLookups(t, s, []lookup{{"4 a.example", want[0]}, {"0 a.example", want[1]}, {"n 10.0.0.1", want[2]}})
	}
}

func TestSearch(t *testing.T) {
	d := newDNS(t, map[string]reply{
		"a srch.search.test":             records(a("10.5.5.5")),
		"a srch.loc.test":                records(a("10.6.6.6")),
		"any sn.search.test":             records(),
		"a plain.example":                records(a("10.0.0.1")),
		"any servfail.example":           code(rcodeServerFailure),
		"any fail.search.test":           code(rcodeServerFailure),
		"any odd.search.test":            code(1),
		"any servfail.example.fail.test": code(rcodeServerFailure),
	})
	const base = "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"
	for _, tt := range []struct{ name, conf, query, want, asked string }{
		{"found in the list", "search search.test two.test\n", "4 srch", "10.5.5.5", "udp A srch.search.test"},
		{"not found", "search search.test two.test\n", "4 nx.example", noName,
			"udp A nx.example; udp A nx.example.search.test; udp A nx.example.two.test"},
		{"no dots", "search search.test two.test\n", "4 nodots", noName, "udp A nodots.search.test; udp A nodots.two.test; udp A nodots"},
		{"no data in the list", "search search.test\n", "4 sn", noData, "udp A sn.search.test; udp A sn"},
		{"failure in the list, then not found", "search search.test\n", "4 fail", noName, "udp A fail.search.test; udp A fail"},
		{"other error ends the list", "search search.test two.test\n", "4 odd", noName, "udp A odd.search.test; udp A odd"},
		{"failure as it is, then not found", "search search.test\n", "4 servfail.example", noName, "udp A servfail.example; udp A servfail.example.search.test"},
		{"failure, then not found, IPv6", "search search.test\n", "6 servfail.example", later, "udp AAAA servfail.example; udp AAAA servfail.example.search.test"},
		{"failure, and failure in the list", "search fail.test\n", "4 servfail.example", later, "udp A servfail.example; udp A servfail.example.fail.test"},
		{"absolute", "search search.test\n", "4 srch.", noName, "udp A srch"},
		{"ndots", "search search.test\noptions ndots:2\n", "4 plain.example", "10.0.0.1", "udp A plain.example.search.test; udp A plain.example"},
		{"ndots 0", "search search.test\noptions ndots:0\n", "4 srch", "10.5.5.5", "udp A srch; udp A srch.search.test"},
		{"domain", "domain search.test\n", "4 srch", "10.5.5.5", "udp A srch.search.test"},
		{"last one counts", "search search.test\nsearch two.test\n", "4 srch", noName, "udp A srch.two.test; udp A srch"},
		{"root", "search .\n", "4 srch", noName, "udp A srch"},
		{"final dot", "search search.test.\n", "4 srch", "10.5.5.5", "udp A srch.search.test"},
		{"domain of this host", "", "4 srch", "10.6.6.6", "udp A srch.loc.test"},
		{"use-vc", "options use-vc\n", "4 plain.example", "10.0.0.1", "tcp A plain.example"},
		{"no-aaaa", "options no-aaaa\n", "0 plain.example", "10.0.0.1", "udp A plain.example"},
		{"no-aaaa, IPv6", "search search.test\noptions no-aaaa\n", "6 plain.example", noData, "udp A plain.example; udp A plain.example.search.test"},
		{"no-aaaa, IPv6, no such name", "search search.test\noptions no-aaaa\n", "6 nx", noName, "udp A nx.search.test; udp A nx"},
		{"no-tld-query", "search search.test two.test\noptions no-tld-query\n", "4 nodots", noName, "udp A nodots.search.test; udp A nodots.two.test"},
		{"no-tld-query without a list", "search .\noptions no-tld-query\n", "4 nodots", noName, "udp A nodots"},
		{"reverse has no search list", "search search.test\n", "n 10.0.0.9", noName, "udp PTR 9.0.0.10.in-addr.arpa"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSystem(SystemOptions{Port: d.port, Hostname: "h.loc.test", Dir: etc(t, map[string]string{"resolv.conf": base + tt.conf})})
			d.questions()
			got := ask(context.Background(), s, tt.query)
			if diff := cmp.Diff([]string{tt.want, tt.asked}, []string{got, d.questions()}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResolvConf(t *testing.T) {
	base := dnsConfig{servers: []string{"127.0.0.1:53"}, ndots: 1, timeout: 5 * time.Second, attempts: 2}
	with := func(change func(*dnsConfig)) dnsConfig { c := base; change(&c); return c }
	for _, tt := range []struct {
		name, conf string
		want       dnsConfig
		env        map[string]string
	}{
		{name: "nothing", conf: "", want: base},
		{name: "comments", conf: ";nameserver 10.0.0.1\n#nameserver 10.0.0.1\n", want: base},
		{name: "leading blank", conf: "  nameserver 10.0.0.1\n", want: base},
		{name: "glued comment", conf: "nameserver 10.0.0.1;c\n", want: base},
		{name: "unusable", conf: "nameserver bogus\nnameserver\n", want: base},
		{name: "three of four", conf: "nameserver 10.0.0.1\nnameserver\t10.0.0.2 # c\nnameserver 2001:db8::1\nnameserver 10.0.0.4\n",
			want: with(func(c *dnsConfig) { c.servers = []string{"10.0.0.1:53", "10.0.0.2:53", "[2001:db8::1]:53"} })},
		{name: "options", conf: "options rotate use-vc ndots:3 timeout:2 attempts:4 edns0 trust-ad\noptions ndots:99 timeout:99 attempts:99\n",
			want: with(func(c *dnsConfig) {
				c.rotate, c.tcp, c.ndots, c.timeout, c.attempts = true, true, 15, 30*time.Second, 5
			})},
		{name: "options with more after them", conf: "options rotated ndots:3x timeout:2s attempts:+4. ndots use-vcs\n",
			want: with(func(c *dnsConfig) { c.rotate, c.tcp, c.ndots, c.timeout, c.attempts = true, true, 3, 2*time.Second, 4 })},
		{name: "options with a zero in them", conf: "options ndots:10 timeout:20\n",
			want: with(func(c *dnsConfig) { c.ndots, c.timeout = 10, 20*time.Second })},
		{name: "options of other forms", conf: "options xrotate ndots timeout attempts=4 ndots:4294967298 attempts:x\n",
			want: with(func(c *dnsConfig) { c.ndots, c.attempts = 2, 0 })},
		{name: "options of the environment", conf: "options timeout:9 attempts:4\n", env: map[string]string{"RES_OPTIONS": " timeout:2\tuse-vc"},
			want: with(func(c *dnsConfig) { c.timeout, c.attempts, c.tcp = 2*time.Second, 4, true })},
		{name: "search list of the environment", conf: "search a.test\ndomain b.test\n", env: map[string]string{"LOCALDOMAIN": "c.test. \td.test\ne.test"},
			want: with(func(c *dnsConfig) { c.search = []string{"c.test", "d.test"} })},
		{name: "empty search list of the environment", conf: "search a.test\n", env: map[string]string{"LOCALDOMAIN": ""},
			want: with(func(c *dnsConfig) { c.search = []string{""} })},
		{name: "other spellings of servers", conf: "nameserver 10.1\nnameserver 0x0a000002\nnameserver ::ffff:10.0.0.3\n",
			want: with(func(c *dnsConfig) { c.servers = []string{"10.0.0.1:53", "10.0.0.2:53", "[::ffff:10.0.0.3]:53"} })},
		{name: "carriage returns", conf: "nameserver 10.0.0.1\r\nsearch a.test\r\n", want: with(func(c *dnsConfig) { c.search = []string{"a.test\r"} })},
		{name: "options that do without questions", conf: "options no-aaaa no-tld-query\n", want: with(func(c *dnsConfig) { c.noAAAA, c.noTLD = true, true })},
		{name: "options taken back", conf: "options no-aaaa no_tld_query rotate use-vc\noptions -no-aaaa -no-tld-query -rotate -use-vc\n", want: base},
		{name: "search", conf: "domain a.test b.test\nsearch c.test d.test.\n", want: with(func(c *dnsConfig) { c.search = []string{"c.test", "d.test"} })},
	} {
		if d := cmp.Diff(tt.want, parseResolvConf([]byte(tt.conf), "h", 53, func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }), cmp.AllowUnexported(dnsConfig{})); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	three := dnsConfig{servers: make([]string, 3), timeout: 5 * time.Second}
	for i, want := range []time.Duration{5, 3, 6} {
		if got := three.wait(i); got != want*time.Second {
			t.Errorf("server %d waits %v", i, got)
		}
	}
}

func TestSeveralServers(t *testing.T) {
	d := newDNS(t, map[string]reply{"a plain.example": records(a("10.0.0.1"))})
	// Nobody listens at the first.
	s := NewSystem(SystemOptions{Port: d.port, Hostname: "h", Dir: etc(t, map[string]string{"resolv.conf": "nameserver 127.0.0.2\nnameserver 127.0.0.1\n"})})
	checkLookups(t, s, []lookup{{"4 plain.example", "10.0.0.1"}, {"4 nx.example", noName}})
	s = NewSystem(SystemOptions{Port: d.port, Hostname: "h", Dir: etc(t, map[string]string{"resolv.conf": "nameserver 127.0.0.2\nsearch a.test b.test\n"})})
	checkLookups(t, s, []lookup{{"4 plain.example", later}, {"4 plain", later}, {"n 10.0.0.1", later}})
}

func TestCancelled(t *testing.T) {
	d := newDNS(t, map[string]reply{"any slow.example": {silent: true}, "ptr 1.0.0.10.in-addr.arpa": {silent: true}})
	s := NewSystem(SystemOptions{Port: d.port, Hostname: "h", Dir: etc(t, map[string]string{"resolv.conf": "nameserver 127.0.0.1\noptions timeout:30\n"})})
	for _, query := range []string{"4 slow.example", "n 10.0.0.1"} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		start := time.Now()
		if got := ask(ctx, s, query); got != context.DeadlineExceeded.Error() {
			t.Errorf("%s: %s", query, got)
		}
		if d := time.Since(start); d > 25*time.Second {
			t.Errorf("%s: took %v", query, d)
		}
		cancel()
	}
}

func FuzzMessage(f *testing.F) {
	q, _ := newQuestion("a.example", typeA)
	d := &dnsServer{replies: map[string]reply{"a a.example": records(cname("b.example"), of("b.example", a("10.0.0.1")), ptr("c.example"))}}
	whole := d.answer(q.packet(7), "udp")
	f.Add(whole)
	f.Add(whole[:30])
	f.Add([]byte{0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headerSize || !q.asked(b) {
			return
		}
		m := parseMessage(b, q)
		for _, anyClass := range []bool{false, true} {
			addrs, st := m.addresses(anyClass)
			if st == success && len(addrs) == 0 {
				t.Error("success without addresses")
			}
			for _, addr := range addrs {
				if !addr.Is4() {
					t.Errorf("address %v", addr)
				}
			}
		}
		m.qtype = typePTR
		if name, st := m.pointer(); (name != "") != (st == success) || len(name) > maxName || name != "." && !hostName(name) {
			t.Errorf("name %q, status %d", name, st)
		}
	})
}

func FuzzFiles(f *testing.F) {
	f.Add("hosts: files [!NOTFOUND=return success=continue] dns\n")
	f.Add("127.0.0.1 localhost # c\n::1 x")
	f.Add("nameserver ::1\noptions ndots:x timeout:-1\nsearch . a.")
	f.Fuzz(func(t *testing.T, s string) {
		parseOrder(s)
		for _, l := range parseHosts([]byte(s)) {
			if len(l.names) == 0 || !l.addr.IsValid() {
				t.Errorf("line %v", l)
			}
		}
		parseHostConf([]byte(s), func(string) (string, bool) { return s, true })
		parseAliases([]byte(s))
		c := parseResolvConf([]byte(s), "h.example", 53, func(string) (string, bool) { return s, len(s)%2 == 0 })
		if len(c.servers) == 0 || len(c.servers) > maxServers || c.attempts > 5 || c.ndots > 15 || c.wait(0) <= 0 {
			t.Errorf("%+v", c)
		}
	})
}

// noEnviron is an environment without variables.
func noEnviron(string) (string, bool) { return "", false }

// A zone is a number, or the name of an interface if the address is link-local.
func TestZones(t *testing.T) {
	for text, want := range map[string]bool{
		"::1": true, "::1%1": true, "::1%99": true, "::1%01": true, "::1%lo": false, "::1%4294967296": false, "::1%-1": false, "::1%0x1": false,
		"fe80::1%lo": true, "fe80::1%1": true, "fe80::1%nosuch": false, "ff02::1%lo": true, "ff01::1%lo": false,
	} {
		got, err := NewSystem(SystemOptions{}).LookupAddrs(context.Background(), text, Any)
		if len(got) == 1 != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}
