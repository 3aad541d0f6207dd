// Package standin holds the parties that a qmqpd talks to, as a test wants
// them: a master(8) that starts one child and keeps its status records, a
// cleanup(8) that records what it is sent and answers well or badly, a DNS
// server, and a QMQP client that says exactly the bytes it is told to.
//
// They know the protocols from the outside only and share no code with the
// server, so that an error in one is not repeated in the other.
package standin
