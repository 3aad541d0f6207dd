package params

import (
	"iter"
	"slices"
)

// legacyNames are parameters that nothing reads any more but through the
// default of their successor. postconf(1) knows them by name, with an empty
// default, and lists them only when they are set. Sorted.
var legacyNames = [...]string{
	"authorized_verp_clients",
	"fallback_relay",
	"lmtp_per_record_deadline",
	"postscreen_blacklist_action",
	"postscreen_dnsbl_ttl",
	"postscreen_dnsbl_whitelist_threshold",
	"postscreen_whitelist_interfaces",
	"smtp_per_record_deadline",
	"smtpd_client_connection_limit_exceptions",
	"smtpd_per_record_deadline",
	"tlsproxy_client_level",
	"tlsproxy_client_policy",
	"virtual_maps",
}

// IsLegacy reports whether name is a legacy parameter: one with an empty
// default that is consulted only by the default of its successor. They are
// the same in all versions.
func IsLegacy(name string) bool {
	_, found := slices.BinarySearch(legacyNames[:], name)
	return found
}

// Legacy iterates over the names of the legacy parameters, sorted.
func Legacy() iter.Seq[string] { return slices.Values(legacyNames[:]) }

// deprecated lists the parameters that postconf(1) advises against, with the
// first version that does and its advice. Sorted by name.
var deprecated = [...]struct {
	name   string
	since  Version
	advice string
}{
	{"authorized_verp_clients", 3_11_00, `specify "smtpd_authorized_verp_clients"`},
	{"deleted-test-only", 3_09_00, `do not specify`},
	{"disable_dns_lookups", 3_09_00, `specify "smtp_dns_support_level"`},
	{"fallback_relay", 3_11_00, `specify "smtp_fallback_relay"`},
	{"lmtp_cname_overrides_servername", 3_11_00, `do not specify`},
	{"lmtp_enforce_tls", 3_09_00, `lmtp_tls_security_level`}, // stock's text
	{"lmtp_per_record_deadline", 3_11_00, `specify "lmtp_per_request_deadline"`},
	{"lmtp_tls_enforce_peername", 3_11_00, `specify "lmtp_tls_security_level"`},
	{"lmtp_tls_per_site", 3_09_00, `specify "lmtp_tls_policy_maps"`},
	{"lmtp_use_tls", 3_09_00, `specify "lmtp_tls_security_level"`},
	{"postscreen_blacklist_action", 3_11_00, `specify "postscreen_denylist_action"`},
	{"postscreen_dnsbl_ttl", 3_11_00, `specify "postscreen_dnsbl_max_ttl"`},
	{"postscreen_dnsbl_whitelist_threshold", 3_11_00, `specify "postscreen_dnsbl_allowlist_threshold"`},
	{"postscreen_enforce_tls", 3_09_00, `specify "postscreen_tls_security_level"`},
	{"postscreen_use_tls", 3_09_00, `specify "postscreen_tls_security_level"`},
	{"postscreen_whitelist_interfaces", 3_11_00, `specify "postscreen_allowlist_interfaces"`},
	{"smtp_cname_overrides_servername", 3_11_00, `do not specify`},
	{"smtp_enforce_tls", 3_09_00, `specify "smtp_tls_security_level"`},
	{"smtp_per_record_deadline", 3_11_00, `specify "smtp_per_request_deadline"`},
	{"smtp_tls_enforce_peername", 3_11_00, `specify "smtp_tls_security_level"`},
	{"smtp_tls_per_site", 3_09_00, `specify "smtp_tls_policy_maps"`},
	{"smtp_use_tls", 3_09_00, `specify "smtp_tls_security_level"`},
	{"smtpd_client_connection_limit_exceptions", 3_11_00, `specify "smtpd_client_event_limit_exceptions"`},
	{"smtpd_enforce_tls", 3_09_00, `specify "smtpd_tls_security_level"`},
	{"smtpd_per_record_deadline", 3_11_00, `specify "smtpd_per_request_deadline"`},
	{"smtpd_tls_dh1024_param_file", 3_09_00, `do not specify (leave at default)`},
	{"smtpd_tls_eecdh_grade", 3_09_00, `do not specify (leave at default)`},
	{"smtpd_use_tls", 3_09_00, `specify "smtpd_tls_security_level"`},
	{"tlsproxy_client_enforce_tls", 3_09_00, `specify "tlsproxy_client_security_level"`},
	{"tlsproxy_client_level", 3_11_00, `specify "tlsproxy_client_security_level"`},
	{"tlsproxy_client_per_site", 3_09_00, `specify "tlsproxy_client_policy_maps"`},
	{"tlsproxy_client_policy", 3_11_00, `specify "tlsproxy_client_policy_maps"`},
	{"tlsproxy_client_use_tls", 3_09_00, `specify "tlsproxy_client_security_level"`},
	{"tlsproxy_enforce_tls", 3_09_00, `specify "tlsproxy_tls_security_level"`},
	{"tlsproxy_use_tls", 3_09_00, `specify "tlsproxy_tls_security_level"`},
	{"virtual_maps", 3_11_00, `specify "virtual_alias_maps"`},
}

// Deprecated returns Postfix's advice for a parameter that has been, or will
// be, removed. The advice is the text after "instead, ". Versions before 3.9
// give none.
func (p Profile) Deprecated(name string) (advice string, ok bool) {
	p = p.Normalized()
	for i := range deprecated {
		if d := &deprecated[i]; d.name == name && d.since <= p.Version {
			return d.advice, true
		}
	}
	return "", false
}
