package postconf

// showOverrides is -P. Source: Postfix 3.10 postconf_master.c,
// pcf_show_master_params; for -PP, Postfix 3.11.
func (r *run) showOverrides() error {
	list, err := r.patterns(3, "-P option requires service_name[/type[/parameter]]")
	if err != nil {
		return err
	}
	for _, s := range r.services {
		set := s.settings
		if r.request.mode&mergedParams != 0 {
			if set, err = r.merged(s, len(list) == 0); err != nil {
				return err
			}
		}
		if set == nil {
			continue
		}
		if len(list) == 0 {
			if err := r.printOverrides(s, set, "*"); err != nil {
				return err
			}
		}
		for i := range list {
			p := &list[i]
			if !p.matches(s) {
				continue
			}
			if _, ok := set[p.part]; p.part != "*" && !ok {
				continue
			}
			p.matched = true
			if err := r.printOverrides(s, set, p.part); err != nil {
				return err
			}
		}
	}
	r.warnUnmatched(list)
	return nil
}

// merged returns all parameters as a service sees them, of the classes of -C
// if byClass.
func (r *run) merged(s *scope, byClass bool) (settings, error) {
	set := settings{}
	classes := ^class(0)
	if byClass {
		classes = anyClass
		if r.request.classList {
			classes = r.request.classes
		}
		// As in stock, no class at all is no restriction.
		if classes == 0 {
			classes = ^class(0)
		}
	}
	for _, n := range r.names.sorted(classes) {
		value, _, err := r.lookup(n.name, s)
		if err != nil {
			return nil, err
		}
		set[n.name] = value
	}
	for name, value := range s.settings {
		if _, ok := set[name]; !ok {
			set[name] = value
		}
	}
	return set, nil
}

func (r *run) printOverrides(s *scope, set settings, wanted string) error {
	names := []string{wanted}
	if wanted == "*" {
		names = set.sorted()
	}
	for _, name := range names {
		if err := r.printOverride(s, name, set[name]); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) printOverride(s *scope, name, value string) error {
	m := r.request.mode
	if m&expandValues != 0 && m&hideValue == 0 {
		var err error
		if value, err = r.expand(value, s); err != nil {
			return err
		}
	}
	r.printSetting(s.nameSpace+"/"+name, value)
	return nil
}
