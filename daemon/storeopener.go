package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// storeOpener is an opener of queue files whose lookup tables follow changes of
// their files. cleanup(8) looks before each message and begins anew when a
// table has changed; here, messages under way finish with the tables that they
// began with, and later ones get new ones. Tables that are read into memory are
// not watched, by cleanup(8) neither; but its processes do not live long, and
// so all tables are opened again after a while.
type storeOpener struct {
	config incoming.Config // without tables
	spool  *spool.Spool
	open   openTables
	maxAge time.Duration // of a generation
	now    func() time.Time

	mu      sync.Mutex
	current *tableGeneration
}

// tableGeneration is an opener with its open tables.
type tableGeneration struct {
	opener *incoming.Opener
	tables *table.Set
	opened time.Time
	users  int // streams, and one for being the current one
}

// openTables opens the lookup tables.
type openTables func() (incoming.Maps, *table.Set, error)

// newStoreOpener returns an opener with tables that open has opened. They are
// opened again after maxAge: max_idle.
func newStoreOpener(config incoming.Config, sp *spool.Spool, maps incoming.Maps, tables *table.Set, open openTables, maxAge time.Duration) *storeOpener {
	o := &storeOpener{config: config, spool: sp, open: open, maxAge: maxAge, now: time.Now}
	o.current = o.generation(maps, tables)
	return o
}

func (o *storeOpener) generation(maps incoming.Maps, tables *table.Set) *tableGeneration {
	config := o.config
	config.Maps = maps
	return &tableGeneration{opener: incoming.New(config, o.spool), tables: tables, opened: o.now(), users: 1}
}

// Open implements mailstream.Opener.
func (o *storeOpener) Open(ctx context.Context, log *maillog.Logger) (mailstream.Stream, error) {
	g := o.acquire(log)
	s, err := g.opener.Open(ctx, log)
	if err != nil {
		o.release(g)
		return nil, err
	}
	return &storeStream{Stream: s, opener: o, generation: g}, nil
}

// acquire returns the tables for a new message, opened again if a file has
// changed or they are old. If that fails, the old ones stay in use.
//
// Source: Postfix 3.10 cleanup.c, pre_accept.
func (o *storeOpener) acquire(log *maillog.Logger) *tableGeneration {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, err := o.current.tables.Changed()
	if err != nil {
		// The table can still be read, and says so if not.
		log.Warningf("%s", err)
	}
	if name != "" {
		log.Infof("table %s has changed -- restarting", name)
	}
	if name != "" || o.now().Sub(o.current.opened) > o.maxAge {
		if maps, tables, err := o.open(); err != nil {
			log.Warningf("%s", err)
		} else {
			o.drop(o.current)
			o.current = o.generation(maps, tables)
		}
	}
	o.current.users++
	return o.current
}

func (o *storeOpener) release(g *tableGeneration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop(g)
}

// drop closes tables that nobody uses any more. The caller holds o.mu.
func (o *storeOpener) drop(g *tableGeneration) {
	if g.users--; g.users == 0 {
		g.tables.Close()
	}
}

// Close lets go of the tables. Streams that are open keep theirs.
func (o *storeOpener) Close() { o.release(o.current) }

// storeStream is a stream that uses the tables of a generation.
type storeStream struct {
	mailstream.Stream
	opener     *storeOpener
	generation *tableGeneration
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
