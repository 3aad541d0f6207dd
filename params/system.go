package params

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/qmqpd/qmqpd/params/hostname"
	"github.com/qmqpd/qmqpd/params/nodename"
)

// SystemHost answers from the running system. Nothing is asked before it is
// needed. Host names are looked up by the resolver; nil stands for that of
// hostname.NewSystem. The end of ctx ends that, which may wait for a name server.
// Each host name is looked up once, and each account file is read once: a program that
// goes on for long makes a new Host when it reads its settings again. Several
// goroutines may use one at a time.
func SystemHost(ctx context.Context, resolver hostname.Resolver) Host {
	names := &systemNames{ctx: ctx, resolver: resolver, found: make(map[nameQuestion]nameAnswer)}
	return Host{
		Hostname:    nodename.Get,
		Interfaces:  systemInterfaces,
		Resolve:     names.resolve,
		Unsupported: systemUnsupported,
		Accounts:    SystemAccounts().Kept(),
		ReadFile:    ReadSafely,
	}
}

// systemNames looks each name up once: who reads the parameters again may have entered
// a jail by then, where the files that names are in need not be.
type systemNames struct {
	ctx context.Context

	mu       sync.Mutex
	resolver hostname.Resolver
	found    map[nameQuestion]nameAnswer
}

type nameQuestion struct {
	name       string
	ipv4, ipv6 bool
}

type nameAnswer struct {
	addrs []netip.Addr
	err   error
}

func (n *systemNames) resolve(name string, ipv4, ipv6 bool) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := nameQuestion{name, ipv4, ipv6}
	a, ok := n.found[q]
	if !ok {
		if n.resolver == nil {
			n.resolver = hostname.NewSystem(hostname.SystemOptions{})
		}
		a.addrs, a.err = n.resolver.LookupAddrs(n.ctx, name, hostname.Families(ipv4, ipv6))
		n.found[q] = a
	}
	return slices.Clone(a.addrs), a.err
}
