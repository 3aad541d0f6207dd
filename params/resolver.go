package params

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// Resolver finds the values of parameters as postconf(1) does: it sees all
// settings and all defaults at once. It also says where a value was set.
//
// The fields are read only; they must not change after the first call of a
// method. A Resolver is not safe for concurrent use: it keeps computed
// defaults.
type Resolver struct {
	// Profile is the version to imitate; its zero value is DefaultProfile. With
	// one that is not valid, to ask for a default is an error.
	Profile Profile
	// Main is the main.cf file; nil means an empty one.
	Main *mainconf.Main
	// Overrides replace settings of Main, later ones earlier ones.
	Overrides []mainconf.Setting
	// Master is the master.cf file; nil means an empty one. Its entries define
	// service parameters, and their -o options are used by Service.
	Master *mainconf.Master
	// Service, if not nil, is the entry of Master from whose view values are
	// looked up.
	Service *mainconf.Service
	// DefaultsOnly ignores all settings, as postconf -d does.
	DefaultsOnly bool
	// ProcessName and PID are the defaults of process_name and process_id.
	ProcessName string
	PID         int
	// Host answers questions about the machine.
	Host Host
	// Warn receives Postfix's warnings, without "warning: ". Nil drops them.
	Warn func(text string)
	// Info receives what Postfix logs with -v about computing mynetworks. Nil
	// drops it.
	Info func(text string)

	defaults   map[string]string // computed defaults
	networking bool              // that of mynetworks is being computed
	maxWork    int               // mainconf.Expander.MaxWork
}

func (r *Resolver) profile() Profile { return r.Profile.Normalized() }

func (r *Resolver) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

// Value returns the value in force for name, not expanded, and its origin. It
// is, in order of precedence: process_name or service_name of the Service, an -o
// option of the Service's name/type in Master, an override, main.cf, the
// default of a built-in, legacy or service parameter. Settings of read-only parameters
// count for nothing, see Profile.ReadOnly. An unknown name has no value and no error.
// The error is an *Error: computing a default failed.
func (r *Resolver) Value(name string) (Value, bool, error) {
	if v, ok := r.Setting(name); ok {
		return v, true, nil
	}
	return r.Default(name)
}

// Setting returns the value that is set for name, ignoring defaults, and settings of
// read-only parameters.
func (r *Resolver) Setting(name string) (Value, bool) {
	if r.DefaultsOnly {
		return Value{}, false
	}
	v, ok := r.serviceSetting(name)
	if !ok {
		v, ok = r.mainSetting(name)
	}
	if ok && v.Source != SourceProgram && r.profile().ReadOnly(name) {
		return Value{}, false
	}
	return v, ok
}

func (r *Resolver) serviceSetting(name string) (Value, bool) {
	if r.Service == nil {
		return Value{}, false
	}
	switch name {
	case "process_name":
		return Value{Text: r.Service.ProcessName(), Source: SourceProgram}, true
	case "service_name":
		return Value{Text: r.Service.Name(), Source: SourceProgram}, true
	}
	services := []*mainconf.Service{r.Service}
	if same := r.Master.Lookup(r.Service.Name(), r.Service.Type()); len(same) > 0 {
		services = same
	}
	for i := len(services) - 1; i >= 0; i-- {
		if o, ok := services[i].Lookup(name); ok {
			return overrideValue(r.Master, services[i], o), true
		}
	}
	return Value{}, false
}

// overrideValue is the setting of a master.cf entry. The file may be nil.
func overrideValue(m *mainconf.Master, s *mainconf.Service, o mainconf.Override) Value {
	file := "master.cf"
	if m != nil {
		file = m.File
	}
	return Value{Text: o.Value, Source: SourceMaster, File: file, Line: o.Line, Service: s.NameSpace()}
}

func (r *Resolver) mainSetting(name string) (Value, bool) {
	for i := len(r.Overrides) - 1; i >= 0; i-- {
		if r.Overrides[i].Name == name {
			return Value{Text: r.Overrides[i].Value, Source: SourceCommandLine}, true
		}
	}
	entry, ok := r.Main.Lookup(name)
	switch {
	case !ok:
		return Value{}, false
	case !entry.Line.InFile():
		return Value{Text: entry.Value, Source: SourceProgram}, true
	}
	return Value{Text: entry.Value, Source: SourceMain, File: r.Main.File, Line: entry.Line.First}, true
}

// Default returns the default of a built-in, legacy or service parameter, not
// expanded. An unknown name has none, and no error. The error is an *Error.
func (r *Resolver) Default(name string) (Value, bool, error) {
	if err := r.Profile.Validate(); err != nil {
		return Value{}, false, &Error{Name: name, Text: err.Error(), Err: err}
	}
	if p, ok := r.profile().Lookup(name); ok {
		text := p.Default
		if p.Computed() {
			var err *Error
			if text, err = r.computed(name); err != nil {
				return Value{}, true, err
			}
		}
		return Value{Text: text, Source: SourceDefault}, true, nil
	}
	if IsLegacy(name) {
		return Value{Source: SourceDefault}, true, nil
	}
	if r.Master != nil {
		for _, s := range r.Master.Services {
			suffix, ok := strings.CutPrefix(name, s.Name())
			if !ok {
				continue
			}
			for p := range ServiceParams(s.Command()) {
				if p.Suffix == suffix {
					return Value{Text: "$" + p.Default, Source: SourceDefault}, true, nil
				}
			}
		}
	}
	return Value{}, false, nil
}

// Expand replaces the macros in text by values, recursively. The error is an
// *Error with the text with which postconf(1) ends; its Value is the setting at
// fault, if text itself is not.
func (r *Resolver) Expand(text string) (string, error) { return r.expand(text, r.Value) }

// expand is Expand for what value gives.
func (r *Resolver) expand(text string, value func(name string) (Value, bool, error)) (string, error) {
	x := r.expander(func(name string) (string, bool, error) {
		v, ok, err := value(name)
		return v.Text, ok, err
	})
	result, err := x.Expand(text)
	var failed *mainconf.LookupError
	switch {
	case errors.As(err, &failed):
		return "", failed.Err
	case err != nil:
		r.maxWork = workAfter(err, r.maxWork)
		x.MaxWork = r.maxWork
		bad, _ := badText(x, text, func(name string) (Value, bool) {
			v, ok, _ := value(name)
			return v, ok
		})
		return "", &Error{Value: bad, Text: macroError(err, ""), Err: err}
	}
	return result, nil
}

// expander returns an expander for the version.
func (r *Resolver) expander(lookup func(name string) (string, bool, error)) mainconf.Expander {
	x := mainconf.Expander{Lookup: lookup, Warn: r.warn, MaxWork: r.maxWork}
	if profile := r.profile(); profile.Version >= 3_11_00 {
		x.Function = r.Host.Function
		x.NotExpanded = func(name string) bool {
			p, ok := profile.Lookup(name)
			return ok && p.Kind == Raw
		}
	}
	return x
}

// Scan visits the names that text refers to; see mainconf.Expander.Scan.
func (r *Resolver) Scan(text string, visit func(name string, test bool)) error {
	x := r.expander(nil)
	return x.Scan(text, visit)
}

// Info is what there is to know about one parameter.
type Info struct {
	Name     string
	Kind     Kind   // String for a parameter that is not built in
	Known    bool   // whether Postfix knows the name
	Default  string // not expanded
	Value    Value  // in force, not expanded; SourceNone if there is none
	Expanded string // Value with all macros expanded; for Raw, as it is
}

// Describe returns what there is to know about a parameter. The error is an
// *Error that names the parameter and the setting at fault; what does not depend on
// that is there all the same. So a default that cannot be computed hides no setting.
func (r *Resolver) Describe(name string) (Info, error) {
	info := Info{Name: name}
	if p, ok := r.profile().Lookup(name); ok {
		info.Kind = p.Kind
	}
	v, known, err := r.Default(name)
	info.Known, info.Default = known, v.Text
	if setting, ok := r.Setting(name); ok {
		v = setting
	} else if err != nil || !known {
		return info, err
	}
	info.Value, info.Expanded = v, v.Text
	if info.Kind == Raw {
		return info, err
	}
	expanded, failure := r.Expand(v.Text)
	info.Expanded = expanded
	if failure == nil {
		return info, err
	}
	// The text alone does not tell Expand whose it is.
	if failed, ok := failure.(*Error); ok && failed.Name == "" {
		failed.of(name, v)
	}
	return info, failure
}

// computed returns a default that depends on the host or the process. Source:
// Postfix 3.10 postconf_builtin.c.
func (r *Resolver) computed(name string) (string, *Error) {
	if text, ok := r.defaults[name]; ok {
		return text, nil
	}
	text, err := r.compute(name)
	if err != nil {
		return "", err
	}
	if r.defaults == nil {
		r.defaults = make(map[string]string)
	}
	r.defaults[name] = text
	return text, nil
}

func (r *Resolver) compute(name string) (string, *Error) {
	switch name {
	case "myhostname":
		own, err := ownHostname(r.Host, r.warn)
		if err != nil {
			return "", &Error{Name: name, Text: err.Error(), Err: err}
		}
		if strings.Contains(own, ".") {
			return own, nil
		}
		domain, ok, failed := r.dictionary("mydomain")
		if failed != nil {
			return "", failed
		}
		if !ok {
			domain = defaultDomain
		}
		return own + "." + domain, nil
	case "mydomain":
		own, ok, failed := r.dictionary("myhostname")
		if failed == nil && !ok {
			own, failed = r.computed("myhostname")
		}
		if failed != nil {
			return "", failed
		}
		if _, domain, ok := strings.Cut(own, "."); ok {
			return domain, nil
		}
		return defaultDomain, nil
	case "mynetworks":
		return r.networks()
	case "process_id":
		return itoa(r.PID), nil
	case "process_name":
		return r.ProcessName, nil
	}
	return "", nil
}

// dictionary returns the expanded setting of a parameter, with the evaluator
// that sees no defaults.
func (r *Resolver) dictionary(name string) (string, bool, *Error) {
	if r.DefaultsOnly {
		return "", false, nil
	}
	v, ok := r.mainSetting(name)
	if !ok {
		return "", false, nil
	}
	text, failed := r.expandSettings(v.Text)
	if failed != nil {
		failed.of(name, v)
		return "", true, failed
	}
	return text, true, nil
}

// expandSettings is Expand with the evaluator that sees main.cf and the overrides but
// no defaults, by which postconf(1) finds what the computed defaults depend on.
func (r *Resolver) expandSettings(text string) (string, *Error) {
	x := mainconf.Expander{
		Lookup: func(name string) (string, bool, error) {
			v, ok := r.mainSetting(name)
			return v.Text, ok, nil
		},
		Warn:    r.warn,
		MaxWork: r.maxWork,
	}
	if r.profile().Version >= 3_11_00 {
		x.Function = r.Host.Function
	}
	result, err := x.Expand(text)
	if err != nil {
		r.maxWork = workAfter(err, r.maxWork)
		x.MaxWork = r.maxWork
		bad, _ := badText(x, text, r.mainSetting)
		return "", &Error{Value: bad, Text: macroError(err, "mail_dict"), Err: err}
	}
	return result, nil
}

// earlyValue is Value in the default of mynetworks. Postconf(1) computes that once for
// all services, and has not yet dropped the settings of read-only parameters.
func (r *Resolver) earlyValue(name string) (Value, bool, error) {
	if !r.DefaultsOnly {
		if v, ok := r.mainSetting(name); ok {
			return v, true, nil
		}
	}
	return r.Default(name)
}

// networks computes the default of mynetworks. By way of the default of
// mynetworks_style it depends on compatibility_level, whose setting may refer to
// mynetworks; stock then overflows its stack.
func (r *Resolver) networks() (string, *Error) {
	if r.networking {
		r.warn(`unreasonable macro call nesting: "mynetworks"`)
		return "", &Error{Name: "mynetworks", Text: mainconf.ErrMacro.Error(), Err: mainconf.ErrMacro}
	}
	r.networking = true
	defer func() { r.networking = false }()
	var text [3]string
	for i, name := range [...]string{"inet_interfaces", "mynetworks_style", "inet_protocols"} {
		value, ok, failed := r.dictionary(name)
		if failed != nil {
			return "", failed
		}
		if !ok {
			p, _ := r.profile().Lookup(name)
			var err error
			if value, err = r.expand(p.Default, r.earlyValue); err != nil {
				failed, _ := err.(*Error)
				return "", failed
			}
		}
		text[i] = value
	}
	log := logger{r.warn, r.Info}
	p, err := parseProtocols(text[2], r.Host, log)
	var result string
	if err == nil {
		result, err = networks(text[1], p, log, func() ([]netip.Prefix, error) {
			return ownInterfaces(text[0], r.profile().Version, r.Host, p, log)
		})
	}
	if err != nil {
		return "", &Error{Name: "mynetworks", Text: err.Error(), Err: err}
	}
	return result, nil
}
