package hostname

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/params/inetaton"
	"github.com/qmqpd/qmqpd/params/nodename"
)

// dnsConfig is what resolv.conf(5) says.
type dnsConfig struct {
	servers  []string // host:port, at most three
	search   []string // domains to append; "" is the root
	ndots    int
	timeout  time.Duration
	attempts int
	rotate   bool
	tcp      bool
	noAAAA   bool // IPv6 addresses are not asked for
	noTLD    bool // names without dots are only looked for in the search list
}

const maxServers = 3

// parseResolvConf reads resolv.conf as glibc does. Without a usable name
// server there is one on this host; without a search list the domain of
// hostname is searched. The variable LOCALDOMAIN is a search list instead of the
// file's, and RES_OPTIONS has options after the file's: master(8) hands them on if
// import_environment says so.
func parseResolvConf(b []byte, hostname string, port int, environ func(string) (string, bool)) dnsConfig {
	c := dnsConfig{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	domains, domainsSet := environ("LOCALDOMAIN")
	searchSet := domainsSet
	if domainsSet {
		domains, _, _ = strings.Cut(domains, "\n")
		// The first domain is what is before a blank, even if that is nothing.
		end := strings.IndexAny(domains+" ", " \t")
		c.search = append([]string{domains[:end]}, strings.FieldsFunc(domains[end:], blank)...)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		// Keywords stand at the very beginning.
		end := strings.IndexAny(line, " \t")
		if end <= 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		f := strings.FieldsFunc(line[end:], blank)
		if len(f) == 0 {
			continue
		}
		switch line[:end] {
		case "nameserver":
			a, ok := inetaton.Parse(f[0])
			if !ok {
				var err error
				a, err = netip.ParseAddr(f[0])
				ok = err == nil && a.Is6()
			}
			if ok && len(c.servers) < maxServers {
				c.servers = append(c.servers, net.JoinHostPort(a.String(), strconv.Itoa(port)))
			}
		case "domain":
			if !domainsSet {
				c.search, searchSet = f[:1], true
			}
		case "search":
			if !domainsSet {
				c.search, searchSet = f, true
			}
		case "options":
			for _, o := range f {
				c.option(o)
			}
		}
	}
	if len(c.servers) == 0 {
		c.servers = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	}
	if !searchSet {
		if hostname == "" {
			hostname, _ = nodename.Get() // without one there is no domain
		}
		if _, domain, ok := strings.Cut(hostname, "."); ok && domain != "" {
			c.search = []string{domain}
		}
	}
	options, _ := environ("RES_OPTIONS")
	for _, o := range strings.FieldsFunc(options, blank) {
		c.option(o)
	}
	for i, d := range c.search {
		c.search[i] = strings.Trim(d, ".")
	}
	return c
}

// blank tells whether a character separates words: a carriage return does not.
func blank(r rune) bool { return r == ' ' || r == '\t' }

// option takes one option. The C library looks only at how it begins.
func (c *dnsConfig) option(o string) {
	number := func(name string) (n int, ok bool) {
		o, ok := strings.CutPrefix(o, name)
		return leadingNumber(o), ok
	}
	if n, ok := number("ndots:"); ok {
		// A negative number becomes one of four bits.
		c.ndots = min(n, 15) & 15
	} else if n, ok := number("timeout:"); ok {
		c.timeout = time.Duration(min(max(n, 0), 30)) * time.Second
	} else if n, ok := number("attempts:"); ok {
		c.attempts = min(max(n, 0), 5)
	} else {
		o, not := strings.CutPrefix(o, "-")
		for name, flag := range map[string]*bool{"rotate": &c.rotate, "use-vc": &c.tcp, "no-aaaa": &c.noAAAA, "no-tld-query": &c.noTLD, "no_tld_query": &c.noTLD} {
			if strings.HasPrefix(o, name) {
				*flag = !not
			}
		}
	}
}

// leadingNumber is atoi(3): the number that the text begins with, or zero.
func leadingNumber(s string) int {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	// Of a number that is too large, ParseInt returns the largest, of which atoi
	// keeps the low bits.
	n, _ := strconv.ParseInt(s[:end], 10, 64)
	return int(int32(n))
}

// wait is how long a server, counted from 0 in the order of the file, gets to
// answer.
func (c *dnsConfig) wait(server int) time.Duration {
	d := c.timeout << server
	if server > 0 {
		d /= time.Duration(len(c.servers))
	}
	return max(d.Truncate(time.Second), time.Second)
}
