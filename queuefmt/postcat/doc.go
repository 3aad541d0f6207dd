// Package postcat prints the records of a queue file for people to read, byte
// for byte as postcat(1) of Postfix 3.10 does.
//
// Two differences are kept. Postcat forgets to flush its output when it ends, and
// so loses the title of an empty file and, without -e, the newline after a last
// line that has none. Here they are printed, as postcat does when another file
// follows. And of a stream, such as a pipe, postcat knows no offsets, prints
// 18446744073709551615 for each, and without -v fails at the end record, for it
// cannot go to the end of the file. Here a stream is like a file, as long as there
// is nothing to be skipped: that is an error, as it is there.
//
// The output of a damaged file is postcat's, too, up to the fault. The
// difference is in what follows: where postcat warns and still ends with
// success, or says no more than "record read error", the error here tells the
// fault and its offset.
package postcat
