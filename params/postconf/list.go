package postconf

// showMain prints the parameters that are named, or those of the wanted
// classes. Source: Postfix 3.10 postconf_main.c.
func (r *run) showMain() error {
	if len(r.request.operands) > 0 {
		for _, name := range r.request.operands {
			n, ok := r.names.find(name)
			if !ok {
				r.warn(name + ": unknown parameter")
				continue
			}
			if err := r.showParameter(n); err != nil {
				return err
			}
		}
		return nil
	}
	classes := anyClass
	if r.request.classList {
		classes = r.request.classes
	}
	for _, n := range r.names.sorted(classes) {
		if err := r.showParameter(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) showParameter(n node) error {
	m := r.request.mode
	value, set := "", false
	if m&showDefaults == 0 {
		value, set = r.main[n.name]
	}
	if !set {
		if m&showSet != 0 {
			return nil
		}
		var err error
		if value, err = r.defaultValue(n); err != nil {
			return err
		}
	}
	if m&expandValues != 0 && m&hideValue == 0 && n.class&raw == 0 {
		var err error
		if value, err = r.expand(value, nil); err != nil {
			return err
		}
	}
	r.printSetting(n.name, value)
	return nil
}

// printSetting prints a name and its value in the wanted form.
func (r *run) printSetting(name, value string) {
	m := r.request.mode
	fold := m&foldLines != 0
	switch {
	case m&hideValue != 0:
		r.out.line(fold, name)
	case m&showJSON != 0:
		r.out.json(name, value)
	case m&hideName != 0:
		r.out.line(fold, value)
	default:
		r.out.line(fold, name, " = ", value)
	}
	r.flushIfVerbose()
}

func (r *run) flushIfVerbose() {
	if r.request.verbose > 0 {
		r.out.flush()
	}
}
