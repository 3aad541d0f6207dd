package daemon

import (
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// anyOwner is for a server that TCP clients may reach whoever it runs as.
const anyOwner = -1

// newPeer returns what finds out who clients are. As a child of master(8) the
// process must have become owner, the user id of mail_owner, when TCP clients
// come. It must be called before the process enters its jail.
func newPeer(c *Config, e *params.Effective, owner int) *peer.Options {
	ipv4, ipv6 := e.Protocols()
	return &peer.Options{
		IPv4:          ipv4,
		IPv6:          ipv6,
		InetProtocols: c.Protocols,
		Owner:         owner,
		Resolver:      hostname.NewSystem(hostname.SystemOptions{}),
	}
}
