package postconf

import (
	"os"
	"slices"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/errno"
)

// wanted returns the configuration directory that the command line or the
// environment names.
func (r *run) wanted() (dir string, explicit bool) {
	if dir, explicit = r.request.ConfigDir(); explicit {
		return dir, true
	}
	return r.Getenv("MAIL_CONFIG")
}

// locate finds the configuration directory. Source: Postfix 3.10
// postconf_misc.c.
func (r *run) locate() {
	dir, explicit := r.wanted()
	if !explicit || untrusted() {
		dir, explicit = params.DefaultConfigDir, false
	}
	r.explicitDir = explicit
	r.setDir(dir)
}

func (r *run) setDir(dir string) {
	r.configDir = dir
	r.mainPath = dir + "/main.cf"
	r.masterPath = dir + "/master.cf"
	r.main = settings{}
	if r.explicitDir {
		r.main["config_directory"] = dir
	}
}

// locateCommon finds the configuration directory as the daemons do. Source:
// Postfix 3.10 mail_conf.c, mail_conf_suck.
func (r *run) locateCommon() error {
	dir, explicit := r.wanted()
	if !explicit {
		dir = params.DefaultConfigDir
	}
	if dir != params.DefaultConfigDir && untrusted() {
		if err := r.authorize(dir); err != nil {
			return err
		}
	}
	r.setDir(dir)
	return nil
}

// authorize makes sure that the main.cf that needs no word of the user allows a
// configuration directory. Source: Postfix 3.10 mail_conf.c, mail_conf_checkdir.
func (r *run) authorize(dir string) error {
	const path = params.DefaultConfigDir + "/main.cf"
	data, opened, err := readSnapshot(path)
	if err != nil {
		what := "open"
		if opened {
			what = "read"
		}
		return &Fatal{what + " file " + path + ": " + errno.Text(err)}
	}
	doc, _ := mainconf.ParseMain(path, data) // stock passes over lines that are none
	allows := func(e mainconf.Entry) bool {
		return (e.Name == "alternate_config_directories" || e.Name == "multi_instance_directories") &&
			slices.Contains(mainconf.SplitList(e.Value), dir)
	}
	found := slices.IndexFunc(doc.Entries, allows)
	for _, w := range doc.Warnings {
		if w.Kind == mainconf.WarnOverride || found >= 0 && w.Line > doc.Entries[found].Line.Last {
			continue // not of reading, or stock reads no further
		}
		r.warn(w.String())
	}
	if found >= 0 {
		return nil
	}
	r.error("unauthorized configuration directory name: " + dir)
	return &Fatal{"specify \"alternate_config_directories = " + dir + "\" or \"multi_instance_directories = " + dir + "\" in " + path}
}

// untrusted reports whether the process has more rights than its user, whose
// environment and command line must then not be believed. Source: Postfix 3.10
// unsafe.c.
func untrusted() bool {
	uid, euid := os.Getuid(), os.Geteuid()
	if uid == 0 && euid == 0 {
		return false
	}
	return uid != euid || os.Getgid() != os.Getegid()
}
