// Package export turns queue files into other formats: the message as text
// (RFC 822 and its successors) and the whole file as JSON.
//
// Both read the file from an io.ReaderAt in the order of its readers, pointer
// records followed, and hold no more of it in memory than one record. A damaged
// file gives what stands before the fault and the fault as error, a
// *queuefmt.FormatError; see queuefmt.Recover for what stands behind it.
package export
