package postconf

import (
	"errors"

	"github.com/qmqpd/qmqpd/mainconf"
)

// lookup returns the value of a name as a macro sees it: a setting of the
// master.cf entry, of main.cf, or the default; with -d, always the default.
// Source: Postfix 3.10 postconf_lookup.c.
func (r *run) lookup(name string, local *scope) (string, bool, error) {
	if r.request.mode&showDefaults == 0 {
		if local != nil {
			switch name {
			case "process_name":
				r.byProgram = true
				return local.processName, true, nil
			case "service_name":
				return local.Name(), true, nil
			}
			if value, ok := local.settings[name]; ok {
				return value, true, nil
			}
		}
		if value, ok := r.main[name]; ok {
			return value, true, nil
		}
	}
	n, ok := r.names.find(name)
	if !ok {
		return "", false, nil
	}
	value, err := r.defaultValue(n)
	return value, true, err
}

// expand replaces the macros in value.
func (r *run) expand(value string, local *scope) (string, error) {
	x := mainconf.Expander{
		Warn:   r.warn,
		Lookup: func(name string) (string, bool, error) { return r.lookup(name, local) },
	}
	if r.traits.functions {
		x.Function = r.Host.Function
		x.NotExpanded = func(name string) bool {
			n, ok := r.names.find(name)
			return ok && n.class&raw != 0
		}
	}
	out, err := x.Expand(value)
	var failed *mainconf.LookupError
	switch {
	case errors.As(err, &failed):
		return "", failed.Err
	case err != nil:
		return "", &Fatal{err.Error()}
	}
	return out, nil
}

// expandWithin expands with nothing but the settings in set. Source: Postfix
// 3.10 dict.c, dict_eval.
func (r *run) expandWithin(set settings, value string, local *scope) (string, error) {
	x := mainconf.Expander{
		Warn: r.warn,
		Lookup: func(name string) (string, bool, error) {
			value, ok := set[name]
			return value, ok, nil
		},
	}
	if r.traits.functions {
		x.Function = r.Host.Function
	}
	out, err := x.Expand(value)
	switch {
	case err == mainconf.ErrMacro:
		dictionary := "mail_dict"
		if local != nil {
			dictionary = local.nameSpace
		}
		return "", &Fatal{"dictionary " + dictionary + ": " + err.Error()}
	case err != nil:
		return "", &Fatal{err.Error()}
	}
	return out, nil
}
