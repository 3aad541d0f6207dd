package hostname

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/qmqpd/qmqpd/params/inetaton"
)

// System is the resolver of the C library: hosts file and DNS, in the order
// of nsswitch.conf.
type System struct {
	order   order
	hosts   cached[[]hostLine]
	conf    cached[hostConf]
	config  cached[dnsConfig]
	aliases cached[[][2]string] // without a path if there are none
	modules modules
	run     string // where servers have their sockets
}

// SystemOptions are for tests; the zero value is the system's own.
type SystemOptions struct {
	// Dir has the files. Empty: /etc.
	Dir string
	// Libraries are the folders that name services are loaded from. Nil: the system's.
	Libraries []string
	// Run has the sockets of their servers. Empty: /run.
	Run string
	// Port is where name servers listen. Zero: 53.
	Port int
	// Hostname gives the default search domain if resolv.conf names none.
	// Empty: the host name of the system.
	Hostname string
	// Environ looks environment variables up. Nil: os.LookupEnv.
	Environ func(name string) (value string, ok bool)
}

// NewSystem reads nsswitch.conf, once and now; the other files are read when
// they are needed and have changed. That is what glibc does in a daemon that
// changes its root directory: it keeps the order from outside and uses hosts and
// resolv.conf of the jail. So call it before entering the jail.
func NewSystem(o SystemOptions) *System {
	dir := o.Dir
	if dir == "" {
		dir = "/etc"
	}
	port := o.Port
	if port == 0 {
		port = 53
	}
	environ := o.Environ
	if environ == nil {
		environ = os.LookupEnv
	}
	hostConfPath, ok := environ("RESOLV_HOST_CONF")
	if !ok {
		hostConfPath = filepath.Join(dir, "host.conf")
	}
	aliasesPath, _ := environ("HOSTALIASES")
	path := func(name string) string { return filepath.Join(dir, name) }
	if o.Libraries == nil {
		o.Libraries = libraryDirs()
	}
	return &System{
		order:   readOrder(path("nsswitch.conf")),
		hosts:   cached[[]hostLine]{path: path("hosts"), parse: parseHosts},
		conf:    cached[hostConf]{path: hostConfPath, parse: func(b []byte) hostConf { return parseHostConf(b, environ) }},
		config:  cached[dnsConfig]{path: path("resolv.conf"), parse: func(b []byte) dnsConfig { return parseResolvConf(b, o.Hostname, port, environ) }},
		aliases: cached[[][2]string]{path: aliasesPath, parse: parseAliases},
		modules: modules{dirs: o.Libraries},
		run:     cmp.Or(o.Run, "/run"),
	}
}

// LookupName implements Resolver.
func (s *System) LookupName(ctx context.Context, addr netip.Addr) (string, error) {
	if s.order.bad {
		return "", BadConfig
	}
	name, err := "", error(NoName)
	for _, service := range s.order.services {
		st, known := unavailable, true
		switch service.name {
		case "files":
			name, st, err = s.nameInFiles(addr)
		case "dns":
			name, st, err = s.config.get().lookupName(ctx, addr)
		case "myhostname":
			if known = s.modules.loaded(service.name); known {
				name, st, err = myName(addr)
			}
		default:
			known = false
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if st == success && service.actions[st] == merge {
			return "", NoName
		}
		if service.ends(st, !known) {
			break
		}
	}
	if err == nil {
		conf := s.conf.get()
		name = conf.trimmed(name)
	}
	return name, err
}

// LookupAddrs implements Resolver.
func (s *System) LookupAddrs(ctx context.Context, name string, family Family) ([]netip.Addr, error) {
	if addr, ok := numeric(name, family); ok {
		switch {
		case !family.has(addr):
			return nil, BadFamily
		case !zoneExists(addr):
			return nil, NoName
		}
		return []netip.Addr{addr}, nil
	}
	if s.order.bad {
		return nil, BadConfig
	}
	var addrs []netip.Addr
	err := error(NoName)
	for i, service := range s.order.services {
		st, known := unavailable, true
		switch service.name {
		case "files":
			addrs, st, err = s.addrsInFiles(name, family)
		case "dns":
			addrs, st, err = s.config.get().lookupAddrs(ctx, name, s.alias(name), family)
		case "myhostname":
			if known = s.modules.loaded(service.name); known {
				addrs, st, err = myAddrs(name, family)
			}
		default:
			known = false
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if st == success && service.actions[st] == merge {
			switch {
			case family == IPv4:
				return nil, NoData
			case i+1 < len(s.order.services):
				return nil, NoName
			}
		}
		if service.ends(st, !known || family != IPv4) {
			break
		}
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return b.BitLen() - a.BitLen() })
	return addrs, err
}

// numeric returns the address that a text is, in one of the spellings that
// inet_aton(3) knows or as an IPv6 address.
func numeric(text string, family Family) (netip.Addr, bool) {
	if addr, ok := inetaton.Parse(text); ok {
		return addr, true
	}
	addr, err := netip.ParseAddr(text)
	if family == IPv4 {
		addr = addr.Unmap()
	}
	return addr, err == nil
}

// zoneExists reports whether getaddrinfo(3) takes an address with its zone: that
// is a number, or for a link-local address the name of an interface.
func zoneExists(a netip.Addr) bool {
	zone := a.Zone()
	if zone == "" {
		return true
	}
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() {
		if _, err := net.InterfaceByName(zone); err == nil {
			return true
		}
	}
	_, err := strconv.ParseUint(zone, 10, 32)
	return err == nil
}
