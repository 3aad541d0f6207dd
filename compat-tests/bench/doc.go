// Package bench measures the stock qmqpd and ours side by side: the same
// private Postfix, the same load, in turn in one run, and the ratio of the
// medians. "make bench" runs it and prints one table; nothing here passes or
// fails.
package bench
