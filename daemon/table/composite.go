package table

import "strings"

// openMembers opens the tables that a pipemap or unionmap names. At verbose level
// 1, function is whom Postfix has tell of each.
func openMembers(o *opening, function string) ([]Table, error) {
	bad := &cannotOpen{"bad syntax: \"" + o.typ + ":" + o.name + "\"; need \"" + o.typ + ":{type:name...}\""}
	specs, ok := members(o.name)
	if !ok {
		return nil, bad
	}
	var tables []Table
	for _, spec := range specs {
		if log := o.trace(); log != nil {
			log.Infof("%s: %s", function, spec)
		}
		if !strings.Contains(spec, ":") {
			return nil, bad
		}
		t, err := o.set.member(spec, o.flags)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}
