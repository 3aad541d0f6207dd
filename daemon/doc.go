// Package daemon is the QMQP server, put together from the packages below it.
//
// Serve runs it alone, as "qmqpd serve" does: on given addresses or listeners, for
// a Postfix queue or for the caller's own store of messages. Run is the life of a
// child of Postfix's master(8), which has nothing but what master
// gives it: arguments, environment and descriptors. Both make a Server, which
// serves one client with each call of ServeConn, whoever accepted it.
//
// LoadConfig reads the parameters of qmqpd(8); docs/compatibility.md lists
// them, docs/stand-alone.md those that only Serve needs. The package needs
// Linux.
package daemon
