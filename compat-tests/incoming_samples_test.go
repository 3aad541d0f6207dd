package compat

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/queuecompare"
	"github.com/qmqpd/qmqpd/daemon"
)

// sampleMain is the main.cf under which Postfix 3.10.2 wrote the samples.
const sampleMain = `compatibility_level = 3.9
myhostname = mx.example.org
myorigin = $myhostname
mydestination = local.example.org
mynetworks_style = host
recipient_delimiter = +
qmqpd_authorized_clients = 127.0.0.0/8
`

// sampleSettings are what a sample had besides.
var sampleSettings = map[string]settings{
	"04-content-filter":              {"content_filter": "scan:[127.0.0.1]:10025"},
	"09-utf8-autodetect":             {"smtputf8_autodetect_classes": "all"},
	"10-long-queue-id-added-headers": {"enable_long_queue_ids": "yes"},
	"12-bcc-alias-warntime-redirect-mime": {
		"delay_warning_time": "4h", "always_bcc": "archive@example.org",
		"virtual_alias_maps":            "inline:{{alias@local.example.org = a1@example.net, a2@example.net}}",
		"canonical_maps":                "inline:{{old@example.org = new@example.org}}",
		"masquerade_domains":            "example.com",
		"undisclosed_recipients_header": "To: undisclosed-recipients:;",
		"header_checks":                 "regexp:DIR/checks",
	},
}

// TestIncomingSamples sends what the clients of the sample queue files sent to
// our stand-alone server. The files must be the same.
func TestIncomingSamples(t *testing.T) {
	requests, err := filepath.Glob("testdata/queue-samples/*.qmqp")
	if err != nil || len(requests) != 12 {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	for _, path := range requests {
		name := strings.TrimSuffix(filepath.Base(path), ".qmqp")
		t.Run(name, func(t *testing.T) {
			if name == "11-milter-placeholders" {
				t.Skip("Milters are refused: see TestIncomingRefusals")
			}
			dir := t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write("main.cf", sampleMain)
			write("checks", "/^X-Redirect:/ REDIRECT other@example.net\n/^X-Bcc:/ BCC hdrbcc@example.net\n")
			set := settings{}
			for k, v := range sampleSettings[name] {
				set[k] = strings.ReplaceAll(v, "DIR", dir)
			}
			o := newOurs(t, dir, set)
			req, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			reply, err := exchange(o.addrs["127.0.0.1"], req)
			if err != nil {
				t.Fatal(err)
			}
			var ours result
			ours.collect(t, reply, idOf(reply, nil), o.dir, nil)

			file, err := os.ReadFile("../queuefmt/testdata/" + name + ".queue")
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := queuecompare.Mask(file, sampleIDs[name])
			if err != nil {
				t.Fatal(err)
			}
			if d := queuecompare.Diff(ours.file, theirs); d != "" {
				t.Errorf("%s: %s", reply, d)
			}
		})
	}
}

// sampleIDs are the queue ids of the samples.
var sampleIDs = map[string]string{
	"01-one-recipient": "3F86FCC9DF", "02-several-recipients-duplicates": "46C97CC9ED", "03-verp": "4A66FCC9EE", "04-content-filter": "4FC77CC9EF",
	"05-no-headers-no-final-newline": "53CCACC9F0", "06-long-lines-nul-8bit-cr": "5734ECC9F1", "07-header-rewriting": "5C12ACC9F2",
	"08-null-sender-resent-from_line": "60ABACC9F3", "09-utf8-autodetect": "67203CC9F4", "10-long-queue-id-added-headers": "4jXQSN3CQzz6JCy",
	"12-bcc-alias-warntime-redirect-mime": "8278ECC9F7",
}

// TestIncomingRefusals starts our stand-alone server with settings that it
// cannot honour.
func TestIncomingRefusals(t *testing.T) {
	for _, tt := range []struct {
		name   string
		main   string
		master string
		want   []string // parts of the errors, "" for none
	}{
		{"milters", "non_smtpd_milters = inet:127.0.0.1:9999", "", []string{"non_smtpd_milters = inet:127.0.0.1:9999"}},
		{"milters turned off", "non_smtpd_milters = inet:x:1\nreceive_override_options = no_milters", "", nil},
		{"milters of smtpd", "smtpd_milters = inet:x:1", "", nil},
		{"foreign table", "canonical_maps = hash:/x, ldap:/y", "", []string{"canonical_maps = hash:/x, ldap:/y (tables of type ldap need Postfix)"}},
		{"foreign table in a table", "header_checks = pipemap:{ { regexp:/x, unionmap:{mysql:/y} } }", "", nil},
		{"foreign table in tables", "header_checks = pipemap:{regexp:/x, unionmap:{mysql:/y}}", "", []string{"header_checks = pipemap:{regexp:/x, unionmap:{mysql:/y}} (tables of type mysql"}},
		{"foreign table, turned off", "canonical_maps = ldap:/y\nreceive_override_options = no_address_mappings", "", nil},
		{"foreign destinations", "mydestination = x, ! ldap:/y\ncanonical_maps = static:x@y", "", []string{"mydestination = x, ! ldap:/y (tables of type ldap need Postfix)"}},
		{"foreign destinations, for copies", "mydestination = mysql:/y\nsender_bcc_maps = static:x@y", "", []string{"mydestination = mysql:/y (tables of type mysql"}},
		{"foreign destinations, not looked up", "mydestination = ldap:/y\nheader_checks = static:OK\nalways_bcc = x", "", nil},
		{"foreign destinations, turned off", "mydestination = ldap:/y\ncanonical_maps = static:x@y\nreceive_override_options = no_address_mappings", "", nil},
		{"foreign exceptions", "masquerade_domains = x\nmasquerade_exceptions = root, !pgsql:/y", "", []string{"masquerade_exceptions = root, !pgsql:/y (tables of type pgsql"}},
		{"foreign exceptions, not looked up", "masquerade_exceptions = ldap:/y", "", nil},
		{"two at once", "virtual_alias_maps = sqlite:/x\nnon_smtpd_milters = inet:x:1", "", []string{"virtual_alias_maps = sqlite:/x", "non_smtpd_milters = inet:x:1"}},
		{"unknown class", "canonical_classes = envelope_sender, sender", "", []string{`unknown canonical_classes value "sender" in "envelope_sender, sender"`}},
		{"class of the wrong kind", "sender_canonical_classes = envelope_recipient", "", []string{`unknown canonical_classes value "envelope_recipient" in "envelope_recipient"`}},
		{"unknown masquerade class", "masquerade_classes = x", "", []string{`unknown masquerade_classes value "x" in "x"`}},
		{"unknown extension", "propagate_unmatched_extensions = canonical x", "", []string{`unknown propagate_unmatched_extensions value "x" in "canonical x"`}},
		{"not a table", "canonical_maps = nonsense", "", []string{`expecting "type:name" form instead of "nonsense"`}},
		{"not a table, turned off", "canonical_maps = nonsense\nreceive_override_options = no_address_mappings", "", []string{"/main.cf:8: canonical_maps: ", `expecting "type:name" form instead of "nonsense"`}},
		{"not a table of trivial-rewrite's", "transport_maps = hash:/x, nonsense", "", []string{"/main.cf:8: transport_maps: ", `expecting "type:name" form instead of "nonsense"`}},
		{"not a table of trivial-rewrite's, in master.cf", "", "rewrite unix - - y - - trivial-rewrite\n  -o relocated_maps=nonsense\n", []string{"/master.cf:2 (rewrite/unix): relocated_maps: ", `expecting "type:name" form instead of "nonsense"`}},
		{"trivial-rewrite's own tables", "transport_maps = ldap:/x, hash:/nonexistent\nsender_dependent_relayhost_maps = foo:bar", "", nil},
		{"conversion without MIME", "disable_mime_input_processing = yes\nforce_mime_input_conversion = yes", "", []string{"do not specify both disable_mime_input_processing=yes and force_mime_input_conversion=yes"}},
		{"unknown header format", "header_from_format = new", "", []string{`invalid setting: "header_from_format = new"`}},
		{"unknown log format", "info_log_address_format = x", "", []string{`invalid parameter setting "info_log_address_format = x"`}},
		{"log format", "info_log_address_format = Internal", "", nil},
		{"override in master.cf", "", "cleanup unix n - y - 0 cleanup\n  -o non_smtpd_milters=inet:x:1\n", []string{"/master.cf:2 (cleanup/unix): stand-alone mode cannot honor non_smtpd_milters = inet:x:1"}},
		{"number in master.cf", "", "cleanup unix n - y - 0 cleanup\n  -o always_bcc=x\n  -o hopcount_limit=many\n", []string{"/master.cf:3 (cleanup/unix): "}},
		{"word in master.cf", "", "cleanup unix n - y - 0 cleanup\n  -o always_bcc=x\n  -o canonical_classes=x\n", []string{`/master.cf:3 (cleanup/unix): unknown canonical_classes value "x"`}},
		{"override of another service", "", "cleanup2 unix n - y - 0 cleanup\n  -o non_smtpd_milters=inet:x:1\n", nil},
		{"another program", "", "cleanup unix n - y - 0 other\n", []string{"cleanup_service_name = cleanup (master.cf runs other there, not cleanup)"}},
		{"another rewriter", "", "cleanup unix n - y - 0 cleanup\n  -o rewrite_service_name=rw\nrw unix - - y - - other\n", []string{"rewrite_service_name = rw (master.cf runs other there, not trivial-rewrite)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"main.cf": sampleMain + tt.main + "\n", "master.cf": tt.master} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if tt.want == nil {
				newOurs(t, dir, nil)
				return
			}
			err := tryStart(t, dir)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
			var refused *daemon.RefusedError
			if errors.As(err, &refused) && !strings.Contains(err.Error(), "set queue_via = cleanup") {
				t.Errorf("error %q has no way out", err)
			}
		})
	}
}

// TestIncomingMasterOverrides shows that -o settings of the cleanup and rewrite
// services in master.cf count.
func TestIncomingMasterOverrides(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.cf": sampleMain,
		"master.cf": "cleanup unix n - y - 0 cleanup\n  -o hopcount_limit=2\nclean unix n - y - 0 cleanup\n  -o rewrite_service_name=rw\n  -o always_bcc=archive\n  -o myorigin=ignored.example\n" +
			"rw unix - - y - - trivial-rewrite\n  -o myorigin=rw.example\n  -o { swap_bangpath = no }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := newOurs(t, dir, settings{"cleanup_service_name": "clean"})
	res := o.send("127.0.0.1", submission{"Received: x\n\nb\n", "joe", []string{"a!b"}})
	text := strings.Join(res.file, "\n")
	for _, want := range []string{`"joe@rw.example"`, `"a!b@rw.example"`, `"archive@rw.example"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s\n%s", want, res.reply, text)
		}
	}
}
