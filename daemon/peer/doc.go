// Package peer finds out who a client is: its address, and a host name that is
// verified in both directions.
//
// The name is the one that reverse lookup gives, if it is a proper host name
// and forward lookup of it gives the client's address again, else "unknown".
// Lookups follow the C library, because the original uses it: hosts file and DNS
// in the order of nsswitch.conf, with glibc's reading of these files and
// its error texts, which appear in warnings. Resolver is the seam for other
// ways.
//
// What it does not do: load other name services than files and dns (they count as not
// installed, which they are in a chroot jail), remember results, decide about access.
//
// Source: Postfix 3.10 qmqpd_peer.c, myaddrinfo.c, valid_hostname.c; glibc
// 2.41 getnameinfo, getaddrinfo, nss_files, nss_dns, resolv.
package peer
