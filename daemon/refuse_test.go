package daemon

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// A setting of a later Postfix is refused where that Postfix is installed; an
// earlier one does not know it.
func TestRefuseLaterSettings(t *testing.T) {
	for _, tt := range []struct {
		version, value string
		refused        bool
	}{
		{"3.10.13", "reject", false},
		{"3.11.6", "", false},
		{"3.11.6", "Fix_Quietly", false},
		{"3.11.6", "add_header", true},
		{"3.11.6", "reject", true},
	} {
		t.Run(tt.version+" "+tt.value, func(t *testing.T) {
			profile, err := params.ParseProfile(tt.version)
			if err != nil {
				t.Fatal(err)
			}
			process := params.Process{Profile: profile, Name: "cleanup", Host: params.SystemHost(t.Context(), nil)}
			if tt.value != "" {
				process.Overrides = []mainconf.Setting{{Name: "non_empty_end_of_header_action", Value: tt.value}}
			}
			if err := refuse(params.New(process), 0); (err != nil) != tt.refused {
				t.Errorf("%v", err)
			}
		})
	}
}

// A setting under its old name is refused under that, with its place.
func TestRefuseOldName(t *testing.T) {
	const text = "# old\nvirtual_maps = ldap:accounts\n"
	for _, tt := range []struct{ text, want string }{
		{text, "/x/main.cf:2: stand-alone mode cannot honor virtual_maps = ldap:accounts (tables of type ldap need Postfix)"},
		{text + "virtual_alias_maps = $virtual_maps\n", "/x/main.cf:3: stand-alone mode cannot honor virtual_alias_maps = ldap:accounts (tables of type ldap need Postfix)"},
	} {
		doc, err := mainconf.ParseMain("/x/main.cf", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		process := params.Process{Name: "cleanup", Host: params.SystemHost(t.Context(), nil), Main: doc}
		err = refuse(params.New(process), cleanup.FlagMap)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("want %q in: %v", tt.want, err)
		}
	}
}

// What cannot be honoured is refused, and only where it would have an effect.
func TestRefuse(t *testing.T) {
	const all = cleanup.FlagMilter | cleanup.FlagMap | cleanup.FlagFilter
	needs := func(name, value, typ string) string {
		return "stand-alone mode cannot honor " + name + " = " + value + " (tables of type " + typ + " need Postfix); set queue_via = cleanup to leave it to cleanup(8)"
	}
	for _, tt := range []struct {
		name, value string
		flags       uint32
		want        string // "" is fine
	}{
		{"non_smtpd_milters", "inet:x:1", all, "stand-alone mode cannot honor non_smtpd_milters = inet:x:1; set queue_via = cleanup to leave it to cleanup(8)"},
		{"non_smtpd_milters", "inet:x:1", all &^ cleanup.FlagMilter, ""},
		{"in_flow_delay", "2s", 0, "stand-alone mode cannot honor in_flow_delay = 2s (only children of master(8) hear from qmgr(8)); set queue_via = cleanup to leave it to cleanup(8)"},
		{"in_flow_delay", "1s", 0, ""},
		{"in_flow_delay", "0", 0, ""},
		{"canonical_maps", "hash:/x, ldap:y", all, needs("canonical_maps", "hash:/x, ldap:y", "ldap")},
		{"canonical_maps", "hash:/x, ldap:y", all &^ cleanup.FlagMap, ""},
		{"canonical_maps", "proxy:ldap:y", all, ""},
		{"canonical_maps", "pipemap:{static:x, mysql:/y}", all, needs("canonical_maps", "pipemap:{static:x, mysql:/y}", "mysql")},
		{"canonical_maps", "unionmap:{pgsql:/y}", all, needs("canonical_maps", "unionmap:{pgsql:/y}", "pgsql")},
		{"canonical_maps", "unionmap:{static:ldap}", all, ""},
		{"canonical_maps", "randmap:{ldap:x}", all, needs("canonical_maps", "randmap:{ldap:x}", "ldap")},
		{"body_checks", "sqlite:/x", all, needs("body_checks", "sqlite:/x", "sqlite")},
		{"body_checks", "sqlite:/x", all &^ cleanup.FlagFilter, ""},
		{"mydestination", "a, !ldap:x", all, ""},
		{"masquerade_exceptions", "ldap:x", all, ""},
		{"header_from_format", "Obsolete", 0, ""},
		{"header_from_format", "odd", 0, `invalid setting: "header_from_format = odd"`},
		{"info_log_address_format", "Internal", 0, ""},
		{"info_log_address_format", "odd", 0, `invalid parameter setting "info_log_address_format = odd"`},
		{"force_mime_input_conversion", "yes", 0, ""},
	} {
		checkRefused(t, tt.flags, tt.want, mainconf.Setting{Name: tt.name, Value: tt.value})
	}
	checkRefused(t, all, needs("mydestination", "a, !ldap:x", "ldap"),
		mainconf.Setting{Name: "mydestination", Value: "a, !ldap:x"}, mainconf.Setting{Name: "canonical_maps", Value: "hash:/x"})
	checkRefused(t, all, needs("masquerade_exceptions", "ldap:x", "ldap"),
		mainconf.Setting{Name: "masquerade_exceptions", Value: "ldap:x"}, mainconf.Setting{Name: "masquerade_domains", Value: "example.com"})
	checkRefused(t, 0, "do not specify both disable_mime_input_processing=yes and force_mime_input_conversion=yes",
		mainconf.Setting{Name: "disable_mime_input_processing", Value: "yes"}, mainconf.Setting{Name: "force_mime_input_conversion", Value: "yes"})
}

// checkRefused refuses settings of cleanup(8) with one error, or none.
func checkRefused(t *testing.T, flags uint32, want string, settings ...mainconf.Setting) {
	t.Helper()
	errs := eachOf(refuse(params.New(params.Process{Name: "cleanup", Host: params.SystemHost(t.Context(), nil), Overrides: settings}), flags))
	if len(errs) > 1 || (len(errs) == 1) != (want != "") || len(errs) == 1 && errs[0].Error() != want {
		t.Errorf("%v, flags %#x: %v, want %q", settings, flags, errs, want)
	}
}

// A service that runs something else than the program that we stand in for is refused.
func TestRefuseProgram(t *testing.T) {
	master, err := mainconf.ParseMaster("master.cf", []byte("cleanup unix n - - - 0 cleanup\nfilter unix n - - - 0 smtpd\nfilter inet n - - - 0 cleanup\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		files         configFiles
		service, want string
	}{
		{configFiles{}, "filter", ""},
		{configFiles{master: master}, "cleanup", ""},
		{configFiles{master: master}, "missing", ""},
		{configFiles{master: master}, "filter", "master.cf:2: stand-alone mode cannot honor cleanup_service_name = filter (master.cf runs smtpd there, not cleanup); set queue_via = cleanup to leave it to cleanup(8)"},
	} {
		got := ""
		if err := refuseProgram(tt.files, tt.service, "cleanup", "cleanup_service_name"); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.service, got, tt.want)
		}
	}
}

// A setting of the server's own that has no effect is refused, with the reason.
func TestRefuseUseless(t *testing.T) {
	const standAlone, elsewhere = " in stand-alone mode", " with queue_via = cleanup, since cleanup(8) reads main.cf"
	owner := ""
	if os.Geteuid() != 0 {
		owner = " unless root starts the server"
	}
	for _, tt := range []struct {
		via, name, value string
		want             string // "" is fine
	}{
		{viaDirect, "line_length_limit", "1000", ""},
		{viaDirect, "header_address_token_limit", "1000", ""},
		{viaDirect, "inet_interfaces", "127.0.0.1", ""},
		{viaDirect, "proxy_interfaces", "192.0.2.1", ""},
		{viaDirect, "mail_owner", "nobody", owner},
		{viaDirect, "recipient_delimiter", "+", ""},
		{viaDirect, "relayhost", "192.0.2.1", ""}, // main.cf refers to it
		{viaDirect, "mynetworks", "192.0.2.0/24", standAlone},
		{viaDirect, "maillog_file", "/dev/stdout", standAlone},
		{viaDirect, "syslog_facility", "local0", standAlone},
		{viaDirect, "default_process_limit", "5", standAlone},
		{viaDirect, "in_flow_delay", "0", ""},
		{viaDirect, "in_flow_delay", "1s", standAlone},
		{viaDirect, "max_use", "5", standAlone},
		{viaDirect, "milter_command_timeout", "5s", standAlone},
		{viaDirect, "local_transport", "x", standAlone},
		{viaDirect, "maillog_file_permissions", "0600", standAlone},
		{viaDirect, "qmqpd_sessions_per_process", "5", standAlone},
		{viaDirect, "smtpd_banner", "x", standAlone},
		{viaDirect, "no_such_parameter", "x", ": there is no such parameter"},
		{viaCleanup, "line_length_limit", "1000", ""},
		{viaCleanup, "smtputf8_enable", "no", ""},
		{viaCleanup, "relayhost", "192.0.2.1", ""},
		{viaCleanup, "canonical_maps", "static:x", elsewhere},
		{viaCleanup, "header_address_token_limit", "1000", elsewhere},
		{viaCleanup, "recipient_delimiter", "+", elsewhere},
		{viaCleanup, "inet_interfaces", "127.0.0.1", elsewhere},
		{viaCleanup, "in_flow_delay", "0", elsewhere},
		{viaCleanup, "mail_owner", "nobody", elsewhere},
		{viaCleanup, "setgid_group", "nogroup", elsewhere},
		{viaCleanup, "non_smtpd_milters", "unix:x", elsewhere},
		{viaCleanup, "myorigin", "x.example", elsewhere},
		{viaCleanup, "swap_bangpath", "no", elsewhere},
		{viaCleanup, "smtpd_banner", "x", standAlone},
		{viaCleanup, "mynetworks", "192.0.2.0/24", standAlone},
		{viaCleanup, "max_use", "5", standAlone},
		{viaCleanup, "qmqpd_sessions_per_process", "5", standAlone},
	} {
		queue := t.TempDir()
		main := "qmqpd_authorized_clients = $relayhost\n"
		err := errors.Join(os.Mkdir(filepath.Join(queue, "incoming"), 0o700), os.WriteFile(filepath.Join(queue, "main.cf"), []byte(main), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		err = Serve(ctx, ServeOptions{
			ConfigDir: queue,
			Listen:    []string{"unix:" + filepath.Join(queue, "socket")},
			Queue:     queue,
			Overrides: []mainconf.Setting{{Name: "queue_via", Value: tt.via}, {Name: tt.name, Value: tt.value}},
			Ready:     func([]net.Addr) { stop() },
		})
		stop()
		got, want := "", ""
		if err != nil {
			got = eachOf(err)[0].Error()
		}
		if tt.want != "" {
			want = "-o " + tt.name + "=" + tt.value + " has no effect" + tt.want
		}
		if got != want || len(eachOf(err)) > 1 {
			t.Errorf("queue_via = %s: %v, want %q", tt.via, err, want)
		}
	}
}
