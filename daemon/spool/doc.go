// Package spool puts messages into a Postfix queue directory: it creates
// queue files, fills them, makes them durable and wakes the queue manager.
//
// A file is created without a name (O_TMPFILE) and with mode 0700, which marks
// complete ones, filled, its size record rewritten in place, and given its queue
// id, which has its inode number, as its name in incoming/ or hold/. That changes
// the directory once, and the search for a free inode does not hold up other
// writers. What is not complete is gone when the process is. The name comes last,
// just before the sync: nobody else's sync is to make it durable without the content.
//
// Where there are no files without names, the protocol is cleanup(8)'s (Postfix
// 3.10 mail_queue.c, mail_queue_enter; mail_stream.c, mail_stream_finish_file):
// a file is created as incoming/USEC.PID with mode 0600, renamed to the queue
// id, filled and marked complete. Until then qmgr(8) ignores it.
//
// # Durability
//
// Commit returns success when the message survives a power cut: the file has
// been fsynced after its last change, and so has every directory whose entry
// leads to it. Postfix syncs the file only and leaves its directory entry to
// the file system's kindness. Commits that come together share the directory's
// sync, or one sync of the file system. Success never means less because it was
// shared: a sync counts for a commit only if it began after that commit's last
// change.
//
// When a sync fails, Commit fails for all files that are open: the disk may have
// lost part of any of them, and the kernel tells so once.
//
// A power cut before Commit returned leaves nothing, an unfinished file of
// mode 0600, which qmgr ignores, or a file of mode 0700 that may lack data,
// which qmgr or a delivery agent recognises and moves to corrupt/; that much is
// as with Postfix.
//
// A failure at any step removes the file again and is returned; the package
// logs nothing by itself. All methods may be called by many sessions at once,
// a File's by one at a time.
package spool
