package compat

import (
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/standalone"
)

// TestListenFamilies shows where a port without host, and all addresses of one family,
// can be reached: those of a service of master(8), and of stand-alone mode.
func TestListenFamilies(t *testing.T) {
	t.Parallel()
	for _, protocols := range []struct {
		value, network string
		hosts          []string
	}{
		{"all", "tcp", []string{"", "0.0.0.0", "[::]"}},
		{"ipv4", "tcp4", []string{"", "0.0.0.0"}},
		{"ipv6", "tcp6", []string{"", "[::]"}},
	} {
		t.Run(protocols.value, func(t *testing.T) {
			if protocols.value != "ipv4" {
				postfix.NeedAddress(t, "::1")
			}
			postfix.Case(t)
			pf := postfix.New(t, postfix.Options{})
			pf.AppendMain("inet_protocols = "+protocols.value, "qmqpd_authorized_clients = 127.0.0.0/8 [::1]")
			reached := func(ports []int) (reached []string) {
				for i, port := range ports {
					for _, host := range []string{"127.0.0.1", "::1"} {
						conn, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
						if err == nil {
							conn.Close()
						}
						reached = append(reached, fmt.Sprintf("host %q at %s: %v", protocols.hosts[i], host, err == nil))
					}
				}
				return reached
			}
			var ports []int
			var addrs []string
			for _, host := range protocols.hosts {
				port, ours := postfix.FreePort(t), postfix.FreePort(t)
				service := strconv.Itoa(port)
				if host != "" {
					service = host + ":" + service
				}
				pf.AppendMaster(service + " inet n - y - - qmqpd")
				ports, addrs = append(ports, port), append(addrs, host+":"+strconv.Itoa(ours))
			}
			pf.Start()
			want := reached(ports)
			listeners, err := standalone.Listen(t.Context(), protocols.network, addrs)
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range listeners {
				defer l.Close()
				ports[i] = l.Addr().(*net.TCPAddr).Port
			}
			if diff := cmp.Diff(want, reached(ports)); diff != "" {
				t.Errorf("-master +ours:\n%s", diff)
			}
			t.Log(want)
		})
	}
}
