package judges

import (
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// Pass makes a TCP connection of its own and passes its server side, with an
// attribute list, to the server's first socket, as postscreen(8) does for
// services of the type "pass". The client then sends, and its reply is noted.
func (s *Scene) Pass(name, attributes, send string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Error(err)
		return
	}
	defer ln.Close()
	client, err := standin.DialTCP("", ln.Addr().String())
	if err != nil {
		s.t.Error(err)
		return
	}
	defer client.Close()
	s.Port(client.Port)
	server, err := ln.Accept()
	if err != nil {
		s.t.Error(err)
		return
	}
	file, err := server.(*net.TCPConn).File()
	server.Close()
	if err != nil {
		s.t.Error(err)
		return
	}
	conn, err := postfix.DialUnix(s.sockets[0].Addr())
	if err != nil {
		s.t.Error(err)
		return
	}
	_, _, err = conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(file.Fd())), nil)
	if err == nil {
		_, err = conn.Write([]byte(attributes))
	}
	if err != nil {
		s.Note("%s: pass the connection: %v", name, err)
	}
	conn.CloseWrite()
	file.Close()
	client.Send([]byte(send))
	s.Reply(name, client)
	conn.SetReadDeadline(time.Now().Add(patience))
	conn.Close()
}
