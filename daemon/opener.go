package daemon

import (
	"context"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
)

// newCleanup returns the opener of streams to the cleanup(8) of the Postfix
// whose queue directory dir is; empty means the current directory. A bad word in
// receive_override_options is an error; one in smtputf8_autodetect_classes
// fails each message, as it does in Postfix.
func newCleanup(c *Config, dir string) (mailstream.Opener, error) {
	flags, err := cleanupFlags(c.OverrideOptions)
	if err != nil {
		return nil, err
	}
	on, warning, err := autodetect(c.AutodetectClasses)
	if on {
		flags |= cleanup.FlagAutoUTF8
	}
	var opener mailstream.Opener = &cleanup.Opener{
		Dir:     dir,
		Class:   "public",
		Service: c.CleanupService,
		Flags:   flags,
		Timeout: c.IPCTimeout,
	}
	if warning != "" || err != nil {
		opener = troubledOpener{opener, warning, err}
	}
	return opener, nil
}

// troubledOpener tells of a bad setting with each message.
type troubledOpener struct {
	mailstream.Opener
	warning string
	err     error
}

func (o troubledOpener) Open(ctx context.Context, log *maillog.Logger) (mailstream.Stream, error) {
	if o.err != nil {
		return nil, maillog.FatalError("%w", o.err)
	}
	log.Warningf("%s", o.warning)
	return o.Opener.Open(ctx, log)
}
