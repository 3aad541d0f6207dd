package incoming

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/mime"
	"github.com/qmqpd/qmqpd/daemon/rewrite"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Opener is a mailstream.Opener that writes queue files. It may be used by
// several goroutines at once.
type Opener struct {
	cfg     Config
	spool   *spool.Spool
	headers *rfc822.HeaderTable
	mime    mime.Options
	streams sync.Pool // of *stream
}

// New returns an Opener that puts queue files into s.
func New(cfg Config, s *spool.Spool) *Opener {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	cfg.LineLengthLimit = cmp.Or(cfg.LineLengthLimit, 2048)
	o := &Opener{cfg: cfg, spool: s, headers: rfc822.NewHeaderTable(cfg.DropHeaders)}
	o.mime = mime.Options{
		Headers:       o.headers,
		HeaderLimit:   cfg.HeaderSizeLimit,
		BoundaryLimit: cfg.BoundaryLimit,
		MaxDepth:      cfg.NestingLimit,
		Disabled:      cfg.DisableMIME,
		Downgrade:     cfg.ForceConversion && !cfg.DisableMIME,
		Report:        cfg.faults(),
	}
	o.streams.New = func() any { return &stream{rewriter: rewrite.New(cfg.Rewrite)} }
	return o
}

// faults returns the problems with a message's structure that matter.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_message.
func (c *Config) faults() mime.Fault {
	if c.DisableMIME || !c.Filter {
		return 0
	}
	var f mime.Fault
	if c.Strict8BitMIME || c.Strict7BitHeaders {
		f |= mime.Fault8BitHeader
	}
	if c.Strict8BitMIME || c.Strict8BitMIMEBody {
		f |= mime.Fault8BitBody
	}
	if c.StrictEncodingDomain {
		f |= mime.FaultEncodingDomain
	}
	if m := &c.Maps; f != 0 || m.HeaderChecks.on() || m.MIMEHeaderChecks.on() || m.NestedHeaderChecks.on() {
		f |= mime.FaultNesting
	}
	return f
}

// Open creates a queue file.
//
// When that fails, cleanup(8) waits and tries again for as long as it takes.
// Here the message is refused for the time being instead: the stream that is
// returned has the queue id NOQUEUE and ends with mailstream.StatusWrite. An
// error is returned only when ctx ends or the spool is closed.
func (o *Opener) Open(ctx context.Context, log *maillog.Logger) (mailstream.Stream, error) {
	f, err := o.spool.Create(ctx)
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, spool.ErrClosed) {
			return nil, err
		}
		var failed *spool.Error
		if errors.As(err, &failed) {
			log.Warningf("mail_queue_enter: %s file %s: %s", failed.Op, failed.Path, errno.Text(err))
		} else {
			log.Warningf("mail_queue_enter: %s", errno.Text(err))
		}
		return unstored{}, nil
	}
	s := o.streams.Get().(*stream)
	s.begin(ctx, o, f, log.WithKeepUTF8(o.cfg.SMTPUTF8))
	return &handle{s: s, id: s.id}, nil
}
