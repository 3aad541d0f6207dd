package postconf

// flagMain warns about main.cf settings that nothing uses and about those that
// are to disappear.
func (r *run) flagMain() { r.flag(r.unused(r.main, nil)) }

// flagMaster does so for the master.cf services. Entries that share a name and
// a type share the settings, and each is complained about.
func (r *run) flagMaster() {
	for _, s := range r.services {
		if s.settings == nil {
			continue
		}
		if g := s.group; !g.flagged {
			g.unused, g.flagged = r.unused(s.settings, s), true
		}
		r.flag(s.group.unused)
	}
}

// flag prints warnings behind what was listed.
func (r *run) flag(texts []string) {
	for _, text := range texts {
		r.out.flush()
		r.warn(text)
	}
}

// unused returns stock's warnings about settings, those of main.cf if local is
// nil. They are sorted from Postfix 3.11 on. Source: Postfix 3.11
// postconf_unused.c, pcf_flag_unused_parameters.
func (r *run) unused(set settings, local *scope) []string {
	list := set.sorted()
	if !r.traits.sortedUnused {
		list = r.orderOf(set, local)
	}
	var texts []string
	file := r.fileName(local)
	for _, name := range list {
		known := local != nil && local.group.valid[name] || r.names.has(name)
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
		texts = append(texts, file+": "+text)
	}
	return texts
}
