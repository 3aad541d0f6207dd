package table_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

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
