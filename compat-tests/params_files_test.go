package compat

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// randomMain makes a main.cf file out of pieces that the reader has an opinion
// about: continuations, comments, blank lines, null bytes, missing parts.
func randomMain(r *rand.Rand, broken bool) string {
	pieces := []string{
		"a = 1\n", "a=2", "b = x y\n", "b\t=\tz \n", "c =\n", "c = #no comment\n", "d = 1\r\n", "\n", " \n", "\t\r\n", "\v\n",
		"#comment\n", "  # comment\n", " more\n", "\tmore = less\n", " #\n", "\x0cff\n", "a = 1\n  2\n\n  3\n", "\n\n",
		"b = {", "}\n", "d = \xe4\xff\n", "c = \"quoted\" \\\n", "a  =  = b\n", "d = a\x0bb\x0cc\n", "#", " ",
	}
	if broken {
		pieces = append(pieces, "foo\n", "= x\n", "a b = c\n", "\x00", "a = 1\x00 2\n", "# \x00\n", " lead\n", "=\n", "\xa0a = 1\n")
	}
	var b strings.Builder
	for range 1 + r.IntN(14) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// TestParamsFiles compares how main.cf files are read: the settings in force,
// the warnings, and the message of the first error.
func TestParamsFiles(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	r := rand.New(rand.NewPCG(numberFrom(t, paramsRandomSeed, 3), 11))
	const names = "\nsmtpd_restriction_classes = a b c d\n"
	for i := range numberFrom(t, paramsRandomCases, 300) {
		main := randomMain(r, i%3 == 0)
		if r.IntN(4) > 0 {
			main = "c = 0\n" + main
		}
		t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			dir := fmt.Sprintf("/etc/files%d", i)
			pf.WriteFile(dir+"/main.cf", main+names, 0o644)
			pf.WriteFile(dir+"/master.cf", "", 0o644)
			out := pf.Run("/usr/sbin/postconf", "-c", dir, "-C", "user")
			want := stockVerdict(out.Stderr, "/usr/sbin/postconf")
			// What postconf says about names is not the parser's.
			want.Warnings = slices.DeleteFunc(want.Warnings, func(w string) bool {
				return strings.Contains(w, ": unused parameter: ") || strings.Contains(w, ": undefined parameter: ")
			})

			var got verdict
			doc, err := mainconf.ParseMain(dir+"/main.cf", []byte(main+names), mainconf.Setting{Name: "config_directory", Value: dir})
			if string(doc.Bytes()) != main+names {
				t.Error("Bytes differs from the input")
			}
			warnings := doc.Warnings
			if first := mainconf.FirstError(err); first != nil {
				got.Fatal = asLogged(first.Text)
				warnings = warnings[:first.Warnings]
			}
			for _, w := range warnings {
				got.Warnings = append(got.Warnings, asLogged(w.String()))
			}
			var listing strings.Builder
			if err == nil {
				for _, name := range []string{"a", "b", "c", "d"} {
					if e, ok := doc.Lookup(name); ok {
						words := mainconf.Split(name+" = "+e.Value, mainconf.WordSeparators)
						listing.WriteString(strings.Join(words, " ") + "\n")
					}
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q: -postfix +ours:\n%s", main, diff)
			}
			if diff := cmp.Diff(out.Stdout, listing.String()); diff != "" {
				t.Errorf("%q: -postfix +ours:\n%s", main, diff)
			}
		})
	}
}

// daemonCases are configurations of a daemon: its own parameters, overrides
// and macros that see only what has been read.
var daemonCases = []struct {
	name, main string
	options    []mainconf.Setting
}{
	{name: "timeout", main: "qmqpd_timeout = bad\n"},
	{name: "timeout zero", main: "qmqpd_timeout = 0\n"},
	{name: "timeout unit", main: "qmqpd_timeout = 5x\n"},
	{name: "timeout by macro", main: "qmqpd_timeout = x$max_idle\n"},
	{name: "timeout of a later parameter", main: "qmqpd_timeout = ${qmqpd_error_delay}\n"},
	{name: "delay", main: "qmqpd_error_delay = -1\n"},
	{name: "delay of an earlier parameter", main: "qmqpd_error_delay = x$qmqpd_timeout\n"},
	{name: "bool", main: "qmqpd_client_port_logging = maybe\n"},
	{name: "bool empty", main: "qmqpd_client_port_logging =\n"},
	{name: "max_use option", options: []mainconf.Setting{{Name: "max_use", Value: "x"}}},
	{name: "max_idle option", options: []mainconf.Setting{{Name: "max_idle", Value: "0"}}},
	{name: "override", main: "max_use = bad\n", options: []mainconf.Setting{{Name: "max_use", Value: "0"}}},
	{name: "two overrides", options: []mainconf.Setting{{Name: "max_use", Value: "x"}, {Name: "max_use", Value: "y"}}},
	{name: "override by macro", options: []mainconf.Setting{{Name: "max_use", Value: "${process_name}"}}},
	{name: "service name", main: "max_use = ${service_name}x\n"},
	{name: "service name in main.cf", main: "service_name = elsewhere\nmax_use = ${service_name}x\n"},
	{name: "process name in main.cf", main: "process_name = 5\nmax_use = ${process_name}x\n"},
	{name: "process id", main: "max_use = ${process_id}x\n"},
	{name: "config directory", main: "max_use = $config_directory\n"},
	{name: "config directory in main.cf", main: "config_directory = /x\nmax_use = $config_directory\n"},
	{name: "log file", main: "maillog_file = /nowhere/x\n"},
	{name: "log file, empty prefixes", main: "maillog_file = /nowhere/x\nmaillog_file_prefixes = ,\n"},
	{name: "error in an unread parameter", main: "smtpd_timeout = bad\nqmqpd_timeout = bad\n"},
	{name: "macro error in an unread parameter", main: "smtpd_timeout = ${x y}\nqmqpd_timeout = bad\n"},
	{name: "content filter loops", main: "content_filter = $content_filter\n"},
}

// TestParamsDaemon compares what a real qmqpd says about its configuration
// before it does anything else.
func TestParamsDaemon(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	for i, c := range daemonCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			dir := fmt.Sprintf("/etc/daemon%d", i)
			main := "compatibility_level = 3.10\n" + c.main
			pf.WriteFile(dir+"/main.cf", main, 0o644)
			args := []string{"-S", "-V", "-n", "628"}
			for _, o := range c.options {
				args = append(args, "-o", o.Name+"="+o.Value)
			}
			cmd := pf.Command(postfix.DaemonDir+"/qmqpd", args...)
			cmd.Env = append(cmd.Env, "MAIL_CONFIG="+dir)
			// Standard input is not a socket: a good configuration is one
			// with which it gets as far as the session.
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
			err := cmd.Wait()
			late.Stop()
			want := stockVerdict(stderr.String(), "postfix/qmqpd")
			if err == nil || want.Fatal == "" {
				t.Fatal("qmqpd accepted the configuration; this test compares errors")
			}
			check := func(e *params.Effective) {
				e.CheckMaillogFile()
				e.Duration("qmqpd_timeout")
				e.Duration("qmqpd_error_delay")
				e.String("content_filter")
				e.String("qmqpd_authorized_clients")
				e.String("receive_override_options")
				e.Bool("qmqpd_client_port_logging")
			}
			p := params.Process{ConfigDir: dir, Name: "qmqpd", Service: "628", PID: cmd.Process.Pid, Overrides: c.options}
			got := ourVerdict(pf, p, check)
			// It reads main.cf before it looks at option -V.
			got.Warnings = slices.DeleteFunc(got.Warnings, func(w string) bool {
				return strings.Contains(w, ": overriding earlier entry: ")
			})
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-postfix +ours:\n%s", diff)
			}
		})
	}
}
