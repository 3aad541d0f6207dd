package table

// openForeign refuses a type whose client library only Postfix has. proxymap(8)
// uses the library for us, so the reason says how to name the table instead.
func openForeign(o *opening) (Table, error) {
	spec := o.typ + ":" + o.name
	return nil, &cannotOpen{"unsupported dictionary type: " + o.typ + "; specify proxy:" + spec +
		" instead, and list it in proxy_read_maps, to reach the table through proxymap(8)"}
}

// IsForeign tells whether a type is one that only Postfix has.
func IsForeign(typ string) bool {
	switch typ {
	case "dbm", "ldap", "mongodb", "mysql", "nis", "pgsql", "sdbm", "sqlite":
		return true
	}
	return false
}
