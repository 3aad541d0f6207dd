// Package maillog writes log lines in Postfix's form to syslog, to
// postlogd(8) and to stderr.
//
// A Logger only logs: Fatalf and Panicf give a line its severity, and ending
// the process (after a second's pause, see daemon/master) is the caller's
// business.
//
// # Never blocking, never out of order
//
// The original blocks in send(2) while the log daemon's socket buffer is full.
// With many sessions in one process that would let a slow log daemon hold up
// all of them, so here a line is handed over without waiting. Each sink
// has a queue: a line is sent at once, in the caller's goroutine, when the
// queue is empty and the socket takes it; otherwise it is queued and one
// goroutine, which lives only as long as there is something to do, sends with
// waiting. Lines therefore stay in the order of the calls. The queue is
// bounded by number and bytes; what does not fit is dropped and counted, and
// the count is logged as a warning as soon as there is room again. Flush waits for
// the queues before the process ends, as long as lines are taken.
//
// A verbose Logger (option -v, debug_peer_list) may log more than that in a moment: its
// caller waits while the queue is half full and lines are taken. The others do not.
//
// What it does not do: write maillog_file itself (postlogd does), read the
// configuration or the environment, end the process.
//
// Source: Postfix 3.10 msg_output.c, msg_syslog.c, msg_logger.c,
// msg_vstream.c, maillog_client.c; syslog(3) of glibc.
package maillog
