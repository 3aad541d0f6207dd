package compat

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestTablesInJail puts a table of each type into qmqpd_authorized_clients of a
// qmqpd under the real master(8), in a chroot and unprivileged. What the tables
// are made of lies outside the jail and is readable by root only.
func TestTablesInJail(t *testing.T) {
	t.Parallel()
	netstring := func(text string) string { return standin.Netstring(text) }
	tcp := serveTable(t, readTextLine, func(request string) string {
		if request == "get 127.0.0.1\n" {
			return "200 yes\n"
		}
		return "500 no\n"
	})
	socketmap := serveTable(t, readNetstring, func(request string) string {
		if request == netstring("clients 127.0.0.1") {
			return netstring("OK yes")
		}
		return netstring("NOTFOUND ")
	})
	memcache := serveTable(t, readTextLine, func(request string) string {
		if request == "get 127.0.0.1\r\n" {
			return "VALUE 127.0.0.1 0 3\r\nyes\r\nEND\r\n"
		}
		return "END\r\n"
	})

	s := &site{Instance: postfix.New(t, postfix.Options{}), sink: standin.ListenSMTP(t)}
	s.InstallOurs()
	s.WriteFile("/etc/postfix/clients", "127.0.0.1 yes\n", 0o600)
	for _, typ := range []string{"hash", "btree", "cdb", "lmdb"} {
		name := "/etc/postfix/clients-" + typ
		s.WriteFile(name, "127.0.0.1 yes\n", 0o600)
		s.MustRun("/usr/sbin/postmap", typ+":"+name)
	}
	// proxymap(8) is not root.
	s.WriteFile("/etc/postfix/shared", "127.0.0.1 yes\n", 0o644)
	s.MustRun("/usr/sbin/postmap", "hash:/etc/postfix/shared")
	s.WriteFile("/etc/postfix/nets", "127.0.0.0/8 yes\n", 0o600)
	s.WriteFile("/etc/postfix/patterns", "/^127\\.0\\.0\\.1$/ yes\n", 0o600)
	s.WriteFile("/etc/postfix/memcache.cf", "memcache = inet:"+memcache.Addr().String()+"\n", 0o600)
	s.WriteFile("/etc/postfix/list", "hash:/etc/postfix/clients-hash\n", 0o600)
	s.WriteFile(postfix.QueueDir+"/etc/passwd", "root:x:0:0:::\npostfix:x:101:102:::\nlocalhost:x:1:1:::\n", 0o644)
	s.WriteFile(postfix.QueueDir+"/etc/group", "root:x:0:\nlocalhost:x:1:\n", 0o644)
	const refused = "DError: localhost[127.0.0.1] is not authorized to use this service"
	const broken = "ZError: server configuration error"
	rows := []struct{ list, want string }{
		{"inline:{other=x}", refused}, // nothing else admits the client
		{"hash:/etc/postfix/clients-hash", ""},
		{"btree:/etc/postfix/clients-btree", ""},
		{"cdb:/etc/postfix/clients-cdb", ""},
		{"lmdb:/etc/postfix/clients-lmdb", ""},
		{"texthash:/etc/postfix/clients", ""},
		{"cidr:/etc/postfix/nets", ""},
		{"regexp:/etc/postfix/patterns", ""},
		{"pcre:/etc/postfix/patterns", ""},
		{"inline:{127.0.0.1=yes}", ""},
		{"static:yes", ""},
		{"environ:x", ""},
		{"internal:x", refused},
		{"fail:x", broken},
		{"unix:passwd.byname", ""},
		{"unix:group.byname", ""},
		{"randmap:{a,b}", ""},
		{"pipemap:{hash:/etc/postfix/clients-hash,inline:{yes=x}}", ""},
		{"unionmap:{inline:{other=x},hash:/etc/postfix/clients-hash}", ""},
		{"proxy:hash:/etc/postfix/shared", ""},
		{"tcp:" + tcp.Addr().String(), ""},
		{"socketmap:inet:" + socketmap.Addr().String() + ":clients", ""},
		{"memcache:/etc/postfix/memcache.cf", ""},
		{"sqlite:/etc/postfix/x", broken},
		{"/etc/postfix/list", ""},
		{"hash:/etc/postfix/clients-hash, cidr:/etc/postfix/nets, !10.0.0.5, 10.0.0.0/8", ""},
		{"!10.0.0.5, 10.0.0.0/8, cidr:/etc/postfix/nets", ""},
		{"!hash:/etc/postfix/clients-hash, 127.0.0.1", refused},
	}
	s.AppendMain(
		"relayhost = "+s.sink.Relayhost(), "smtputf8_enable = yes",
		"proxy_read_maps = proxy:hash:/etc/postfix/shared",
		"import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C localhost=yes",
	)
	for i, row := range rows {
		s.AppendMaster(fmt.Sprintf("qmqp%d unix n - y - - qmqpd -o { qmqpd_authorized_clients = %s }", i, row.list))
	}
	s.Start()
	accepted := 0
	for i, row := range rows {
		t.Run(row.list, func(t *testing.T) {
			postfix.Case(t)
			reply := s.sendUnix(t, fmt.Sprintf("qmqp%d", i), row.list)
			switch {
			case row.want != "":
				if reply != netstring(row.want) {
					t.Errorf("reply %q, want %q", reply, row.want)
				}
			case strings.Contains(reply, ":KOk: queued as "):
				accepted++
			default:
				t.Errorf("reply %q, want K", reply)
			}
		})
	}
	s.sink.Wait(accepted, patience)
}

// sendUnix delivers one message to a service on a unix socket, whose clients
// are localhost[127.0.0.1].
func (s *site) sendUnix(t *testing.T, service, id string) string {
	t.Helper()
	conn, err := postfix.DialUnix(s.Path(postfix.QueueDir + "/public/" + service))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request(id)); err != nil {
		t.Fatalf("send to %s: %v", service, err)
	}
	reply, err := io.ReadAll(conn)
	if err != nil {
		// A client that is refused has sent what nobody reads.
		t.Logf("read from %s: %v", service, err)
	}
	return string(reply)
}
