package postconf

import (
	"errors"
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// makeDefaults prepares what computes the defaults that depend on the host and
// on main.cf, which is nil with -d.
func (r *run) makeDefaults(doc *mainconf.Main, overrides []mainconf.Setting) {
	r.defaults = params.Resolver{
		Profile:      r.Profile,
		Main:         doc,
		Overrides:    overrides,
		DefaultsOnly: r.request.mode&showDefaults != 0,
		ProcessName:  processName(r.Name),
		PID:          r.PID,
		Host:         r.Host,
		Warn:         r.warn,
		Info:         r.verbosely,
	}
}

// processName returns what follows the last slash. Source: Postfix 3.10
// basename.c.
func processName(argv0 string) string {
	return argv0[strings.LastIndexByte(argv0, '/')+1:]
}

// defaultValue returns the default of a parameter as it is printed.
func (r *run) defaultValue(n node) (string, error) {
	if !n.computed {
		return n.value, nil
	}
	value, _, err := r.defaults.Default(n.name)
	if err != nil {
		return "", asFatal(err)
	}
	return value.Text, nil
}

// asFatal turns an error of package params into the one that ends the run.
func asFatal(err error) error {
	if failed := asParamsError(err); failed != nil {
		return &Fatal{failed.Text}
	}
	return &Fatal{err.Error()}
}

func asParamsError(err error) *params.Error {
	var failed *params.Error
	if errors.As(err, &failed) {
		return failed
	}
	return nil
}
