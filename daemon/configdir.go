package daemon

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/errno"
)

// configFiles are main.cf and master.cf.
type configFiles struct {
	main   *mainconf.Main
	master *mainconf.Master // nil if there is none
}

// readConfigDir reads the files of a configuration directory. main.cf must
// exist, unless dir is empty. All syntax errors are reported, each with file and
// line.
func readConfigDir(dir string) (configFiles, error) {
	if dir == "" {
		main, err := mainconf.ParseMain("main.cf", nil)
		return configFiles{main: main}, err
	}
	var files configFiles
	var errs *multierror.Error
	path := filepath.Join(dir, "main.cf")
	data, _, err := readFile(path)
	if err != nil {
		return files, err
	}
	if files.main, err = mainconf.ParseMain(path, data); err != nil {
		errs = multierror.Append(errs, err)
	}
	// Three programs read these values, each with a process_name of its own before.
	// That main.cf overrides it is said once.
	preset, _ := mainconf.ParseMain(path, data, params.Presets("qmqpd", dir)...)
	files.main.Warnings = preset.Warnings
	path = filepath.Join(dir, "master.cf")
	switch data, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		errs = multierror.Append(errs, errors.New("open "+path+": "+errno.Text(err)))
	default:
		if files.master, err = mainconf.ParseMaster(path, data); err != nil {
			errs = multierror.Append(errs, locatedAll(err)...)
		}
	}
	return files, errs.ErrorOrNil()
}

// locatedAll puts file and line in front of those errors of a parser that lack
// them.
func locatedAll(err error) []error {
	var errs []error
	for _, e := range mainconf.Errors(err) {
		errs = append(errs, e.Located())
	}
	return errs
}

// imitated is the Postfix whose parameters and defaults the server takes: the
// one that is installed, but none older than 3.10, whose qmqpd this is.
func imitated() params.Profile {
	profile, _ := params.Installed()
	profile.Version = max(profile.Version, params.DefaultProfile().Version)
	return profile
}
