package params

import (
	"net/netip"

	"github.com/qmqpd/qmqpd/mainconf"
)

// step is one parameter that all programs read, in the order of reading.
type step struct {
	name         string
	since, until Version // 0 means no limit
}

// The parameters that all programs read, in Postfix's order: a reference sees
// the defaults of those before it. Source: Postfix 3.10 mail_params.c,
// mail_params_init, and the other versions' lists. What a version does not have
// is skipped.
var (
	firstStrings = [...]step{
		{name: "mail_version"}, {name: "syslog_facility"}, {name: "inet_protocols"},
		{name: "multi_instance_directories"}, {name: "multi_instance_group"}, {name: "multi_instance_name"},
		{name: "maillog_file"}, {name: "maillog_file_prefixes"}, {name: "maillog_file_compressor"},
		{name: "maillog_file_rotate_suffix"}, {name: "maillog_file_permissions"}, {name: "postlog_service_name"},
		{name: "dnssec_probe"}, {name: "known_tcp_ports"}, {name: "service_name", since: 3_11_01},
	}
	firstBools = [...]step{
		{name: "daemon_table_open_error_is_fatal"}, {name: "dns_ncache_ttl_fix_enable"},
		{name: "smtputf8_enable"}, {name: "enable_idna2003_compatibility"}, {name: "respectful_logging"},
		{name: "requiretls_enable"}, {name: "tls_required_enable"}, {name: "non_bdb_migration_log_redirect"},
	}
	otherStrings = [...]step{
		{name: "mail_name"}, {name: "syslog_name"}, {name: "mail_owner"}, {name: "setgid_group"},
		{name: "mydestination"}, {name: "myorigin"}, {name: "relayhost"}, {name: "daemon_directory"},
		{name: "data_directory"}, {name: "command_directory"}, {name: "meta_directory"},
		{name: "queue_directory"}, {name: "shlib_directory"}, {name: "process_id_directory"},
		{name: "inet_interfaces"}, {name: "proxy_interfaces"}, {name: "double_bounce_sender"},
		{name: "default_privs"}, {name: "alias_database", until: 3_11_00}, {name: "mail_release_date"},
		{name: "default_database_type"}, {name: "default_cache_db_type"}, {name: "alias_database", since: 3_11_00},
		{name: "hash_queue_names"}, {name: "recipient_delimiter"}, {name: "relay_domains"},
		{name: "fast_flush_domains"}, {name: "export_environment"}, {name: "import_environment"},
		{name: "mynetworks_style"}, {name: "debug_peer_list"}, {name: "default_verp_delimiters"},
		{name: "verp_delimiter_filter"}, {name: "parent_domain_matches_subdomains"},
		{name: "alternate_config_directories"}, {name: "bounce_service_name"}, {name: "cleanup_service_name"},
		{name: "defer_service_name"}, {name: "pickup_service_name"}, {name: "queue_service_name"},
		{name: "rewrite_service_name"}, {name: "showq_service_name"}, {name: "error_service_name"},
		{name: "flush_service_name"}, {name: "address_verify_service_name"}, {name: "trace_service_name"},
		{name: "proxymap_service_name"}, {name: "proxywrite_service_name"}, {name: "internal_mail_filter_classes"},
		{name: "multi_instance_wrapper"}, {name: "default_delivery_status_filter"},
		{name: "smtputf8_autodetect_classes"}, {name: "message_drop_headers"}, {name: "info_log_address_format"},
		{name: "non_bdb_migration_level"}, {name: "non_bdb_migration_service_name"}, {name: "non_bdb_custom_mapping"},
	}
	otherInts = [...]step{
		{name: "default_process_limit"}, {name: "max_use"}, {name: "dont_remove"}, {name: "line_length_limit"},
		{name: "hash_queue_depth"}, {name: "fork_attempts"}, {name: "deliver_lock_attempts"},
		{name: "debug_peer_level"}, {name: "fault_injection_code"}, {name: "berkeley_db_create_buffer_size"},
		{name: "berkeley_db_read_buffer_size"}, {name: "header_size_limit"}, {name: "header_address_token_limit"},
		{name: "mime_nesting_limit"}, {name: "mime_boundary_length_limit"}, {name: "delay_logging_resolution_limit"},
		{name: "tcp_windowsize"}, {name: "socketmap_max_reply_size"},
	}
	longs     = [...]step{{name: "message_size_limit"}, {name: "lmdb_map_size"}}
	lastBools = [...]step{
		{name: "disable_dns_lookups"}, {name: "soft_bounce"}, {name: "owner_request_special"},
		{name: "strict_8bitmime"}, {name: "strict_7bit_headers"}, {name: "strict_8bitmime_body"},
		{name: "strict_mime_encoding_domain"}, {name: "disable_mime_input_processing"},
		{name: "disable_mime_output_conversion"}, {name: "address_verify_negative_cache"},
		{name: "backwards_bounce_logfile_compatibility"}, {name: "helpful_warnings"},
		{name: "send_cyrus_sasl_authzid"}, {name: "multi_instance_enable"}, {name: "enable_long_queue_ids"},
		{name: "strict_smtputf8"}, {name: "enable_original_recipient"},
	}
	times = [...]step{
		{name: "application_event_drain_time"}, {name: "max_idle"}, {name: "ipc_timeout"}, {name: "ipc_idle"},
		{name: "ipc_ttl"}, {name: "trigger_timeout"}, {name: "fork_delay"}, {name: "deliver_lock_delay"},
		{name: "stale_lock_time"}, {name: "daemon_timeout"}, {name: "in_flow_delay"},
	}
)

// readAll reads the parameters of a list that the version has.
func (e *Effective) readAll(list []step) {
	for i := range list {
		if !list[i].of(e.p.Profile.Version) {
			continue
		}
		p, ok := e.p.Profile.Lookup(list[i].name)
		if !ok {
			continue
		}
		e.uses.reading = p.Name
		switch p.Kind {
		case String:
			readOnce(e.texts, p, e.stringOf)
		case Raw:
			readOnce(e.texts, p, e.rawOf)
		case Bool:
			readOnce(e.numbers, p, e.boolOf)
		case Int, Long:
			readOnce(e.numbers, p, e.numberOf)
		case Time:
			readOnce(e.numbers, p, e.timeOf)
		}
	}
	e.uses.reading = ""
}

// readOnce reads a parameter unless it has been read.
func readOnce[T any](results map[reading]T, p Param, read func(Param) T) {
	r := reading{p.Name, p.Kind}
	if _, ok := results[r]; !ok {
		results[r] = read(p)
	}
}

// Check reads parameters of any kind for what is wrong with them alone. It is no use of
// them (see Used). Those that the version lacks are passed over.
func (e *Effective) Check(names ...string) {
	steps := make([]step, len(names))
	for i, name := range names {
		steps[i].name = name
	}
	outer := e.uses.common
	e.uses.common = true
	e.readAll(steps)
	e.uses.common = outer
}

// Common is what ReadCommon found out besides the values of parameters.
type Common struct {
	// SyslogFacility and SMTPUTF8 are the values of syslog_facility and
	// smtputf8_enable if they were read before the first error. Postfix logs
	// by them from then on, that error included.
	SyslogFacility string
	SMTPUTF8       bool
	// MyOrigin is the domain for addresses without one. It is the value of
	// myorigin, or on Debian the first line of the file which that names.
	MyOrigin string
	// Owner is the user mail_owner, Default the user default_privs, SetGID the
	// group setgid_group. Each is zero without Host.Accounts, and where the account is
	// unknown or privileged.
	Owner, Default User
	SetGID         Group
	// Interfaces are the addresses that inet_interfaces selects, with their
	// netmasks.
	Interfaces []netip.Prefix
}

// ReadCommon reads and checks the parameters that all Postfix programs read
// when they start, in Postfix's order. It returns the first error, as Err does;
// later checks that depend on what failed are left out or may add errors of
// their own, which Errors returns.
//
// Source: Postfix 3.10 mail_params.c, mail_params_init.
func (e *Effective) ReadCommon() (Common, error) {
	var c Common
	e.uses.common = true
	defer func() { e.uses.common = false }()
	if _, err := mainconf.ParseLevel(e.String("compatibility_level")); err != nil {
		e.fail("compatibility_level", err.Error(), err)
	}
	e.readAll(firstStrings[:])
	e.checkSyslogFacility()
	if e.Err() == nil {
		c.SyslogFacility = e.String("syslog_facility")
	}
	e.readAll(firstBools[:])
	if e.Err() == nil {
		c.SMTPUTF8 = e.Bool("smtputf8_enable")
	}
	parseTCPPorts(e.String("known_tcp_ports"), e.warn)
	e.inetProtocols()
	e.String("myhostname")
	e.String("mydomain")
	e.checkHostname("myhostname")
	e.checkHostname("mydomain")
	e.readAll(otherStrings[:])
	c.MyOrigin = e.originFromFile()
	e.readAll(otherInts[:])
	e.readAll(longs[:])
	e.readAll(lastBools[:])
	e.readAll(times[:])
	if e.p.Host.Accounts != nil {
		e.checkAccounts(&c)
	}
	e.checkLogPermissions()
	e.String("mynetworks")
	if list := e.ownInterfaces(); list.err != nil {
		e.failInterfaces()
	} else {
		c.Interfaces = list.own
	}
	e.dict["process_id"] = Value{Text: itoa(e.p.PID), Source: SourceProgram}
	e.checkRelayhost(c.SMTPUTF8)
	e.checkOrigin(c.MyOrigin)
	e.checkVERP()
	e.checkMigrationLevel()
	return c, e.Err()
}

// CommonNames returns the names of the parameters that ReadCommon reads in
// order.
func CommonNames(profile Profile) []string {
	profile = profile.Normalized()
	names := []string{"compatibility_level"}
	for _, list := range [...][]step{
		firstStrings[:], firstBools[:], {{name: "myhostname"}, {name: "mydomain"}}, otherStrings[:],
		otherInts[:], longs[:], lastBools[:], times[:], {{name: "mynetworks"}},
	} {
		for _, s := range list {
			if s.in(profile) {
				names = append(names, s.name)
			}
		}
	}
	return names
}

// in reports whether the version has the parameter at this step.
func (s step) in(profile Profile) bool {
	if !s.of(profile.Version) {
		return false
	}
	_, ok := profile.Lookup(s.name)
	return ok
}

// of reports whether the version is one of the step's.
func (s step) of(version Version) bool {
	return s.since <= version && (s.until == 0 || s.until > version)
}
