package dropin

import (
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestSystemFiles is about roots in which files of the system are missing or
// strange. The jail is as it was before.
func TestSystemFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("two roots for each row")
	}
	at := func(addr string) []judges.Client { return []judges.Client{{From: addr, Send: plain}} }
	rows := []judges.Row{
		{Name: "no resolv.conf", Commands: []string{"/usr/bin/rm /etc/resolv.conf"}, Clients: at("127.0.0.20"), Want: []string{"connect from "}},
		{Name: "no resolv.conf, no jail", Open: true, Commands: []string{"/usr/bin/rm /etc/resolv.conf"}, Clients: at("127.0.0.20"), Want: []string{"connect from unknown"}},
		{Name: "no hosts", Commands: []string{"/usr/bin/rm /etc/hosts"}, Clients: at("127.0.0.2"), Want: []string{"connect from Two.Example.org"}},
		{Name: "no hosts, no jail", Open: true, Commands: []string{"/usr/bin/rm /etc/hosts"}, Clients: at("127.0.0.2"), Want: []string{"connect from unknown"}},
		{Name: "no hosts, interfaces by name", Main: []string{"inet_interfaces = localhost"}, Commands: []string{"/usr/bin/rm /etc/hosts"}, Want: []string{"exit"}},
		{Name: "no hosts, server of a table by name", Main: []string{"qmqpd_authorized_clients = socketmap:inet:localhost:1:m"}, Commands: []string{"/usr/bin/rm /etc/hosts"}, Clients: ok, Want: []string{"server configuration error"}},
		{Name: "no nsswitch.conf", Commands: []string{"/usr/bin/rm /etc/nsswitch.conf"}, Clients: at("127.0.0.20"), Want: []string{"connect from "}},
		{Name: "no nsswitch.conf, hosts", Commands: []string{"/usr/bin/rm /etc/nsswitch.conf"}, Clients: at("127.0.0.2"), Want: []string{"connect from "}},
		{Name: "no host.conf", Commands: []string{"/usr/bin/rm -f /etc/host.conf"}, Clients: at("127.0.0.33"), Want: queued},
		{Name: "no services", Main: []string{"qmqpd_authorized_clients = socketmap:inet:127.0.0.1:qmqp:m"}, Commands: []string{"/usr/bin/rm /etc/services"}, Clients: ok, Want: []string{"server configuration error"}},
		{Name: "no services, no jail", Open: true, Main: []string{"qmqpd_authorized_clients = socketmap:inet:127.0.0.1:qmqp:m"}, Commands: []string{"/usr/bin/rm /etc/services"}, Clients: ok, Want: []string{"server configuration error"}},
		{Name: "no passwd", Commands: []string{"/usr/bin/rm /etc/passwd"}, Want: []string{"fatal: "}},
		{Name: "no group", Commands: []string{"/usr/bin/rm /etc/group"}, Want: []string{"fatal: "}},
		hesiod(judges.Row{Name: "mail_owner of another name service", Main: []string{"mail_owner = hrmail"}, Clients: ok, Want: queued}),
		hesiod(judges.Row{Name: "mail_owner of another name service, no jail", Open: true, Main: []string{"mail_owner = hrmail"}, Clients: ok, Want: queued}),
		hesiod(hasGroup("mail_owner of another name service, his groups", "4720", "mail_owner = hrmail")),
		hesiod(hasGroup("mail_owner of another name service, his group in the file", "7777", "mail_owner = hrmail")),
		hesiod(judges.Row{Name: "other accounts of another name service", Main: []string{"default_privs = hrmail", "setgid_group = hrdrop"}, Clients: ok, Want: queued}),
		hesiod(judges.Row{Name: "mail_owner with the number of another, elsewhere", Main: []string{"mail_owner = hrtwin"}, Want: []string{"parameter mail_owner: user hrtwin has the same user ID 4711 as user hrmail\n"}}),
		hesiod(judges.Row{Name: "mail_owner with the number of another in the file", Main: []string{"mail_owner = hrlocal"}, Want: []string{"parameter mail_owner: user hrlocal has the same user ID 1 as user daemon\n"}}),
		hesiod(judges.Row{Name: "setgid_group with the number of another, elsewhere", Main: []string{"setgid_group = hrtwin"}, Want: []string{"parameter setgid_group: group hrtwin has the same group ID 4713 as group hrdrop\n"}}),
		hesiod(judges.Row{Name: "no mail_owner anywhere", Main: []string{"mail_owner = nosuch"}, Want: []string{"parameter mail_owner: unknown user name value: nosuch\n"}}),
		hesiod(judges.Row{Name: "mail_owner, and the name service fails", Main: []string{"mail_owner = hrfails"}, Want: []string{"parameter mail_owner: unknown user name value: hrfails\n"}}),
		{Name: "mail_owner of another name service that nsswitch.conf does not have", Main: []string{"mail_owner = hrmail"}, Want: []string{"parameter mail_owner: unknown user name value: hrmail\n"}},
		{Name: "no localtime", Commands: []string{"/usr/bin/rm -f /etc/localtime"}, Clients: ok, Want: []string{"DATE +0000 (UTC)"}},
		{Name: "localtime elsewhere", Commands: []string{"/usr/bin/ln -sf /usr/share/zoneinfo/America/New_York /etc/localtime"}, Clients: ok, Want: []string{"DATE +0000 (UTC)"}},
		{Name: "localtime elsewhere, no jail", Open: true, Commands: []string{"/usr/bin/ln -sf /usr/share/zoneinfo/America/New_York /etc/localtime"}, Clients: ok, Want: []string{newYork}},
		{Name: "localtime elsewhere, none in the jail", Files: map[string]string{"@QUEUE/etc/localtime": judges.Absent}, Commands: []string{"/usr/bin/ln -sf /usr/share/zoneinfo/America/New_York /etc/localtime"}, Clients: ok, Want: []string{"DATE +0000 (UTC)"}},
		{Name: "localtime leads nowhere", Commands: []string{"/usr/bin/ln -sf /nonexistent /etc/localtime"}, Clients: ok, Want: []string{"DATE +0000"}},
		{Name: "localtime elsewhere, by TZ", Env: []string{"TZ=:/etc/localtime"}, Commands: []string{"/usr/bin/ln -sf /usr/share/zoneinfo/Asia/Kolkata /etc/localtime"}, Clients: ok, Want: []string{"DATE +0530 (IST)"}},
		{Name: "localtime is a folder", Commands: []string{"/usr/bin/rm -f /etc/localtime", "/usr/bin/mkdir /etc/localtime"}, Clients: ok, Want: []string{"DATE +0000"}},
		{Name: "localtime is text", Files: map[string]string{"/etc/localtime.new": "TZif, but no more"}, Commands: []string{"/usr/bin/mv /etc/localtime.new /etc/localtime"}, Clients: ok, Want: []string{"DATE +0000"}},
		{Name: "other localtime in the jail and in the root", Commands: []string{"/usr/bin/cp /usr/share/zoneinfo/Asia/Tokyo @QUEUE/etc/localtime", "/usr/bin/ln -sf /usr/share/zoneinfo/America/New_York /etc/localtime"}, Clients: []judges.Client{{Send: plain}, {Send: plain}}, Want: []string{"DATE +0900 (JST)"}},
		{Name: "no zone files", Env: []string{"TZ=Europe/Berlin"}, Commands: []string{"/usr/bin/mv /usr/share/zoneinfo /usr/share/zoneinfo.off"}, Clients: ok, Want: []string{"DATE +0000 ("}},
	}
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			judges.NewPair(t, dropInSite).Compare(t, row, nil)
		})
	}
}

// hesiod makes a row one in which there is another name service than the files,
// whose accounts come by DNS: its module is one of the C library's own.
func hesiod(row judges.Row) judges.Row {
	row.Files = map[string]string{
		"/etc/hesiod.conf":       "lhs=.ns\nrhs=.example\nclasses=IN\n",
		"/etc/nsswitch.conf.new": "passwd: files hesiod\ngroup: files hesiod\nhosts: files dns\n",
	}
	row.Commands = append(row.Commands, "/usr/bin/mv /etc/nsswitch.conf.new /etc/nsswitch.conf")
	return row
}
