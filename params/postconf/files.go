package postconf

import (
	"errors"
	"maps"
	"slices"
	"syscall"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params/directfile"
	"github.com/qmqpd/qmqpd/params/errno"
)

// snapshotTries bounds how often a file is read that keeps changing.
const snapshotTries = 10

// errNotRegular is the error for a file that cannot be read as a whole.
var errNotRegular = errors.New("not a regular file")

// readSnapshot returns a file's contents as they were at one moment: it reads
// again if the file changed meanwhile. Stock rather waits until a file has
// been left alone for two seconds (dict.c, dict_load_file_xt).
func readSnapshot(path string) (data []byte, opened bool, err error) {
	for range snapshotTries {
		var stable bool
		if data, opened, stable, err = readOnce(path); err != nil || stable {
			break
		}
	}
	return data, opened, err
}

func readOnce(path string) (data []byte, opened, stable bool, err error) {
	file, err := directfile.Open(path)
	if err != nil {
		return nil, false, false, err
	}
	defer file.Close()
	before, err := file.Version()
	if err != nil {
		return nil, true, false, err
	}
	data, err = file.ReadAll()
	if err != nil {
		return data, true, false, err
	}
	after, err := file.Version()
	if err != nil {
		return data, true, false, err
	}
	return data, true, before == after, nil
}

// settings are the name = value pairs of main.cf or of a master.cf service.
type settings map[string]string

// sorted returns the names, sorted.
func (s settings) sorted() []string { return slices.Sorted(maps.Keys(s)) }

// scope is a master.cf entry, and what is known about its parameters.
type scope struct {
	*mainconf.Service
	nameSpace string
	// processName is the value of $process_name.
	processName string
	// settings are shared by the entries with the same name and type. Nil if
	// the entry, and those before it, have none. Source: Postfix 3.10
	// postconf_user.c, pcf_register_user_parameters.
	settings settings
	group    *group // nil without settings
	program  *program
}

// readMain reads main.cf and applies -o.
func (r *run) readMain() error {
	var presets []mainconf.Setting
	if r.explicitDir {
		presets = append(presets, mainconf.Setting{Name: "config_directory", Value: r.configDir})
	}
	doc, err := r.parseMain(presets...)
	if err != nil {
		return err
	}
	for e := range doc.Effective {
		r.main[e.Name] = e.Value
	}
	var overrides []mainconf.Setting
	for _, arg := range r.request.overrides {
		name, value, err := mainconf.SplitNameValue(arg)
		if err != nil {
			return &Fatal{"invalid parameter override: " + arg + ": " + err.Error()}
		}
		r.main[name] = value
		overrides = append(overrides, mainconf.Setting{Name: name, Value: value})
	}
	r.makeDefaults(doc, overrides)
	return nil
}

// parseMain reads and parses main.cf.
func (r *run) parseMain(presets ...mainconf.Setting) (*mainconf.Main, error) {
	data, opened, err := readSnapshot(r.mainPath)
	if err != nil {
		what := "open "
		if opened {
			what = "read "
		}
		return nil, &Fatal{what + r.mainPath + ": " + errno.Text(err)}
	}
	doc, err := mainconf.ParseMain(r.mainPath, data, presets...)
	return doc, r.report(doc.Warnings, err)
}

// report prints what a parser warned about, up to its first error, and
// returns that.
func (r *run) report(warnings []mainconf.Warning, err error) error {
	first := mainconf.FirstError(err)
	if first != nil {
		warnings = warnings[:first.Warnings]
	}
	for _, w := range warnings {
		if w.Kind == mainconf.WarnNull && !r.traits.nullWarnings {
			continue
		}
		r.warn(w.String())
	}
	if first != nil {
		return &Fatal{first.Text}
	}
	return err
}

// readMaster reads master.cf. A file that cannot be opened is an error only if
// required.
func (r *run) readMaster(required bool) error {
	data, opened, err := readSnapshot(r.masterPath)
	if err != nil && !opened {
		text := "open " + r.masterPath + ": " + errno.Text(err)
		if required {
			return &Fatal{text}
		}
		r.warn(text)
		return nil
	}
	// As in stock, a read error looks like the end of the file.
	doc, err := mainconf.ParseMaster(r.masterPath, data)
	if err := r.report(doc.Warnings, err); err != nil {
		return err
	}
	r.master = doc
	r.services = make([]*scope, len(doc.Services))
	for i, s := range doc.Services {
		r.services[i] = &scope{Service: s, nameSpace: s.NameSpace(), processName: s.ProcessName()}
	}
	if r.traits.lastProgram {
		r.shareLastProgram()
	}
	return nil
}

// shareLastProgram gives entries with the same name and type the $process_name of
// the last of them. Source: Postfix 3.8.0 postconf_master.c,
// pcf_parse_master_entry.
func (r *run) shareLastProgram() {
	last := make(map[string]string)
	for _, s := range r.services {
		last[s.nameSpace] = s.processName
	}
	for _, s := range r.services {
		s.processName = last[s.nameSpace]
	}
}

// readClient reads the configuration file of a database client. Opened is set
// if what failed, if anything, was to read the file.
func readClient(path string) (data []byte, opened bool, err error) {
	// Stock would wait for the other end of a FIFO.
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, false, err
	}
	var st syscall.Stat_t
	err = syscall.Fstat(fd, &st)
	syscall.Close(fd)
	if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, false, errNotRegular
	}
	return readSnapshot(path)
}
