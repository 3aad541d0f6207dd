package params

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/qmqpd/qmqpd/mainconf"
)

// The look-up of a name ends with the context of the host; what has been looked up
// stays.
func TestResolveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	host := SystemHost(ctx, nil)
	if found, err := host.Resolve("localhost", true, true); err != nil || len(found) == 0 {
		t.Errorf("%v, %v", found, err)
	}
	cancel()
	if found, err := host.Resolve("localhost", true, true); err != nil || len(found) == 0 {
		t.Errorf("again: %v, %v", found, err)
	}
	if found, err := host.Resolve("localhost", true, false); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", found, err)
	}
}

// Goroutines may share a host, and documents. What one does with its addresses is
// nothing to the others. The race detector judges the rest.
func TestHostShared(t *testing.T) {
	main, err := mainconf.ParseMain("main.cf", []byte("mydomain = example.com\nmyhostname = x.$mydomain\ninet_interfaces = localhost\n"))
	if err != nil {
		t.Fatal(err)
	}
	master, err := mainconf.ParseMaster("master.cf", []byte("smtp inet n - y - - smtpd -o myhostname=y.$mydomain\n"))
	if err != nil {
		t.Fatal(err)
	}
	host := SystemHost(t.Context(), nil)
	first, _ := host.Resolve("localhost", true, true)
	want := slices.Clone(first)
	clear(first)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			e := New(Process{Main: main, Host: host, Name: "smtpd"})
			e.ReadCommon()
			r := Resolver{Main: main, Master: master, Service: master.Services[0], Host: host}
			for p := range DefaultProfile().Params {
				r.Describe(p.Name)
			}
			if info, err := r.Describe("myhostname"); err != nil || info.Expanded != "y.example.com" {
				t.Errorf("%+v, %v", info, err)
			}
			if got := e.String("myhostname"); got != "x.example.com" {
				t.Errorf("%q", got)
			}
			if found, err := host.Resolve("localhost", true, true); err != nil || !slices.Equal(found, want) {
				t.Errorf("%v, %v; not %v", found, err, want)
			}
		})
	}
	wg.Wait()
}
