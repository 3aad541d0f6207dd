// Package judges runs one scene (settings, requests, answers of cleanup(8))
// through two programs, the stock qmqpd and ours, each started by a stand-in
// master(8) in a private root of its own, and writes down what each did:
// replies, bytes for cleanup(8), status records, log lines, how it ended. The
// two write-ups must be the same text.
//
// What differs between any two runs is masked, each kind by its shape: times,
// client ports, process ids. Everything else is compared byte for byte.
package judges
