// Package hostname looks host names up as the C library does, and knows what a
// server may be called.
//
// Postfix uses the C library for this, so System follows it: hosts file, DNS and
// the service myhostname in the order of nsswitch.conf, with glibc's reading of
// these files and its error texts, which appear in warnings. Resolver is the seam
// for other ways.
//
// What it does not do: load name services that are libraries (they count as not
// installed, and Unsupported tells of those that are), remember results.
//
// Source: Postfix 3.10 host_port.c, valid_hostname.c; glibc 2.41 getnameinfo, getaddrinfo,
// nss_files, nss_dns, resolv; nss-myhostname(8) of systemd 257.
package hostname
