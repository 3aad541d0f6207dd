package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/rewrite"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// tableWorld is an opener with one table in a file, and a clock.
type tableWorld struct {
	*storeOpener
	t      *testing.T
	dir    string
	clock  time.Time
	opened int
	fail   error // of opening tables
	log    bytes.Buffer
	logger *maillog.Logger
}

// newTableWorld makes an opener with canonical_maps = TYPE:DIR/map.
func newTableWorld(t *testing.T, typ string) *tableWorld {
	w := &tableWorld{t: t, dir: t.TempDir(), clock: time.Now()}
	w.logger = maillog.New(time.Now)
	w.logger.AddPlain(&w.log, "x")
	queue := filepath.Join(w.dir, "queue")
	if err := spool.MakeLayout(queue, nil); err != nil {
		t.Fatal(err)
	}
	sp, err := spool.Open(queue, spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close(context.Background()) })
	open := func() (*openMaps, error) {
		w.opened++
		if w.fail != nil {
			return nil, w.fail
		}
		set := table.NewSet(table.Options{Log: w.logger})
		mapping, err := incoming.OpenMapping(set, "canonical_maps", typ+":"+w.dir+"/map", incoming.AddressTable)
		return &openMaps{incoming.Maps{Canonical: mapping, CanonicalClasses: incoming.EnvelopeSender, Origin: "o.example"}, set}, err
	}
	config := incoming.Config{
		Map: true, Rewrite: rewrite.Rules{Origin: "o.example", AppendAtMyorigin: true},
		LineLengthLimit: 2048, HeaderSizeLimit: 1000, HopcountLimit: 50, AttributeLimit: 100,
	}
	w.write(typ, "0")
	maps, err := open()
	if err != nil {
		t.Fatal(err)
	}
	w.storeOpener = newStoreOpener(config, sp, maps, open, 100*time.Second)
	w.now = func() time.Time { return w.clock }
	w.current.opened = w.clock
	return w
}

// write replaces the table by one that maps "key" to "value"+n.
func (w *tableWorld) write(typ, n string) {
	path := filepath.Join(w.dir, "map")
	data := []byte("key value" + n + "@x\n")
	if typ == "cdb" {
		path += ".cdb"
		data = smallCDB("key", "value"+n+"@x")
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chtimes(temp, time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(temp, path); err != nil {
		w.t.Fatal(err)
	}
}

// smallCDB returns a constant data base of one entry, as postmap(1) writes it.
func smallCDB(key, value string) []byte {
	const tables = 256 * 8
	hash := uint32(5381)
	for _, c := range []byte(key) {
		hash = (hash<<5 + hash) ^ uint32(c)
	}
	var b bytes.Buffer
	word := func(v uint32) { b.Write([]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}) }
	end := uint32(tables + 8 + len(key) + len(value))
	for i := range uint32(256) {
		switch {
		case i < hash&255:
			word(end)
			word(0)
		case i == hash&255:
			word(end)
			word(2)
		default:
			word(end + 16)
			word(0)
		}
	}
	word(uint32(len(key)))
	word(uint32(len(value)))
	b.WriteString(key + value)
	slot := hash >> 8 % 2
	for i := range uint32(2) {
		if i == slot {
			word(hash)
			word(tables)
		} else {
			word(0)
			word(0)
		}
	}
	return b.Bytes()
}

// begin opens a stream.
func (w *tableWorld) begin() mailstream.Stream {
	w.t.Helper()
	s, err := w.Open(context.Background(), w.logger)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// finish completes the message of a stream from "key" and returns what the
// sender became.
func (w *tableWorld) finish(s mailstream.Stream) string {
	w.t.Helper()
	for _, r := range []string{"T1 2", "Skey", "Ra", "M", "NReceived: x", "N", "X", "E"} {
		if err := s.WriteRecord(queuefmt.RecordType(r[0]), []byte(r[1:])); err != nil {
			w.t.Fatal(err)
		}
	}
	if status, reason := s.Finish(context.Background()); status != 0 {
		w.t.Fatal(status, reason, w.log.String())
	}
	s.Abort()
	data, err := os.ReadFile(filepath.Join(w.dir, "queue", "incoming", s.QueueID()))
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := queuefmt.Parse(data)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range f.Records {
		if r.Type == queuefmt.RecSender {
			return string(r.Data)
		}
	}
	return "no sender"
}

// TestTablesFollowFiles replaces the file of an indexed table, which is
// watched. A message under way keeps the old one.
func TestTablesFollowFiles(t *testing.T) {
	w := newTableWorld(t, "cdb")
	if got := w.finish(w.begin()); got != "value0@x" {
		t.Errorf("before the change: %s", got)
	}
	early := w.begin()
	w.write("cdb", "1")
	late := w.begin()
	want := fmt.Sprintf("x: table cdb:%s/map(0,lock|fold_fix|utf8_request) has changed -- restarting\n", w.dir)
	if got := w.log.String(); strings.Count(got, want) != 1 {
		t.Errorf("log %q, want %q in it", got, want)
	}
	if got := w.finish(early); got != "value0@x" {
		t.Errorf("message under way: %s", got)
	}
	if got := w.finish(late); got != "value1@x" {
		t.Errorf("later message: %s", got)
	}
	if w.opened != 2 || w.current.users != 1 {
		t.Errorf("opened %d times, %d users", w.opened, w.current.users)
	}
}

// TestTablesGetOld replaces a file that is not watched.
func TestTablesGetOld(t *testing.T) {
	w := newTableWorld(t, "texthash")
	w.write("texthash", "1")
	w.clock = w.clock.Add(100 * time.Second)
	if got := w.finish(w.begin()); got != "value0@x" {
		t.Errorf("after 100 seconds: %s", got)
	}
	w.clock = w.clock.Add(time.Second)
	if got := w.finish(w.begin()); got != "value1@x" {
		t.Errorf("after 101 seconds: %s", got)
	}
	s := w.begin()
	s.Abort()
	s.Abort()
	w.Close()
	if w.opened != 2 || w.current.users != 0 {
		t.Errorf("opened %d times, %d users", w.opened, w.current.users)
	}
}

// A table that cannot be opened again leaves the old one in use; a message that cannot
// begin holds none.
func TestTablesFailToOpen(t *testing.T) {
	w := newTableWorld(t, "cdb")
	w.write("cdb", "1")
	w.fail = errors.New("no table")
	if got := w.finish(w.begin()); got != "value0@x" || !strings.Contains(w.log.String(), "restarting\nx: warning: no table\n") {
		t.Errorf("%s, log %q", got, w.log.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := w.Open(ctx, w.logger); err == nil {
		t.Errorf("began: %v", s)
	}
	if w.opened != 2 || w.current.users != 1 {
		t.Errorf("opened %d times, %d users", w.opened, w.current.users)
	}
}
