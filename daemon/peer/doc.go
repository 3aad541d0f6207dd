// Package peer finds out who a client is: its address, and a host name that is
// verified in both directions.
//
// The name is the one that reverse lookup gives, if it is a proper host name
// and forward lookup of it gives the client's address again, else "unknown".
//
// What it does not do: remember results, decide about access.
//
// Source: Postfix 3.10 qmqpd_peer.c, myaddrinfo.c.
package peer
