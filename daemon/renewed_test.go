package daemon

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params"
)

// A stand-alone server's access list follows its tables: the next client is
// judged by the new one, and a session under way keeps the old one.
func TestAccessListFollowsTable(t *testing.T) {
	dir := t.TempDir()
	put := func(client string) {
		path := filepath.Join(dir, "clients.cdb")
		if err := os.WriteFile(path+".new", smallCDB(client, "yes"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	put("10.0.0.1")
	var lines bytes.Buffer
	s := &server{log: maillog.New(time.Now)}
	s.log.AddPlain(&lines, "x")
	s.qmqpd.Effective = params.New(params.Process{Name: "qmqpd", Host: params.SystemHost(t.Context(), nil)})
	s.config = LoadConfig(s.qmqpd.Effective)
	s.config.Clients = "cdb:" + dir + "/clients"
	servers, err := s.newServers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	admits := func(g *generation[*Server], addr string) bool {
		ok, err := g.value.Clients(t.Context(), peer.Client{Name: "unknown", Addr: addr}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	first := servers.acquire(s.log)
	put("10.0.0.2")
	second := servers.acquire(s.log)
	for _, tt := range []struct {
		g    *generation[*Server]
		addr string
		want bool
	}{{first, "10.0.0.1", true}, {first, "10.0.0.2", false}, {second, "10.0.0.1", false}, {second, "10.0.0.2", true}} {
		if got := admits(tt.g, tt.addr); got != tt.want {
			t.Errorf("%s: %v", tt.addr, got)
		}
	}
	servers.release(first)
	servers.release(second)
	if first.users != 0 || second.users != 1 {
		t.Errorf("users: %d, %d", first.users, second.users)
	}
	if !strings.Contains(lines.String(), "has changed -- restarting") {
		t.Errorf("log %q", lines.String())
	}
}

// Opening may take long, a proxymap(8) that does not answer for example. Others
// go on with what there is.
func TestRenewedMeanwhile(t *testing.T) {
	now := time.Unix(1e9, 0)
	var meanwhile *generation[int]
	r := &renewed[int]{maxAge: time.Minute, now: func() time.Time { return now }}
	r.open = func() (int, *table.Set, error) {
		if !r.mu.TryLock() {
			t.Error("nobody else can go on while tables are opened")
		} else {
			r.mu.Unlock()
			meanwhile = r.acquire(nil)
		}
		return 2, table.NewSet(table.Options{}), nil
	}
	r.start(1, table.NewSet(table.Options{}))
	now = now.Add(time.Hour)
	g := r.acquire(nil)
	if meanwhile == nil || meanwhile.value != 1 || g.value != 2 {
		t.Fatalf("meanwhile %v, then %v", meanwhile, g)
	}
	r.release(meanwhile)
	r.release(g)
	r.Close()
	if meanwhile.users != 0 || g.users != 0 {
		t.Errorf("users: %d, %d", meanwhile.users, g.users)
	}
}

// A table that has changed and cannot be opened is not tried again with each client
// that comes, though the change is still there.
func TestRenewedAfterFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "map")
	if err := os.WriteFile(path+".cdb", smallCDB("key", "value"), 0o600); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	log := maillog.New(time.Now)
	log.AddPlain(&lines, "x")
	set := table.NewSet(table.Options{Log: log})
	if _, err := set.Open("cdb:"+path, 0); err != nil {
		t.Fatal(err)
	}
	now, tries := time.Unix(1e9, 0), 0
	r := &renewed[int]{maxAge: time.Hour, now: func() time.Time { return now }}
	r.open = func() (int, *table.Set, error) {
		tries++
		return 0, nil, errors.New("broken")
	}
	r.start(1, set)
	defer r.Close()
	if err := os.Remove(path + ".cdb"); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		g := r.acquire(log)
		if g.value != 1 {
			t.Error(g.value)
		}
		r.release(g)
	}
	if tries != 1 || strings.Count(lines.String(), "has changed") != 1 {
		t.Errorf("%d attempts, log %q", tries, &lines)
	}
	now = now.Add(master.FailurePause)
	r.release(r.acquire(log))
	if tries != 2 {
		t.Errorf("%d attempts after a pause", tries)
	}
}

// Everything is opened again when it is older than maxAge; a failure, of which the log
// tells, puts that off by as long, and nobody hears of the end of the server.
func TestRenewedAge(t *testing.T) {
	var lines bytes.Buffer
	log := maillog.New(time.Now)
	log.AddPlain(&lines, "q")
	now, tries := time.Unix(1e9, 0), 0
	var fault error
	r := &renewed[int]{maxAge: time.Minute, now: func() time.Time { return now }}
	r.open = func() (int, *table.Set, error) {
		tries++
		return tries, table.NewSet(table.Options{}), fault
	}
	r.start(0, table.NewSet(table.Options{}))
	defer r.Close()
	for _, tt := range []struct {
		after time.Duration
		fault error
		value int
		tries int // in all
		log   string
	}{
		{time.Minute, nil, 0, 0, ""},
		{1, nil, 1, 1, ""},
		{time.Minute + 1, errors.New("broken"), 1, 2, "q: warning: broken\n"},
		{time.Minute, nil, 1, 2, ""},
		{1, context.Canceled, 1, 3, ""},
		{time.Minute + 1, nil, 4, 4, ""},
		{time.Second, nil, 4, 4, ""},
	} {
		now, fault = now.Add(tt.after), tt.fault
		lines.Reset()
		g := r.acquire(log)
		if g.value != tt.value || tries != tt.tries || lines.String() != tt.log {
			t.Errorf("at %v: value %d, %d attempts, log %q", now, g.value, tries, &lines)
		}
		r.release(g)
	}
}
