package compat

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// lookups asks the C library what it is told on standard input, one lookup a
// line: "n ADDRESS", "4 NAME", "6 NAME", or "0 NAME" for both families at once. The
// calls are those of Postfix.
const lookups = `
use Socket qw(:DEFAULT getaddrinfo getnameinfo inet_pton inet_ntop pack_sockaddr_in6 unpack_sockaddr_in6 NI_NAMEREQD);
while (<STDIN>) {
	chomp;
	my ($kind, $what) = split / /, $_, 2;
	if ($kind eq "n") {
		my $sa = $what =~ /:/ ? pack_sockaddr_in6(0, inet_pton(AF_INET6, $what)) : pack_sockaddr_in(0, inet_pton(AF_INET, $what));
		my ($err, $name) = getnameinfo($sa, NI_NAMEREQD);
		print $err ? "no name\n" : "$name\n";
		next;
	}
	my $family = $kind eq "6" ? AF_INET6 : $kind eq "4" ? AF_INET : AF_UNSPEC;
	my ($err, @found) = getaddrinfo($what, "", { family => $family, socktype => SOCK_STREAM });
	print $err ? "$err\n" : join(" ", sort map {
		my (undef, $addr) = $_->{family} == AF_INET6 ? unpack_sockaddr_in6($_->{addr}) : unpack_sockaddr_in($_->{addr});
		inet_ntop($_->{family}, $addr);
	} @found) . "\n";
}
`

// ourLookup does the same with our resolver.
func ourLookup(r hostname.Resolver, query string) string {
	kind, what, _ := strings.Cut(query, " ")
	if kind == "n" {
		name, err := r.LookupName(context.Background(), netip.MustParseAddr(what))
		if err != nil {
			return "no name"
		}
		return name
	}
	addrs, err := r.LookupAddrs(context.Background(), what, hostname.Families(kind != "6", kind != "4"))
	if err != nil {
		return err.Error()
	}
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	slices.Sort(words) // the order means nothing to Postfix
	return strings.Join(words, " ")
}

// resolverZone is behind the random files.
var resolverZone = standin.Zone{
	PTR: map[string][]string{
		"10.0.0.1": {"Plain.Example."}, "10.0.0.2": {"bad!name.example."}, "10.0.0.3": {"-x.example."},
		"10.0.0.5": {"first.example.", "second.example."}, "10.0.0.6": {"under_score.example."},
		"10.0.0.9": {"single."}, "2001:db8::1": {"six.example."},
	},
	Addr: map[string][]string{
		"plain.example.": {"10.0.0.1"}, "first.example.": {"10.0.0.5", "10.0.0.7"}, "under_score.example.": {"10.0.0.6"},
		"single.": {"10.0.0.9"}, "six.example.": {"2001:db8::1"}, "nodata.example.": {}, "both.example.": {"10.0.0.8", "2001:db8::8"},
		"srch.search.test.": {"10.5.5.5"}, "sn.search.test.": {}, "canonical.example.": {"10.0.0.4"},
	},
	CNAME: map[string]string{"alias.example.": "canonical.example.", "dangling.example.": "nothing.example."},
	Fail: map[string]dnsmessage.RCode{
		"servfail.example.": dnsmessage.RCodeServerFailure, "refused.example.": dnsmessage.RCodeRefused,
		"formerr.example.": dnsmessage.RCodeFormatError, "10.0.0.17": dnsmessage.RCodeServerFailure, "10.0.0.18": dnsmessage.RCodeRefused,
	},
}

var (
	resolverAddrs = []string{
		"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.6", "10.0.0.9", "10.0.0.17", "10.0.0.18", "10.0.0.60",
		"127.0.0.1", "::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:10.0.0.60", "::ffff:127.0.0.1", "fe80::1",
	}
	resolverNames = []string{
		"plain.example", "Plain.Example", "nx.example", "nodata.example", "servfail.example", "refused.example", "formerr.example",
		"first.example", "under_score.example", "single", "six.example", "both.example", "alias.example", "ALIAS.example",
		"dangling.example", "srch", "sn", "nodots", "srch.search.test", "a", "b.c", "x.", "localhost", "-a", "bad!n",
	}
	badAddrs = []string{"010.0.0.1", "10.0.0", "1.2.3.4x", "fe80::1%lo", "0x7f.1"}
)

type dice struct{ *rand.Rand }

func (d dice) of(words ...string) string { return words[d.IntN(len(words))] }

func (d dice) hosts() string {
	var b strings.Builder
	for range d.IntN(9) {
		line := d.of("", "", " ", "\t", "\v") + d.of(append(resolverAddrs, badAddrs...)...)
		for range 1 + d.IntN(3) {
			line += d.of(" ", "\t", "  ", "\f", "\u00a0") + d.of(resolverNames...)
		}
		line += d.of("", "", "", "#c", " # c", "\r", "\x00 nx.example")
		b.WriteString(d.of("", "", "", "", "#") + line + "\n")
	}
	return strings.TrimSuffix(b.String(), d.of("", "", "", "\n"))
}

// order is never without a service that works: what the C library says then
// depends on the last error number of all.
func (d dice) order() string {
	words := []string{d.of("files", "dns")}
	for range d.IntN(4) {
		word := d.of("files", "dns", "mymodule", "files", "dns")
		if d.IntN(3) == 0 {
			word += d.of(" ", "", "\t") + "[" + d.of("", "!", " ") + d.of("NOTFOUND", "notfound", "UNAVAIL", "TRYAGAIN", "SUCCESS") +
				d.of("=", "=", " = ") + d.of("return", "continue", "RETURN", "merge") + d.of("", " ") + "]"
		}
		words = append(words, word)
	}
	d.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	return d.of("", "passwd: files\n", "hosts: dns\n", "sudoers: [\n") + d.of("hosts:", "hosts:", " hosts :", "hosts", "hosts::") + d.of(" ", "\t") +
		strings.Join(words, d.of(" ", "\v")) + d.of("\n", "\n", " \n", "\r\n", "")
}

func (d dice) resolvConf(server string) string {
	lines := []string{
		d.of("nameserver "+server, "nameserver\t"+server+" ", "nameserver 127.53.253.253\nnameserver "+server),
		d.of("", "search search.test", "search search.test two.test", "domain two.test", "search .", "search a.b. search.test", "search search.test\u00a0two.test"),
		// As in judges.ResolvConf: a busy machine may take a second to answer.
		"options timeout:30 attempts:1" + d.of("", "", " ndots:0", " ndots:2", " ndots:x", " rotate", " edns0", " no-aaaa", " no-tld-query", " no-aaaa -no-aaaa"),
	}
	d.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return strings.Join(lines, "\n") + "\n"
}

// TestResolver holds our resolver against the C library that Postfix uses,
// with random hosts, nsswitch.conf, resolv.conf and host.conf files.
// COMPAT_RESOLVER says how many sets of files there are.
func TestResolver(t *testing.T) {
	sets := 60
	if n, err := strconv.Atoi(os.Getenv("COMPAT_RESOLVER")); err == nil && n > 0 {
		sets = n
	}
	i := postfix.New(t, postfix.Options{})
	server := standin.ServeDNS(t, resolverZone)
	for set := range sets {
		d := dice{rand.New(rand.NewPCG(20261122, uint64(set)))}
		files := map[string]string{
			"hosts": d.hosts(), "nsswitch.conf": d.order(), "resolv.conf": d.resolvConf(server),
			"host.conf": d.of("multi on\n", "multi off\n", "", " multi  on # c\n"),
		}
		for name, text := range files {
			i.WriteFile("/etc/"+name, text, 0o644)
		}
		var queries []string
		for range 12 {
			switch d.IntN(5) {
			case 0, 1:
				queries = append(queries, "n "+d.of(resolverAddrs...))
			case 2:
				queries = append(queries, d.of("6 ", "0 ", "0 ")+d.of(resolverNames...))
			default:
				queries = append(queries, "4 "+d.of(resolverNames...))
			}
		}
		result := i.RunInput([]byte(strings.Join(queries, "\n")+"\n"), "/usr/bin/perl", "-e", lookups)
		stock := strings.Split(strings.TrimSuffix(string(result.Stdout), "\n"), "\n")
		if len(stock) != len(queries) {
			t.Fatalf("perl: %d answers to %d questions: %s", len(stock), len(queries), result.Stderr)
		}
		ours := hostname.NewSystem(hostname.SystemOptions{Dir: i.Path("/etc")})
		for n, query := range queries {
			if stock[n] == "System error" {
				continue // of a service that is not installed, sometimes
			}
			if got := ourLookup(ours, query); got != stock[n] {
				t.Errorf("set %d: %s: %q, the C library says %q, with\n%v", set, query, got, stock[n], files)
			}
		}
	}
	postfix.Case(t)
}
