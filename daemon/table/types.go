package table

// opener opens a table. A *cannotOpen error makes the table unavailable; any
// other error ends the program.
type opener func(*opening) (Table, error)

// lookupType returns the opener of a type. It is the list of all types.
func lookupType(typ string) (opener, bool) {
	switch typ {
	case "cidr":
		return openCIDR, true
	case "fail":
		return openFail, true
	case "inline":
		return openInline, true
	case "internal":
		return openInternal, true
	case "static":
		return openStatic, true
	}
	return nil, false
}
