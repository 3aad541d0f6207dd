package hostname

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

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
}

const maxServers = 3

// parseResolvConf reads resolv.conf as glibc does. Without a usable name
// server there is one on this host; without a search list the domain of
// hostname is searched.
func parseResolvConf(b []byte, hostname string, port int) dnsConfig {
	c := dnsConfig{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	searchSet := false
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		// Keywords stand at the very beginning.
		end := strings.IndexAny(line, " \t")
		if end <= 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		f := strings.Fields(line[end:])
		if len(f) == 0 {
			continue
		}
		switch line[:end] {
		case "nameserver":
			if a, err := netip.ParseAddr(f[0]); err == nil && len(c.servers) < maxServers {
				c.servers = append(c.servers, net.JoinHostPort(a.String(), strconv.Itoa(port)))
			}
		case "domain":
			c.search, searchSet = f[:1], true
		case "search":
			c.search, searchSet = f, true
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
	for i, d := range c.search {
		c.search[i] = strings.Trim(d, ".")
	}
	return c
}

func (c *dnsConfig) option(o string) {
	name, value, _ := strings.Cut(o, ":")
	n, err := strconv.Atoi(value)
	if err != nil {
		n = 0
	}
	switch name {
	case "ndots":
		// A negative number becomes one of four bits.
		c.ndots = min(n, 15) & 15
	case "timeout":
		c.timeout = time.Duration(min(max(n, 0), 30)) * time.Second
	case "attempts":
		c.attempts = min(max(n, 0), 5)
	case "rotate":
		c.rotate = true
	case "use-vc":
		c.tcp = true
	}
}

// wait is how long a server, counted from 0, gets to answer in the given
// round.
func (c *dnsConfig) wait(server int) time.Duration {
	d := c.timeout << server
	if server > 0 {
		d /= time.Duration(len(c.servers))
	}
	return max(d.Truncate(time.Second), time.Second)
}
