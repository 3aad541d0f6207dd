// Package incoming stores messages as cleanup(8) would: it takes a session's
// records and puts into the queue file what the real cleanup(8) of Postfix
// 3.10 puts there for the same settings.
//
// What a record stream becomes is decided in the order of the stream: the
// envelope (envelope.go, address.go), the content (content.go, header.go,
// missing.go), what was extracted from it (extracted.go). The file itself, its
// name, its durability and the notice to qmgr(8) are package spool's.
//
// QMQP sends a part of what cleanup(8) can be sent, and this package refuses
// the rest as cleanup(8) refuses unexpected records. Milters are not
// supported.
package incoming
