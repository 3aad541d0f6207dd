package params

// clientParam is a setting of a database client.
type clientParam struct {
	name  string
	since Version
}

// The settings of database client configurations, sorted by name.
var (
	ldapParams = [...]clientParam{
		{"bind", 0}, {"bind_dn", 0}, {"bind_pw", 0}, {"cache", 0}, {"cache_expiry", 0}, {"cache_size", 0},
		{"chase_referrals", 0}, {"debuglevel", 0}, {"dereference", 0}, {"domain", 0}, {"expansion_limit", 0},
		{"leaf_result_attribute", 0}, {"query_filter", 0}, {"recursion_limit", 0}, {"result_attribute", 0},
		{"result_filter", 0}, {"result_format", 0}, {"sasl_authz_id", 0}, {"sasl_mechs", 0}, {"sasl_minssf", 0},
		{"sasl_realm", 0}, {"scope", 0}, {"search_base", 0}, {"server_host", 0}, {"server_port", 0},
		{"size_limit", 0}, {"special_result_attribute", 0}, {"start_tls", 0}, {"terminal_result_attribute", 0},
		{"timeout", 0}, {"tls_ca_cert_dir", 0}, {"tls_ca_cert_file", 0}, {"tls_cert", 0}, {"tls_cipher_suite", 0},
		{"tls_key", 0}, {"tls_random_file", 0}, {"tls_require_cert", 0}, {"version", 0},
	}
	memcacheParams = [...]clientParam{
		{"backup", 0}, {"data_size_limit", 0}, {"domain", 0}, {"flags", 0}, {"key_digest", 3_11_00},
		{"key_format", 0}, {"line_size_limit", 0}, {"max_try", 0}, {"memcache", 0}, {"retry_pause", 0},
		{"timeout", 0}, {"ttl", 0},
	}
	mongodbParams = [...]clientParam{
		{"collection", 3_09_00}, {"dbname", 3_09_00}, {"domain", 3_09_00}, {"expansion_limit", 3_09_00},
		{"projection", 3_09_00}, {"query_filter", 3_09_00}, {"result_attribute", 3_09_00},
		{"result_format", 3_09_00}, {"uri", 3_09_00},
	}
	mysqlParams = [...]clientParam{
		{"additional_conditions", 0}, {"charset", 3_09_00}, {"dbname", 0}, {"domain", 0}, {"expansion_limit", 0},
		{"hosts", 0}, {"idle_interval", 3_09_00}, {"option_file", 0}, {"option_group", 0}, {"password", 0},
		{"query", 0}, {"require_result_set", 0}, {"result_format", 0}, {"retry_interval", 3_09_00},
		{"select_field", 0}, {"table", 0}, {"tls_CAfile", 0}, {"tls_CApath", 0}, {"tls_cert_file", 0},
		{"tls_ciphers", 0}, {"tls_key_file", 0}, {"tls_verify_cert", 0}, {"user", 0}, {"where_field", 0},
	}
	pgsqlParams = [...]clientParam{
		{"additional_conditions", 0}, {"dbname", 0}, {"domain", 0}, {"encoding", 3_08_00}, {"expansion_limit", 0},
		{"hosts", 0}, {"idle_interval", 3_09_00}, {"password", 0}, {"query", 0}, {"result_format", 0},
		{"retry_interval", 3_09_00}, {"select_field", 0}, {"select_function", 0}, {"table", 0}, {"user", 0},
		{"where_field", 0},
	}
	sqliteParams = [...]clientParam{
		{"additional_conditions", 0}, {"dbpath", 0}, {"domain", 0}, {"expansion_limit", 0}, {"query", 0},
		{"result_format", 0}, {"select_field", 0}, {"table", 0}, {"where_field", 0},
	}
)

// ClientParams returns the names of the settings of a database client: ldap,
// memcache, mongodb (since Postfix 3.9), mysql, pgsql or sqlite. In main.cf
// they are prefixed with the table's name and "_"; in a client's own file they
// stand alone. The result is nil for other table types. Source: Postfix's
// extract_cfg.sh on the releases.
func (p Profile) ClientParams(tableType string) []string {
	var all []clientParam
	switch tableType {
	case "ldap":
		all = ldapParams[:]
	case "memcache":
		all = memcacheParams[:]
	case "mongodb":
		all = mongodbParams[:]
	case "mysql":
		all = mysqlParams[:]
	case "pgsql":
		all = pgsqlParams[:]
	case "sqlite":
		all = sqliteParams[:]
	}
	p = p.Normalized()
	var names []string
	for _, c := range all {
		if c.since <= p.Version {
			names = append(names, c.name)
		}
	}
	return names
}
