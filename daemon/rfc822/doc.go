// Package rfc822 holds what Postfix knows about message headers and the
// addresses in them: address tokens, quoting of local parts, header names,
// dates.
//
// It follows RFC 822 as the Postfix 3.10 library does (tok822_parse.c,
// quote_822_local.c, is_header.c, header_opts.c, mail_date.c), not RFC 5322:
// it forgives everything, throws nothing away, and what it prints is what
// Postfix prints. Addresses and headers are bytes; 8-bit bytes have no special
// meaning. The package rewrites nothing: package rewrite does.
package rfc822
