package daemon

import (
	"context"
	"time"

	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// storeOpener is an opener of queue files whose lookup tables follow changes of
// their files; see renewed.
type storeOpener struct {
	renewed[*incoming.Opener]
}

// openMaps are maps and what is open for them.
type openMaps struct {
	incoming.Maps
	tables *table.Set
}

// newStoreOpener returns an opener with maps that open has opened. They are
// opened again after maxAge: max_idle.
func newStoreOpener(config incoming.Config, sp *spool.Spool, maps *openMaps, open func() (*openMaps, error), maxAge time.Duration) *storeOpener {
	opener := func(maps incoming.Maps) *incoming.Opener {
		config := config
		config.Maps = maps
		return incoming.New(config, sp)
	}
	o := new(storeOpener)
	o.maxAge, o.now = maxAge, time.Now
	o.open = func() (*incoming.Opener, *table.Set, error) {
		maps, err := open()
		if err != nil {
			return nil, nil, err
		}
		return opener(maps.Maps), maps.tables, nil
	}
	o.start(opener(maps.Maps), maps.tables)
	return o
}

// Open implements mailstream.Opener.
func (o *storeOpener) Open(ctx context.Context, log *maillog.Logger) (mailstream.Stream, error) {
	g := o.acquire(log)
	s, err := g.value.Open(ctx, log)
	if err != nil {
		o.release(g)
		return nil, err
	}
	return &storeStream{Stream: s, opener: o, generation: g}, nil
}

// storeStream is a stream that uses the tables of a generation.
type storeStream struct {
	mailstream.Stream
	opener     *storeOpener
	generation *generation[*incoming.Opener]
}

func (s *storeStream) done() {
	if s.generation != nil {
		s.opener.release(s.generation)
		s.generation = nil
	}
}

func (s *storeStream) Finish(ctx context.Context) (mailstream.Status, string) {
	defer s.done()
	return s.Stream.Finish(ctx)
}

func (s *storeStream) Abort() {
	defer s.done()
	s.Stream.Abort()
}
