// Package matchlist is Postfix's match list: an ordered list of host names,
// addresses, networks, files and lookup tables that a client's name and
// address are compared with (qmqpd_authorized_clients, debug_peer_list), or of
// plain strings (parent_domain_matches_subdomains).
//
//	set := table.NewSet(table.Options{Log: log, UTF8: true})
//	list, err := matchlist.Parse("qmqpd_authorized_clients", value, set, matchlist.Options{Parents: true})
//	ok, err := list.Match(ctx, "client.example", "192.0.2.1")
//
// A list is read once, before the process enters its jail: files that it names
// are read then, and tables opened. Problems are logged in Postfix's words
// through the logger of the table set; an error of Parse is a *table.Error of
// class Fatal whose text is Postfix's "fatal:" line. An error of Match means
// that the list could not decide. It has been logged already, unless it is of
// class Fatal: such ends a Postfix process.
//
// A List is never changed after Parse, so many goroutines may match at once.
//
// Source: Postfix 3.10 match_list.c, match_ops.c, namadr_list.c,
// string_list.c.
package matchlist
