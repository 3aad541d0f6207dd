package compat

import (
	"cmp"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/params"
)

// fate is what comes of a parameter in stand-alone mode.
type fate int

const (
	// obeyed: the real Postfix does something else under this setting, and
	// ours does the same.
	obeyed fate = iota
	// idle: the setting changes nothing of what the real Postfix makes of the
	// probes, nor of what ours does.
	idle
	// refused: the server does not start, and says why.
	refused
	// untold: there is no such setting to try, for the reason in why.
	untold
)

// parameterCase is a value that is not the default, and what comes of it.
type parameterCase struct {
	fate  fate
	value string
	with  settings // what else has to be set for the parameter to matter
	probe string   // the name of the request; "" is "mixed"
	why   string
}

// probes are requests that between them show the effect of each parameter.
var probes = map[string]submission{
	"mixed": {"From: Full <u@a.example.com>\nTo: r@x.example.com, bare\nSubject: hi\nX-Drop: 1\nTLS-Required: no\nReceived: by a\nReceived: by b\n\nbody \u00e4 li\rne\n",
		"s@a.example.com", []string{"user+ext@local.example.org", "bare", "user+ext@local.example.org", "bare", "bare@mx.example.org", "a!b", "c%d", "short@host", "", "u@b.example.com"}},
	"no To":     {"Subject: hi\n\nbody\n", "s@x.example", []string{"r@x.example"}},
	"UTF-8":     {"Subject: \u00e4\n\nb\n", "s@x.example", []string{"\u00f6@x.example"}},
	"MIME":      {"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=abcdefghijkl\nContent-Transfer-Encoding: base64\n\n--abcdefghijkl\nContent-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=xyz\n\n--xyz\nX-Part: 1\nContent-Type: multipart/mixed; boundary=q\n\n--q\nContent-Type: multipart/mixed; boundary=r\n\n--r\n\np\n--r--\n--q--\n--xyz--\n\n--abnothing\nX-Fake: 1\n\n--abcdefghijkl--\n", "s@x.example", []string{"r@x.example"}},
	"long":      {"Subject: " + strings.Repeat("long ", 100) + "\nTo: a, b, c, d, e, f, g\n\n" + strings.Repeat("body", 300) + "\n", "s@x.example", []string{"r@x.example"}},
	"8-bit":     {"MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n\u00e4\n", "s@x.example", []string{"r@x.example"}},
	"list-":     {plainMessage, "list-@example.com-@[]", []string{"r@x.example"}},
	"quoted":    {plainMessage, "\"a b\"@x.example", []string{"\"c d\"@x.example"}},
	"backslash": {plainMessage, "s@x.example", []string{"\\"}},
}

const (
	aTransport = "smtp:[127.0.0.1]:1"
	aTable     = "static:smtp:[127.0.0.1]:1"
	warnAll    = "static:{WARN seen}"
)

var (
	anAlias    = settings{"virtual_alias_maps": "inline:{{r@x.example = {a@x.example, bb@x.example, ccc@x.example}}, {a@x.example = aa@x.example}, {aa@x.example = aaa@x.example}}"}
	aCanon     = settings{"canonical_maps": "static:c@new.example"}
	partChecks = settings{"mime_header_checks": warnAll}
	aDomain    = settings{"masquerade_domains": "example.com"}
)

// resolving parameters of trivial-rewrite(8) say where mail goes when it leaves the
// queue.
func resolving(value string) parameterCase { return parameterCase{fate: idle, value: value} }

// parametersOfStore are all parameters that the manual pages of qmqpd(8),
// cleanup(8) and trivial-rewrite(8) name.
var parametersOfStore = map[string]parameterCase{
	"address_verify_default_transport":                       resolving(aTransport),
	"address_verify_local_transport":                         resolving(aTransport),
	"address_verify_relay_transport":                         resolving(aTransport),
	"address_verify_relayhost":                               resolving("[127.0.0.1]:1"),
	"address_verify_sender_dependent_default_transport_maps": resolving(aTable),
	"address_verify_sender_dependent_relayhost_maps":         resolving("static:[127.0.0.1]:1"),
	"address_verify_transport_maps":                          resolving(aTable),
	"address_verify_virtual_transport":                       resolving(aTransport),
	"allow_min_user":                                         resolving("yes"),
	"allow_percent_hack":                                     {value: "no"},
	"always_add_missing_headers":                             {fate: idle, value: "yes", probe: "no To"}, // QMQP mail gets them anyway
	"always_bcc":                                             {value: "archive@example.net"},
	"append_at_myorigin":                                     {value: "no"},
	"append_dot_mydomain":                                    {value: "yes"},
	"body_checks":                                            {value: warnAll},
	"body_checks_size_limit":                                 {value: "1", with: settings{"body_checks": warnAll}, probe: "MIME"},
	"canonical_classes":                                      {value: "header_sender", with: aCanon},
	"canonical_maps":                                         {value: "static:c@new.example"},
	"cleanup_replace_stray_cr_lf":                            {value: "no"},
	"config_directory":                                       {fate: untold, why: "option -c"},
	"content_filter":                                         {value: "scan:[127.0.0.1]:1"},
	"daemon_timeout":                                         {fate: idle, value: "3000s"},
	"debug_peer_level":                                       {fate: idle, value: "1"},
	"debug_peer_list":                                        {fate: untold, why: "there is no cleanup(8) whose talk could be logged"},
	"default_transport":                                      resolving(aTransport),
	"delay_logging_resolution_limit":                         {fate: idle, value: "1"},
	"delay_warning_time":                                     {value: "4h"},
	"detect_8bit_encoding_header":                            {value: "no", probe: "8-bit"},
	"disable_mime_input_processing":                          {value: "yes", with: partChecks, probe: "MIME"},
	"duplicate_filter_limit":                                 {value: "1"},
	"empty_address_default_transport_maps_lookup_key":        resolving("empty"),
	"empty_address_recipient":                                {value: "postmaster"},
	"empty_address_relayhost_maps_lookup_key":                resolving("empty"),
	"enable_errors_to":                                       {fate: untold, why: "no Postfix since 2.1 has it"},
	"enable_idna2003_compatibility":                          {fate: idle, value: "yes", probe: "UTF-8"},
	"enable_long_queue_ids":                                  {fate: untold, why: "TestIncomingCorpus has it; the comparison masks queue ids"},
	"enable_original_recipient":                              {value: "no"},
	"force_mime_input_conversion":                            {value: "yes", probe: "8-bit"},
	"full_name_encoding_charset":                             {fate: idle, value: "iso-8859-1", probe: "no To"}, // QMQP brings no full name
	"header_address_token_limit":                             {value: "5", probe: "long"},
	"header_checks":                                          {value: warnAll},
	"header_from_format":                                     {fate: idle, value: "obsolete", probe: "no To"},
	"header_size_limit":                                      {value: "60", probe: "long"},
	"helpful_warnings":                                       {fate: idle, value: "no", probe: "backslash"},
	"hopcount_limit":                                         {value: "1"},
	"in_flow_delay":                                          {fate: refused, value: "3s"},
	"info_log_address_format":                                {value: "internal", with: settings{"header_checks": warnAll, "append_at_myorigin": "no"}, probe: "quoted"},
	"ipc_timeout":                                            {fate: idle, value: "60s"},
	"line_length_limit":                                      {value: "512", probe: "long"},
	"local_transport":                                        resolving(aTransport),
	"masquerade_classes":                                     {value: "envelope_recipient", with: aDomain},
	"masquerade_domains":                                     {value: "example.com"},
	"masquerade_exceptions":                                  {value: "u, s", with: aDomain},
	"max_idle":                                               {fate: idle, value: "10s"},
	"max_use":                                                {fate: idle, value: "5"},
	"message_drop_headers":                                   {value: "x-drop"},
	"message_reject_characters":                              {value: "y"},
	"message_size_limit":                                     {value: "100"},
	"message_strip_characters":                               {value: "y"},
	"milter_command_timeout":                                 {fate: idle, value: "5s"},
	"milter_connect_macros":                                  {fate: idle, value: "v"},
	"milter_connect_timeout":                                 {fate: idle, value: "5s"},
	"milter_content_timeout":                                 {fate: idle, value: "5s"},
	"milter_data_macros":                                     {fate: idle, value: "v"},
	"milter_default_action":                                  {fate: idle, value: "reject"},
	"milter_end_of_data_macros":                              {fate: idle, value: "v"},
	"milter_end_of_header_macros":                            {fate: idle, value: "v"},
	"milter_header_checks":                                   {fate: idle, value: warnAll},
	"milter_helo_macros":                                     {fate: idle, value: "v"},
	"milter_macro_daemon_name":                               {fate: idle, value: "v"},
	"milter_macro_defaults":                                  {fate: idle, value: "x=y"},
	"milter_macro_v":                                         {fate: idle, value: "v"},
	"milter_mail_macros":                                     {fate: idle, value: "v"},
	"milter_protocol":                                        {fate: idle, value: "2"},
	"milter_rcpt_macros":                                     {fate: idle, value: "v"},
	"milter_unknown_command_macros":                          {fate: idle, value: "v"},
	"mime_boundary_length_limit":                             {value: "2", with: partChecks, probe: "MIME"},
	"mime_header_checks":                                     {value: warnAll, probe: "MIME"},
	"mime_nesting_limit":                                     {value: "1", with: settings{"strict_8bitmime": "yes"}, probe: "MIME"},
	"myhostname":                                             {value: "other.example.org"},
	"myorigin":                                               {value: "origin.example"},
	"nested_header_checks":                                   {value: warnAll, probe: "MIME"},
	"non_smtpd_milters":                                      {fate: refused, value: "inet:127.0.0.1:1"},
	"parent_domain_matches_subdomains":                       {value: "", with: settings{"qmqpd_authorized_clients": "localdomain, localhost", "debug_peer_list": ""}, fate: idle},
	"process_id":                                             {fate: untold, why: "read-only"},
	"process_name":                                           {fate: untold, why: "read-only"},
	"propagate_unmatched_extensions":                         {value: "", with: settings{"canonical_maps": "inline:{{user@local.example.org = mapped@new.example}}"}},
	"qmqpd_authorized_clients":                               {fate: untold, why: "who may not send has no queue file: TestDropIn/rows/access"},
	"qmqpd_client_port_logging":                              {value: "yes"},
	"qmqpd_error_delay":                                      {fate: idle, value: "2s"},
	"qmqpd_timeout":                                          {fate: idle, value: "100s"},
	"queue_directory":                                        {fate: untold, why: "option --queue"},
	"queue_file_attribute_count_limit":                       {value: "1"},
	"receive_override_options":                               {value: "no_address_mappings", with: aCanon},
	"recipient_bcc_maps":                                     {value: "static:bcc@example.net"},
	"recipient_canonical_classes":                            {value: "header_recipient", with: settings{"recipient_canonical_maps": "static:c@new.example"}},
	"recipient_canonical_maps":                               {value: "static:c@new.example"},
	"recipient_delimiter":                                    {value: "-", with: settings{"canonical_maps": "inline:{{user@local.example.org = mapped@new.example}}"}},
	"relay_transport":                                        resolving(aTransport),
	"relayhost":                                              resolving("[127.0.0.1]:1"),
	"relocated_maps":                                         resolving("static:elsewhere"),
	"remote_header_rewrite_domain":                           {fate: idle, value: "remote.example"}, // QMQP mail is local
	"resolve_dequoted_address":                               resolving("no"),
	"resolve_null_domain":                                    resolving("yes"),
	"resolve_numeric_domain":                                 resolving("yes"),
	"sender_bcc_maps":                                        {value: "static:bcc@example.net"},
	"sender_canonical_classes":                               {value: "header_sender", with: settings{"sender_canonical_maps": "static:c@new.example"}},
	"sender_canonical_maps":                                  {value: "static:c@new.example"},
	"sender_dependent_default_transport_maps":                resolving(aTable),
	"sender_dependent_relayhost_maps":                        resolving("static:[127.0.0.1]:1"),
	"service_name":                                           {fate: untold, why: "read-only"},
	"show_user_unknown_table_name":                           resolving("no"),
	"smtputf8_autodetect_classes":                            {value: "all", probe: "UTF-8"},
	"smtputf8_enable":                                        {value: "no", probe: "UTF-8", with: settings{"smtputf8_autodetect_classes": "all"}},
	"soft_bounce":                                            {value: "yes", with: settings{"message_size_limit": "100"}},
	"strict_7bit_headers":                                    {value: "yes", probe: "UTF-8"},
	"strict_8bitmime":                                        {value: "yes"},
	"strict_8bitmime_body":                                   {value: "yes"},
	"strict_mime_encoding_domain":                            {value: "yes", probe: "MIME"},
	"swap_bangpath":                                          {value: "no"},
	"syslog_facility":                                        {fate: untold, why: "the log goes to standard error"},
	"syslog_name":                                            {fate: untold, why: "the comparison is of what follows the tag"},
	"tls_required_enable":                                    {value: "no"},
	"transport_maps":                                         resolving(aTable),
	"undisclosed_recipients_header":                          {value: "To: undisclosed-recipients:;", probe: "no To"},
	"verp_delimiter_filter":                                  {value: "+=", probe: "list-"},
	"virtual_alias_address_length_limit":                     {value: "12", with: anAlias, probe: "no To"},
	"virtual_alias_expansion_limit":                          {value: "2", with: anAlias, probe: "no To"},
	"virtual_alias_maps":                                     {value: "static:v@new.example"},
	"virtual_alias_recursion_limit":                          {value: "1", with: anAlias, probe: "no To"},
	"virtual_maps":                                           {value: "static:v@new.example"},
	"virtual_transport":                                      resolving(aTransport),
}

// TestIncomingParameters sets each parameter that the manual pages of qmqpd(8),
// cleanup(8) and trivial-rewrite(8) name to something else than its default: the
// stand-alone server does what the real programs do under that, or says that it
// does not.
func TestIncomingParameters(t *testing.T) {
	t.Parallel()
	named := namedInManuals(t, "qmqpd", "cleanup", "trivial-rewrite")
	for _, name := range named {
		if _, ok := parametersOfStore[name]; !ok {
			t.Errorf("%s is in a manual page, but no case here", name)
		}
	}
	variants := map[string]settings{"stock": {}}
	for _, name := range slices.Sorted(maps.Keys(parametersOfStore)) {
		c := parametersOfStore[name]
		if !slices.Contains(named, name) {
			t.Errorf("%s is in no manual page", name)
		}
		if c.fate != untold {
			if p, ok := params.DefaultProfile().Lookup(name); ok && p.Default == c.value {
				t.Errorf("%s = %s is the default", name, c.value)
			}
		}
		if c.fate > idle {
			continue
		}
		variants[name] = settings{name: c.value}
		maps.Copy(variants[name], c.with)
		if c.with != nil {
			variants[name+" before"] = c.with
		}
	}
	d := newDuel(t, commonMain, variants)
	before := map[string]result{}
	for _, name := range slices.Sorted(maps.Keys(parametersOfStore)) {
		c := parametersOfStore[name]
		probe, ok := probes[cmp.Or(c.probe, "mixed")]
		if !ok {
			t.Fatalf("%s: no probe %q", name, c.probe)
		}
		t.Run(name, func(t *testing.T) {
			switch c.fate {
			case refused:
				postfix.Case(t)
				d.refuses(t, name, c.value)
			case obeyed, idle:
				postfix.Case(t)
				base := "stock"
				if c.with != nil {
					base = name + " before"
				}
				key := base + " " + c.probe
				if _, ok := before[key]; !ok {
					d.rival.t = t
					before[key] = d.rival.send(base, "127.0.0.1", probe)
				}
				d.compare(t, name, "127.0.0.1", probe)
				if same := sameResult(before[key], d.last); same != (c.fate == idle) {
					t.Errorf("Postfix does the same under %s = %s as without: %v", name, c.value, same)
				}
			}
		})
	}
}

func sameResult(a, b result) bool {
	return a.reply == b.reply && a.queue == b.queue && slices.Equal(a.file, b.file) && slices.Equal(a.log, b.log)
}

// refuses checks that our server does not start with a setting, says which, and what
// else can be done.
func (d *duel) refuses(t *testing.T, name, value string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(commonMain+name+" = "+value+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := tryStart(t, dir)
	if err == nil || !strings.Contains(err.Error(), name+" = "+value) || !strings.Contains(err.Error(), "queue_via = cleanup") {
		t.Errorf("%s = %s: %v", name, value, err)
	}
}

// manualItem is a parameter with its default in a manual page.
var manualItem = regexp.MustCompile(`(?m)^\.IP "\\fB([a-z0-9_]+) \(`)

// namedInManuals returns the parameters that manual pages of section 8 describe.
func namedInManuals(t *testing.T, pages ...string) []string {
	t.Helper()
	names := map[string]bool{}
	for _, page := range pages {
		f, err := os.Open(filepath.Join(postfix.Root(t), "usr/share/man/man8", page+".8.gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		found := manualItem.FindAllStringSubmatch(string(text), -1)
		if len(found) < 20 {
			t.Errorf("%s(8) has only %d parameters", page, len(found))
		}
		for _, m := range found {
			names[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
