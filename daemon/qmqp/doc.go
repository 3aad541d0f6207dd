// Package qmqp serves one QMQP session: it reads a request of message, sender
// and recipients, passes it on as queue-file records, and sends the one reply.
//
// Source: D. J. Bernstein, "Quick Mail Queueing Protocol (QMQP)",
// https://cr.yp.to/proto/qmqp.html, and Postfix 3.10 qmqpd.c for everything
// that the protocol leaves open: limits, texts, log lines, records.
//
// The package does not accept connections, look up clients or decide who may
// send; it is told.
package qmqp
