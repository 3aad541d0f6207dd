package compat

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// TestHoldFileSystem shows that cleanup(8) cannot hold a message where hold/ is a file
// system of its own, and that a server that would do its work there does not start.
func TestHoldFileSystem(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	pf.Install(postfix.Build(t, "qmqpd"), "/usr/sbin/qmqpd")
	pf.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8", "header_checks = static:HOLD")
	hold := pf.Path("/var/spool/postfix/hold")
	if err := unix.Mount("none", hold, "tmpfs", 0, "mode=0777"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Unmount(hold, unix.MNT_DETACH) }()
	const why = "Invalid cross-device link"
	if v, text := startVia(t, pf, "queue_via=direct"); v != nil || !strings.Contains(text, "/hold: "+why) {
		t.Errorf("our own: %q", text)
	}
	pf.Start()
	v, text := startVia(t, pf, "queue_via=cleanup")
	if v == nil {
		t.Fatal(text)
	}
	c, err := standin.DialTCP("", v.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	from := pf.Log.Mark()
	if err := c.Send([]byte(standin.Request("Subject: x\n\nm\n", "from@a.example", "to@b.example"))); err != nil {
		t.Fatal(err)
	}
	if reply := readReply(t, c); !strings.Contains(reply, "ZError: queue file write error") {
		t.Errorf("the reply is %q", reply)
	}
	pf.Log.Wait(t, from, "move to hold queue failed: "+why)
}
