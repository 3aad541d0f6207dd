package maillog

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where lines go and what identifies them.
type Config struct {
	// Tag is <syslog_name>/<process_name>, for instance "postfix/qmqpd".
	Tag string
	// PID is the process id that lines show.
	PID int
	// Postlog is the path of postlogd's socket. Empty means syslog.
	Postlog string
	// Host is the host name in lines to postlogd, cut at the first dot.
	// Empty means "amnesiac", as before myhostname is known.
	Host string
	// Facility is the syslog facility. Zero means mail.
	Facility Facility
	// KeepUTF8 leaves valid UTF-8 in the text (smtputf8_enable).
	KeepUTF8 bool
	// Syslog is the path of the syslog socket. Empty means /dev/log.
	Syslog string
}

// A Logger writes lines to its sinks. It may be used by several goroutines at
// once. A nil Logger discards everything.
type Logger struct {
	core    *core
	verbose int
	utf8    utf8Text
}

// utf8Text says what becomes of valid UTF-8 in a Logger's lines.
type utf8Text uint8

const (
	asConfigured utf8Text = iota
	kept
	replaced
)

// core is what a Logger shares with those made from it by WithVerbose and
// WithKeepUTF8.
type core struct {
	now    func() time.Time
	stall  time.Duration // verboseStall
	errors atomic.Int64

	mu       sync.Mutex // held while a line is handed to all sinks, so that they agree on the order
	id       identity
	keepUTF8 bool
	main     *queue // syslog or postlogd, replaced by Configure
	form     form
	where    string // socket behind main
	extra    []extraSink
	old      []*queue // replaced by Configure with lines in them
	ended    bool     // nothing more is logged
	line     []byte   // the last one, to build the next in
}

type extraSink struct {
	queue *queue
	form  form
}

// New returns a Logger without sinks. Time stamps are now() as it comes, in
// the location it carries; for local time inside a chroot jail, load the
// location before.
func New(now func() time.Time) *Logger {
	return &Logger{core: &core{now: now, stall: verboseStall}}
}

// Configure sets identity and main sink, and connects it now, so that it
// works in a chroot jail later. It may be called again: the original does it
// once from the environment alone and once after the parameters are read.
// Lines that are already queued go to the old sink.
//
// A socket that is not there is no error: each line tries again, and is lost
// if that fails (Postfix 3.10 maillog_client.c).
func (l *Logger) Configure(c Config) {
	if l == nil {
		return
	}
	if c.Host == "" {
		c.Host = "amnesiac"
	}
	if c.Syslog == "" {
		c.Syslog = "/dev/log"
	}
	k := l.core
	k.mu.Lock()
	defer k.mu.Unlock()
	k.id = identity{tag: c.Tag, host: c.Host, pid: c.PID, facility: c.Facility}
	k.keepUTF8 = c.KeepUTF8
	var d *datagram
	if c.Postlog != "" {
		if k.where == "postlog "+c.Postlog {
			return
		}
		k.where, k.form, d = "postlog "+c.Postlog, postlogLine, newDatagram(c.Postlog, false)
	} else {
		if k.where == "syslog "+c.Syslog {
			return
		}
		k.where, k.form, d = "syslog "+c.Syslog, syslogLine, newDatagram(c.Syslog, true)
	}
	old := k.main
	k.main = newQueue(d)
	if old != nil {
		old.closeWhenEmpty()
		if old.drained() != nil {
			k.old = append(k.old, old)
		}
	}
}

// SetTag changes the tag alone: the original writes it over the last one just before
// the second set-up, which can fail.
func (l *Logger) SetTag(tag string) {
	if l == nil {
		return
	}
	l.core.mu.Lock()
	l.core.id.tag = tag
	l.core.mu.Unlock()
}

// SetFacility changes the facility alone: the original applies
// syslog_facility as soon as it is read, long before the second set-up.
func (l *Logger) SetFacility(f Facility) {
	if l == nil {
		return
	}
	l.core.mu.Lock()
	l.core.id.facility = f
	l.core.mu.Unlock()
}

// SetKeepUTF8 changes whether valid UTF-8 is kept (smtputf8_enable).
func (l *Logger) SetKeepUTF8(keep bool) {
	if l == nil {
		return
	}
	l.core.mu.Lock()
	l.core.keepUTF8 = keep
	l.core.mu.Unlock()
}

// AddPlain also writes lines as "TAG: TEXT" to w, as option -V does on
// stderr. An empty tag follows the tag of Configure. If w is an *os.File it is
// never waited for (see the package comment); any other writer is called in
// the goroutine that logs.
func (l *Logger) AddPlain(w io.Writer, tag string) {
	l.add(w, func(b []byte, id *identity, _ time.Time, s Severity, text string) []byte {
		if tag != "" {
			return plainLine(b, tag, s, text)
		}
		return plainLine(b, id.tag, s, text)
	})
}

// AddFull also writes lines with time, host, tag and process id to w, in the form
// of maillog_file. w is treated as by AddPlain.
func (l *Logger) AddFull(w io.Writer) {
	l.add(w, func(b []byte, id *identity, t time.Time, s Severity, text string) []byte {
		return append(postlogLine(b, id, t, s, text), '\n')
	})
}

func (l *Logger) add(w io.Writer, form form) {
	if l == nil {
		return
	}
	k := l.core
	k.mu.Lock()
	k.extra = append(k.extra, extraSink{newQueue(newStream(w)), form})
	k.mu.Unlock()
}

// Identify sets tag, process id and host without a main sink: for a
// stand-alone server that logs to AddFull alone.
func (l *Logger) Identify(tag string, pid int, host string, keepUTF8 bool) {
	if l == nil {
		return
	}
	l.core.mu.Lock()
	l.core.id.tag, l.core.id.pid, l.core.id.host = tag, pid, host
	l.core.keepUTF8 = keepUTF8
	l.core.mu.Unlock()
}

// Infof logs without a prefix.
func (l *Logger) Infof(format string, args ...any) { l.logf(Info, format, args) }

// Warningf logs with the prefix "warning: ".
func (l *Logger) Warningf(format string, args ...any) { l.logf(Warning, format, args) }

// Errorf logs with the prefix "error: " and counts; see Errors.
func (l *Logger) Errorf(format string, args ...any) { l.logf(Error, format, args) }

// Fatalf logs with the prefix "fatal: ". It returns; the process lives on.
func (l *Logger) Fatalf(format string, args ...any) { l.logf(Fatal, format, args) }

// Panicf logs with the prefix "panic: ". It returns; the process lives on.
func (l *Logger) Panicf(format string, args ...any) { l.logf(Panic, format, args) }

// Logf logs with the given severity.
func (l *Logger) Logf(s Severity, format string, args ...any) { l.logf(s, format, args) }

func (l *Logger) logf(s Severity, format string, args []any) {
	if l == nil {
		return
	}
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	k := l.core
	if l.verbose > 0 {
		k.waitRoom()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s == Error {
		k.errors.Add(1)
	}
	if k.ended || k.main == nil && len(k.extra) == 0 {
		return
	}
	text = printable(text, l.utf8 == kept || l.utf8 == asConfigured && k.keepUTF8)
	t := k.now()
	if k.main != nil {
		k.emit(k.main, k.form, t, s, text)
	}
	for _, e := range k.extra {
		k.emit(e.queue, e.form, t, s, text)
	}
}

// verboseStall is how long a verbose Logger waits for a log daemon that takes nothing.
const verboseStall = time.Second

// waitRoom waits for the queues of all sinks, before the lock is taken: nobody else
// waits.
func (k *core) waitRoom() {
	for _, q := range k.queues() {
		q.waitRoom(k.stall)
	}
}

// queues returns the queues of all sinks, those that were replaced first.
func (k *core) queues() []*queue {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*queue, 0, len(k.old)+1+len(k.extra))
	all = append(all, k.old...)
	if k.main != nil {
		all = append(all, k.main)
	}
	for _, e := range k.extra {
		all = append(all, e.queue)
	}
	return all
}

// emit hands one line to one sink, after the warning about lost lines that
// may be due.
func (k *core) emit(q *queue, form form, t time.Time, s Severity, text string) {
	if n := q.lost(); n > 0 {
		lost := fmt.Sprintf("%d log lines were lost while the log daemon did not take any", n)
		k.line = form(k.line[:0], &k.id, t, Warning, lost)
		if q.put(k.line) {
			q.forgive(n)
		}
	}
	k.line = form(k.line[:0], &k.id, t, s, text)
	q.put(k.line)
}

// Errors returns how many lines have been logged with Errorf. The original
// ends the process with "too many errors - program terminated" at the 13th
// (Postfix 3.10 msg.c, msg_error_limit).
func (l *Logger) Errors() int {
	if l == nil {
		return 0
	}
	return int(l.core.errors.Load())
}

// MaxErrors is the count of Errors at which the original gives up.
const MaxErrors = 13

// Verbose is the level of detail: 0 normal, one more per option -v.
func (l *Logger) Verbose() int {
	if l == nil {
		return 0
	}
	return l.verbose
}

// WithVerbose returns a Logger with the same sinks and another level, for the
// process (option -v) or for one session (debug_peer_list).
func (l *Logger) WithVerbose(level int) *Logger {
	if l == nil {
		return nil
	}
	return &Logger{core: l.core, verbose: level, utf8: l.utf8}
}

// WithKeepUTF8 returns a Logger with the same sinks that keeps valid UTF-8 or
// not, whatever the others do: for the lines of another program, which may have
// a smtputf8_enable of its own.
func (l *Logger) WithKeepUTF8(keep bool) *Logger {
	if l == nil {
		return nil
	}
	utf8 := replaced
	if keep {
		utf8 = kept
	}
	return &Logger{core: l.core, verbose: l.verbose, utf8: utf8}
}

// Flush waits until everything logged so far is handed over, or until a log daemon
// has taken no line for the time that stall gives: a slow one is waited for, one
// that has stopped is not. It reports whether nothing is left.
func (l *Logger) Flush(stall time.Duration) bool {
	if l == nil {
		return true
	}
	for _, q := range l.core.queues() {
		if !q.waitEmpty(stall) {
			return false
		}
	}
	return true
}
