package compat

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// lastWord is what is wrong with a list of tables, whose parameter is not named.
func lastWord(value string) string {
	return "instead of \"" + value[strings.LastIndexByte(value, ' ')+1:] + "\""
}

// TestIncomingBadSettings: with a bad value of a parameter that changes nothing in a
// queue file cleanup(8) and trivial-rewrite(8) do not start, nor does ours, which says
// so in their words.
func TestIncomingBadSettings(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"cleanup:always_add_missing_headers": "maybe",
		"cleanup:full_name_encoding_charset": "",
		"cleanup:milter_macro_v":             "",
		"cleanup:milter_command_timeout":     "1x",
		"cleanup:disable_verp_bounces":       "maybe",
		"cleanup:milter_header_checks":       "regexp:/x, checks",
		"rewrite:resolve_numeric_domain":     "maybe",
		"rewrite:local_transport":            "",
		"rewrite:transport_maps":             "static:x, /etc/postfix/transport",
		"rewrite:relocated_maps":             "relocated:",
	}
	variants := make(map[string]settings)
	for name, value := range bad {
		variants[name] = settings{name: value}
	}
	r := startRival(t, commonMain, variants)
	r.pf.Start()
	for name, value := range bad {
		t.Run(name, func(t *testing.T) {
			postfix.Case(t)
			// Nobody answers the client before it is tired.
			mark := r.pf.Log.Mark()
			conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ports[name])))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(submission{plainMessage, "s@x.example", []string{"r@x.example"}}.bytes()); err != nil {
				t.Fatal(err)
			}
			_, parameter, _ := strings.Cut(name, ":")
			line := r.pf.Log.WaitFor(t, mark, "of a start that fails", func(l postfix.Line) bool {
				return strings.HasPrefix(l.Text, "fatal: ") && (strings.Contains(l.Text, parameter) || strings.Contains(l.Text, lastWord(value)))
			})
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(commonMain+parameter+" = "+value+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			err = tryStart(t, dir)
			if want := strings.TrimPrefix(line.Text, "fatal: "); err == nil || !strings.Contains(err.Error(), ": "+want) {
				t.Errorf("ours ends with %v, theirs with %q", err, line.Text)
			}
		})
	}
}
