// Package hostname looks host names up as the C library does, and knows what a
// server may be called.
//
// Postfix uses the C library for this, so System follows it: hosts file and DNS
// in the order of nsswitch.conf, with glibc's reading of these files and its
// error texts, which appear in warnings. Resolver is the seam for other ways.
//
// What it does not do: load other name services than files and dns (they count as
// not installed, which they are in a chroot jail), remember results.
//
// Source: Postfix 3.10 host_port.c, valid_hostname.c; glibc 2.41 getnameinfo, getaddrinfo,
// nss_files, nss_dns, resolv.
package hostname
