package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// newRun is a child of master(8) with a configuration.
func newRun(t *testing.T, args master.Args, main, masterFile string) *run {
	t.Helper()
	dir := t.TempDir()
	if masterFile != "" {
		if err := os.WriteFile(filepath.Join(dir, "master.cf"), []byte(masterFile), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := mainconf.ParseMain(dir+"/main.cf", []byte(main))
	if err != nil {
		t.Fatal(err)
	}
	r := &run{args: &args}
	r.settings = params.Process{ConfigDir: dir, Main: doc, Name: "qmqpd", Host: params.SystemHost(t.Context(), nil)}
	r.settings.Host.Accounts = nil
	for _, o := range args.Overrides {
		r.settings.Overrides = append(r.settings.Overrides, mainconf.Setting{Name: o.Name, Value: o.Value})
	}
	r.effective = params.New(r.settings)
	return r
}

// The process limit is that of the last entry in master.cf; what cannot be found out
// is one session at a time, as with stock.
func TestFindLimits(t *testing.T) {
	const entries = "many inet n - n - 2147483647 qmqpd\n628 inet n - n - 7 qmqpd\n628 unix - - n - 8 qmqpd\n628 inet n - n - 9 qmqpd\nq unix n - n - - qmqpd\nq2 pass - - n - 1 qmqpd\nq3 inet n - n - 0 qmqpd\n"
	inet := master.Args{Service: "628", Transport: "INET"}
	with := func(a master.Args, change func(*master.Args)) master.Args {
		change(&a)
		return a
	}
	one := limits{sessions: 1}
	most := master.OpenFilesBound()
	if most < 50 {
		t.Skipf("SKIPPED: too few open files for more than %d sessions", most)
	}
	for _, tt := range []struct {
		name   string
		args   master.Args
		main   string
		master string
		want   limits
	}{
		{"last entry", inet, "", entries, limits{sessions: 9, service: 9}},
		{"unix", master.Args{Service: "628", Transport: "unix"}, "", entries, limits{sessions: 8, service: 8, private: true}},
		{"default", master.Args{Service: "q", Transport: "unix"}, "default_process_limit = 30\n", entries, limits{sessions: 30, service: 30}},
		{"one", master.Args{Service: "q2", Transport: "pass"}, "", entries, one},
		{"none", master.Args{Service: "q3", Transport: "inet"}, "", entries, limits{sessions: most}},
		{"more than files", master.Args{Service: "many", Transport: "inet"}, "", entries, limits{sessions: most, service: 2147483647}},
		{"fewer per process", inet, "qmqpd_sessions_per_process = 5\n", entries, limits{sessions: 5, service: 9}},
		{"more per process", inet, "qmqpd_sessions_per_process = 50\n", entries, limits{sessions: 9, service: 9}},
		{"one per process", inet, "qmqpd_sessions_per_process = 1\n", entries, one},
		{"no entry", master.Args{Service: "629", Transport: "inet"}, "", entries, one},
		{"no file", inet, "", "", one},
		{"alone", with(inet, func(a *master.Args) { a.Alone = true }), "", entries, one},
		{"stdin", with(inet, func(a *master.Args) { a.Stdin = true }), "", entries, one},
		{"unlimited", with(inet, func(a *master.Args) { a.Unlimited = true }), "", entries, limits{sessions: most}},
		{"unlimited, fewer", with(inet, func(a *master.Args) { a.Unlimited = true }), "qmqpd_sessions_per_process = 6\n", "", limits{sessions: 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newRun(t, tt.args, tt.main, tt.master).findLimits()
			if got != tt.want || err != nil {
				t.Errorf("%+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	const bad = "bad numerical configuration: qmqpd_sessions_per_process = few"
	if _, err := newRun(t, inet, "qmqpd_sessions_per_process = few\n", entries).findLimits(); err == nil || err.Error() != bad {
		t.Errorf("%v, want %s", err, bad)
	}
}

// The names are those of master(8)'s warnings.
func TestInternalName(t *testing.T) {
	for _, tt := range []struct {
		transport, service string
		private            bool
		want               string
	}{
		{"inet", "628", true, "628"},
		{"inet", ":628", true, "628"},
		{"INET", "127.0.0.1:628", false, "[127.0.0.1]:628"},
		{"inet", "[::1]:628", false, "[::1]:628"},
		{"inet", "smtp", false, "25"},
		{"inet", "192.0.2.1:some-name", false, "[192.0.2.1]:630"},
		{"inet", "host:no-such-service", false, "[host]:no-such-service"},
		{"unix", "q:1", true, "private/q:1"},
		{"pass", "q", false, "public/q"},
	} {
		r := newRun(t, master.Args{Transport: tt.transport, Service: tt.service}, "known_tcp_ports = some-name=630\n", "")
		r.limits.private = tt.private
		if got := r.internalName(); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.service, tt.transport, got, tt.want)
		}
	}
}

// Settings may depend on stress, wherever they are; what does not work under stress is
// left as it is.
func TestStressConfig(t *testing.T) {
	for _, tt := range []struct {
		name      string
		main      string
		overrides []master.Override
		on, off   string // max_idle
		mentioned bool
		sameLists bool
	}{
		{name: "nothing", main: "max_idle = 7s\n", on: "7s", off: "7s", sameLists: true},
		{name: "time", main: "max_idle = ${stress?{5}:{50}}\n", on: "5s", off: "50s", mentioned: true, sameLists: true},
		{name: "override", overrides: []master.Override{{Name: "max_idle", Value: "${stress?{6}:{60}}"}}, on: "6s", off: "1m0s", mentioned: true, sameLists: true},
		{name: "clients", main: "qmqpd_authorized_clients = ${stress?127.0.0.1}\n", on: "1m40s", off: "1m40s", mentioned: true},
		{name: "debug peers", main: "debug_peer_list = ${stress?127.0.0.1}\n", on: "1m40s", off: "1m40s", mentioned: true},
		{name: "parents", main: "parent_domain_matches_subdomains = ${stress?qmqpd_authorized_clients}\n", on: "1m40s", off: "1m40s", mentioned: true},
		{name: "bad", main: "max_idle = ${stress?{x}:{50}}\n", off: "50s", mentioned: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines strings.Builder
			r := newRun(t, master.Args{Overrides: tt.overrides}, tt.main, "")
			r.log = maillog.New(time.Now)
			r.log.AddPlain(&lines, "q")
			if got := r.mentionsStress(); got != tt.mentioned {
				t.Errorf("mentioned: %v", got)
			}
			off, ok := r.stressConfig(false)
			if !ok || off.MaxIdle.String() != tt.off {
				t.Errorf("without stress %v", off)
			}
			on, ok := r.stressConfig(true)
			if tt.on == "" {
				if ok || !strings.HasPrefix(lines.String(), "q: warning: stress mode: ") || !strings.Contains(lines.String(), "max_idle") {
					t.Errorf("under stress %v, log %q", on, lines.String())
				}
				if bounds := r.setStress(true); bounds != nil {
					t.Errorf("what does not work has set %+v", bounds)
				}
				return
			}
			if !ok || on.MaxIdle.String() != tt.on || on.sameLists(off) != tt.sameLists || lines.String() != "" {
				t.Errorf("under stress %v, log %q", on, lines.String())
			}
		})
	}
}

// Sessions go by the access lists of their mode. What does not work under stress
// leaves the policy as it is, with a warning.
func TestSetStress(t *testing.T) {
	for _, started := range []bool{false, true} {
		for _, bad := range []string{"", "receive_override_options", "qmqpd_authorized_clients", "max_idle"} {
			set := ""
			if started {
				set = "yes"
			}
			main := "qmqpd_authorized_clients = ${stress?127.0.0.1}\n"
			if bad != "" {
				value := "${stress?{!}:{5}}"
				if started {
					value = "${stress?{5}:{!}}"
				}
				if bad == "receive_override_options" {
					value = strings.Replace(value, "5", "", 1)
				}
				main = bad + " = " + value + "\n"
			}
			var lines strings.Builder
			r := newRun(t, master.Args{Overrides: []master.Override{{Name: "stress", Value: set}}}, main, "")
			r.log = maillog.New(time.Now)
			r.log.AddPlain(&lines, "q")
			r.tables = table.NewSet(table.Options{})
			defer r.tables.Close()
			r.config, r.server = LoadConfig(r.effective), new(Server)
			r.other = r.otherLists(t.Context())
			if bad == "qmqpd_authorized_clients" || bad == "max_idle" {
				if r.other != nil || !strings.HasPrefix(lines.String(), "q: warning: stress mode: ") {
					t.Errorf("started %v: lists %v, log %q", started, r.other, lines.String())
				}
				continue
			}
			if (r.other != nil) != (bad == "") || lines.String() != "" {
				t.Errorf("started %v: lists %v, log %q", started, r.other, lines.String())
			}
			bounds := r.setStress(!started)
			if bad != "" {
				if bounds != nil || r.server.policy.Load() != nil || !strings.HasPrefix(lines.String(), "q: warning: stress mode: ") {
					t.Errorf("started %v: bounds %v, log %q", started, bounds, lines.String())
				}
				continue
			}
			if bounds == nil || r.server.policy.Load().lists != r.other {
				t.Errorf("started %v: the other mode has not its lists", started)
			}
			if bounds := r.setStress(started); bounds == nil || r.server.policy.Load().lists != nil {
				t.Errorf("started %v: the first mode has not the server's lists", started)
			}
		}
	}
}
