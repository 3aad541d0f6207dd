package table_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// talker is a recorder at a verbose level.
type talker struct {
	recorder
	level int
}

func (t *talker) Verbose() int { return t.level }

// The lines were seen with the stock server; compat-tests/dropin has more.
func TestTrace(t *testing.T) {
	const spec = "pipemap:{inline:{a=127.0.0.1},cidr:{{::1.2.3.4/126 x},{127.0.0.0/8 y}}}"
	opened := []string{
		"dict_pipe_open: inline:{a=127.0.0.1}",
		"dict_open: internal:{a=127.0.0.1}",
		"dict_open: inline:{a=127.0.0.1}",
		"dict_pipe_open: cidr:{{::1.2.3.4/126 x},{127.0.0.0/8 y}}",
		"dict_cidr_open: add ::1.2.3.4/126 x",
		"dict_cidr_open: add 127.0.0.0/8 y",
		"dict_open: cidr:{{::1.2.3.4/126 x},{127.0.0.0/8 y}}",
		"dict_open: " + spec,
	}
	for _, tt := range []struct {
		level, session int
		opening, asked []string
	}{
		{0, 0, nil, nil},
		{0, 1, nil, []string{"dict_cidr_lookup: {{::1.2.3.4/126 x},{127.0.0.0/8 y}}: 127.0.0.1"}},
		{1, 0, opened, nil},
	} {
		log := &talker{level: tt.level}
		tbl := open(t, spec, listFlags, log)
		if diff := cmp.Diff(tt.opening, log.take()); diff != "" {
			t.Errorf("level %d, opening (-want +got):\n%s", tt.level, diff)
		}
		ctx := context.Background()
		if tt.session > 0 {
			ctx = table.WithTrace(ctx, log)
		}
		if value, found, err := tbl.Lookup(ctx, "a"); value != "y" || !found || err != nil {
			t.Errorf("got %q, %v, %v", value, found, err)
		}
		if diff := cmp.Diff(tt.asked, log.take()); diff != "" {
			t.Errorf("session level %d, lookup (-want +got):\n%s", tt.session, diff)
		}
	}
}

// meeting is a recorder that holds back who says "trying..." until somebody else
// does.
type meeting struct {
	recorder
	trying chan bool
}

func (m *meeting) Infof(format string, args ...any) {
	m.recorder.Infof(format, args...)
	if strings.HasPrefix(format, "trying...") {
		select {
		case m.trying <- true:
		case <-m.trying:
		}
	}
}

// A connect that takes its time is joined by one to the address of the other
// family, and both tell. The race detector looks at how.
func TestTraceOfTwoFamilies(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip(err) // nothing is tried there
	} else {
		l.Close()
	}
	addr, _ := serve(t, "tcp", "127.0.0.1:0", func(string) string { return "200 value\n" })
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	names := nameServer(t)
	old := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = old })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", names)
	}}
	tbl := open(t, "tcp:both.example.:"+port, listFlags, nil)
	log := &meeting{trying: make(chan bool)}
	if value, found, err := tbl.Lookup(table.WithTrace(t.Context(), log), "key"); value != "value" || !found || err != nil {
		t.Errorf("got %q, %v, %v", value, found, err)
	}
	lines := log.take()
	for _, want := range []string{"trying... [::1]", "trying... [127.0.0.1]"} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q is not in %q", want, lines)
		}
	}
}

// nameServer answers all questions: each name is at the loopback addresses.
func nameServer(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { conn.Close() })
	wg.Go(func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buf[:n]); err != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			answer := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}}
			switch q.Type {
			case dnsmessage.TypeA:
				answer.Body = &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}
			case dnsmessage.TypeAAAA:
				answer.Body = &dnsmessage.AAAAResource{AAAA: [16]byte{15: 1}}
			default:
				continue
			}
			reply := dnsmessage.Message{
				Header:    dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true},
				Questions: m.Questions, Answers: []dnsmessage.Resource{answer},
			}
			b, err := reply.Pack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.WriteTo(b, from)
		}
	})
	return conn.LocalAddr().String()
}
