package dropin

import (
	"net"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestLinkLocal is about a client whose address has a zone. It needs an
// interface with such an address.
func TestLinkLocal(t *testing.T) {
	address := linkLocal()
	if address == "" {
		postfix.Case(t) // to be counted as skipped
		t.Skip("SKIPPED: no link-local address on this machine")
	}
	pair := judges.NewPair(t, dropInSite)
	plainAddress, _, _ := strings.Cut(address, "%")
	for _, row := range []judges.Row{
		{Name: "authorised", Main: []string{"qmqpd_authorized_clients = [" + plainAddress + "]"}, Want: []string{"connect from unknown[" + plainAddress + "]", "KOk"}},
		{Name: "by network", Main: []string{"qmqpd_authorized_clients = [fe80::]/10"}, Want: []string{"KOk"}},
		{Name: "with the zone", Main: []string{"qmqpd_authorized_clients = [" + address + "]"}, Want: []string{"exit"}},
		{Name: "by name", Main: []string{"qmqpd_authorized_clients = local.test"}, Files: map[string]string{"@QUEUE/etc/hosts": plainAddress + " local.test\n"}, Want: []string{"connect from local.test["}},
		{Name: "by name with the zone", Main: []string{"qmqpd_authorized_clients = local.test"}, Files: map[string]string{"@QUEUE/etc/hosts": address + " local.test\n"}, Want: []string{"connect from "}},
	} {
		row.Listen, row.Clients = []string{"::"}, []judges.Client{{To: address, Send: plain}}
		t.Run(row.Name, func(t *testing.T) {
			postfix.Case(t)
			pair.Compare(t, row, nil)
		})
	}
}

// linkLocal returns an address of this machine with its zone, or nothing.
func linkLocal() string {
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast() && i.Flags&net.FlagUp != 0 {
				return n.IP.String() + "%" + i.Name
			}
		}
	}
	return ""
}
