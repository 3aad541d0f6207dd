package daemon

import (
	"context"
	"net"
	"strconv"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/peer"
)

func (s *server) peer(ctx context.Context, conn net.Conn, log *maillog.Logger) (peer.Client, error) {
	return (*run)(nil).peer(ctx, conn, log)
}

func (r *run) peer(ctx context.Context, conn net.Conn, log *maillog.Logger) (peer.Client, error) {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return peer.Client{Name: "localhost", Addr: a.IP.String(), RFCAddr: a.IP.String(), Port: strconv.Itoa(a.Port), Family: 2}, nil
	}
	return peer.Client{Name: "localhost", Addr: "127.0.0.1", RFCAddr: "127.0.0.1", Port: "0"}, nil
}
