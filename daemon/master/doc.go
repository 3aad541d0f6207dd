// Package master is the part of a daemon that its parent master(8) sees: the
// argument vector, the environment, inherited descriptors, status records,
// the lock that siblings take turns with, and the life from the first accept
// to the exit.
//
// Serve is the life. With Config.Sessions one it is the original's
// single-client skeleton: a process serves one client at a time, and what is fatal for
// the session ends the process. With more, one process serves many clients and stays a
// correct child of master, which counts processes, not sessions:
//
//   - TAKEN is reported when the first session starts and AVAIL when the last
//     one ends, because an available process is one that accepts at once, and
//     because nothing can be reported any more when master has closed the status channel.
//   - Before a process stops accepting it either has a session (and so is TAKEN,
//     and master makes another process) or exits at once.
//   - The lock file is the baton: its holder accepts, others wait for it. The
//     holder passes it on when it drains.
//   - Sessions of all processes of the service together are bounded by the service's
//     process limit: each holds one of that many byte locks in the lock file.
//
// What it does not do: read the configuration, open tables, give up privileges,
// end the process. Errors of type *maillog.Failure are what the
// original logs before it waits a second and exits with status 1, or by SIGABRT.
//
// Source: Postfix 3.10 single_server.c, master_proto.c, watchdog.c,
// sane_accept.c, pass_accept.c, safe_open.c, master_avail.c.
package master
