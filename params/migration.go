package params

// checkMigrationLevel checks non_bdb_migration_level, new in Postfix 3.11.
func (e *Effective) checkMigrationLevel() {
	const name = "non_bdb_migration_level"
	if !e.Has(name) {
		return
	}
	switch level := e.String(name); level {
	case "disable", "enable-redirect", "enable-reindex":
	default:
		e.fail(name, "invalid non-Berkeley-DB migration level: '"+level+"'", nil)
	}
}
