package postconf

import (
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// registerServices makes the names of service parameters known, also to what
// computes defaults: that of mynetworks depends on compatibility_level, which
// may refer to any name. Source: Postfix 3.10 postconf_service.c.
func (r *run) registerServices() {
	r.defaults.Master = r.master
	for _, s := range r.services {
		for p := range params.ServiceParams(s.Command()) {
			r.names.addService(s.Name()+p.Suffix, "$"+p.Default)
		}
	}
}

// registerUser finds out which of the user's names are valid: those that are
// set, and that a value refers to. It complains about references to names
// that nobody knows. Source: Postfix 3.10 postconf_user.c.
func (r *run) registerUser() error {
	r.gatherOverrides()
	for _, s := range r.services {
		if s.settings == nil {
			continue
		}
		if err := r.validateService(s); err != nil {
			return err
		}
	}
	if err := r.checkDefaults(); err != nil {
		return err
	}
	return r.validate(r.main, nil)
}

// checkDefaults looks at the defaults of what main.cf does not set. In the table,
// none refers to a name that nobody knows (a test holds that), so that all that
// can be seen of the search for names there is what -v tells. Defaults that are
// computed may fail, and may contain text of main.cf.
func (r *run) checkDefaults() error {
	var list []node
	if r.request.verbose > 0 {
		list = r.names.sorted(^class(0))
	} else {
		for _, name := range [...]string{"mydomain", "myhostname", "mynetworks"} {
			n, _ := r.names.find(name)
			list = append(list, n)
		}
	}
	r.orderOfNames(list)
	scanner := r.scanner()
	for _, n := range list {
		if _, set := r.main[n.name]; set || n.class&raw != 0 {
			continue
		}
		value, err := r.defaultValue(n)
		if err != nil {
			return err
		}
		err = scanner.Scan(value, func(name string, _ bool) { r.reference(name, nil, false) })
		if err != nil && err != mainconf.ErrMacro {
			return &Fatal{err.Error()}
		}
	}
	return nil
}

// scanner returns what finds the references in values.
func (r *run) scanner() *mainconf.Expander {
	x := &mainconf.Expander{Warn: r.warn}
	if r.traits.functions {
		x.Function = r.Host.Function
	}
	return x
}

// validate looks at the settings of main.cf, where local is nil, or at those
// of a master.cf service.
func (r *run) validate(set settings, local *scope) error {
	if list, ok := set["smtpd_restriction_classes"]; ok {
		end := r.note(local, "")
		list, err := r.expandWithin(set, list, local)
		if err != nil {
			return err
		}
		for _, name := range mainconf.SplitList(list) {
			r.reference(name, local, false)
		}
		end()
	}
	for _, name := range r.orderOf(set, local) {
		value := set[name]
		end := r.note(local, "")
		tables, err := r.validateSetting(set, name, local)
		if err != nil {
			return err
		}
		end()
		if !tables {
			continue
		}
		end = r.note(local, value)
		if err := r.scanTables(value, local); err != nil {
			return err
		}
		end()
	}
	return nil
}

// validateSetting looks at one setting, and reports whether its value may name
// tables.
func (r *run) validateSetting(set settings, name string, local *scope) (tables bool, err error) {
	value := set[name]
	n, known := r.names.find(name)
	if known {
		if n.class&readOnly != 0 {
			r.warn(r.fileName(local) + ": read-only parameter assignment: " + name + "=" + value)
			delete(set, name)
			return false, nil
		}
		if n.class&legacy != 0 {
			r.names.relabel(n)
		}
		if n.class&raw != 0 {
			return false, nil
		}
	}
	err = r.scanner().Scan(value, func(name string, _ bool) { r.reference(name, local, false) })
	if err != nil && err != mainconf.ErrMacro {
		return false, &Fatal{err.Error()}
	}
	return n.class&(builtin|service) != 0, nil
}

// fileName returns the path of main.cf or master.cf as messages show it.
func (r *run) fileName(local *scope) string {
	if local != nil {
		return r.masterPath
	}
	return r.mainPath
}

// reference notes that a value in main.cf or in a master.cf entry refers to
// name, and makes the name valid where it is set. Names of database client
// parameters (table) need not exist. Source: Postfix 3.10 postconf_user.c,
// pcf_flag_user_parameter.
func (r *run) reference(name string, local *scope, table bool) {
	set := false
	if local != nil && local.group.has(name) {
		set = true
		if !local.uses(name) {
			r.use(local, name)
			r.verbosely("$" + name + " in master.cf:" + local.nameSpace +
				" validates " + name + "=value in master.cf:" + local.nameSpace)
		}
	} else if _, ok := r.main[name]; ok {
		set = true
		if !r.names.has(name) {
			r.names.addUser(name)
			where := "main.cf"
			if local != nil {
				where = "master.cf:" + local.nameSpace
			}
			r.verbosely("$" + name + " in " + where + " validates " + name + "=value in main.cf")
		}
	}
	if local == nil {
		for _, g := range r.groups {
			if !g.has(name) {
				continue
			}
			set = true
			if !g.valid[name] {
				g.valid[name] = true
				r.verbosely("$" + name + " in main.cf validates " + name + "=value in master.cf:" + g.nameSpace)
			}
		}
	}
	if !set && !table && !r.names.has(name) {
		r.warn(r.fileName(local) + ": undefined parameter: " + name)
	}
}

// verbosely prints a message for -v.
func (r *run) verbosely(text string) {
	if r.request.verbose > 0 {
		r.info(text)
	}
}
