package postconf

// complaint is what there is to say of a setting.
type complaint struct{ name, text string }

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
		g := s.group
		if !g.flagged {
			g.unused, g.flagged = r.unused(s.settings, s), true
		}
		r.flag(r.forProgram(g.unused, s))
	}
}

// flag prints warnings behind what was listed.
func (r *run) flag(list []complaint) {
	for _, c := range list {
		r.out.flush()
		r.warn(c.text)
	}
}

// unused returns stock's warnings about settings, those of main.cf if local is
// nil, else those of local's group. They are sorted from Postfix 3.11 on. Source:
// Postfix 3.11 postconf_unused.c, pcf_flag_unused_parameters.
func (r *run) unused(set settings, local *scope) []complaint {
	names := set.sorted()
	if !r.traits.sortedUnused {
		names = r.orderOf(set, local)
	}
	var list []complaint
	for _, name := range names {
		known := local != nil && local.group.valid[name] || r.names.has(name)
		if text := r.complain(name, set[name], known); text != "" {
			list = append(list, complaint{name, r.fileName(local) + ": " + text})
		}
	}
	return list
}

// complain returns what there is to say of a setting whose name is known, or not,
// or "".
func (r *run) complain(name, value string, known bool) string {
	advice, deprecated := r.Profile.Deprecated(name)
	r.deprecated = r.deprecated || deprecated
	switch {
	case !known && deprecated:
		return "support for parameter " + name + " has been removed; instead, " + advice
	case !known:
		return "unused parameter: " + name + "=" + value
	case deprecated:
		return "support for parameter \"" + name + "\" will be removed; instead, " + advice
	}
	return ""
}

// forProgram changes a group's list into that for one of its entries: names that
// are used with the entry's program alone are known then.
func (r *run) forProgram(list []complaint, s *scope) []complaint {
	if len(s.program.valid) == 0 {
		return list
	}
	var changed []complaint
	for _, c := range list {
		if s.program.valid[c.name] {
			text := r.complain(c.name, s.settings[c.name], true)
			if text == "" {
				continue
			}
			c.text = r.fileName(s) + ": " + text
		}
		changed = append(changed, c)
	}
	return changed
}
