package table

// opener opens a table. A *cannotOpen error makes the table unavailable; any
// other error ends the program.
type opener func(*opening) (Table, error)

// lookupType returns the opener of a type. It is the list of those that need nobody
// else's library: see openForeign.
func lookupType(typ string) (opener, bool) {
	switch typ {
	case "btree":
		return openBtree, true
	case "cdb":
		return openCDB, true
	case "cidr":
		return openCIDR, true
	case "environ":
		return openEnviron, true
	case "fail":
		return openFail, true
	case "hash":
		return openHash, true
	case "inline":
		return openInline, true
	case "internal":
		return openInternal, true
	case "lmdb":
		return openLMDB, true
	case "memcache":
		return openMemcache, true
	case "pcre":
		return openPCRE, true
	case "pipemap":
		return openPipemap, true
	case "proxy":
		return openProxy, true
	case "randmap":
		return openRandmap, true
	case "regexp":
		return openRegexp, true
	case "socketmap":
		return openSocketmap, true
	case "static":
		return openStatic, true
	case "tcp":
		return openTCP, true
	case "texthash":
		return openTexthash, true
	case "unionmap":
		return openUnionmap, true
	case "unix":
		return openUnix, true
	}
	return nil, false
}
