package table

import (
	"os"
	"syscall"

	"github.com/qmqpd/qmqpd/params/errno"
)

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

// LeftToPostfix tells whether a type is one that only Postfix has, and has here: it opens
// such a table without a word. Source: Postfix 3.10 dynamicmaps.c, dymap_dict_lookup.
func (s *Set) LeftToPostfix(typ string) bool {
	return IsForeign(typ) && s.libraryFault(typ) == ""
}

// libraryFault says what Postfix misses of a type that it loads from a library, as
// it logs it; "" if nothing, or if it loads no types. Source: Postfix 3.10
// dynamicmaps.c, dymap_dict_lookup.
func (s *Set) libraryFault(typ string) string {
	if s.opt.Loaded == nil || typ == "dbm" || typ == "nis" {
		return "" // those two are in the programs themselves, or nowhere
	}
	library, ok := s.opt.Loaded[typ]
	if !ok {
		return typ + ". Is the postfix-" + typ + " package installed?"
	}
	info, err := os.Stat(library)
	if err != nil {
		return typ + " (" + library + ": " + errno.Text(err) + ")"
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && (st.Uid != 0 || st.Mode&0o022 != 0) {
		return typ + " (" + library + ": file is owned or writable by non-root users)"
	}
	return ""
}
