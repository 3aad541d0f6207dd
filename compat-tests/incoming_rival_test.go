package compat

import (
	"fmt"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// rival is a real Postfix that receives by qmqpd, cleanup and trivial-rewrite,
// with one set of these services for each of several settings.
type rival struct {
	t     *testing.T
	pf    *postfix.Instance
	ports map[string]int
	// cleanups are the services that settings for cleanup and rewrite alone
	// belong to.
	cleanups map[string]string
}

// loopbacks are the addresses of this machine at which both sides are asked.
func loopbacks(t testing.TB) []string {
	t.Helper()
	hosts := []string{"127.0.0.1"}
	if postfix.HasAddress(t, "::1") {
		hosts = append(hosts, "::1")
	}
	return hosts
}

// startRival starts services for all variants, which are settings by name.
func startRival(t *testing.T, main string, variants map[string]settings) *rival {
	t.Helper()
	r := &rival{t: t, ports: make(map[string]int), cleanups: make(map[string]string)}
	var master strings.Builder
	for i, name := range slices.Sorted(maps.Keys(variants)) {
		options := func(program string) string {
			text := ""
			for _, k := range slices.Sorted(maps.Keys(variants[name])) {
				only, parameter, found := strings.Cut(k, ":")
				if !found {
					parameter = k
				}
				if !found || only == program {
					text += fmt.Sprintf("  -o { %s = %s }\n", parameter, variants[name][k])
				}
			}
			return text
		}
		port := postfix.FreePort(t)
		r.ports[name] = port
		r.cleanups[name] = fmt.Sprintf("cleanup%d", i)
		for _, host := range loopbacks(t) {
			fmt.Fprintf(&master, "%s inet n - y - 5 qmqpd\n  -o cleanup_service_name=cleanup%d\n%s", net.JoinHostPort(host, strconv.Itoa(port)), i, options("qmqpd"))
		}
		fmt.Fprintf(&master, "cleanup%d unix n - y - 0 cleanup\n  -o rewrite_service_name=rewrite%d\n%s", i, i, options("cleanup"))
		fmt.Fprintf(&master, "rewrite%d unix - - y - - trivial-rewrite\n%s", i, options("rewrite"))
	}
	master.WriteString("postlog unix-dgram n - n - 1 postlogd\n")
	master.WriteString("proxymap unix - - n - - proxymap\n")
	r.pf = postfix.New(t, postfix.Options{Main: main, Master: master.String()})
	// Both sides shall find the same names for their clients.
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/etc/hosts", postfix.QueueDir + "/etc/hosts"} {
		if err := os.Remove(r.pf.Path(name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		r.pf.WriteFile(name, string(hosts), 0o644)
	}
	return r
}

// restarted is said of a trivial-rewrite(8) that has ended, since a table has changed, in
// the moment of a question. It is asked again, and stand-alone mode has none.
var restarted = regexp.MustCompile(`^warning: problem talking to service rewrite[0-9]*: Connection reset by peer$`)

// send sends a request and collects what became of it.
func (r *rival) send(variant, host string, req submission) result {
	r.t.Helper()
	mark := r.pf.Log.Mark()
	reply, err := exchange(net.JoinHostPort(host, strconv.Itoa(r.ports[variant])), req.bytes())
	if err != nil {
		r.t.Fatalf("stock qmqpd: %v", err)
	}
	if !strings.HasPrefix(reply, "K") {
		// qmqpd replies before cleanup has removed the file when it gives
		// up on its own.
		r.pf.Log.WaitFor(r.t, mark, "of a removed message", func(l postfix.Line) bool {
			return strings.Contains(l.Text, ": removed (")
		})
	}
	r.pf.Log.WaitFor(r.t, mark, "of the end", func(l postfix.Line) bool { return strings.HasPrefix(l.Text, "disconnect from") })
	r.pf.Log.Sync(r.t)
	var lines []string
	for _, l := range r.pf.Log.Lines()[mark:] {
		if (strings.HasSuffix(l.Tag, "/cleanup") || strings.HasSuffix(l.Tag, "/qmqpd")) && !restarted.MatchString(l.Text) {
			lines = append(lines, l.Text)
		}
	}
	var res result
	res.collect(r.t, reply, idOf(reply, lines), r.pf.Path(postfix.QueueDir), lines)
	return res
}
