package daemon

import (
	"context"
	"net"
	"runtime"
	"time"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/daemon/sockpath"
)

// dialer connects to a UNIX-domain stream socket.
type dialer func(ctx context.Context, path string) (net.Conn, error)

// dialBy has a poller wait for the connection's data.
func dialBy(p *poll.Poller) dialer {
	return func(ctx context.Context, path string) (conn net.Conn, err error) {
		err = sockpath.Short(path, func(path string) error {
			c, err := p.DialUnix(ctx, path)
			if err == nil {
				conn = c
			}
			return err
		})
		return conn, err
	}
}

// newGate returns what the messages of all sessions pass on their way to
// cleanup(8). So many at a time keep processors and disk busy. The time is so short
// that messages go in about as fast as the processors could do their work even where
// each one waits for others in cleanup(8).
func newGate() *cleanup.Gate {
	return cleanup.NewGate(4*runtime.NumCPU(), 10*time.Millisecond)
}

// newCleanup returns the opener of streams to the cleanup(8) of the Postfix
// whose queue directory dir is; empty means the current directory. A nil dial
// stands for package net's, a nil gate for none. A bad word in
// receive_override_options is an error; one in smtputf8_autodetect_classes
// fails each message, as it does in Postfix.
func newCleanup(c *Config, dir string, dial dialer, gate *cleanup.Gate) (mailstream.Opener, error) {
	flags, err := cleanupFlags(c.OverrideOptions)
	if err != nil {
		return nil, err
	}
	on, warning, err := autodetect(c.AutodetectClasses)
	if on {
		flags |= cleanup.FlagAutoUTF8
	}
	return settingsOpener{
		Opener: &cleanup.Opener{
			Dir:     dir,
			Class:   "public",
			Service: c.CleanupService,
			Flags:   flags,
			Dial:    dial,
			Gate:    gate,
			Timeout: c.IPCTimeout,
		},
		flags:   flags &^ cleanup.FlagAutoUTF8,
		classes: c.AutodetectClasses,
		warning: warning,
		err:     err,
	}, nil
}

// settingsOpener looks at the settings of a message's flags when the message
// begins, as Postfix does: it tells what it finds at verbose level 1, and of a bad
// setting. Source: qmqpd_open_file; input_transp_cleanup; smtputf8_autodetect.
type settingsOpener struct {
	mailstream.Opener
	flags   uint32 // without those of classes
	classes string // smtputf8_autodetect_classes
	warning string
	err     error
}

func (o settingsOpener) Open(ctx context.Context, log *maillog.Logger) (mailstream.Stream, error) {
	if log.Verbose() > 0 {
		log.Infof("before input_transp_cleanup: cleanup flags = %s", flagNames(cleanup.FlagsExternal))
		log.Infof("after input_transp_cleanup: cleanup flags = %s", flagNames(o.flags))
		logWords(log, o.classes, sourceClasses)
	}
	if o.err != nil {
		return nil, maillog.FatalError("%w", o.err)
	}
	if o.warning != "" {
		log.Warningf("%s", o.warning)
	}
	return o.Opener.Open(ctx, log)
}
