// Package queuefmt reads and writes Postfix queue files: the record encoding,
// the order of the records, the size record, and queue ids with their paths.
//
// The format is that of Postfix 3.10 (record.h, rec_type.h, mail_queue.h in
// its source). The package touches no queue directory by itself: it works on
// readers, writers and names.
package queuefmt
