package table_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params/hostname"
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

// loopback says that each name is at the loopback addresses.
type loopback struct{}

func (loopback) LookupName(context.Context, netip.Addr) (string, error) { return "", hostname.NoName }

func (loopback) LookupAddrs(_ context.Context, _ string, family hostname.Family) ([]netip.Addr, error) {
	all := []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	switch family {
	case hostname.IPv6:
		return all[:1], nil
	case hostname.IPv4:
		return all[1:], nil
	}
	return all, nil
}

// The addresses of a server are tried one after the other, those of families that
// are not in use left out.
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
	for _, tt := range []struct {
		noIPv6 bool
		want   []string
	}{
		{false, []string{"trying... [::1]", "Connection refused", "trying... [127.0.0.1]"}},
		{true, []string{"trying... [127.0.0.1]"}},
	} {
		set := table.NewSet(table.Options{Resolver: loopback{}, NoIPv6: tt.noIPv6})
		defer set.Close()
		tbl, err := set.Open("tcp:both.example:"+port, listFlags)
		if err != nil {
			t.Fatal(err)
		}
		log := &talker{level: 1}
		if value, found, err := tbl.Lookup(table.WithTrace(t.Context(), log), "key"); value != "value" || !found || err != nil {
			t.Errorf("got %q, %v, %v", value, found, err)
		}
		var got []string
		for _, line := range log.take() {
			if !strings.HasPrefix(line, "dict_tcp_lookup: ") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("no IPv6 %v (-want +got):\n%s", tt.noIPv6, diff)
		}
	}
}
