package peer

// Client is the identity of a connected QMQP client as logs, access lists and
// records show it (Postfix qmqpd_peer.c).
type Client struct {
	// Name is the verified host name, or "unknown".
	Name string
	// Addr is the printable address without brackets: IPv4 dotted quad,
	// IPv6 in lower-case compressed form, or "unknown".
	Addr string
	// RFCAddr is Addr as RFC 5321 writes it: IPv6 addresses get "IPv6:".
	RFCAddr string
	// Port is the decimal client port, "0" for UNIX-domain clients, or
	// "unknown".
	Port string
	// Family is the value of client_address_type: 2 for IPv4, 10 for IPv6
	// (Linux), 0 for anything else.
	Family int
}

// NameAddr returns NAME[ADDR], followed by :PORT if withPort is set
// (qmqpd_client_port_logging).
func (c Client) NameAddr(withPort bool) string {
	s := c.Name + "[" + c.Addr + "]"
	if withPort {
		s += ":" + c.Port
	}
	return s
}
