package postconf

// flagMain warns about main.cf settings that nothing uses and about those that
// are to disappear.
func (r *run) flagMain() { r.flag(r.main, nil) }

// flagMaster does so for the master.cf services. Entries that share a name and
// a type share the settings, and each is complained about.
func (r *run) flagMaster() {
	for _, s := range r.services {
		if s.settings != nil {
			r.flag(s.settings, s)
		}
	}
}

// flag is stock's pcf_flag_unused_parameters, Postfix 3.11 postconf_unused.c:
// what is printed comes after what was listed, and is sorted from that version
// on. Local is nil for main.cf.
func (r *run) flag(set settings, local *scope) {
	list := set.sorted()
	if !r.traits.sortedUnused {
		list = r.orderOf(set, local)
	}
	file := r.fileName(local)
	for _, name := range list {
		known := local != nil && local.valid[name] || r.names.has(name)
		advice, deprecated := r.Profile.Deprecated(name)
		var text string
		switch {
		case !known && deprecated:
			text = "support for parameter " + name + " has been removed; instead, " + advice
		case !known:
			text = "unused parameter: " + name + "=" + set[name]
		case deprecated:
			text = "support for parameter \"" + name + "\" will be removed; instead, " + advice
		default:
			continue
		}
		r.deprecated = r.deprecated || deprecated
		r.out.flush()
		r.warn(file + ": " + text)
	}
}
