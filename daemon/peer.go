package daemon

import (
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// warnServices tells of host name services that only the C library could ask. It is
// called when the process is where it stays: in a jail it could ask few of them either.
func warnServices(resolver *hostname.System, log *maillog.Logger) {
	for _, name := range resolver.Unsupported() {
		log.Warningf("nsswitch.conf: the host name service \"%s\" is not asked: clients that it alone knows are unknown", name)
	}
}

// anyOwner is for a server that TCP clients may reach whoever it runs as.
const anyOwner = -1

// newPeer returns what finds out who clients are. As a child of master(8) the
// process must have become owner, the user id of mail_owner, when TCP clients
// come.
func newPeer(c *Config, e *params.Effective, resolver hostname.Resolver, owner int) *peer.Options {
	ipv4, ipv6 := e.Protocols()
	return &peer.Options{
		IPv4:          ipv4,
		IPv6:          ipv6,
		InetProtocols: c.Protocols,
		Owner:         owner,
		Resolver:      resolver,
	}
}
