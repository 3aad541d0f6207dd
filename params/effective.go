package params

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// DefaultConfigDir is the configuration directory of a Postfix program that is
// told nothing else.
const DefaultConfigDir = "/etc/postfix"

// Process is what an Effective is made from: the settings and circumstances of
// one program.
type Process struct {
	// Profile is the version to imitate; its zero value is DefaultProfile. One
	// that is not valid is the first error of the Effective.
	Profile Profile
	// ConfigDir is the configuration directory, which becomes
	// $config_directory unless main.cf sets it. "" means DefaultConfigDir.
	ConfigDir string
	// Main is the main.cf file; nil means an empty one.
	Main *mainconf.Main
	// Master is the master.cf file of which the -o settings count: those of the
	// entries for Service with ServiceType. They replace settings of Main, later ones
	// earlier ones. Nil where master(8) has made them arguments of the program.
	Master *mainconf.Master
	// Overrides replace settings of Main and Master, later ones earlier ones: a
	// daemon's -o options, and -i and -m as max_idle and max_use.
	Overrides []mainconf.Setting
	// FollowUse keeps account of which settings have an effect; see
	// Effective.Used.
	FollowUse bool
	// Name is the program's name, $process_name unless main.cf sets it.
	Name string
	// Service is the master.cf service name. "" means Name.
	Service string
	// ServiceType is the type of that service. "" means unix.
	ServiceType string
	// PID is the process id.
	PID int
	// Info receives what Postfix logs with -v about the network interfaces. Nil
	// drops it.
	Info func(text string)
	// Host answers questions about the machine.
	Host Host
}

// Effective is the configuration of one daemon process, with the evaluation
// rules of Postfix daemons: a dictionary holds main.cf, the overrides and the
// defaults of those parameters that have been read. A reference to a parameter
// that is neither set nor yet read expands to nothing, so the order of reading
// matters.
//
// Errors do not stop the reading: what cannot be read is 0, false or "", and what is
// out of bounds is what it is. Err returns the first error, with which a Postfix program
// would have ended.
//
// A parameter keeps the value that its first reading gave, like the variables
// of a Postfix program. To read one that the version lacks, or by the method for
// another kind, is an error and gives the empty value; that is said once.
//
// New makes an Effective. The zero value is of no use: reading from it panics.
//
// An Effective is not safe for concurrent use: reading changes it.
//
// Source: Postfix 3.10 mail_conf.c, mail_conf_str.c and its sisters.
type Effective struct {
	p        Process
	dict     map[string]Value   // what overrides main.cf
	uses     uses               // of that
	base     map[string]Value   // what main.cf overrides
	defaults map[string]string  // of parameters that have been read and are not set
	texts    map[reading]string // results of reading: text
	numbers  map[reading]int64  // and numbers, seconds, 1 for yes
	warnings []string
	errs     errorList
	failed   map[string]bool // the parameters that they are about
	maxWork  int             // mainconf.Expander.MaxWork

	interfaces *interfaceList // own addresses, once determined
	protocols  *protocols     // once determined
}

// New returns the configuration of a process. Nothing is evaluated yet.
func New(p Process) *Effective {
	p.Profile = p.Profile.Normalized()
	if p.ConfigDir == "" {
		p.ConfigDir = DefaultConfigDir
	}
	if p.Service == "" {
		p.Service = p.Name
	}
	if p.ServiceType == "" {
		p.ServiceType = "unix"
	}
	e := &Effective{
		p:    p,
		dict: make(map[string]Value),
		base: make(map[string]Value),
		// What a daemon reads fits without growing.
		defaults: make(map[string]string, 200),
		texts:    make(map[reading]string, 100),
		numbers:  make(map[reading]int64, 100),
	}
	if p.FollowUse {
		e.uses.used, e.uses.asked = make(map[string]bool), make(map[string][]string)
	}
	for _, s := range Presets(p.Name, p.ConfigDir) {
		e.base[s.Name] = Value{Text: s.Value, Source: SourceProgram}
	}
	for _, s := range p.Master.Lookup(p.Service, p.ServiceType) {
		for _, o := range s.Overrides {
			e.dict[o.Name] = overrideValue(p.Master, s, o)
		}
	}
	for _, s := range p.Overrides {
		e.dict[s.Name] = Value{Text: s.Value, Source: SourceCommandLine}
	}
	e.dict["service_name"] = Value{Text: p.Service, Source: SourceProgram}
	if err := p.Profile.Validate(); err != nil {
		e.errs.add(&Error{Text: err.Error(), Err: err})
	}
	return e
}

// Presets returns the settings that a daemon has before it reads main.cf, for
// mainconf.ParseMain. New supplies the values with or without it; as presets
// they make the parser warn where main.cf overrides them, as Postfix does.
func Presets(processName, configDir string) []mainconf.Setting {
	return []mainconf.Setting{
		{Name: "process_name", Value: processName},
		{Name: "config_directory", Value: configDir},
	}
}

// Profile returns the version that is imitated, which is never 0.
func (e *Effective) Profile() Profile { return e.p.Profile }

// Err returns the first error, or nil: an *Error.
func (e *Effective) Err() error { return e.errs.first() }

// Errors returns all errors as one, or nil. It is a go-multierror value that holds
// *Error values. What is wrong with a default only because it refers to a parameter
// with an error is left out.
func (e *Effective) Errors() error { return e.errs.err() }

// Warnings returns what Postfix would have logged with severity warning, in
// order. Error.Warnings says how many precede an error. After the first error
// no more than a thousand are kept.
func (e *Effective) Warnings() []string { return slices.Clip(e.warnings) }

// maxLateWarnings bounds the warnings that are kept after the first error,
// where a Postfix program would have ended.
const maxLateWarnings = 1000

func (e *Effective) warn(text string) {
	var first *Error
	if errors.As(e.Err(), &first) && len(e.warnings) >= first.Warnings+maxLateWarnings {
		return
	}
	e.warnings = append(e.warnings, text)
}

// fail records an error.
func (e *Effective) fail(name, text string, err error) {
	v, _ := e.Value(name)
	e.failOf(name, v, text, err)
}

// failOf is fail for the setting at fault, which may be another one that name refers to.
// What is wrong with a default because of a setting that has failed is not worth telling.
func (e *Effective) failOf(name string, v Value, text string, err error) {
	if own, _ := e.Value(name); name != "" && own.Source <= SourceDefault {
		if v.Source <= SourceDefault && e.followsFromFailed(name) || e.errs.about(v) {
			return
		}
	}
	if e.failed == nil {
		e.failed = make(map[string]bool)
	}
	e.failed[name] = true
	e.errs.add(&Error{Name: name, Value: v, Text: text, Warnings: len(e.warnings), Err: err})
}

// followsFromFailed reports whether an error is known of a parameter, or of another one that
// its value comes from.
func (e *Effective) followsFromFailed(name string) bool {
	if len(e.failed) == 0 {
		return false
	}
	seen := map[string]bool{}
	var follows func(name string) bool
	follows = func(name string) (found bool) {
		if e.failed[name] || seen[name] {
			return e.failed[name]
		}
		seen[name] = true
		v, _ := e.Value(name)
		if v.Source <= SourceDefault { // which the dictionary may have expanded
			p, _ := e.p.Profile.Lookup(name)
			v.Text = p.Default
			if p.Computed() {
				return slices.ContainsFunc(computedFrom[name], follows)
			}
		}
		x := mainconf.Expander{}
		_ = x.Scan(v.Text, func(name string, _ bool) { found = found || follows(name) })
		return found
	}
	return follows(name)
}

// Value returns what the dictionary holds for name: the setting, or the
// default if the parameter has been read.
func (e *Effective) Value(name string) (Value, bool) {
	e.uses.value(name)
	if v, ok := e.dict[name]; ok {
		return v, true
	}
	if entry, ok := e.p.Main.Lookup(name); ok {
		if !entry.Line.InFile() { // a preset
			return Value{Text: entry.Value, Source: SourceProgram}, true
		}
		return Value{Text: entry.Value, Source: SourceMain, File: e.p.Main.File, Line: entry.Line.First}, true
	}
	if v, ok := e.base[name]; ok {
		return v, true
	}
	text, ok := e.defaults[name]
	if !ok {
		return Value{}, false
	}
	return Value{Text: text, Source: SourceDefault}, true
}

// IsSet reports whether the dictionary has a value for name. Before name is
// read, that means that main.cf or an override sets it.
func (e *Effective) IsSet(name string) bool {
	_, ok := e.Value(name)
	return ok
}

// Expand replaces the macros in text by the values in the dictionary. After an
// error, which is recorded, the result is empty.
func (e *Effective) Expand(text string) string {
	value, _ := e.expand("", text)
	return value
}

func (e *Effective) expand(name, text string) (string, bool) {
	if strings.IndexByte(text, '$') < 0 {
		return text, true // as Expand would, for nothing
	}
	x := mainconf.Expander{
		Lookup: func(name string) (string, bool, error) {
			v, ok := e.Value(name)
			return v.Text, ok, nil
		},
		Warn:    e.warn,
		MaxWork: e.maxWork,
	}
	if e.p.Profile.Version >= 3_11_00 {
		x.Function = e.p.Host.Function
	}
	value, err := x.Expand(text)
	if err != nil {
		e.maxWork = workAfter(err, e.maxWork)
		x.MaxWork = e.maxWork
		v, ok := badText(x, text, e.Value)
		if !ok {
			v, _ = e.Value(name)
		}
		e.failOf(name, v, macroError(err, "mail_dict"), err)
		return "", false
	}
	return value, true
}

func itoa(n int) string { return strconv.Itoa(n) }
